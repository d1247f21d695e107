#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/str.h"
#include "net/conn_private.h"
#include "os/clock.h"

#define CONN_CLOSE_MS 5000
#define CONN_UNACKED_MS 30000

/* -- the beginning -- */

/* IPv4 that came in over a dual-stack socket is IPv4. */
void conn_set_peer(struct conn *c, const struct sockaddr *sa, socklen_t len)
{
	union conn_addr *a = &c->addr;
	char text[INET6_ADDRSTRLEN] = "";

	if (sa->sa_family == AF_INET && len >= sizeof(a->v4))
		memcpy(&a->v4, sa, sizeof(a->v4));
	else if (sa->sa_family == AF_INET6 && len >= sizeof(a->v6))
		memcpy(&a->v6, sa, sizeof(a->v6));
	else
		a->any.sa_family = AF_UNIX;
	if (a->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) {
		struct sockaddr_in v4 = {
			.sin_family = AF_INET, .sin_port = a->v6.sin6_port
		};

		memcpy(&v4.sin_addr, &a->v6.sin6_addr.s6_addr[12], 4);
		a->v4 = v4;
	}
	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, text, sizeof(text));
	else if (a->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->v6.sin6_addr, text, sizeof(text));
	snprintf(c->peer, sizeof(c->peer), "[%s%s]",
			a->any.sa_family == AF_INET6 ? "IPv6:" : "",
			*text ? text : "unix");
}

/* NULL with errno; fd is closed then. */
static struct conn *make(struct loop *l, int fd, unsigned char state,
		conn_fn *fn, void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	c->loop = l;
	c->state = state;
	c->out_mark = CONN_OUT_MARK;
	c->fn = fn;
	c->arg = arg;
	c->watch.fd = fd;
	conn_callbacks(c);
	/* a reply must not wait for the peer's ACK; unix sockets say no */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) ||
	    loop_watch(l, &c->watch, conn_wanted(c))) {
		int e = errno;

		close(fd);
		free(c);
		errno = e;
		return NULL;
	}
	return c;
}

struct conn *conn_new(struct loop *l, int fd, conn_fn *fn, void *arg)
{
	struct conn *c = make(l, fd, CONN_OPEN, fn, arg);
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);

	if (!c)
		return NULL;
	if (getpeername(fd, (struct sockaddr *)&peer, &len)) {
		conn_abort(c);		/* reset already: nobody's session */
		return NULL;
	}
	conn_set_peer(c, (struct sockaddr *)&peer, len);
	return c;
}

struct conn *conn_connect(struct loop *l, const struct sockaddr *addr,
		socklen_t len, conn_fn *fn, void *arg, struct err *err)
{
	struct conn *c;
	unsigned gone = CONN_UNACKED_MS;
	int fd = socket(addr->sa_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		err_errno(err, "socket");
		return NULL;
	}
	c = make(l, fd, CONN_CONNECTING, fn, arg);
	if (!c) {
		err_errno(err, "connecting");
		return NULL;
	}
	/* a dead host is noticed long before the replies' time-outs end */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone, sizeof(gone));
	conn_set_peer(c, addr, len);
	if (connect(fd, addr, len) && errno != EINPROGRESS) {
		err_errno(err, "connecting to %s", c->peer);
		conn_abort(c);
		return NULL;
	}
	return c;
}

struct conn *conn_connect_unix(struct loop *l, const char *path, conn_fn *fn,
		void *arg, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (str_copy(un.sun_path, sizeof(un.sun_path), span_of(path))) {
		err_set(err, ERR_PERM, "%s: too long for a socket", path);
		return NULL;
	}
	return conn_connect(l, (struct sockaddr *)&un, sizeof(un), fn, arg,
			err);
}

/* -- the end -- */

static void release(struct conn *c)
{
	conn_free_in(c);
	conn_free_out(c);
	free(c->tls_text);
	free(c->error);
	free(c);
}

void conn_enter(struct conn *c)
{
	c->depth++;
}

/* c may be gone afterwards. */
void conn_leave(struct conn *c)
{
	if (--c->depth)
		return;
	if (c->state == CONN_DEAD) {
		release(c);
		return;
	}
	if (!c->in_n)
		conn_free_in(c);
	conn_settle(c);
}

void conn_destroy(struct conn *c)
{
	if (c->state == CONN_DEAD)
		return;
	c->state = CONN_DEAD;
	c->fn = NULL;
	loop_unwatch(c->loop, &c->watch);
	loop_timer_stop(c->loop, &c->timer);
	loop_task_stop(&c->flush);
	loop_task_stop(&c->again);
	tls_free(c->tls);
	close(c->watch.fd);
	if (!c->depth)
		release(c);
}

void conn_keep_error(struct conn *c, const struct err *why)
{
	if (c->error || !why)
		return;
	c->error = malloc(sizeof(*c->error));
	if (c->error)
		*c->error = *why;
}

void conn_break(struct conn *c, const struct err *why)
{
	if (c->state >= CONN_BROKEN) {
		if (c->state > CONN_BROKEN)
			conn_destroy(c);
		return;
	}
	conn_keep_error(c, why);
	c->state = CONN_BROKEN;
	c->in_n = 0;
	loop_unwatch(c->loop, &c->watch);
	loop_timer_stop(c->loop, &c->timer);
	loop_task_stop(&c->flush);
	conn_free_out(c);
	loop_task_next(c->loop, &c->again);
}

void conn_abort(struct conn *c)
{
	conn_destroy(c);
}

void conn_close(struct conn *c)
{
	if (c->state != CONN_OPEN || c->out_broken) {
		conn_destroy(c);
		return;
	}
	conn_enter(c);
	c->fn = NULL;
	c->state = CONN_DRAIN;
	c->deadline = clock_ms() + CONN_CLOSE_MS;
	loop_timer_set(c->loop, &c->timer, CONN_CLOSE_MS);
	if (!c->out_n)
		conn_all_sent(c);
	else if (!c->out_blocked)
		loop_task_add(c->loop, &c->flush);
	conn_leave(c);
}

/* -- in between -- */

void conn_owner(struct conn *c, conn_fn *fn, void *arg)
{
	c->fn = fn;
	c->arg = arg;
	c->fresh = true;
	c->eof_told = c->error_told = false;
	conn_settle(c);
}

bool conn_owned_by(const struct conn *c, conn_fn *fn, const void *arg)
{
	return c->fn == fn && c->arg == arg;
}

void conn_pause(struct conn *c)
{
	c->paused = true;
	if (c->out_broken)
		conn_break(c, c->error);
	conn_settle(c);
}

void conn_resume(struct conn *c)
{
	c->paused = false;
	c->fresh = true;
	conn_settle(c);
}

void conn_flush(struct conn *c)
{
	if (c->state != CONN_OPEN || c->out_blocked)
		return;
	loop_task_stop(&c->flush);
	conn_write_some(c);
	conn_settle(c);
}

void conn_timeout(struct conn *c, int64_t ms)
{
	c->timeout = ms;
	c->heard = clock_ms();
	if (ms)
		loop_timer_within(c->loop, &c->timer, ms);
}

const struct err *conn_error(const struct conn *c)
{
	static struct err no_memory;	/* const, it would be in the file */

	if (c->error)
		return c->error;
	err_nomem(&no_memory);
	return &no_memory;
}

const char *conn_peer(const struct conn *c)
{
	return c->peer;
}

const struct sockaddr *conn_peer_addr(const struct conn *c)
{
	return &c->addr.any;
}

int conn_fd(const struct conn *c)
{
	return c->watch.fd;
}
