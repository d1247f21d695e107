/* conn_private - what the files of conn share: a conn from inside */
#ifndef NET_CONN_PRIVATE_H
#define NET_CONN_PRIVATE_H

#include <netinet/in.h>
#include "net/conn.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_OPEN,
	CONN_BEFORE_TLS,	/* plain output is on its way out first */
	CONN_HANDSHAKE,
	CONN_BROKEN,		/* CONN_ERROR is told or will be */
	CONN_DRAIN,		/* closed by the owner, output still to go */
	CONN_LINGER,		/* all is sent: reads on, or a reset eats it */
	CONN_DEAD		/* freed as soon as its last callback returns */
};

#define CONN_PEER_SIZE 56	/* "[IPv6:" INET6_ADDRSTRLEN "]" */

union conn_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct conn {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer timer;
	struct loop_task flush;		/* at the end of this turn */
	struct loop_task again;		/* in the next turn: what is untold */
	conn_fn *fn;
	void *arg;

	char *in, *out;			/* NULL when empty */
	unsigned in_at, in_n, in_used;	/* of CONN_BUFFER; used: most so far */
	unsigned out_at, out_n, out_size, out_used;
	unsigned out_mark;
	unsigned plain_left;		/* of out, to go before the handshake */

	struct err *error;
	struct tls *tls;
	char *tls_text;			/* NULL until the handshake is done */
	unsigned tls_want;		/* what the handshake waits for */
	int64_t timeout, heard;		/* ms; loop_now() of the last byte */
	int64_t deadline;		/* of handshake or closing */

	unsigned char state;		/* enum conn_state */
	unsigned char depth;		/* callbacks from the loop under way */
	bool paused;
	bool noisy;	/* something came while it was paused */
	bool fresh;			/* input the owner has not seen yet */
	bool consumed;			/* it took some in the last INPUT */
	bool skipping;			/* swallowing the rest of a long line */
	bool eof, eof_told;
	bool out_blocked;		/* the kernel takes no more now */
	bool out_broken;		/* writing failed: read what is left */
	bool over_mark, drained;	/* drained: CONN_DRAINED to be told */
	bool error_told;
	bool read_wants_write, write_wants_read;	/* TLS */
	bool injection;

	union conn_addr addr;
	char peer[CONN_PEER_SIZE];
};

/* -- conn.c: life and death -- */
/* Around each callback of the loop; conn_leave may free c. */
void conn_enter(struct conn *c);
void conn_leave(struct conn *c);
void conn_destroy(struct conn *c);
void conn_keep_error(struct conn *c, const struct err *why);

/* -- conn_io.c: the socket and the loop -- */
void conn_callbacks(struct conn *c);
unsigned conn_wanted(const struct conn *c);
/* After the owner took or gave something; in a callback conn_leave does it. */
void conn_settle(struct conn *c);
void conn_tell(struct conn *c, enum conn_event event);
void conn_note_traffic(struct conn *c);
void conn_write_some(struct conn *c);
void conn_all_sent(struct conn *c);

/* -- conn_tls.c -- */
void conn_begin_handshake(struct conn *c);
void conn_handshake(struct conn *c);

/* -- conn_buffer.c -- */
/* Buffers may have held passwords: they are wiped before they go. */
void conn_free_in(struct conn *c);
void conn_free_out(struct conn *c);

#endif
