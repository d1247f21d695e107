/* sasl - the steps of PLAIN and LOGIN on both sides (RFC 4616, 4954, 5034) */
#ifndef NET_SASL_H
#define NET_SASL_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define SASL_TEXT 255		/* longest user name, longest password */

/* Server side: one per running AUTH command. Wipe with sasl_wipe. */
struct sasl {
	unsigned char mechanism, step;	/* private */
	char user[SASL_TEXT + 1];
	char password[SASL_TEXT + 1];
};

enum sasl_next {
	SASL_CHALLENGE,		/* send s as challenge text (already base64) */
	SASL_CHECK,		/* user and password are there: ask authd */
	SASL_CANCEL,		/* the client sent "*" */
	SASL_BAD,		/* not base64, too long, no user, no NULs */
	SASL_UNKNOWN		/* no such mechanism */
};

/* "PLAIN LOGIN" */
const char *sasl_mechanisms(void);
/* args of AUTH: mechanism and optional initial response ("=" is empty). */
enum sasl_next sasl_start(struct sasl *s, struct span args,
		const char **challenge);
/* One line from the client. */
enum sasl_next sasl_step(struct sasl *s, struct span line,
		const char **challenge);
void sasl_wipe(struct sasl *s);

/* Client side: base64 of PLAIN's message, appended to out. */
void sasl_plain(struct str *out, struct span user, struct span password);

#endif
