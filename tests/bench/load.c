/* load - sends many messages over many SMTP sessions and says how fast it went
 *
 * usage: load PORT SESSIONS MESSAGES SIZE FROM TO
 * A test tool: one process, blocking states driven by poll, any error ends it.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum step { GREETING, HELLO, MAIL, RCPT, DATA, DOT, QUIT, STEPS };
static const char *const expect[STEPS] = {
	"220", "250", "250", "250", "354", "250", "221"
};

struct session {
	int fd;
	enum step step;
	char in[1024];
	size_t n;
};

struct load {
	int left, done, sessions;
	const char *from, *to;
	char *body;
	size_t size;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void put(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w <= 0)
			fail("write");
		p += w;
		n -= (size_t)w;
	}
}

static void next(struct load *l, struct session *s)
{
	char line[600];
	int n = 0;

	switch (s->step) {
	case GREETING:
		n = snprintf(line, sizeof(line), "EHLO load.test\r\n");
		break;
	case DOT:
		l->done++;	/* and on to the next message */
		/* fall through */
	case HELLO:
		if (l->left-- > 0) {
			s->step = HELLO;
			n = snprintf(line, sizeof(line), "MAIL FROM:<%s>\r\n",
					l->from);
			break;
		}
		s->step = DOT;
		n = snprintf(line, sizeof(line), "QUIT\r\n");
		break;
	case MAIL:
		n = snprintf(line, sizeof(line), "RCPT TO:<%s>\r\n", l->to);
		break;
	case RCPT:
		n = snprintf(line, sizeof(line), "DATA\r\n");
		break;
	case DATA:
		put(s->fd, l->body, l->size);
		break;
	default:
		close(s->fd);
		s->fd = -1;
		l->sessions--;
		return;
	}
	put(s->fd, line, (size_t)n);
	s->step++;
}

static void input(struct load *l, struct session *s)
{
	ssize_t n = read(s->fd, s->in + s->n, sizeof(s->in) - 1 - s->n);
	char *end, *last;

	if (n <= 0)
		fail("read");
	s->n += (size_t)n;
	s->in[s->n] = 0;
	if (s->in[s->n - 1] != '\n')
		return;
	s->in[s->n - 1] = 0;
	last = strrchr(s->in, '\n');
	last = last ? last + 1 : s->in;
	end = last + 3;
	if (*end == '-') {	/* more lines of this reply are to come */
		s->in[s->n - 1] = '\n';
		return;
	}
	if (strncmp(last, expect[s->step], 3) != 0) {
		fprintf(stderr, "step %d: %s\n", s->step, s->in);
		exit(1);
	}
	s->n = 0;
	next(l, s);
}

static char *make_body(size_t size, size_t *total)
{
	static const char head[] = "From: a@a.test\r\nSubject: load\r\n\r\n";
	char *body = malloc(size + sizeof(head) + 80);
	size_t n = sizeof(head) - 1;

	if (!body)
		fail("malloc");
	memcpy(body, head, n);
	while (n < size) {
		memset(body + n, 'x', 70);
		memcpy(body + n + 70, "\r\n", 2);
		n += 72;
	}
	memcpy(body + n, ".\r\n", 3);
	*total = n + 3;
	return body;
}

static int dial(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || connect(fd, (void *)&a, sizeof(a)) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int main(int argc, char **argv)
{
	struct load l = { 0 };
	struct session *s;
	struct pollfd *p;
	struct timespec a, b;
	long ms;
	int n;

	if (argc != 7)
		return 64;
	n = l.sessions = (int)strtol(argv[2], NULL, 10);
	l.left = (int)strtol(argv[3], NULL, 10);
	l.body = make_body((size_t)strtol(argv[4], NULL, 10), &l.size);
	l.from = argv[5];
	l.to = argv[6];
	s = calloc((size_t)n, sizeof(*s));
	p = calloc((size_t)n, sizeof(*p));
	if (!s || !p)
		fail("calloc");
	for (int i = 0; i < n; i++)
		s[i].fd = dial((int)strtol(argv[1], NULL, 10));
	clock_gettime(CLOCK_MONOTONIC, &a);
	while (l.sessions) {
		for (int i = 0; i < n; i++)
			p[i] = (struct pollfd){ s[i].fd, POLLIN, 0 };
		if (poll(p, (nfds_t)n, 30000) <= 0)
			fail("poll");
		for (int i = 0; i < n; i++)
			if (p[i].revents)
				input(&l, &s[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
	printf("%d messages in %ld ms: %ld per second\n", l.done, ms,
			l.done * 1000L / (ms ? ms : 1));
	return 0;
}
