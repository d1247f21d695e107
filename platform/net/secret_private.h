/* secret_private - what secret*.c share */
#ifndef NET_SECRET_PRIVATE_H
#define NET_SECRET_PRIVATE_H

#include <sys/stat.h>
#include <sys/types.h>
#include "net/oauth.h"
#include "net/secret.h"

#define SECRET_PASSWORD_SIZE 256

/* A file as it was: another one, or another content, is another mark. */
struct secret_mark {
	dev_t dev;
	ino_t ino;
	struct timespec time;
	off_t size;
};

struct secret {
	const struct secret_env *env;
	const struct conf_smarthost *host;
	char text[OAUTH_TOKEN_SIZE];
	bool have;
	bool anew;			/* got because another was refused */
	int64_t good_until;		/* clock_ms() */
	secret_done_fn *done;		/* NULL: nobody waits */
	void *arg;

	/* a command that runs */
	pid_t pid;
	struct loop_watch out;		/* fd -1: closed */
	struct loop_timer timer;
	char *output;
	size_t n;
	int64_t deadline;

	/* token-file */
	struct http *http;
	struct oauth_credential *credential;	/* NULL: not read */
	bool unsaved;			/* newer than its file */
	bool reread;			/* after a refusal, once */
	struct secret_mark mark;	/* of the file that it is from */
	bool barred;
	int64_t barred_until;
	struct err why;			/* of that */
};

/* Ends what is under way: who waits is told. From the loop. */
void secret_finish(struct secret *s, const struct err *err);
/* A new text is there. */
int secret_set(struct secret *s, struct span text, size_t most,
		struct err *err);

/* ---- secret_command.c */
int secret_command_start(struct secret *s, const char *command,
		struct err *err);
void secret_command_stop(struct secret *s);

/* ---- secret_oauth.c */
int secret_oauth_start(struct secret *s, struct err *err);
bool secret_oauth_peek(struct secret *s);
void secret_oauth_stop(struct secret *s);
void secret_oauth_free(struct secret *s);
/* The file as it is; zeros: there is none. */
struct secret_mark secret_oauth_mark(const struct secret *s);
bool secret_mark_same(const struct secret_mark *a,
		const struct secret_mark *b);

#endif
