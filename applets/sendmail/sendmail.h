/* sendmail - what the files of sendmail and mailq share */
#ifndef SENDMAIL_SENDMAIL_H
#define SENDMAIL_SENDMAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mime/outgoing.h"
#include "os/conf.h"

/* A message on its way from stdin to the mail system. */
struct sendmail_message {
	const struct conf *conf;
	struct outgoing out;
	const char *sender;		/* envelope; "" is the null sender */
	int fd;				/* the message, LF lines */
	uint64_t size;
	bool bad;			/* no message: EX_DATAERR */
};

/*
 * intake.c: reads a message from `in` up to its end, or to a line of one
 * dot, into m->fd. 0 or -1.
 */
int sendmail_intake(struct sendmail_message *m, int in, bool dot_ends,
		struct err *err);

/*
 * newaliases.c, only with NEWALIASES; of sendmail -bi and -I, too: says how many
 * aliases there are, or what is wrong. The exit status.
 */
int sendmail_aliases(const char *conf_path);

/*
 * mailq.c, of sendmail -bp and -q: the exit status. conf_path may be NULL;
 * which: "I" and an id, "R" and "S" with an address or domain, NULL: all.
 */
enum sendmail_queue { SENDMAIL_LIST, SENDMAIL_TRY, SENDMAIL_TRY_QUIETLY };
int sendmail_queue(const char *conf_path, enum sendmail_queue what,
		const char *which);
/* verify.c: -bv; the exit status. */
int sendmail_verify(const char *conf_path, char **rcpt, int n);

#endif
