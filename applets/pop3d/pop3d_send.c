#include "pop3d/pop3d.h"
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "os/clock.h"
#include "os/log.h"

#define TURN_MS 20		/* of one session before the others' */
/* lines or messages between looks at the clock */
#define TURN_LOOK 64

/* -- any reply -- */

static void finish(struct session *s)
{
	s->more = NULL;
	conn_timeout(s->conn, POP3D_AUTOLOGOUT);
	dialog_go(&s->dialog);
}

static void go_on(struct loop_timer *t)
{
	pop3d_send_more(container_of(t, struct session, later));
}

/* What needs no waiting for the client may still take long for the others. */
static bool has_had_its_turn(struct session *s, unsigned i, int64_t start)
{
	if (i % TURN_LOOK || !s->more || clock_ms() - start < TURN_MS)
		return false;
	s->later.fire = go_on;
	loop_timer_set(s->pop3d->daemon.loop, &s->later, 0);
	return true;
}

/*
 * Until the client takes no more for now, or all is said. What broke in the
 * middle cannot be told any more: without its dot the client will not believe
 * the reply to be whole.
 */
void pop3d_send_more(struct session *s)
{
	int64_t start = loop_now(s->pop3d->daemon.loop);

	for (unsigned i = 1; s->more && conn_out_ready(s->conn); i++) {
		enum session_more what = s->more(s);

		if (what == SESSION_BROKEN) {
			pop3d_end(s);
			return;
		}
		if (what == SESSION_DONE)
			finish(s);
		if (has_had_its_turn(s, i, start))
			return;
	}
}

void pop3d_send(struct session *s, session_more_fn *more)
{
	s->more = more;
	conn_timeout(s->conn, (int64_t)s->pop3d->daemon.conf->data_timeout
			* 1000);
	dialog_hold(&s->dialog);
	pop3d_send_more(s);
}

/* -- a message -- */

static void put(void *arg, struct span piece)
{
	conn_write(arg, piece.p, piece.n);
}

/* How much of piece TOP gives; readers give LF lines. */
static size_t top_size(struct session *s, struct span piece)
{
	size_t at = 0;

	while (at < piece.n && (s->in_header || s->lines_left)) {
		struct span rest = span_sub(piece, at, piece.n);
		size_t lf = span_find(rest, '\n');
		bool empty = lf == 0 && !s->in_line;

		s->in_line = lf == rest.n;
		if (s->in_line)
			return piece.n;
		at += lf + 1;
		if (!s->in_header)
			s->lines_left--;
		else if (empty)
			s->in_header = false;
	}
	return at;
}

void pop3d_put_message(struct session *s, struct span piece)
{
	char *to = conn_room(s->conn, 2 * piece.n);

	if (to)
		conn_added(s->conn, dot_expand(&s->dot, piece, to));
}

static enum session_more message_over(struct session *s)
{
	if (CFG_POP3D_UTF8 && s->ascii && !pop3d_ascii_over(s))
		return SESSION_MORE;
	dot_finish(&s->dot, put, s->conn);
	pop3d_send_forget(s);
	return SESSION_DONE;
}

static enum session_more more_message(struct session *s)
{
	char buffer[POP3D_PIECE];
	struct err err;
	struct span piece;
	long n;

	if (CFG_POP3D_UTF8 && s->ascii && pop3d_ascii_rest(s))
		return SESSION_MORE;
	n = mailbox_reader_next(s->reader, buffer, sizeof(buffer), &err);
	if (n < 0) {
		log_error("mailbox of %s: %s", s->name, err.text);
		return SESSION_BROKEN;
	}
	if (n == 0)
		return message_over(s);
	piece = span_make(buffer, (size_t)n);
	conn_room(s->conn, 2 * POP3D_PIECE);	/* it need not grow then */
	if (s->limited)
		piece.n = top_size(s, piece);
	if (CFG_POP3D_UTF8 && s->ascii)
		pop3d_ascii_write(s, piece);
	else
		pop3d_put_message(s, piece);
	if (s->limited && !s->in_header && !s->lines_left)
		return message_over(s);
	return SESSION_MORE;
}

int pop3d_send_message(struct session *s, unsigned n, long lines,
		struct err *err)
{
	s->reader = mailbox_reader_open(s->mailbox, n, err);
	if (!s->reader)
		return -1;
	if (CFG_POP3D_UTF8 && pop3d_ascii_begin(s, err) < 0) {
		pop3d_send_forget(s);
		return -1;
	}
	s->limited = s->in_header = lines >= 0;
	s->lines_left = lines < 0 ? 0 : (unsigned long)lines;
	s->in_line = false;
	/* on disk lines end in LF */
	dot_writer_init(&s->dot);
	if (s->limited)
		pop3d_reply(s, "+OK top of message follows");
	else
		pop3d_reply(s, "+OK %" PRIu64 " octets",
				mailbox_message(s->mailbox, n)->size);
	pop3d_send(s, more_message);
	return 0;
}

void pop3d_send_forget(struct session *s)
{
	if (CFG_POP3D_UTF8)
		pop3d_ascii_forget(s);
	mailbox_reader_close(s->reader);
	s->reader = NULL;
}
