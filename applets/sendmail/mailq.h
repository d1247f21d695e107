/* mailq - a message as queue's LIST tells of it (applets/queue/queue_control.h) */
#ifndef SENDMAIL_MAILQ_H
#define SENDMAIL_MAILQ_H

#include "base/json_put.h"
#include "base/span.h"
#include "base/str.h"

enum {
	MAILQ_ID, MAILQ_SIZE, MAILQ_CREATED, MAILQ_NEXT, MAILQ_ATTEMPTS,
	MAILQ_STATE, MAILQ_SENDER, MAILQ_FIELDS
};

/*
 * mailq_json.c: {"id":"...","state":"held"|"sending"|"due"|"waiting","size":N,
 * "created":N,"next_try":N|null,"attempts":N,"sender":"...","recipients":[
 * {"address":"...","reason":"..."|null},...]} and LF, in three parts.
 */
void json_message(struct str *out, const struct span field[MAILQ_FIELDS]);
void json_rcpt(struct str *out, bool first, struct span address,
		struct span reason);
void json_end(struct str *out);
/* mailq_tls.c: the line behind T and its tab, and LF; us: who reports. */
void json_tls(struct str *out, const char *us, struct span line);

#endif
