#include "net/dialog.h"

#define DIALOG_TURN 32		/* lines of one session before the others' */

static void on_conn(struct conn *c, enum conn_event event, void *arg);

/* The handlers may end the dialogue and free it: then only the conn is left. */
static bool goes_on(const struct conn *c, const struct dialog *d)
{
	return conn_owned_by(c, on_conn, d) && !d->held && conn_out_ready(c);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Gives the session, as d may be gone at leave. */
static void *enter(const struct dialog *d)
{
	if (d->spec->enter)
		d->spec->enter(d->session);
	return d->session;
}

static void leave(const struct dialog_spec *spec, void *session)
{
	if (spec->leave)
		spec->leave(session);
}

static const struct dialog_row *find(const struct dialog_spec *spec,
		struct span line, struct span *args)
{
	const struct dialog_row *row;

	for (row = spec->rows; row->verb; row++) {
		struct span verb = span_of(row->verb);

		if (!span_caseeq(span_sub(line, 0, verb.n), verb))
			continue;
		if (line.n > verb.n && !is_blank(line.p[verb.n]))
			continue;
		*args = row->flags & DIALOG_AS_IS ? span_rest(line, verb.n + 1)
			: span_trim(span_rest(line, verb.n));
		return row;
	}
	return NULL;
}

static void command(struct dialog *d, struct span line)
{
	const struct dialog_row *row;
	struct span args;

	/* RFC 5321 4.1.2: not in a command; 8-bit is the owner's */
	if (span_has_control(line)) {
		d->spec->fault(d, d->session, DIALOG_BYTES, NULL);
		return;
	}
	row = find(d->spec, line, &args);
	if (!row) {
		d->spec->fault(d, d->session, DIALOG_UNKNOWN, NULL);
	} else if (!(row->states & d->state)) {
		d->spec->fault(d, d->session, DIALOG_STATE, row);
	} else if (row->flags & (args.n ? DIALOG_NO_ARG : DIALOG_NEED_ARG)) {
		d->spec->fault(d, d->session, DIALOG_ARG, row);
	} else {
		d->early = row->flags & DIALOG_LAST && conn_has_input(d->conn);
		row->run(d, d->session, args);
	}
}

/*
 * A handshake record of TLS (RFC 8446 5.1) where we speak in plain: its sender
 * waits for another, and its end need not look like that of a line.
 */
static bool is_tls(const struct dialog *d)
{
	struct err err;

	if (d->line || !conn_at_line(d->conn) ||
			!span_starts(conn_peek(d->conn), "\x16\x03"))
		return false;
	err_set(&err, ERR_PROTO, "TLS where the session is in plain");
	conn_break(d->conn, &err);
	return true;
}

/* False: there is no line yet. */
static bool one_line(struct dialog *d)
{
	const struct dialog_spec *spec = d->spec;
	size_t max = d->line ? CONN_BUFFER : spec->line_max;
	void *session;
	struct span line;
	enum conn_line how;

	if (is_tls(d))
		return false;
	how = conn_line(d->conn, max, &line);
	if (how == CONN_LINE_NONE)
		return false;
	session = enter(d);
	if (d->line)
		d->line(d, session, line, how);
	else if (how == CONN_LINE_LONG)
		spec->fault(d, session, DIALOG_LONG, NULL);
	else if (how == CONN_LINE_BARE && !d->bare_ok)
		spec->fault(d, session, DIALOG_BARE, NULL);
	else
		command(d, line);
	leave(spec, session);
	return true;
}

/* The rest of a long pipeline comes in the next turns: conn sees to it. */
static void input(struct conn *c, struct dialog *d,
		const struct dialog_spec *spec)
{
	void *session;
	int i;

	for (i = 0; i < DIALOG_TURN && goes_on(c, d); i++) {
		if (!d->raw) {
			if (!one_line(d))
				return;
			continue;
		}
		if (!conn_has_input(c))
			return;
		session = enter(d);
		d->raw(d, session);
		leave(spec, session);
		if (goes_on(c, d) && d->raw)
			return;
	}
}

static void on_conn(struct conn *c, enum conn_event event, void *arg)
{
	struct dialog *d = arg;
	const struct dialog_spec *spec = d->spec;
	void *session;

	if (event != CONN_INPUT) {
		session = enter(d);
		spec->event(session, event);
		leave(spec, session);
	}
	/* DRAINED: commands waited while their replies were not being read */
	if (event == CONN_INPUT || event == CONN_DRAINED)
		input(c, d, spec);
}

void dialog_init(struct dialog *d, struct conn *c,
		const struct dialog_spec *spec, void *session, unsigned state)
{
	*d = (struct dialog){
		.conn = c, .spec = spec, .session = session, .state = state
	};
	conn_owner(c, on_conn, d);
}

void dialog_hold(struct dialog *d)
{
	if (d->held || d->closing)
		return;
	d->held = true;
	conn_pause(d->conn);
}

void dialog_go(struct dialog *d)
{
	if (!d->held || d->closing)
		return;
	d->held = false;
	conn_resume(d->conn);
}

void dialog_end(struct dialog *d)
{
	if (d->closing)
		return;
	d->closing = true;
	conn_close(d->conn);
}

bool dialog_idle(const struct dialog *d)
{
	struct span in = conn_peek(d->conn);

	return !span_has(in, '\n');
}
