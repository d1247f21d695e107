#include "store/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/proc.h"

/* octets of a socket: some 16 descriptors wait there */
#define FLIGHT 16384

struct helper {
	int sock;		/* -1: none */
	pid_t pid;
};

struct closer {
	struct loop *loop;
	struct loop_timer idle;
	struct helper helpers[CLOSER_HELPERS];
	int64_t last;		/* clock_now_us of the last removal */
	unsigned elsewhere;	/* so many more go to helpers */
	unsigned long count;
};

/* -- helpers -- */

_Noreturn static void run(int sock)
{
	char c;
	int fd;

	/* a signal to the whole group must not take us before the parent */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (proc_keep_fds(&sock, 1) < 0)
		_exit(1);
	while (proc_recv(sock, &c, 1, &fd) > 0)
		if (fd >= 0)
			close(fd);
	_exit(0);
}

static int start(struct helper *h)
{
	int size = FLIGHT;

	h->pid = proc_helper(&h->sock, NULL);
	if (h->pid == 0)
		run(h->sock);
	if (h->pid < 0) {
		h->sock = -1;
		return -1;
	}
	setsockopt(h->sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static void stop(struct helper *h)
{
	if (h->sock < 0)
		return;
	close(h->sock);
	h->sock = -1;
	kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void stop_all(struct closer *c)
{
	for (int i = 0; i < CLOSER_HELPERS; i++)
		stop(&c->helpers[i]);
}

static void on_idle(struct loop_timer *t)
{
	stop_all(container_of(t, struct closer, idle));
}

/* False: it is to be closed here. */
static bool give(struct helper *h, int fd)
{
	if (h->sock < 0 && start(h) < 0)
		return false;
	if (proc_send(h->sock, "", 1, fd) == 1)
		return true;
	/* it was killed; the next one starts another */
	if (errno == EPIPE || errno == ECONNRESET)
		stop(h);
	return false;
}

/* The first one with room: there are as many as are needed. */
static void take(struct closer *c, int fd)
{
	for (int i = 0; i < CLOSER_HELPERS; i++)
		if (give(&c->helpers[i], fd)) {
			c->count++;
			break;
		}
	close(fd);
	loop_timer_set(c->loop, &c->idle, CLOSER_IDLE_MS);
}

/* -- removing -- */

static int remove_here(struct closer *c, int folder, const char *name)
{
	int64_t begun = clock_now_us();
	int rc = unlinkat(folder, name, 0), code = errno;
	int64_t now = clock_now_us();

	/* who has one message now and then needs no helper for it */
	if (now - begun >= CLOSER_SLOW_US && begun - c->last < CLOSER_SOON_US)
		c->elsewhere = CLOSER_TURN;
	c->last = now;
	errno = code;
	return rc;
}

int closer_remove(struct closer *c, int folder, const char *name)
{
	int fd, rc, code;

	if (!c)
		return unlinkat(folder, name, 0);
	if (!c->elsewhere)
		return remove_here(c, folder, name);
	c->elsewhere--;
	fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW
			| O_NONBLOCK);
	rc = unlinkat(folder, name, 0);
	code = errno;
	if (fd >= 0)
		take(c, fd);
	c->last = clock_now_us();
	errno = code;
	return rc;
}

unsigned long closer_count(const struct closer *c)
{
	return c->count;
}

struct closer *closer_new(struct loop *l)
{
	struct closer *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = l;
	c->idle.fire = on_idle;
	for (int i = 0; i < CLOSER_HELPERS; i++)
		c->helpers[i].sock = -1;
	return c;
}

void closer_free(struct closer *c)
{
	if (!c)
		return;
	loop_timer_stop(c->loop, &c->idle);
	stop_all(c);
	free(c);
}
