#include "net/hosts.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char found[1000];

static void note(void *arg, int family, const void *ip)
{
	char text[INET6_ADDRSTRLEN];
	size_t n = strlen(found);

	assert_ptr_equal(arg, found);
	assert_non_null(inet_ntop(family, ip, text, sizeof(text)));
	snprintf(found + n, sizeof(found) - n, "%s ", text);
}

static const char *look(const char *text, const char *name)
{
	found[0] = '\0';
	hosts_each(span_of(text), span_of(name), note, found);
	return found;
}

static void test_lines(void **state)
{
	static const char text[] =
		"# made by the installer\n"
		"127.0.0.1 localhost\n"
		"\n"
		"192.0.2.1\trelay.example relay # relay.other\n"
		"2001:db8::1 relay.example\n"
		"  192.0.2.2   Relay.Example\r\n"
		"#192.0.2.3 relay.example\n"
		"192.0.2.999 relay.example\n"
		"fe80::1%eth0 relay.example\n"
		"192.0.2.4\n"
		"192.0.2.5 last";

	(void)state;
	assert_string_equal(look(text, "relay.example"),
			"192.0.2.1 2001:db8::1 192.0.2.2 ");
	assert_string_equal(look(text, "RELAY"), "192.0.2.1 ");
	assert_string_equal(look(text, "last"), "192.0.2.5 ");
	assert_string_equal(look(text, "relay.other"), "");
	assert_string_equal(look(text, "relay.exampl"), "");
	assert_string_equal(look(text, "192.0.2.4"), "");
	assert_string_equal(look("", "relay"), "");
}

static void test_file(void **state)
{
	char path[] = "/tmp/hosts_test.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "192.0.2.1 x\n", 12), 12);
	close(fd);
	found[0] = '\0';
	hosts_look(path, SPAN("x"), note, found);
	unlink(path);
	hosts_look(path, SPAN("x"), note, found);
	assert_string_equal(found, "192.0.2.1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_file)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
