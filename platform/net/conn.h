/* conn - a connection: lines or blocks in, printf out, TLS on the same object
 *
 * An idle conn owns no buffer: one is taken when bytes arrive or leave and
 * given back when empty. All callbacks come from the loop; conn_close inside
 * one is legal (memory goes after it has returned). STARTTLS injection dies
 * here: conn_starttls drops whatever plain bytes are still in the buffer.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/err.h"
#include "base/span.h"
#include "net/loop.h"
#include "net/tls.h"

struct conn;

enum conn_event {
	CONN_UP,	/* connect() has succeeded (client side) */
	CONN_TLS,	/* the TLS handshake is done */
	CONN_INPUT,	/* bytes are there: conn_line or conn_peek/conn_skip */
	CONN_DRAINED,	/* the output went from over CONN_OUT_MARK to none */
	CONN_EOF,	/* the peer has closed its side; all input was told */
	CONN_TIMEOUT,	/* nothing came for the time set by conn_timeout */
	CONN_ERROR	/* it broke: conn_error() says; only close remains */
};
/*
 * CONN_INPUT is given again and again in later turns while there is input that
 * was not consumed AND some was consumed in the last call, or when more came; a
 * callback that wants to stop calls conn_pause.
 */
typedef void conn_fn(struct conn *c, enum conn_event event, void *arg);

#define CONN_BUFFER 4096	/* of input: the longest line, CRLF included */
#define CONN_OUT_MARK 16384	/* over this stop and wait for CONN_DRAINED */
#define CONN_OUT_MOST 65536	/* over this the conn breaks with CONN_ERROR */

/*
 * Takes fd (set non-blocking, TCP_NODELAY). NULL, with fd closed: no memory,
 * or the peer has gone again.
 */
struct conn *conn_new(struct loop *l, int fd, conn_fn *fn, void *arg);
/*
 * Starts connect(); CONN_UP or CONN_ERROR follows, never inside this call.
 * NULL with err.
 */
struct conn *conn_connect(struct loop *l, const struct sockaddr *addr,
		socklen_t len, conn_fn *fn, void *arg, struct err *err);
struct conn *conn_connect_unix(struct loop *l, const char *path, conn_fn *fn,
		void *arg, struct err *err);
/* Hands the conn to another owner. Input that is there is delivered to it. */
void conn_owner(struct conn *c, conn_fn *fn, void *arg);
/* False once it was closed or given away: asked by loops over its input. */
bool conn_owned_by(const struct conn *c, conn_fn *fn, const void *arg);

/* Output waits for TLS and for the socket. After a break they do nothing. */
void conn_write(struct conn *c, const void *p, size_t n);
void conn_puts(struct conn *c, const char *s);
/*
 * For who makes the output where it is sent from: room for n bytes, of which
 * conn_added says how many came. NULL: the conn is broken.
 */
char *conn_room(struct conn *c, size_t n);
void conn_added(struct conn *c, size_t n);
void conn_printf(struct conn *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Bytes not yet taken by the kernel. */
size_t conn_out_pending(const struct conn *c);
/* Another mark than CONN_OUT_MARK for this one. */
void conn_out_mark(struct conn *c, unsigned mark);
/* False when over CONN_OUT_MARK: wait for CONN_DRAINED. */
bool conn_out_ready(const struct conn *c);
/*
 * Output is sent at the end of the turn, in one write; conn_flush sends now.
 */
void conn_flush(struct conn *c);

enum conn_line { CONN_LINE_NONE, CONN_LINE_OK, CONN_LINE_LONG, CONN_LINE_BARE };
/*
 * Takes one line off the input. OK: *line without its CRLF, good until the
 * callback returns (outside of one: until the loop runs) or the conn is
 * closed. BARE: it ended in LF without CR or held a bare CR
 * (given in *line all the same). LONG: longer than max (CRLF included,
 * max <= CONN_BUFFER); it is swallowed up to its LF and reported once.
 */
enum conn_line conn_line(struct conn *c, size_t max, struct span *line);
/*
 * Does the input begin at the start of a line? What is left of one that was too
 * long is dropped first, as far as it is there.
 */
bool conn_at_line(struct conn *c);
/* The input there is, without taking it; then take n of it. */
struct span conn_peek(struct conn *c);
void conn_skip(struct conn *c, size_t n);
bool conn_has_input(const struct conn *c);

/* No CONN_INPUT, CONN_EOF, no reading, until conn_resume. */
void conn_pause(struct conn *c);
/* Input that is already there is delivered from the loop. */
void conn_resume(struct conn *c);

/*
 * ms without any byte arriving, or leaving for the kernel, before
 * CONN_TIMEOUT; 0: none. Re-arms now. Also runs while connecting and paused.
 */
void conn_timeout(struct conn *c, int64_t ms);

/*
 * Pending output is flushed in plain first, plain input dropped, then the
 * handshake (60 s at most); CONN_TLS or CONN_ERROR follows. name, verify as
 * tls_new. -1 with err when it could not start: the conn is as before.
 */
int conn_starttls(struct conn *c, struct tls_ctx *ctx, const char *name,
		unsigned verify, struct err *err);
/* tls_expect; right after conn_starttls. */
void conn_expect(struct conn *c, const struct tls_expect *e);
/* tls_fault, also when CONN_ERROR has come. */
enum tls_fault conn_tls_fault(const struct conn *c);
bool conn_is_tls(const struct conn *c);
/* Plain bytes came behind STARTTLS or its reply and were dropped: log it. */
bool conn_had_injection(const struct conn *c);
/*
 * "TLSv1.3 with CIPHER", and ", client certificate known" and such where there
 * is one; "" in plain.
 */
const char *conn_tls_text(const struct conn *c);
/* Server side: the client's certificate; NULL: none. */
const struct tls_peer *conn_tls_peer(const struct conn *c);

/* tls_binding of this connection; 0 in plain. */
size_t conn_binding(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST]);

/* Flushes what is pending (for at most 5 s more), then closes and frees. */
void conn_close(struct conn *c);
/*
 * Nothing more goes in or out; CONN_ERROR comes from the loop. why NULL: out
 * of memory. The first error is the one that is kept.
 */
void conn_break(struct conn *c, const struct err *why);
/* Closes at once. */
void conn_abort(struct conn *c);

const struct err *conn_error(const struct conn *c);
/*
 * "[192.0.2.1]", "[IPv6:2001:db8::1]", "[unix]": the peer as RFC 5321 4.1.3
 * writes it. IPv4 in IPv6 is IPv4, here and in conn_peer_addr.
 */
const char *conn_peer(const struct conn *c);
const struct sockaddr *conn_peer_addr(const struct conn *c);
/* From now on it is this: what a trusted front end says of its client. */
void conn_set_peer(struct conn *c, const struct sockaddr *sa, socklen_t len);
int conn_fd(const struct conn *c);

#endif
