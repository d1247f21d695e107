/* select - message lists (POSIX mailx): which messages a command is about
 *
 *	n  n-m  +  -  .  ^  $  *  :n :o :r :u :d  /subject  sender
 *
 * n, n-m and * name messages; senders and subjects keep those that match one
 * of them; each of :n :o :r :u :d keeps those in one of these states. Without
 * names all messages are meant. Pure: the mailbox is behind `match`.
 */
#ifndef MAIL_SELECT_H
#define MAIL_SELECT_H

#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"

enum mail_select_kind {
	MAIL_SELECT_SENDER,	/* text in the sender's address, case ignored */
	MAIL_SELECT_SUBJECT,	/* text in the subject, case ignored */
	MAIL_SELECT_STATE,	/* text: one of n, o, r, u, d */
	MAIL_SELECT_DELETED
};

struct mail_select {
	unsigned count;		/* messages 1..count */
	unsigned dot;		/* the current one; 0: none */
	bool deleted;		/* the command is about deleted ones (undelete) */
	bool (*match)(void *arg, unsigned n, enum mail_select_kind kind,
			struct span text);
	void *arg;
};

/*
 * Sets set[n] for each message n that is meant (set has count + 1 bytes).
 * Gives how many, or -1 with err when the list is wrong or nothing applies.
 * Empty words mean the current message, or the nearest that is not deleted
 * (with `deleted`: that is).
 */
int mail_select(const struct mail_select *s, struct span words,
		unsigned char *set, struct err *err);

/* A word off *rest: split at blanks, "..." and '...' keep them (the quotes go). */
struct span mail_select_word(struct span *rest);

#endif
