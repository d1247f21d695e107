/* options - what the command line says, and the two modes of it */
#ifndef MAIL_OPTIONS_H
#define MAIL_OPTIONS_H

#include "mail/mail.h"
#include "os/opt.h"

struct mail_options {
	const char *subject, *from, *user, *list;
	const char *type, *quoted;
	struct opt_list cc, bcc, more, fields, set, account;
	bool file, exists, headers, no_headers, ignore, bare, setup;
	bool template, skip_empty, record, escapes, debug;
	bool read_only, verbose;
};

/* Gives the index of the first address or file; what is wrong ends us. */
int mail_options_parse(int argc, char **argv, struct mail_options *o);
/*
 * What begins with a - behind an address: options, as where getopt looks for
 * them in all places ("mail bob -s disk"); behind "--" sendmail's alone ("mail
 * bob -- -f alice"). v: the words from the first address on. They close ranks.
 * Gives how many there are, or -1 with m->err.
 */
int mail_options_behind(struct mail *m, struct mail_options *o, char **v,
		int n);
/* Is one of them about a message to be written? Then reading is not meant. */
bool mail_options_write(const struct mail_options *o);
/* -A: is it a file (mailutils), not an account (s-nail)? */
bool mail_options_file(struct mail *m, const char *name);

/* Send Mode, as POSIX calls it: one message. The exit status. */
int mail_send_mode(struct mail *m, const struct mail_options *o,
		char **addresses, int n);
/* Receive Mode; file: what follows the options, or NULL. The exit status. */
int mail_read_mode(struct mail *m, const struct mail_options *o,
		const char *file);

#endif
