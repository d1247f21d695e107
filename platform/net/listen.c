#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/span.h"
#include "base/str.h"
#include "os/log.h"

#define LISTEN_BACKLOG 128
#define LISTEN_TURN 32		/* connections accepted before others work */
#define LISTEN_PAUSE_MS 1000

static int stream_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int serve(int fd, const struct sockaddr *addr, socklen_t len)
{
	int one = 1, off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)addr;
		bool any = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);

		if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
					any ? &off : &one, sizeof(one)))
			return -1;
	}
	if (bind(fd, addr, len))
		return -1;
	return listen(fd, LISTEN_BACKLOG);
}

/* Kernels without IPv6, and those where it is switched off by sysctl. */
static bool lacks_ipv6(const struct sockaddr *addr)
{
	const struct sockaddr_in6 *v6 = (const void *)addr;

	return addr->sa_family == AF_INET6 &&
		IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr) &&
		(errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
}

int listen_open(const struct sockaddr *addr, socklen_t len, struct err *err)
{
	const struct sockaddr_in6 *v6 = (const void *)addr;
	int fd = stream_socket(addr->sa_family);

	if (fd >= 0 && !serve(fd, addr, len))
		return fd;
	if (lacks_ipv6(addr)) {
		struct sockaddr_in v4 = {
			.sin_family = AF_INET, .sin_port = v6->sin6_port
		};

		if (fd >= 0)
			close(fd);
		return listen_open((struct sockaddr *)&v4, sizeof(v4), err);
	}
	/* both families keep the port at the same place */
	err_errno(err, "listening on port %u", ntohs(v6->sin6_port));
	if (fd >= 0)
		close(fd);
	return -1;
}

bool listen_is_at(const struct sockaddr *here, const struct sockaddr *addr)
{
	const struct sockaddr_in *a = (const void *)here, *b = (const void *)addr;
	const struct sockaddr_in6 *a6 = (const void *)here;
	const struct sockaddr_in6 *b6 = (const void *)addr;

	/* both families keep the port at the same place */
	if (a->sin_port != b->sin_port)
		return false;
	if (here->sa_family != addr->sa_family)
		return here->sa_family == AF_INET &&
			a->sin_addr.s_addr == htonl(INADDR_ANY) &&
			IN6_IS_ADDR_UNSPECIFIED(&b6->sin6_addr);
	return here->sa_family == AF_INET ?
		a->sin_addr.s_addr == b->sin_addr.s_addr :
		!memcmp(&a6->sin6_addr, &b6->sin6_addr, 16);
}

/* Under a temporary name first: clients find the old one or a ready one. */
int listen_open_unix(const char *path, int type, unsigned mode,
		struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, r;

	r = snprintf(un.sun_path, sizeof(un.sun_path), "%s.new", path);
	if (r < 0 || (size_t)r >= sizeof(un.sun_path))
		return err_set(err, ERR_PERM, "%s: too long for a socket",
				path);
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "socket");
	unlinkat(AT_FDCWD, un.sun_path, 0);
	mask = umask(~mode & 0777);
	r = bind(fd, (struct sockaddr *)&un, sizeof(un));
	umask(mask);
	if (!r && (type != SOCK_STREAM || !listen(fd, LISTEN_BACKLOG)) &&
			!renameat(AT_FDCWD, un.sun_path, AT_FDCWD, path))
		return fd;
	err_errno(err, "%s", path);
	if (!r)
		unlinkat(AT_FDCWD, un.sun_path, 0);
	close(fd);
	return -1;
}

/* -- accepting -- */

struct listen {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer pause;
	void (*got)(void *arg, int fd);
	void *arg;
	bool accepting, stopped;	/* stopped by got: freed behind it */
	bool short_of_fds;
};

static bool out_of_resources(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

/* Level-triggered: without a pause the loop would spin on it. */
static void pause_accepting(struct listen *s)
{
	if (!s->short_of_fds)
		log_warn("cannot accept: %s", strerror(errno));
	s->short_of_fds = true;
	loop_watch(s->loop, &s->watch, 0);
	loop_timer_set(s->loop, &s->pause, LISTEN_PAUSE_MS);
}

static void pause_over(struct loop_timer *t)
{
	struct listen *s = container_of(t, struct listen, pause);

	if (loop_watch(s->loop, &s->watch, LOOP_READ))
		loop_timer_set(s->loop, t, LISTEN_PAUSE_MS);
}

static void accept_some(struct loop_watch *w, unsigned events)
{
	struct listen *s = container_of(w, struct listen, watch);
	int i, fd;

	(void)events;
	s->accepting = true;
	for (i = 0; i < LISTEN_TURN && !s->stopped; i++) {
		fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			s->short_of_fds = false;
			s->got(s->arg, fd);
		} else if (errno == EAGAIN) {
			break;
		} else if (out_of_resources(errno)) {
			pause_accepting(s);
			break;
		}
		/* other errors belong to a connection that is gone again */
	}
	s->accepting = false;
	if (s->stopped)
		free(s);
}

struct listen *listen_start(struct loop *l, int fd,
		void (*got)(void *arg, int fd), void *arg)
{
	struct listen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = l;
	s->watch.fd = fd;
	s->watch.ready = accept_some;
	s->pause.fire = pause_over;
	s->got = got;
	s->arg = arg;
	if (loop_watch(l, &s->watch, LOOP_READ)) {
		free(s);
		return NULL;
	}
	return s;
}

void listen_stop(struct listen *s)
{
	if (!s)
		return;
	loop_unwatch(s->loop, &s->watch);
	loop_timer_stop(s->loop, &s->pause);
	close(s->watch.fd);
	s->stopped = true;
	if (!s->accepting)
		free(s);
}
