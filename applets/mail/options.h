/* options - what the command line says, and the two modes of it */
#ifndef MAIL_OPTIONS_H
#define MAIL_OPTIONS_H

#include "mail/mail.h"
#include "os/opt.h"

struct mail_options {
	const char *subject, *from, *user, *account, *list;
	const char *type, *quoted;
	struct opt_list cc, bcc, more, fields, set;
	bool file, exists, headers, no_headers, ignore, bare, setup;
	bool template, skip_empty, record, escapes, debug;
	bool read_only, verbose;
};

/* Gives the index of the first address or file; what is wrong ends us. */
int mail_options_parse(int argc, char **argv, struct mail_options *o);
/*
 * "mail bob -- -f alice": what follows the addresses and begins with a - is
 * for sendmail, as bsd-mailx and s-nail have it. Gives how many addresses
 * there are, or -1 with m->err.
 */
int mail_options_sendmail(struct mail *m, struct mail_options *o, char **v,
		int n);

/* Send Mode, as POSIX calls it: one message. The exit status. */
int mail_send_mode(struct mail *m, struct mail_options *o, char **addresses,
		int n);
/* Receive Mode; file: what follows the options, or NULL. The exit status. */
int mail_read_mode(struct mail *m, const struct mail_options *o,
		const char *file);

#endif
