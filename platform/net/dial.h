/* dial - connects to whichever of several addresses answers (RFC 8305 5 in spirit)
 *
 * Addresses of one preference are tried 300 ms apart without giving up those
 * before, so that a family that leads nowhere costs no more than that; worse ones
 * only when the better have failed or had 10 s. An address has 10 s while others
 * are left, then connect-timeout. At most three are under way at a time.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>
#include "net/conn.h"
#include "net/mx.h"

#define DIAL_STEP_MS 300	/* RFC 8305 8: 250 ms, no less than 10, up to 2 s */
#define DIAL_SHORT_MS 10000
#define DIAL_PENDING 3

/*
 * From the loop, never from within dial_start. t and conn: connected, the conn
 * is the caller's. t alone: this one cannot be reached, why says it; the rest
 * is still tried, and dial_cancel is not allowed now. Neither: none is left.
 * After the first and the last the dial is gone.
 */
typedef void dial_fn(void *arg, const struct mx_target *t, struct conn *conn,
		const struct err *why);

struct dial;
/*
 * Of the n targets, best first, those whose bit is not in skip. They are the
 * caller's and stay as they are. NULL: no memory. timeout in seconds.
 */
struct dial *dial_start(struct loop *l, const struct mx_target *targets,
		unsigned n, uint32_t skip, unsigned timeout, dial_fn *fn,
		void *arg);
void dial_cancel(struct dial *d);	/* NULL is fine */

#endif
