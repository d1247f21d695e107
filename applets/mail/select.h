/* select - message lists (POSIX mailx): which messages a command is about
 *
 *	n  n-m  +  -  .  ^  $  *
 */
#ifndef MAIL_SELECT_H
#define MAIL_SELECT_H

#include "base/err.h"
#include "base/span.h"

struct mail_select {
	unsigned count;		/* messages 1..count */
	unsigned dot;		/* the current one; 0: none */
	/* the command is about those with (note[n] & mask) == want */
	const unsigned char *note;
	unsigned char mask, want;
};

/*
 * Sets set[n] for each message n that is meant (set has count + 1 bytes). 0,
 * or -1 with err when the list is wrong or nothing applies. No words mean the
 * current message, or the nearest that the command can be about.
 */
int mail_select(const struct mail_select *s, struct span words,
		unsigned char *set, struct err *err);

#endif
