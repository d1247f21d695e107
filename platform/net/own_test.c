#include "net/own.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static bool ask(bool (*fn)(const struct sockaddr *), const char *text)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = htons(25) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = htons(25) };

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return fn((struct sockaddr *)&four);
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	return fn((struct sockaddr *)&six);
}

static void test_loopback(void **state)
{
	(void)state;
	assert_true(ask(own_loopback, "127.0.0.1"));
	assert_true(ask(own_loopback, "127.255.255.254"));
	assert_true(ask(own_loopback, "0.0.0.0"));
	assert_true(ask(own_loopback, "::1"));
	assert_true(ask(own_loopback, "::"));
	assert_true(ask(own_loopback, "::ffff:127.0.0.2"));
	assert_true(ask(own_loopback, "::ffff:0.0.0.0"));
	assert_false(ask(own_loopback, "126.0.0.1"));
	assert_false(ask(own_loopback, "128.0.0.1"));
	assert_false(ask(own_loopback, "::2"));
	assert_false(ask(own_loopback, "::ffff:10.0.0.1"));
	assert_false(ask(own_loopback, "2001:db8::1"));
}

static void test_interface(void **state)
{
	(void)state;
	assert_true(ask(own_interface, "127.0.0.1"));
	/* documentation's, nobody's */
	assert_false(ask(own_interface, "192.0.2.1"));
	assert_false(ask(own_interface, "2001:db8::1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
