/* strip - takes Return-Path fields out of a message that streams by
 *
 * RFC 5321 4.4: only final delivery adds one, so those that come in are not
 * true. Pure; octets go on as they come, but for the first ones of a line that
 * may become such a field.
 */
#ifndef SMTPD_STRIP_H
#define SMTPD_STRIP_H

#include <stdbool.h>
#include "base/span.h"

struct smtpd_strip {
	unsigned char state;	/* private */
	unsigned char n;	/* octets of "return-path" that were kept back */
	char held[11];
};

void smtpd_strip_init(struct smtpd_strip *s);
/*
 * put gets what stays, in pieces with at least an octet; -1 of it ends this
 * call, and is its value. piece has CRLF lines.
 */
int smtpd_strip(struct smtpd_strip *s, struct span piece,
		int (*put)(void *arg, struct span piece), void *arg);
/* The message is over: what was kept back. 0 or -1, as put says. */
int smtpd_strip_end(struct smtpd_strip *s,
		int (*put)(void *arg, struct span piece), void *arg);

#endif
