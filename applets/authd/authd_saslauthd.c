/*
 * authd_saslauthd - asks Cyrus saslauthd: four counted strings (16 bits in
 * network order, then so many octets) there, one back that begins with OK or NO.
 */
#include "authd/authd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"

#define STRING_MOST 256		/* of saslauthd: longer ones it hangs up on */
#define REQUEST_MOST (4 * (2 + STRING_MOST))
#define ANSWER_LEAST 2
#define ANSWER_MOST 1024
#define AGAIN_MS 50		/* its queue is full */

/* Within WORK_MS of authd_pool.c, with time to hash before and after. */
#define PATIENCE_MS 10000
#define REST_MS 10000		/* after it did not answer in this time */

struct talk {
	int fd;
	int64_t until;			/* clock_ms() */
};

static int no_answer(struct err *err, const char *path, const char *why)
{
	return err_set(err, ERR_TEMP, "saslauthd %s: %s", path, why);
}

/* 0, or -1 with errno. */
static int wait_until(const struct talk *t, short events)
{
	struct pollfd p = { t->fd, events, 0 };
	int64_t left = t->until - clock_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n == 0)
		errno = ETIMEDOUT;
	return n > 0 || (n < 0 && errno == EINTR) ? 0 : -1;
}

/* -1 with errno; of a unix socket EAGAIN means that its queue is full. */
static int open_talk(struct talk *t, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (str_copys(addr.sun_path, sizeof(addr.sun_path), path) < 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);
	if (t->fd < 0)
		return -1;
	while (connect(t->fd, (void *)&addr, sizeof(addr)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		if (clock_ms() > t->until) {
			errno = ETIMEDOUT;
			return -1;
		}
		poll(NULL, 0, AGAIN_MS);
	}
	return 0;
}

static int put_all(const struct talk *t, const unsigned char *p, size_t n)
{
	while (n) {
		ssize_t done = send(t->fd, p, n, MSG_NOSIGNAL);

		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (done > 0) {
			p += done;
			n -= (size_t)done;
		} else if (wait_until(t, POLLOUT) < 0) {
			return -1;
		}
	}
	return 0;
}

/* n octets, or -1 with errno; EPROTO: it ends before. */
static int get_all(const struct talk *t, unsigned char *p, size_t n)
{
	while (n) {
		ssize_t got = recv(t->fd, p, n, 0);

		if (got == 0)
			errno = EPROTO;
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return -1;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		} else if (wait_until(t, POLLIN) < 0) {
			return -1;
		}
	}
	return 0;
}

static size_t put_string(unsigned char *out, struct span s)
{
	out[0] = (unsigned char)(s.n >> 8);
	out[1] = (unsigned char)s.n;
	if (s.n)
		memcpy(out + 2, s.p, s.n);
	return 2 + s.n;
}

static int send_request(const struct talk *t, const struct authd_login *login)
{
	const struct span parts[4] = { login->name, login->password,
		login->service, login->realm };
	unsigned char request[REQUEST_MOST];
	size_t n = 0;
	int rc;

	for (int i = 0; i < 4; i++)
		n += put_string(request + n, parts[i]);
	rc = put_all(t, request, n);
	explicit_bzero(request, sizeof(request));
	return rc;
}

/* "OK" or "NO", which a text may follow; else EPROTO. */
static int read_answer(const struct talk *t, bool *ok)
{
	unsigned char answer[ANSWER_MOST];
	size_t n;

	if (get_all(t, answer, 2) < 0)
		return -1;
	n = (size_t)answer[0] << 8 | answer[1];
	if (n < ANSWER_LEAST || n > sizeof(answer)) {
		errno = EPROTO;
		return -1;
	}
	if (get_all(t, answer, n) < 0)
		return -1;
	*ok = memcmp(answer, "OK", 2) == 0;
	if ((*ok || memcmp(answer, "NO", 2) == 0) &&
			(n == 2 || answer[2] == ' ' || !answer[2]))
		return 0;
	errno = EPROTO;
	return -1;
}

int authd_saslauthd(struct authd_saslauthd *s, const char *path,
		const struct authd_login *login, struct err *err)
{
	struct talk t = { -1, clock_ms() + PATIENCE_MS };
	bool ok = false;
	int rc, code;

	if (login->name.n > STRING_MOST || login->realm.n > STRING_MOST ||
			login->password.n > STRING_MOST)
		return 1;
	if (s->rest_until > clock_ms())
		return no_answer(err, path, "did not answer a moment ago");
	rc = open_talk(&t, path);
	if (rc == 0)
		rc = send_request(&t, login);
	if (rc == 0)
		rc = read_answer(&t, &ok);
	code = errno;
	if (t.fd >= 0)
		close(t.fd);
	if (rc == 0)
		return ok ? 0 : 1;
	if (code == ETIMEDOUT)
		s->rest_until = clock_ms() + REST_MS;
	return no_answer(err, path, code == EPROTO ? "no answer of its "
			"protocol" : strerror(code));
}
