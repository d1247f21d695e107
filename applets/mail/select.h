/* select - message lists (POSIX mailx): which messages a command is about
 *
 *	n  n-m  +  -  .  ^  $  *  ;  ,  `      numbers and signs
 *	bob   /disk   :u                       sender, subject, state
 * and with MAIL_SEARCH
 *	&n                                     the thread that n begins
 *	@disk  @to,cc@bob  @body@full          text in fields
 *	from bob subject disk since monday     words: all of it,
 *	from bob or not body full              ... or one of these
 *	(from bob) (or (to al) (cc al))        IMAP's SEARCH (RFC 3501, 6.4.4)
 *
 * The items of a list are added up. What a message says is for the caller to
 * look up: this knows numbers and grammar alone.
 */
#ifndef MAIL_SELECT_H
#define MAIL_SELECT_H

#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"

#define MAIL_DAY 86400		/* seconds */

/* What a message must be, or have. */
struct mail_criterion {
	enum mail_key {
		MAIL_KEY_SENDER,	/* text is in the sender, as shown */
		MAIL_KEY_FIELD,		/* text is in one of the fields "to,cc" */
		MAIL_KEY_HEADER, MAIL_KEY_BODY, MAIL_KEY_TEXT,	/* both */
		MAIL_KEY_STATE,		/* MAILBOX_...: has set, lacks clear */
		MAIL_KEY_ARRIVED,	/* from <= its value < to: local seconds */
		MAIL_KEY_SENT,
		MAIL_KEY_SIZE,		/* ... octets */
		MAIL_KEY_LISTED,	/* the list before this one had it */
		MAIL_KEY_PARENT,	/* the current message answers it */
		MAIL_KEY_THREAD		/* from: the message it comes from */
	} key;
	struct span name, text;
	bool address;			/* of the fields only the addresses */
	unsigned char set, clear;
	int64_t from, to;
};

struct mail_select {
	unsigned count;		/* messages 1..count */
	unsigned dot;		/* the current one; 0: none */
	unsigned before;	/* the one that was current before it, or 0 */
	/* their order: position -> number and back; NULL: that of the numbers */
	const unsigned *at, *place;
	/* the command is about those with (note[n] & mask) == want */
	const unsigned char *note;
	unsigned char mask, want;
	bool shows;		/* it may show what mask excludes: to :d */
	bool fields;		/* "/to:bob" is about the field To (searchheaders) */
	bool wide;		/* a bare word may be in any field shown (search) */
	int64_t now;		/* local seconds */
	bool (*match)(void *arg, unsigned n, const struct mail_criterion *c);
	void *arg;
};

/*
 * Sets set[n] for each message n that is meant (set has count + 1 bytes). 0,
 * or -1 with err when the list is wrong or nothing applies. No words mean the
 * current message, or the nearest that the command can be about.
 */
int mail_select(const struct mail_select *s, struct span words,
		unsigned char *set, struct err *err);

/* ---- what select.c and criteria.c share */

#define MAIL_WORD_MOST 255
/* A word of a list without its quotes. */
struct mail_word {
	char text[MAIL_WORD_MOST + 1];
	unsigned n;
	bool quoted;
};
/* Takes the next one off *rest; false at the end, too long, or open quotes. */
bool mail_word_take(struct span *rest, struct mail_word *w);
static inline struct span mail_word_span(const struct mail_word *w)
{
	return span_make(w->text, w->n);
}

/* Do criteria begin here, as words or in parentheses? */
bool mail_criteria_begin(const struct mail_select *s, struct span words);
/*
 * Takes them off *words. Does message n fit? n = 0: only the syntax; false
 * with err when it is wrong.
 */
bool mail_criteria(const struct mail_select *s, struct span *words, unsigned n,
		struct err *err);
/* "@fields@text" without the first @. */
void mail_criterion_at(struct span word, struct mail_criterion *c);
/* "today", "3d", "2026-11-01", "1-Nov-2026": its first second, or false. */
bool mail_day(struct span text, int64_t now, int64_t *day);

#endif
