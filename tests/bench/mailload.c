/* mailload - fetches by POP3, delivers by LMTP, or holds logins open
 *
 * usage: mailload pop3 PORT USER PASSWORD one|piped plain|tls
 *	  mailload idle PORT COUNT USER%d PASSWORD plain|tls
 *	  mailload lmtp SOCKET SESSIONS MESSAGES FROM USER%d@DOMAIN
 *
 * A test tool, in OpenSSL; any error ends it. pop3 prints ms from the connection
 * to the answer to STAT, ms of all RETR, octets, messages, and its own CPU ms.
 * idle says "ready" and waits for the end of its input. lmtp sends messages of 1
 * to 20 KB, session n to user n, and prints ms, messages, its CPU ms.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WINDOW 64		/* RETR that may be without an answer */
#define BUFFER (256 * 1024)
#define SIZE_LEAST 1024
#define SIZE_MOST 20480

struct peer {
	int fd;
	SSL *ssl;
	char *in;
	size_t at, n;		/* what was read and not used: in[at..n] */
};

static SSL_CTX *ctx;

static void fail(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

/* -- a connection, blocking -- */

static void put(struct peer *p, const char *text, size_t n)
{
	while (n) {
		long w = p->ssl ? SSL_write(p->ssl, text, (int)n)
			: write(p->fd, text, n);

		if (w <= 0)
			fail("write");
		text += w;
		n -= (size_t)w;
	}
}

static void puts_to(struct peer *p, const char *text)
{
	put(p, text, strlen(text));
}

/* Reads more; what was used is forgotten. */
static void more(struct peer *p)
{
	long n;

	memmove(p->in, p->in + p->at, p->n - p->at);
	p->n -= p->at;
	p->at = 0;
	n = p->ssl ? SSL_read(p->ssl, p->in + p->n, (int)(BUFFER - p->n))
		: read(p->fd, p->in + p->n, BUFFER - p->n);
	if (n <= 0)
		fail("read");
	p->n += (size_t)n;
}

/* The next line, its length with CRLF. */
static const char *line(struct peer *p, size_t *n)
{
	const char *end;

	while (!(end = memchr(p->in + p->at, '\n', p->n - p->at)))
		more(p);
	*n = (size_t)(end + 1 - (p->in + p->at));
	p->at += *n;
	return end + 1 - *n;
}

static void ok(struct peer *p, const char *wanted)
{
	size_t n;
	const char *l = line(p, &n);

	if (n < strlen(wanted) || memcmp(l, wanted, strlen(wanted)) != 0) {
		fprintf(stderr, "%.*s", (int)n, l);
		exit(1);
	}
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

static int dial_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (void *)&a, sizeof(a)) < 0)
		fail(path);
	return fd;
}

static void peer_init(struct peer *p, int fd, bool tls)
{
	*p = (struct peer){ .fd = fd, .in = malloc(BUFFER) };
	if (!p->in)
		fail("malloc");
	if (!tls)
		return;
	if (!ctx)
		ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || !(p->ssl = SSL_new(ctx)) || SSL_set_fd(p->ssl, fd) != 1
			|| SSL_connect(p->ssl) != 1)
		fail("TLS");
}

/* -- POP3 -- */

static void login(struct peer *p, int port, const char *user,
		const char *password, bool tls)
{
	char text[600];

	peer_init(p, dial(port), tls);
	ok(p, "+OK");
	snprintf(text, sizeof(text), "USER %s\r\n", user);
	puts_to(p, text);
	ok(p, "+OK");
	snprintf(text, sizeof(text), "PASS %s\r\n", password);
	puts_to(p, text);
	ok(p, "+OK");
}

/* Swallows a message up to its dot; its octets as they came, the dot not. */
static size_t message(struct peer *p)
{
	size_t total = 0;

	ok(p, "+OK");
	p->at -= 2;		/* the end of the first line may begin the end */
	for (;;) {
		const char *from = p->in + p->at;
		size_t n = p->n - p->at;
		const char *end = memmem(from, n, "\r\n.\r\n", 5);

		if (end) {
			p->at += (size_t)(end - from) + 5;
			return total + (size_t)(end - from);
		}
		if (n > 4) {
			total += n - 4;
			p->at += n - 4;
		}
		more(p);
	}
}

static void ask(struct peer *p, unsigned *asked, unsigned most)
{
	char text[WINDOW * 16];
	size_t n = 0;

	while (*asked < most)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				"RETR %u\r\n", ++*asked);
	put(p, text, n);
}

static int pop3(char **argv)
{
	bool piped = strcmp(argv[3], "piped") == 0;
	unsigned count, asked = 0, window = piped ? WINDOW : 1;
	double begun = now(), there;
	size_t n, octets = 0;
	struct peer p;

	login(&p, atoi(argv[0]), argv[1], argv[2],
			strcmp(argv[4], "tls") == 0);
	puts_to(&p, "STAT\r\n");
	count = (unsigned)strtoul(line(&p, &n) + 4, NULL, 10);
	there = now();
	for (unsigned i = 0; i < count; i++) {
		unsigned to = i + window < count ? i + window : count;

		/* half a window at a time: few writes */
		if (asked - i <= window / 2)
			ask(&p, &asked, to);
		octets += message(&p);
	}
	printf("%.1f %.1f %zu %u %.1f\n", there - begun, now() - there, octets,
			count, cpu());
	puts_to(&p, "QUIT\r\n");
	ok(&p, "+OK");
	return 0;
}

static int idle(char **argv)
{
	int count = atoi(argv[1]);
	char user[600];
	struct peer p;

	for (int i = 0; i < count; i++) {
		snprintf(user, sizeof(user), argv[2], i);
		login(&p, atoi(argv[0]), user, argv[3],
				strcmp(argv[4], "tls") == 0);
		free(p.in);
	}
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

/* -- LMTP -- */

struct session {
	struct peer p;
	unsigned replies;	/* lines without "-" that are awaited */
	bool body;		/* ... before the message goes */
	bool over;
};

struct load {
	const char *from, *to, *text;
	unsigned left, sent, total;
};

static size_t size_of(unsigned n)
{
	return SIZE_LEAST + n * 7919u % (SIZE_MOST - SIZE_LEAST);
}

/* Lines of 72 octets, of which a message's end is its dot. */
static char *make_text(void)
{
	char *text = malloc(SIZE_MOST + 100);

	if (!text)
		fail("malloc");
	for (size_t n = 0; n < SIZE_MOST; n += 72) {
		memset(text + n, 'x', 70);
		memcpy(text + n + 70, "\r\n", 2);
	}
	return text;
}

static void envelope(struct load *l, struct session *s, unsigned user)
{
	char text[1400], to[600];
	int n;

	if (!l->left) {
		puts_to(&s->p, "QUIT\r\n");
		s->over = true;
		s->replies = 1;
		return;
	}
	l->left--;
	snprintf(to, sizeof(to), l->to, user);
	n = snprintf(text, sizeof(text),
			"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n", l->from, to);
	put(&s->p, text, (size_t)n);
	s->replies = 3;
	s->body = true;
}

static void body(struct load *l, struct session *s)
{
	size_t n = size_of(l->sent) / 72 * 72;
	char text[SIZE_MOST + 200];
	int head = snprintf(text, sizeof(text), "From: a@a.test\r\n"
			"Message-ID: <%u@load.test>\r\n\r\n", l->sent++);

	memcpy(text + head, l->text, n);
	memcpy(text + head + n, ".\r\n", 3);
	put(&s->p, text, (size_t)head + n + 3);
	s->body = false;
	s->replies = 1;
}

/* All that has come; false at the end of the session. */
static bool input(struct load *l, struct session *s, unsigned user)
{
	more(&s->p);
	while (memchr(s->p.in + s->p.at, '\n', s->p.n - s->p.at)) {
		size_t n;
		const char *text = line(&s->p, &n);

		if (text[0] != '2' && text[0] != '3') {
			fprintf(stderr, "%.*s", (int)n, text);
			exit(1);
		}
		if (text[3] == '-' || --s->replies)
			continue;
		if (s->over)
			return false;
		if (s->body)
			body(l, s);
		else
			envelope(l, s, user);
	}
	return true;
}

static int lmtp(char **argv)
{
	unsigned sessions = (unsigned)atoi(argv[1]), open = sessions;
	struct session *s = calloc(sessions, sizeof(*s));
	struct pollfd *p = calloc(sessions, sizeof(*p));
	struct load l = { .from = argv[3], .to = argv[4],
		.left = (unsigned)atoi(argv[2]), .text = make_text() };
	double begun;

	if (!s || !p)
		fail("calloc");
	for (unsigned i = 0; i < sessions; i++) {
		peer_init(&s[i].p, dial_unix(argv[0]), false);
		p[i] = (struct pollfd){ s[i].p.fd, POLLIN, 0 };
		ok(&s[i].p, "220");
	}
	begun = now();
	for (unsigned i = 0; i < sessions; i++) {
		puts_to(&s[i].p, "LHLO load.test\r\n");
		s[i].replies = 1;
	}
	while (open) {
		if (poll(p, sessions, 60000) <= 0)
			fail("poll");
		for (unsigned i = 0; i < sessions; i++)
			if (p[i].revents && !input(&l, &s[i], i)) {
				p[i].fd = -1;
				open--;
			}
	}
	printf("%.1f %u %.1f\n", now() - begun, l.sent, cpu());
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int words;
		int (*run)(char **argv);
	} all[] = {
		{ "pop3", 5, pop3 }, { "idle", 5, idle }, { "lmtp", 5, lmtp }
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (argc == all[i].words + 2
				&& strcmp(argv[1], all[i].name) == 0)
			return all[i].run(argv + 2);
	return 64;
}
