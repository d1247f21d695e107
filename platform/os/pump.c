#include "os/pump.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* One direction. A pipe that polls as writable takes PIPE_BUF at once. */
struct half {
	int from, to;
	bool ended;			/* from gives no more */
	size_t at, n;			/* of buf, not written yet */
	char buf[PIPE_BUF];
};

static struct pollfd wanted(const struct half *h)
{
	if (h->at < h->n)
		return (struct pollfd){ h->to, POLLOUT, 0 };
	return (struct pollfd){ h->ended ? -1 : h->from, POLLIN, 0 };
}

static int fill(struct half *h)
{
	ssize_t got = read(h->from, h->buf, sizeof(h->buf));

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	h->at = 0;
	h->n = (size_t)got;
	h->ended = !got;
	return 0;
}

static int drain(struct half *h)
{
	ssize_t put = write(h->to, h->buf + h->at, h->n - h->at);

	if (put < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	h->at += (size_t)put;
	return 0;
}

static int move(struct half *h, short events)
{
	if (!events)
		return 0;
	return h->at < h->n ? drain(h) : fill(h);
}

int pump(int in, int out, int sock, struct err *err)
{
	struct half up = { .from = in, .to = sock };
	struct half down = { .from = sock, .to = out };
	bool told = false;

	while (!down.ended) {
		struct pollfd fds[2] = { wanted(&up), wanted(&down) };

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_errno(err, "poll");
		if (move(&up, fds[0].revents) < 0) {
			/* the last replies may still be on their way */
			up.ended = true;
			up.at = up.n;
		}
		if (move(&down, fds[1].revents) < 0)
			return err_errno(err, "copying");
		if (up.ended && !told) {
			shutdown(sock, SHUT_WR);
			told = true;
		}
	}
	return 0;
}
