/* vacation - who is to be answered, and who was (RFC 3834) */
#ifndef DELIVER_VACATION_H
#define DELIVER_VACATION_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

#define VACATION_DAYS 7			/* one answer to a sender in so many */
#define VACATION_SEEN_MOST 500		/* senders that are remembered */
#define VACATION_RECORD 28		/* octets of each in the file */

/*
 * vacation_judge.c: why there must be no answer to this message, or NULL.
 * header: its header section, LF lines; sender: the envelope's; is_own: is this
 * an address of the user's? (the span is good for the call only).
 */
const char *vacation_why_not(struct span header, const char *sender,
		bool (*is_own)(void *arg, struct span address), void *arg);

/*
 * vacation_seen.c: a file of lines, the hash of a sender and when he was
 * answered; when there are too many the oldest makes room. fd: of it, locked by
 * the caller. Where in the file to note this sender; -1: he was answered since
 * `since`, or with err->kind set: the file cannot be read.
 */
int64_t vacation_seen(int fd, const char *sender, int64_t since, int64_t now,
		struct err *err);
int vacation_note(int fd, int64_t at, const char *sender, int64_t now,
		struct err *err);

#endif
