/* order - in which order the messages are shown: sorted, in threads
 *
 * Numbers stay what they are. Without an order all of this goes by number.
 */
#ifndef MAIL_ORDER_H
#define MAIL_ORDER_H

#include "mail/mail.h"

struct mail_order {
	unsigned kind;		/* row of the table in sort.c */
	unsigned count;		/* messages that are in it */
	unsigned *at;		/* place -> number; places 1..count */
	unsigned *place;	/* number -> place */
	unsigned *parent;	/* number -> what it answers, or 0; NULL: no threads */
};

/*
 * The order that holds now, with all messages that came meanwhile; NULL: by
 * number.
 */
const struct mail_order *mail_order(struct mail *m);
/* How deep message n hangs in its thread; 0: not at all. */
unsigned mail_order_depth(struct mail *m, unsigned n);
/* sort.c: sorts by row `kind` of its table. 0 or -1 with m->err: nothing has changed. */
int mail_order_sort(struct mail *m, unsigned kind);
/* As variable autosort says, for a mailbox just opened. */
void mail_order_auto(struct mail *m);
void mail_order_free(struct mail *m);

/* Message at that place, and the place of a message (0 and 0: none). */
unsigned mail_order_at(struct mail *m, unsigned place);
unsigned mail_order_place(struct mail *m, unsigned n);
/* The message shown behind n, 0 behind the last; n = 0: the first. */
unsigned mail_order_next(struct mail *m, unsigned n);

/* The last "<id>" of a field; empty: there is none. */
struct span mail_order_last_id(struct span value);

#endif
