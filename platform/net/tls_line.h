/* tls_line - what a line of tls-policy asks of a connection; queue's and smtp's */
#ifndef NET_TLS_LINE_H
#define NET_TLS_LINE_H

#include "net/smtp_client.h"
#include "net/tls_pins.h"

/*
 * Sets t's tls, verify, and where it has to be name and expect; these live in p
 * and *pins, which the caller drops. `dane` comes out as `require`: its records
 * are the caller's to look up. -1: no memory.
 */
int tls_line(const struct conf_tls_policy *p, struct smtp_target *t,
		struct tls_pins **pins);
/* t needs pins, whose share is the caller's. */
void tls_demand(struct smtp_target *t, const struct tls_pins *pins);

#endif
