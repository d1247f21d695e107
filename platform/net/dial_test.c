#include "net/dial.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"

/*
 * Loopback addresses with one port: "open" takes connections, "deaf" has its
 * backlog full, so that nothing comes of connecting, "shut" refuses.
 */
#define MOST 6

static struct loop *loop;
static struct mx_target targets[MOST];
static unsigned n;
static int sockets[MOST * 4], nsockets;
static in_port_t port;

static char told[200];
static struct conn *got;
static bool over;
static int64_t begun, took;

static void add(const char *what, unsigned preference)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = port };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	at.sin_addr.s_addr = htonl(0x7f00c800u + n + 1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	port = at.sin_port;
	targets[n] = (struct mx_target){ .addr_len = sizeof(at),
		.preference = preference };
	memcpy(&targets[n].addr, &at, sizeof(at));
	snprintf(targets[n].name, sizeof(targets[n].name), "%u", n);
	n++;
	sockets[nsockets++] = fd;
	if (strcmp(what, "shut") == 0)
		return;
	listen(fd, strcmp(what, "deaf") == 0 ? 0 : 5);
	for (int i = 0; i < 2 && strcmp(what, "deaf") == 0; i++) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (struct sockaddr *)&at, sizeof(at));
		sockets[nsockets++] = fd;
	}
}

static void on_dial(void *arg, const struct mx_target *t, struct conn *conn,
		const struct err *why)
{
	size_t at = strlen(told);

	(void)arg;
	assert_true(!t || conn || why->text[0]);
	snprintf(told + at, sizeof(told) - at, "%.9s%s ", t ? t->name : "none",
			conn ? " up" : "");
	got = conn;
	over = !t || conn;
	took = clock_ms() - begun;
}

/* What came of it: "0 1 up " is 0 failed, 1 connected. */
static const char *dialled(uint32_t skip, unsigned timeout)
{
	struct dial *d = dial_start(loop, targets, n, skip, timeout, on_dial,
			NULL);

	begun = clock_ms();
	told[0] = '\0';
	over = false;
	assert_non_null(d);
	while (!over)
		loop_turn(loop, 100);
	if (got)
		conn_abort(got);
	got = NULL;
	return told;
}

static int set_up(void **state)
{
	struct err err;

	(void)state;
	loop = loop_new(&err);
	n = 0;
	nsockets = 0;
	port = 0;
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	while (nsockets)
		close(sockets[--nsockets]);
	loop_free(loop);
	return 0;
}

static void test_first_answers(void **state)
{
	(void)state;
	add("open", 0);
	add("open", 0);
	assert_string_equal(dialled(0, 30), "0 up ");
	assert_string_equal(dialled(1, 30), "1 up ");
	assert_string_equal(dialled(3, 30), "none ");
}

/* Who refuses costs nothing, whatever the preferences. */
static void test_refused(void **state)
{
	(void)state;
	add("shut", 10);
	add("shut", 20);
	add("open", 30);
	assert_string_equal(dialled(0, 30), "0 1 2 up ");
	assert_true(took < 200);
	assert_string_equal(dialled(4, 30), "0 1 none ");
}

/* An equal one is not kept waiting by one that is silent. */
static void test_silent(void **state)
{
	(void)state;
	add("deaf", 10);
	add("open", 10);
	assert_string_equal(dialled(0, 30), "1 up ");
	assert_in_range(took, DIAL_STEP_MS - 10, DIAL_STEP_MS + 300);
}

/* A refusal among equals: the next at once, though another is pending. */
static void test_silent_then_refused(void **state)
{
	(void)state;
	add("deaf", 10);
	add("shut", 10);
	add("open", 10);
	assert_string_equal(dialled(0, 30), "1 2 up ");
	assert_in_range(took, DIAL_STEP_MS - 10, DIAL_STEP_MS + 300);
}

/* A worse one has to wait: here until the time-out, which is short. */
static void test_worse_waits(void **state)
{
	(void)state;
	add("deaf", 10);
	add("open", 20);
	assert_string_equal(dialled(0, 1), "0 1 up ");
	assert_in_range(took, 990, 1500);
}

/* Three at a time; none is dropped before its time. */
static void test_all_silent(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		add("deaf", 0);
	assert_string_equal(dialled(0, 1), "0 1 2 3 none ");
	assert_in_range(took, 1990, 2600);
}

static void test_cancel(void **state)
{
	struct dial *d;

	(void)state;
	add("deaf", 0);
	add("deaf", 0);
	told[0] = '\0';
	d = dial_start(loop, targets, n, 0, 30, on_dial, NULL);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 100);
	dial_cancel(d);
	dial_cancel(dial_start(loop, targets, n, 0, 30, on_dial, NULL));
	dial_cancel(NULL);
	loop_turn(loop, 10);
	assert_string_equal(told, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_answers), TEST(test_refused),
		TEST(test_silent), TEST(test_silent_then_refused),
		TEST(test_worse_waits), TEST(test_all_silent),
		TEST(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
