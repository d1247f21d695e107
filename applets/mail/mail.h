/* mail - what all files of the mail program share: one session */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "mail/term.h"
#include "os/conf.h"
#include "store/mailbox.h"

/* What the session has done to a message; the mailbox learns it on quit. */
enum {
	MAIL_READ = 1,		/* a system mailbox gives it to ~/mbox */
	MAIL_DELETED = 2,
	MAIL_SAVED = 4,		/* goes from a system mailbox */
	MAIL_HELD = 8,		/* stays */
	MAIL_ANSWERED = 16,
	MAIL_TO_MBOX = 32,	/* goes to ~/mbox, whatever `hold` says */
	MAIL_TOUCHED = 64,	/* as if it had been read */
	MAIL_LISTED = 128	/* the last message list had it */
};

/*
 * What is used most comes first: code that reaches it is shorter; the other way
 * round the terminal's input would stand before it.
 */
struct mail {
	/* the mailbox that is open */
	struct mailbox *box;
	unsigned char *note;	/* MAIL_..., [count + 1] */
	unsigned char *set;	/* the message list being worked on, [count + 1] */
	struct mail_order *order;	/* order.h; NULL: that of their numbers */
	unsigned count;		/* messages; numbers 1..count */
	unsigned dot;		/* the current one, 0: none */
	unsigned before;	/* what was current before it, or 0 */
	unsigned top;		/* the place where the screen of headers begins */
	bool system;		/* the user's own: what was read moves to ~/mbox */
	bool read_only;		/* what was done is lost */
	bool dot_shown;		/* Enter goes on from the current, not to it */
	/* of the session */
	bool other;		/* -u: another's mail */
	bool sending;		/* Send Mode, as POSIX has it: no mailbox */
	bool starting;		/* start-up files are being read */
	bool told_of_servers;	/* that no variable names them */
	bool too_deep;		/* all commands in each other end now */
	bool done;		/* quit or exit was said */
	int status;		/* exit status so far */
	struct span arg;	/* what follows the command's name */
	struct conf *conf;
	struct mail_var *vars;	/* var.h */
	struct mail_rc *input;	/* the file commands are read from; NULL: stdin */
	unsigned line;		/* in it */
	unsigned depth;		/* commands that run commands: source, account, ~: */
	unsigned if_depth;	/* rc.c; a bit for each level, here and in if_bad: */
	uint32_t if_skips;
	struct mail_term term;
	struct err err;		/* why the last step failed: for mail_failed */
	uint32_t if_bad;
	char login[256];	/* "alice", or with -u a virtual "alice@a.com" */
	char address[256];	/* our own: "alice@a.com" */
	char name[128];		/* full name (GECOS), may be empty */
	char home[PATH_MAX];
	char path[PATH_MAX];	/* of the mailbox */
};

/* Login, name, home and address of who runs us. */
void mail_user_find(struct mail *m);
/* The address that belongs to m->login. */
void mail_user_address(struct mail *m);

/*
 * The path behind a name that the user typed, its quotes with it (args.h):
 * +x is x in the folder directory (POSIX, "Commands in mailx"); what the
 * shell expands, it does. Never for a name that came by mail. 0 or -1 with
 * m->err.
 */
int mail_path(struct mail *m, struct span name, char out[PATH_MAX]);
/*
 * The same for a name of the command line, which the user's shell has seen, or
 * of the environment: no quotes, and no shell.
 */
int mail_path_given(struct mail *m, struct span name, char out[PATH_MAX]);
/* Makes the folder directory where path is in it: the first to write there does. */
void mail_path_make_folder(struct mail *m, const char *path);
/* The user's own mailbox, which $MAIL may name, or with -u that of another. 0 or -1 with m->err. */
int mail_path_own(struct mail *m, char out[PATH_MAX]);
/* That of a user, as whom we write from now on. 0 or -1 with m->err. */
int mail_path_user(struct mail *m, const char *user, char out[PATH_MAX]);
/* The same for %user (POSIX), none: one's own; we stay who we are. */
int mail_path_system(struct mail *m, struct span user, char out[PATH_MAX]);
/* Is it one's own, from which read mail moves to ~/mbox? */
bool mail_path_is_own(struct mail *m, const char *path);
/* The same path however the current directory changes; as it is where that has no name. */
void mail_path_absolute(const char *path, char out[PATH_MAX]);
/* Which messages a list can be about. */
enum mail_which {
	MAIL_LEFT,		/* those not deleted */
	MAIL_GONE,		/* those deleted */
	MAIL_SHOWN = 2,		/* :d shows those, too */
	MAIL_WIDE = 4		/* and a word may be in any field (search) */
};
/* Sets m->set to what a message list means (select.h). 0 or -1 with m->err. */
int mail_list(struct mail *m, struct span words, unsigned which);
/* Tells m->err; gives -1. */
int mail_failed(struct mail *m);
/* Set m->err, to the text or to "what: strerror"; give -1. */
int mail_wrong(struct mail *m, const char *text);
int mail_errno(struct mail *m, const char *what);

#endif
