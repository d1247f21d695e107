/* escape_private - what each ~ escape does; 0 or -1 with m->err */
#ifndef MAIL_ESCAPE_PRIVATE_H
#define MAIL_ESCAPE_PRIVATE_H

#include "mail/draft.h"

struct mail_escape {
	struct mail *m;
	struct mail_draft *d;
	struct span arg;	/* what follows the letter */
	unsigned how;		/* of the table's row */
};

/* Runs a command, its output into a file of its own. Gives that, or -1. */
int mail_escape_output(struct mail_escape *w, struct span command, int in);

int mail_escape_do_address(struct mail_escape *w);
int mail_escape_do_subject(struct mail_escape *w);
int mail_escape_do_header(struct mail_escape *w);
int mail_escape_do_attach(struct mail_escape *w);
int mail_escape_do_variable(struct mail_escape *w);
int mail_escape_do_read(struct mail_escape *w);
int mail_escape_do_quote(struct mail_escape *w);
int mail_escape_do_dead(struct mail_escape *w);
int mail_escape_do_write(struct mail_escape *w);
int mail_escape_do_filter(struct mail_escape *w);
int mail_escape_do_shell(struct mail_escape *w);
int mail_escape_do_command(struct mail_escape *w);
int mail_escape_do_edit(struct mail_escape *w);
int mail_escape_do_print(struct mail_escape *w);

#endif
