/* submit - a program of this machine hands a message to the mail system
 *
 * Used by sendmail and mail. The first way that is there takes the message:
 *   1. smtpd's submission socket below run-dir (SO_PEERCRED names the sender),
 *   2. queue's own socket, likewise (QUEUE_SUBMIT),
 *   3. with sendmail-direct, or where there is no queue in this build: the
 *      smarthost, and the caller waits for it,
 *   4. as root: the spool, for the next run of the daemons.
 * It lies in store, not in net, because the third way needs the spool.
 */
#ifndef STORE_SUBMIT_H
#define STORE_SUBMIT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "os/conf.h"

#define SUBMIT_SOCKET "submit"	/* below run-dir, SOCK_STREAM */

struct submit_options {
	/* the reports that are asked for (mime/dsn.h), where the way taken knows of them */
	const char *message;		/* RET= and ENVID=, or NULL */
	const char *rcpt;		/* NOTIFY= of every recipient, or NULL */
	bool utf8_header;		/* an address in the header needs SMTPUTF8 */
};

/*
 * Blocks. The message is fd's octets [start, start+size) with LF lines; sender
 * "" is the null sender, o may be NULL. SMTPUTF8 (RFC 6531) is asked for where
 * an address needs it. 0: on stable storage for all recipients. -1: not
 * taken for one at least; err says for whom and why (ERR_PERM, ERR_AUTH: do
 * not try again; else it may work later). When some were refused and others
 * taken, err's text begins with the first one refused and ends in "(2 of 5)".
 */
int submit_message(const struct conf *conf, const char *sender,
		const char *const *rcpt, unsigned n, int fd, int64_t start,
		uint64_t size, const struct submit_options *o, struct err *err);

/*
 * A blocking descriptor of that socket, smtpd speaks first. -1 with err
 * (ERR_TEMP: smtpd does not run).
 */
int submit_connect(const struct conf *conf, struct err *err);

#endif
