#include "net/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/list.h"
#include "base/str.h"

#define WAIT_MS 10000		/* the text (2.2) asks for three seconds or more */
#define V1_MOST 107		/* 2.1: with CRLF */
#define V2_HEAD 16
#define V2_V4 12		/* octets of addresses and ports */
#define V2_V6 36

/* -- version 1: PROXY TCP4 192.0.2.1 192.0.2.2 56324 25 -- */

/* 2.1: digits, and no zero in front. */
static bool parse_port(struct span s, in_port_t *port)
{
	unsigned long n;

	if (!span_number(s, 65535, &n) || (s.n > 1 && s.p[0] == '0'))
		return false;
	*port = htons((uint16_t)n);
	return true;
}

static bool parse_address(struct span s, int family, void *out)
{
	char text[INET6_ADDRSTRLEN];

	return str_copy(text, sizeof(text), s) == 0 &&
		inet_pton(family, text, out) == 1;
}

static bool parse_v1(struct span line, struct proxy_header *out)
{
	struct span word[5];	/* TCP4, source, destination, ports of both */
	struct in6_addr other;
	in_port_t port;
	bool v4;

	for (size_t i = 0; i < 4; i++)
		word[i] = span_cut(&line, ' ');
	word[4] = line;
	v4 = span_eq(word[0], SPAN("TCP4"));
	if ((!v4 && !span_eq(word[0], SPAN("TCP6"))) ||
			!parse_port(word[4], &port) ||
			!parse_port(word[3], &port) ||
			!parse_address(word[2], v4 ? AF_INET : AF_INET6,
				&other))
		return false;
	if (v4) {
		out->source.v4.sin_family = AF_INET;
		out->source.v4.sin_port = port;
		return parse_address(word[1], AF_INET,
				&out->source.v4.sin_addr);
	}
	out->source.v6.sin6_family = AF_INET6;
	out->source.v6.sin6_port = port;
	return parse_address(word[1], AF_INET6, &out->source.v6.sin6_addr);
}

static enum proxy_status read_v1(struct span in, struct proxy_header *out)
{
	struct span line = span_sub(in, 0, V1_MOST);
	size_t end = span_find(line, '\n');

	if (end == line.n)
		return end < V1_MOST ? PROXY_MORE : PROXY_BAD;
	if (line.p[end - 1] != '\r')
		return PROXY_BAD;
	line = span_rest(span_sub(line, 0, end - 1), strlen("PROXY "));
	out->length = end + 1;
	/* 2.1: what follows UNKNOWN is ignored */
	if (span_eq(line, SPAN("UNKNOWN")) ||
			(span_starts(line, "UNKNOWN ") && line.p[0] == 'U'))
		return PROXY_OK;
	return parse_v1(line, out) ? PROXY_OK : PROXY_BAD;
}

/* -- version 2 -- */

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21, V2_TCP4 = 0x11, V2_TCP6 = 0x21 };

/* 2.2: these families and transports there are, and no others. */
static bool is_family(unsigned char c)
{
	return c >> 4 <= 3 && (c & 15) <= 2;
}

static bool parse_v2(const unsigned char *p, size_t n,
		struct proxy_header *out)
{
	const unsigned char *addr = p + V2_HEAD;

	if (p[12] == V2_LOCAL)
		return true;
	if (p[12] != V2_PROXY || !is_family(p[13]))
		return false;
	if (p[13] == V2_TCP4) {
		if (n < V2_V4)
			return false;
		out->source.v4.sin_family = AF_INET;
		memcpy(&out->source.v4.sin_addr, addr, 4);
		memcpy(&out->source.v4.sin_port, addr + 8, 2);
	} else if (p[13] == V2_TCP6) {
		if (n < V2_V6)
			return false;
		out->source.v6.sin6_family = AF_INET6;
		memcpy(&out->source.v6.sin6_addr, addr, 16);
		memcpy(&out->source.v6.sin6_port, addr + 32, 2);
	}
	return true;
}

static enum proxy_status read_v2(struct span in, struct proxy_header *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n;

	if (in.n < V2_HEAD)
		return PROXY_MORE;
	n = (size_t)p[14] << 8 | p[15];
	if (V2_HEAD + n > PROXY_MOST)
		return PROXY_BAD;
	if (in.n < V2_HEAD + n)
		return PROXY_MORE;
	out->length = V2_HEAD + n;
	return parse_v2(p, n, out) ? PROXY_OK : PROXY_BAD;
}

/* -- both -- */

static bool begins(struct span in, struct span with)
{
	size_t n = in.n < with.n ? in.n : with.n;

	return span_eq(span_sub(in, 0, n), span_sub(with, 0, n));
}

enum proxy_status proxy_parse(struct span in, struct proxy_header *out)
{
	static const struct span v1 = { "PROXY ", 6 };
	static const struct span v2 = { "\r\n\r\n\0\r\nQUIT\n", 12 };

	memset(out, 0, sizeof(*out));
	if (begins(in, v1))
		return read_v1(in, out);
	return begins(in, v2) ? read_v2(in, out) : PROXY_BAD;
}

/* -- reading -- */

struct proxy {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer patience;
	void (*done)(void *arg, int fd, const struct proxy_header *h,
			const char *why);
	void *arg;
	size_t n;
	char in[PROXY_MOST];
};

static void finish(struct proxy *p, const struct proxy_header *h,
		const char *why)
{
	loop_unwatch(p->loop, &p->watch);
	loop_timer_stop(p->loop, &p->patience);
	p->done(p->arg, p->watch.fd, h, why);
	free(p);
}

static void on_patience(struct loop_timer *t)
{
	finish(container_of(t, struct proxy, patience), NULL,
			"no PROXY header in time");
}

/* Looked at first, as what is behind the header is for the TLS handshake. */
static void on_readable(struct loop_watch *w, unsigned events)
{
	struct proxy *p = container_of(w, struct proxy, watch);
	struct proxy_header h;
	enum proxy_status status;
	ssize_t got = recv(w->fd, p->in + p->n, sizeof(p->in) - p->n, MSG_PEEK);
	size_t more;

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		finish(p, NULL, NULL);
		return;
	}
	status = proxy_parse(span_make(p->in, p->n + (size_t)got), &h);
	more = status == PROXY_OK ? h.length - p->n : (size_t)got;
	if (status != PROXY_BAD &&
			recv(w->fd, p->in + p->n, more, 0) != (ssize_t)more)
		status = PROXY_BAD;
	p->n += more;
	if (status == PROXY_OK)
		finish(p, &h, NULL);
	else if (status == PROXY_BAD)
		finish(p, NULL, "no PROXY header");
}

struct proxy *proxy_read(struct loop *l, int fd,
		void (*done)(void *arg, int fd, const struct proxy_header *h,
			const char *why), void *arg)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->loop = l;
	p->watch.fd = fd;
	p->watch.ready = on_readable;
	p->patience.fire = on_patience;
	p->done = done;
	p->arg = arg;
	if (loop_watch(l, &p->watch, LOOP_READ) < 0) {
		free(p);
		return NULL;
	}
	loop_timer_set(l, &p->patience, WAIT_MS);
	return p;
}
