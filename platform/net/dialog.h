/* dialog - a command loop as a table: line in, row found, function out */
#ifndef NET_DIALOG_H
#define NET_DIALOG_H

#include "base/span.h"
#include "net/conn.h"

/*
 * A handler does its work for one line; args is what follows the verb, without
 * the blanks around it. While it waits for something (a look-up, a flush) it
 * calls dialog_hold and later dialog_go.
 */
struct dialog;
struct dialog_row {
	const char *verb;	/* upper case, the first word of the line */
	void (*run)(struct dialog *d, void *session, struct span args);
	unsigned states;	/* bit mask of states in which it is allowed */
	unsigned flags;
};
enum {
	DIALOG_NO_ARG = 1,	/* an argument is a syntax error */
	DIALOG_NEED_ARG = 2,
	DIALOG_LAST = 4,	/* must end a group (RFC 2920): see `early` */
	DIALOG_AS_IS = 8	/* args are all behind the first blank */
};

/* What is wrong with a line that no handler sees. */
enum dialog_fault {
	DIALOG_UNKNOWN, DIALOG_STATE, DIALOG_ARG, DIALOG_LONG, DIALOG_BARE,
	DIALOG_BYTES		/* NUL or control characters in the line */
};

struct dialog_spec {
	const struct dialog_row *rows;	/* ends with verb NULL */
	size_t line_max;	/* CRLF included: 512 and what extensions add */
	/* row: of DIALOG_STATE and DIALOG_ARG, else NULL */
	void (*fault)(struct dialog *d, void *session, enum dialog_fault fault,
			const struct dialog_row *row);
	/* EOF, TIMEOUT, ERROR, TLS, DRAINED */
	void (*event)(void *session, enum conn_event event);
	/* around each single call of a function here or below; or NULL */
	void (*enter)(void *session);
	void (*leave)(void *session);
};

struct dialog {
	struct conn *conn;
	const struct dialog_spec *spec;
	void *session;
	unsigned state;			/* one bit of the rows' states */
	/*
	 * When set, input goes here instead of to the rows: one line (AUTH; up
	 * to CONN_BUFFER, any bytes), or raw (DATA; called only when there is
	 * input, reads it with conn_peek and conn_skip). Cleared by the taker
	 * to go back to commands.
	 */
	void (*line)(struct dialog *d, void *session, struct span line,
			enum conn_line how);
	void (*raw)(struct dialog *d, void *session);
	/*
	 * In the handler of a DIALOG_LAST row: the client did not wait for our
	 * reply, more input is there. The owner drops or refuses it.
	 */
	bool early;
	bool bare_ok;			/* a line may end in LF alone */
	bool held;			/* private from here */
	bool closing;
};

/*
 * Takes the conn over (conn_owner). While more than CONN_OUT_MARK of replies
 * wait for the client to read them, no further line is taken.
 */
void dialog_init(struct dialog *d, struct conn *c,
		const struct dialog_spec *spec, void *session, unsigned state);
/* No further line, and no CONN_EOF, until dialog_go. */
void dialog_hold(struct dialog *d);
void dialog_go(struct dialog *d);
/*
 * No further line at all; the conn is closed once its output is out. d and the
 * session may be freed at once, also inside a handler.
 */
void dialog_end(struct dialog *d);
/*
 * True when no further command is waiting (as far as it was read): the moment
 * to flush a group.
 */
bool dialog_idle(const struct dialog *d);

#endif
