/* calendar - what an invitation (text/calendar, RFC 5545) is about */
#ifndef MIME_CALENDAR_H
#define MIME_CALENDAR_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define CALENDAR_LINE 2048	/* octets of an unfolded line; what is longer is cut */
#define CALENDAR_EVENTS 50	/* of a calendar are told */

/*
 * A line of the summary. label is English for T(): "Invitation", "Cancelled", "When",
 * "Where", ...; text is what the sender wrote, UTF-8 in one line, or empty. false:
 * enough.
 */
typedef bool calendar_put_fn(void *arg, const char *label, struct span text);

enum calendar_text {
	CALENDAR_SUMMARY, CALENDAR_START, CALENDAR_FINISH, CALENDAR_DUE,
	CALENDAR_PLACE, CALENDAR_ORGANIZER, CALENDAR_RULE, CALENDAR_TEXTS
};

struct calendar {
	/* private */
	calendar_put_fn *put;
	void *arg;
	char charset[32];
	struct str line, text[CALENDAR_TEXTS];
	const char *label;
	unsigned events, attendees;
	unsigned depth;			/* components inside the event */
	bool in_event, cancelled, folded, over;
};

/* charset: what the header says, may be empty. End it in any case. */
void calendar_init(struct calendar *c, struct span charset,
		calendar_put_fn *put, void *arg);
/* Octets, the transfer encoding undone; cut anywhere. */
void calendar_put(struct calendar *c, struct span octets);
void calendar_end(struct calendar *c);

#endif
