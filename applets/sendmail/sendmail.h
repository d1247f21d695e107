/* sendmail - what the files of sendmail and mailq share */
#ifndef SENDMAIL_SENDMAIL_H
#define SENDMAIL_SENDMAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "os/conf.h"

#define SENDMAIL_HEADER_MOST (256 * 1024)
#define SENDMAIL_RCPT_MOST 10000

/* A message on its way from stdin to the mail system. */
struct sendmail_message {
	const struct conf *conf;
	struct arena *arena;
	const char *login;		/* who calls */
	const char *full_name;		/* for From:, or NULL */
	const char *sender;		/* envelope; "" is the null sender */
	bool rcpt_from_header;		/* -t */
	const char **rcpt;
	unsigned nrcpt, rcpt_room;
	bool utf8;			/* an address in a field is not ASCII */
	unsigned broken;		/* addresses that could not be read */
	int fd;				/* the message, LF lines */
	uint64_t size;
};

/*
 * intake.c: reads a message from `in` up to its end, or to a line of one
 * dot, into m->fd. 0 or -1.
 */
int sendmail_intake(struct sendmail_message *m, int in, bool dot_ends,
		struct err *err);

/*
 * fields.c: the header section as it came, to the one that is sent: Bcc out,
 * missing fields in, addresses made complete; with -t recipients are noted.
 */
int sendmail_fields(struct sendmail_message *m, struct span header,
		struct str *out, struct err *err);
/* Every address of the list becomes a recipient. */
void sendmail_recipients(struct sendmail_message *m, struct span list);
/* local@domain in arena memory; the domain is ours where there is none. */
const char *sendmail_complete(struct sendmail_message *m, struct span address);

/*
 * newaliases.c, only with NEWALIASES; of sendmail -bi and -I, too: says how many
 * aliases there are, or what is wrong. The exit status.
 */
int sendmail_aliases(const char *conf_path);

/* mailq.c, of sendmail -bp and -q: the exit status. conf_path may be NULL. */
int sendmail_queue(const char *conf_path, bool flush);

#endif
