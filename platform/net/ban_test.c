#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/ban.h"
#include "net/listen.h"

static struct ban ban_of(const char *address, uint32_t seconds)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct ban b = { .seconds = seconds };

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		assert_true(listen_key(b.key, (void *)&v4));
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr),
				1);
		assert_true(listen_key(b.key, (void *)&v6));
	}
	return b;
}

/* What comes out at the other end; false: nothing that maild believes. */
static bool goes_through(const char *address, uint32_t seconds,
		struct ban *out)
{
	struct ban b = ban_of(address, seconds);
	char packet[100];
	int pair[2];
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(ban_send(pair[1], &b), 0);
	n = read(pair[0], packet, sizeof(packet));
	assert_int_equal(n, BAN_PACKET);
	close(pair[0]);
	close(pair[1]);
	return ban_read(out, span_make(packet, (size_t)n));
}

static void goes_over(void **state)
{
	char text[BAN_TEXT_SIZE];
	struct ban b;

	(void)state;
	assert_true(goes_through("192.0.2.7", 3600, &b));
	assert_int_equal(b.seconds, 3600);
	ban_text(&b, text);
	assert_string_equal(text, "192.0.2.7/32");
	assert_true(goes_through("2001:db8:1:2:3:4:5:6", BAN_SECONDS_MOST,
				&b));
	assert_int_equal(b.seconds, BAN_SECONDS_MOST);
	ban_text(&b, text);
	assert_string_equal(text, "2001:db8:1:2::/64");
	assert_true(goes_through("ffff:ffff:ffff::", 1, &b) == false);
	assert_true(goes_through("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
				0x010203, &b));
	assert_int_equal(b.seconds, 0x010203);
	ban_text(&b, text);
	assert_string_equal(text, "fdff:ffff:ffff:ffff::/64");
	assert_true(goes_through("::ffff:192.0.2.7", 1, &b));
	ban_text(&b, text);
	assert_string_equal(text, "192.0.2.7/32");
}

static void nobody_is_locked_out(void **state)
{
	static const char *const bad[] = {
		"127.0.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
		"255.255.255.255", "::1", "::", "fe80::1", "febf::1", "ff02::1"
	};
	struct ban b;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(goes_through(bad[i], 60, &b));
	assert_false(goes_through("192.0.2.7", 0, &b));
	assert_false(goes_through("192.0.2.7", BAN_SECONDS_MOST + 1, &b));
	assert_false(goes_through("192.0.2.7", UINT32_MAX, &b));
}

static void what_is_no_packet(void **state)
{
	unsigned char p[BAN_PACKET + 1] = { 0x20, 1, 0xd, 0xb8 };
	struct ban b;

	(void)state;
	p[19] = 1;
	assert_true(ban_read(&b, span_make((char *)p, BAN_PACKET)));
	for (size_t n = 0; n <= sizeof(p); n++)
		assert_int_equal(ban_read(&b, span_make((char *)p, n)),
				n == BAN_PACKET);
	/* a host of a network is none that listen_key gives */
	for (int i = 8; i < 16; i++) {
		p[i] = 1;
		assert_false(ban_read(&b, span_make((char *)p, BAN_PACKET)));
		p[i] = 0;
	}
}

static void more_than_it_takes(void **state)
{
	struct ban b = ban_of("192.0.2.7", 1);
	int pair[2], n = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
				0, pair), 0);
	while (n < 100000 && ban_send(pair[1], &b) == 0)
		n++;
	assert_in_range(n, 1, 99999);
	assert_int_equal(errno, EAGAIN);
	close(pair[0]);
	/* no SIGPIPE */
	assert_int_equal(ban_send(pair[1], &b), -1);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close(pair[1]);
	assert_int_equal(ban_socket(), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_over),
		cmocka_unit_test(nobody_is_locked_out),
		cmocka_unit_test(what_is_no_packet),
		cmocka_unit_test(more_than_it_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
