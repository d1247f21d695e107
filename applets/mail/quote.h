/* quote - text of other messages in the one being written */
#ifndef MAIL_QUOTE_H
#define MAIL_QUOTE_H

#include "mail/draft.h"

/* How: MAIL_SHOW_... of show.h, and */
#define MAIL_QUOTE_INDENT 16	/* indentprefix before each line that is not empty */

/* Appends message n. 0 or -1 with m->err. */
int mail_quote(struct mail *m, struct mail_draft *d, unsigned n, unsigned how);
/* ~m 1-3 and its kind: each message of the list. Tells what went wrong. */
void mail_quote_list(struct mail *m, struct mail_draft *d, struct span list,
		unsigned how);
/* An answer's start: who wrote when, and what. 0 or -1 with m->err. */
int mail_quote_answer(struct mail *m, struct mail_draft *d, unsigned n,
		struct span header);
/* A forwarded message with its head line. 0 or -1 with m->err. */
int mail_quote_forward(struct mail *m, struct mail_draft *d, unsigned n);

#endif
