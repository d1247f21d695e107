#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "net/conn_private.h"

#define CONN_READS 4			/* per conn and turn */

/* -- what there is to tell -- */

static bool reads(const struct conn *c)
{
	return c->state == CONN_OPEN && !c->paused && !c->eof;
}

/* Input that the owner would do something with. */
static bool has_news(const struct conn *c)
{
	return c->in_n && (c->fresh || c->consumed);
}

/* TLS has decrypted more: the socket will not become readable for it. */
static bool has_decrypted(const struct conn *c)
{
	return c->tls && reads(c) && c->in_n < CONN_BUFFER &&
		tls_pending(c->tls);
}

/* Is there something to tell for which no event of the socket will come? */
static bool has_more(const struct conn *c)
{
	if (c->state == CONN_BROKEN)
		return !c->error_told;
	if (c->state != CONN_OPEN)
		return false;
	if (c->drained)
		return true;
	if (c->paused)
		return false;
	return has_news(c) || has_decrypted(c) || (c->eof && !c->eof_told);
}

void conn_tell(struct conn *c, enum conn_event event)
{
	if (c->fn)
		c->fn(c, event, c->arg);
}

static void tell_output(struct conn *c)
{
	if (c->state == CONN_BROKEN && !c->error_told) {
		c->error_told = true;
		conn_tell(c, CONN_ERROR);
	} else if (c->state == CONN_OPEN && c->drained) {
		c->drained = false;
		conn_tell(c, CONN_DRAINED);
	}
}

static void tell_input(struct conn *c)
{
	if (c->state == CONN_OPEN && !c->paused && has_news(c)) {
		c->fresh = c->consumed = false;
		conn_tell(c, CONN_INPUT);
	}
	if (c->state == CONN_OPEN && !c->paused && !has_news(c) &&
	    c->eof && !c->eof_told) {
		c->eof_told = true;
		conn_tell(c, CONN_EOF);
	}
}

/* -- what the socket is watched for -- */

unsigned conn_wanted(const struct conn *c)
{
	unsigned want = 0;

	switch (c->state) {
	case CONN_CONNECTING:
		return LOOP_WRITE;
	case CONN_HANDSHAKE:
		return c->tls_want;
	case CONN_LINGER:
		return LOOP_READ;
	case CONN_BROKEN:
		return 0;
	}
	if (reads(c) && c->in_n < CONN_BUFFER)
		want |= c->read_wants_write ? LOOP_WRITE : LOOP_READ;
	if (c->out_n && c->out_blocked)
		want |= c->write_wants_read ? LOOP_READ : LOOP_WRITE;
	return want;
}

/* In the middle of a callback nothing is done: conn_leave() will. */
void conn_settle(struct conn *c)
{
	unsigned want = conn_wanted(c);
	struct err err;

	if (c->depth)
		return;
	/* most pauses end before anything comes: then epoll is left alone */
	if (c->paused && !c->noisy && c->state == CONN_OPEN)
		want |= c->watch.want & LOOP_READ;
	/* a line that was taken from outside is still in use */
	if (has_more(c) || (c->in && !c->in_n))
		loop_task_next(c->loop, &c->again);
	if (!loop_watch(c->loop, &c->watch, want))
		return;
	err_errno(&err, "epoll");
	conn_break(c, &err);
}

/* -- the end -- */

/*
 * Closing a socket with unread input resets the connection, and the peer may
 * then lose what we have just sent it (a 421): RFC 1122 4.2.2.13.
 */
static bool must_linger(const struct conn *c)
{
	int waiting = 0;

	if (c->eof)
		return false;
	return c->in_n || (!ioctl(c->watch.fd, FIONREAD, &waiting) && waiting);
}

void conn_all_sent(struct conn *c)
{
	if (c->tls)
		tls_bye(c->tls);
	if (!must_linger(c)) {
		conn_destroy(c);
		return;
	}
	c->in_n = 0;
	shutdown(c->watch.fd, SHUT_WR);
	c->state = CONN_LINGER;
}

static void linger(struct conn *c)
{
	char waste[CONN_BUFFER];
	ssize_t r;
	int i;

	for (i = 0; i < CONN_READS; i++) {
		r = recv(c->watch.fd, waste, sizeof(waste), 0);
		if (r > 0 || (r < 0 && errno == EINTR))
			continue;
		if (r == 0 || errno != EAGAIN)
			conn_destroy(c);
		return;
	}
}

/* -- the socket -- */

void conn_note_traffic(struct conn *c)
{
	c->heard = loop_now(c->loop);
	if (c->timeout)
		loop_timer_within(c->loop, &c->timer, c->timeout);
}

static ssize_t send_some(struct conn *c, size_t n, struct err *err)
{
	const char *p = c->out + c->out_at;
	ssize_t r;

	if (c->tls && c->state != CONN_BEFORE_TLS) {
		r = tls_write(c->tls, p, n, err);
		c->write_wants_read = r == TLS_WANT_READ;
		return r;
	}
	do
		r = send(c->watch.fd, p, n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == ENOBUFS)
		return TLS_WANT_WRITE;
	return err_errno(err, "writing to %s", c->peer);
}

/*
 * A peer that refuses says why, closes, and resets what we still send: its
 * words are then in our receive buffer, so read on until nothing is left.
 */
static void write_failed(struct conn *c, const struct err *why)
{
	if (!reads(c)) {
		conn_break(c, why);
		return;
	}
	conn_keep_error(c, why);
	c->out_broken = true;
	c->out_blocked = c->over_mark = false;
	conn_free_out(c);
	loop_task_stop(&c->flush);
}

static void all_written(struct conn *c)
{
	conn_free_out(c);
	c->out_blocked = false;
	c->drained |= c->over_mark;
	c->over_mark = false;
	if (c->state == CONN_DRAIN)
		conn_all_sent(c);
}

/* As much as the kernel takes, without calling anybody. */
void conn_write_some(struct conn *c)
{
	struct err err;
	ssize_t r;

	while (c->out_n) {
		bool plain = c->state == CONN_BEFORE_TLS;

		r = send_some(c, plain ? c->plain_left : c->out_n, &err);
		if (r == TLS_ERROR) {
			write_failed(c, &err);
			return;
		}
		c->out_blocked = r <= 0;
		if (r <= 0)
			return;
		c->out_at += r;
		c->out_n -= r;
		conn_note_traffic(c);
		if (plain && !(c->plain_left -= r)) {
			conn_begin_handshake(c);
			break;
		}
	}
	if (!c->out_n)
		all_written(c);
}

static ssize_t receive(struct conn *c, char *p, size_t n, struct err *err)
{
	ssize_t r;

	if (c->tls) {
		r = tls_read(c->tls, p, n, err);
		c->read_wants_write = r == TLS_WANT_WRITE;
		return r;
	}
	do
		r = recv(c->watch.fd, p, n, 0);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	if (errno == EAGAIN)
		return TLS_WANT_READ;
	return err_errno(err, "reading from %s", c->peer);
}

/* How much may be read; the buffer's rest is moved to its front. */
static size_t input_room(struct conn *c)
{
	if (!c->in)
		c->in = malloc(CONN_BUFFER);
	if (!c->in) {
		conn_break(c, NULL);
		return 0;
	}
	if (c->in_at && c->in_n)
		memmove(c->in, c->in + c->in_at, c->in_n);
	c->in_at = 0;
	return CONN_BUFFER - c->in_n;
}

/* True when it makes sense to try once more at once. */
static bool fill(struct conn *c)
{
	size_t room = input_room(c);
	struct err err;
	ssize_t r;

	if (!room)
		return false;
	r = receive(c, c->in + c->in_n, room, &err);
	if (r > 0) {
		c->in_n += r;
		if (c->in_n > c->in_used)
			c->in_used = c->in_n;
		c->fresh = true;
		conn_note_traffic(c);
		return (size_t)r == room || has_decrypted(c);
	}
	if (r == TLS_ERROR)
		conn_break(c, &err);
	else if (r == TLS_EOF && c->out_broken)
		conn_break(c, c->error);
	else if (r == TLS_EOF)
		c->eof = true;
	return false;
}

static void read_some(struct conn *c)
{
	bool more = true;
	int i;

	for (i = 0; more && i < CONN_READS && reads(c); i++) {
		more = fill(c);
		tell_input(c);
		if (c->in_n)
			break;		/* the rest of that first */
	}
}

static void connected(struct conn *c)
{
	struct err err;
	int e = 0;
	socklen_t n = sizeof(e);

	if (getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &e, &n))
		e = errno;
	if (e) {
		errno = e;
		err_errno(&err, "connecting to %s", c->peer);
		conn_break(c, &err);
		return;
	}
	c->state = CONN_OPEN;
	conn_note_traffic(c);
	if (c->out_n)
		loop_task_add(c->loop, &c->flush);
	conn_tell(c, CONN_UP);
}

/* -- callbacks of the loop -- */

static void ready(struct loop_watch *w, unsigned events)
{
	struct conn *c = container_of(w, struct conn, watch);

	(void)events;		/* a try too many does no harm */
	conn_enter(c);
	c->noisy = c->paused;
	if (c->state == CONN_CONNECTING) {
		connected(c);
	} else if (c->state == CONN_HANDSHAKE) {
		conn_handshake(c);
	} else if (c->state == CONN_LINGER) {
		linger(c);
	} else {
		conn_write_some(c);
		/* else the rest of the input is told first, by again() */
		if (!has_more(c))
			read_some(c);
	}
	tell_output(c);
	conn_leave(c);
}

static void flush(struct loop_task *t)
{
	struct conn *c = container_of(t, struct conn, flush);

	conn_enter(c);
	conn_write_some(c);
	tell_output(c);
	conn_leave(c);
}

static void again(struct loop_task *t)
{
	struct conn *c = container_of(t, struct conn, again);

	conn_enter(c);
	tell_output(c);
	if (has_decrypted(c) && !has_news(c))
		read_some(c);
	else
		tell_input(c);
	conn_leave(c);
}

/* When the time is up; 0: never. */
static int64_t due(const struct conn *c)
{
	switch (c->state) {
	case CONN_CONNECTING:
	case CONN_OPEN:
		return c->timeout ? c->heard + c->timeout : 0;
	default:
		return c->deadline;
	}
}

/* The timer is not moved for each byte: maybe it is not time yet. */
static void timed_out(struct loop_timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);
	int64_t left = due(c) - loop_now(c->loop);
	struct err slow;

	if (!due(c))
		return;
	if (left > 0) {
		loop_timer_set(c->loop, t, left);
		return;
	}
	conn_enter(c);
	if (c->state > CONN_BROKEN) {
		conn_destroy(c);
	} else if (c->state == CONN_CONNECTING || c->state == CONN_OPEN) {
		conn_tell(c, CONN_TIMEOUT);
	} else {
		err_set(&slow, ERR_TEMP, "the TLS handshake took too long");
		conn_break(c, &slow);
	}
	conn_leave(c);
}

void conn_callbacks(struct conn *c)
{
	c->watch.ready = ready;
	c->timer.fire = timed_out;
	c->flush.run = flush;
	c->again.run = again;
	list_init(&c->flush.link);
	list_init(&c->again.link);
}
