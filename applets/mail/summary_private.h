/* summary_private - the line of a message, being made */
#ifndef MAIL_SUMMARY_PRIVATE_H
#define MAIL_SUMMARY_PRIVATE_H

#include "mail/mail.h"

struct summary {
	struct mail *m;
	unsigned n;
	unsigned used, columns;
	struct str header, text;
};

/* Each puts one thing into the line; width 0: as wide as it is. */

/* Text of others: what fits, and blanks up to width. 0: up to the end. */
void mail_summary_text(struct summary *l, struct span text, unsigned width);
void mail_summary_number(struct summary *l, uint64_t n, unsigned width,
		bool left);
/* The sender; of one's own mail, with showto, whom it went to. */
void mail_summary_sender(struct summary *l, unsigned width);
/* When it came, or with datefield when it was sent. */
void mail_summary_date(struct summary *l, unsigned width);
void mail_summary_subject(struct summary *l, unsigned width, bool quoted);
/* Where it stands in the tree of its thread. */
void mail_summary_tree(struct summary *l);

/* How many lines the message has: it is read for that. */
uint64_t mail_summary_lines(struct summary *l);
/* The letter of a message's state. */
char mail_summary_state(struct mail *m, unsigned n);

#endif
