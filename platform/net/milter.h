/* milter - a mail filter that is asked about sessions and messages
 *
 * The MTA's side of the protocol in milter_packet.h, one connection of one
 * session. One command is open at a time; its answer, and all else, comes from
 * the loop.
 */
#ifndef NET_MILTER_H
#define NET_MILTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include "net/loop.h"
#include "net/milter_packet.h"

struct milter;

enum milter_event {
	MILTER_OPEN,	/* connected and negotiated */
	MILTER_CHANGE,	/* behind MILTER_END: to be done to the message */
	MILTER_ANSWER,	/* the open command's: the one that ends it */
	MILTER_ROOM,	/* output has drained: the message may go on */
	MILTER_FAILED	/* it is of no use any more: close it */
};
/* r: of CHANGE and ANSWER; good until the call ends. */
typedef void milter_fn(struct milter *m, enum milter_event event,
		const struct milter_reply *r, void *arg);

/*
 * Connects and negotiates: MILTER_OPEN or MILTER_FAILED follows. ms: the
 * longest silence while something is waited for. NULL with err.
 */
struct milter *milter_new(struct loop *l, const struct sockaddr *addr,
		socklen_t len, int64_t ms, milter_fn *fn, void *arg,
		struct err *err);
/* Says QUIT. Legal inside the callback; none follows. */
void milter_close(struct milter *m);
/* Of MILTER_FAILED: why. */
const char *milter_error(const struct milter *m);

/* Is it to be told of this stage? */
bool milter_wants(const struct milter *m, enum milter_stage stage);
/* May a command or a piece be given now? Otherwise a MILTER_ROOM will come. */
bool milter_ready(const struct milter *m);
/* Values keep the space behind the colon. */
bool milter_leading_space(const struct milter *m);

/*
 * What the filter has to know at this stage: value appends what a name ("j",
 * "{client_addr}") stands for, or nothing. Goes before the command.
 */
void milter_macros(struct milter *m, enum milter_stage stage,
		void (*value)(void *arg, struct span name, struct str *out),
		void *arg);
/*
 * A command with its data, at most MILTER_DATA_MOST. True: an answer will
 * come. False: none is due, as agreed.
 */
bool milter_send(struct milter *m, enum milter_stage stage, struct span data);
/* MILTER_BODY in pieces: n octets in all, which milter_piece then gives. */
void milter_body(struct milter *m, size_t n);
/* True with the last piece, when an answer will come. */
bool milter_piece(struct milter *m, struct span piece);
/* The message is over before MILTER_END has been answered. */
void milter_abort(struct milter *m);

#endif
