/* smtp_advice - what the owner can do about a failure, in one sentence
 *
 * What providers and hosts say is known only to those who have looked it up.
 */
#ifndef NET_SMTP_ADVICE_H
#define NET_SMTP_ADVICE_H

#include "net/smtp_client.h"

#define SMTP_ADVICE_MOST 200	/* octets of the longest one, NUL included */

/*
 * NULL: none is known. clock_good: clock_plausible(). It has no full stop, and
 * names no host.
 */
const char *smtp_advice(const struct smtp_result *r, bool clock_good);
/* Appends "; what helps: ..." to text, of which there are size octets. */
void smtp_advice_add(char *text, size_t size, const struct smtp_result *r);

#endif
