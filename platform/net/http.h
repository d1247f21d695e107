/* http - one request over HTTPS, on the loop (RFC 9110, 9112)
 *
 * HTTP/1.1, one request a connection, no redirects followed, no cookies, no
 * compression. The server is verified, always. A body that ends with the
 * connection is whole when it ends (RFC 9112 6.3), be that without TLS's
 * close_notify: what is in it has to tell whether something is missing.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/err.h"
#include "base/span.h"
#include "net/dns.h"
#include "net/loop.h"
#include "net/tls.h"

struct http;

struct http_request {
	const char *method;	/* "GET", "POST" */
	const char *url;	/* https://HOST[:PORT]/PATH[?QUERY], ASCII */
	const char *type;	/* Content-Type of body; NULL: no body */
	struct span body;
	size_t most;		/* octets of the reply's body, else it fails */
	unsigned timeout;	/* seconds, for all of it */
};

struct http_reply {
	unsigned status;	/* 200..599; 1xx were skipped */
	struct span type;	/* Content-Type with its parameters; may be empty */
	struct span body;	/* without its transfer coding; whole */
};	/* good during the callback */

/*
 * r NULL: err says why; ERR_TEMP may work later (no address, no connection,
 * time-out, our clock), ERR_PERM will not soon (the certificate, the URL),
 * ERR_PROTO the server speaks no HTTP, ERR_NOMEM over `most` or out of memory.
 * The http is gone after it; http_cancel inside is not allowed.
 */
typedef void http_done_fn(void *arg, const struct http_reply *r,
		const struct err *err);

/*
 * All strings are copied (the body's copy is wiped at the end: it may be a
 * secret). verifying: a tls_client with a CA bundle. done is called once, never
 * from within. NULL with err: ERR_PERM the URL is none of ours, ERR_NOMEM.
 */
struct http *http_start(struct loop *l, struct dns *d,
		struct tls_ctx *verifying, const struct http_request *q,
		http_done_fn *done, void *arg, struct err *err);
/* At once, without a call. NULL: nothing. */
void http_cancel(struct http *h);

#endif
