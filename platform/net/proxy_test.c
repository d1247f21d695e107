#include "net/proxy.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_TCP4 SIGNATURE "\x21\x11\0\x0c" \
	"\xc0\0\2\1\xc0\0\2\2\xdc\4\0\x19"

static const char *source(const struct proxy_header *h, char text[64])
{
	if (h->source.any.sa_family == AF_UNSPEC)
		return "none";
	inet_ntop(h->source.any.sa_family,
			h->source.any.sa_family == AF_INET ?
			(const void *)&h->source.v4.sin_addr :
			(const void *)&h->source.v6.sin6_addr, text, 64);
	return text;
}

/* in, with something behind it, is a header; no shorter piece is one. */
static void assert_header(const char *in, size_t n, const char *who,
		unsigned port)
{
	struct proxy_header h;
	char all[1024], text[64];

	memcpy(all, in, n);
	memset(all + n, 'x', 10);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(proxy_parse(span_make(in, i), &h), PROXY_MORE);
	assert_int_equal(proxy_parse(span_make(all, n + 10), &h), PROXY_OK);
	assert_int_equal(h.length, n);
	assert_string_equal(source(&h, text), who);
	assert_int_equal(ntohs(h.source.v4.sin_port), port);
}

#define HEADER(text, who, port) assert_header(text, sizeof(text) - 1, who, port)

static void assert_bad(const char *in, size_t n)
{
	struct proxy_header h;

	assert_int_equal(proxy_parse(span_make(in, n), &h), PROXY_BAD);
}

#define BAD(text) assert_bad(text, sizeof(text) - 1)

static void version_1(void **state)
{
	(void)state;
	HEADER("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\n", "192.0.2.1",
			56324);
	HEADER("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n",
			"2001:db8::1", 0);
	HEADER("PROXY UNKNOWN\r\n", "none", 0);
	HEADER("PROXY UNKNOWN ffff::1 whatever 1 2 3 4 5\r\n", "none", 0);
}

static void version_1_wrong(void **state)
{
	char longest[200];

	(void)state;
	BAD("EHLO x\r\n");
	BAD("PROXX");
	BAD("proxy TCP4 192.0.2.1 192.0.2.2 1 25\r\n");
	BAD("PROXY \r\n");
	BAD("PROXY UNKNOWN\n");
	BAD("PROXY UNKNOWNX\r\n");
	BAD("PROXY unknown \r\n");
	BAD("PROXY tcp4 192.0.2.1 192.0.2.2 1 25\r\n");
	BAD("PROXY TCP4 192.0.2.1 192.0.2.2 1 25 \r\n");
	BAD("PROXY TCP4  192.0.2.1 192.0.2.2 1 25\r\n");
	BAD("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n");
	BAD("PROXY TCP4 192.0.2.1 192.0.2.2 1 025\r\n");
	BAD("PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n");
	BAD("PROXY TCP4 192.0.2.256 192.0.2.2 1 25\r\n");
	BAD("PROXY TCP4 192.0.2.1 2001:db8::2 1 25\r\n");
	BAD("PROXY TCP6 192.0.2.1 192.0.2.2 1 25\r\n");
	memset(longest, ' ', sizeof(longest));
	memcpy(longest, "PROXY UNKNOWN", 13);
	memcpy(longest + 105, "\r\n", 2);
	assert_header(longest, 107, "none", 0);
	memset(longest + 105, ' ', 2);
	memcpy(longest + 106, "\r\n", 2);
	assert_bad(longest, 108);
	assert_bad(longest, 107);
}

static void version_2(void **state)
{
	(void)state;
	HEADER(V2_TCP4, "192.0.2.1", 56324);
	/* with a TLV behind the addresses */
	HEADER(SIGNATURE "\x21\x11\0\x10\xc0\0\2\1\xc0\0\2\2\0\1\0\x19"
			"\4\0\1y", "192.0.2.1", 1);
	HEADER(SIGNATURE "\x21\x21\0\x24\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
			"\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\5\0\x19",
			"2001:db8::1", 5);
	HEADER(SIGNATURE "\x20\0\0\0", "none", 0);
	HEADER(SIGNATURE "\x20\xff\0\1z", "none", 0);
	HEADER(SIGNATURE "\x21\0\0\0", "none", 0);
	/* UDP */
	HEADER(SIGNATURE "\x21\x12\0\x0c\xc0\0\2\1\xc0\0\2\2\0\1\0\x19",
			"none", 0);
}

static void version_2_wrong(void **state)
{
	(void)state;
	BAD("\r\n\r\n\1");
	BAD(SIGNATURE "\x11\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\0\x19");
	BAD(SIGNATURE "\x22\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\0\x19");
	BAD(SIGNATURE "\x21\x41\0\0");
	BAD(SIGNATURE "\x21\x13\0\0");
	BAD(SIGNATURE "\x21\x11\0\x0b\xc0\0\2\1\xc0\0\2\2\xdc\4\0");
	BAD(SIGNATURE "\x21\x21\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\0\x19");
	BAD(SIGNATURE "\x21\x11\4\0");
}

/* -- reading -- */

struct seen {
	int fd;
	bool header;
	const char *why;
	char text[64];
};

static void on_done(void *arg, int fd, const struct proxy_header *h,
		const char *why)
{
	struct seen *seen = arg;
	char text[64];

	seen->fd = fd;
	seen->header = h;
	seen->why = why;
	if (h)
		strcpy(seen->text, source(h, text));
}

/* What comes in pieces of `by` octets; then what is left to read. */
static struct seen read_all(const char *in, size_t n, size_t by, char *left,
		size_t size)
{
	struct err err;
	struct loop *l = loop_new(&err);
	struct seen seen = { .fd = -1 };
	ssize_t got;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				fd), 0);
	assert_non_null(proxy_read(l, fd[0], on_done, &seen));
	for (size_t i = 0; i < n; i += by) {
		size_t some = n - i < by ? n - i : by;

		assert_int_equal(write(fd[1], in + i, some), some);
		if (seen.fd < 0)
			loop_turn(l, 100);
	}
	if (seen.fd < 0) {
		shutdown(fd[1], SHUT_WR);
		loop_turn(l, 100);
	}
	assert_int_equal(seen.fd, fd[0]);
	got = read(fd[0], left, size - 1);
	left[got > 0 ? got : 0] = '\0';
	close(fd[0]);
	close(fd[1]);
	loop_free(l);
	return seen;
}

static void reads_no_further(void **state)
{
	static const char in[] = V2_TCP4 "\x16\3\1hello";
	static const char line[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nEHLO";
	char left[64];
	struct seen seen;

	(void)state;
	for (size_t by = 1; by < 60; by++) {
		seen = read_all(in, sizeof(in) - 1, by, left, sizeof(left));
		assert_true(seen.header);
		assert_string_equal(seen.text, "192.0.2.1");
		assert_string_equal(left, "\x16\3\1hello");
		seen = read_all(line, sizeof(line) - 1, by, left, sizeof(left));
		assert_true(seen.header);
		assert_string_equal(left, "EHLO");
	}
}

static void tells_what_is_wrong(void **state)
{
	char left[64];
	struct seen seen;

	(void)state;
	seen = read_all("EHLO x\r\n", 8, 8, left, sizeof(left));
	assert_false(seen.header);
	assert_string_equal(seen.why, "no PROXY header");
	seen = read_all("PROXY TCP4 ", 11, 3, left, sizeof(left));
	assert_false(seen.header);
	assert_null(seen.why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1),
		cmocka_unit_test(version_1_wrong),
		cmocka_unit_test(version_2),
		cmocka_unit_test(version_2_wrong),
		cmocka_unit_test(reads_no_further),
		cmocka_unit_test(tells_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
