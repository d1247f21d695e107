#include "net/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "os/clock.h"

static struct loop *loop;
static struct listen *server;
static int accepted, last_fd;

static void got(void *arg, int fd)
{
	assert_null(arg);
	accepted++;
	close(last_fd);
	last_fd = fd;
}

static int set_up(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	server = NULL;
	accepted = 0;
	last_fd = -1;
	return !loop;
}

static int tear_down(void **state)
{
	(void)state;
	listen_stop(server);
	close(last_fd);
	loop_free(loop);
	return 0;
}

static int open_v4(struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	struct err err;
	int fd;

	*a = (struct sockaddr_in){ .sin_family = AF_INET };
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = listen_open((struct sockaddr *)a, sizeof(*a), &err);
	assert_true(fd >= 0);
	getsockname(fd, (struct sockaddr *)a, &len);
	return fd;
}

static int call(const void *addr, socklen_t len, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, addr, len) && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void test_accept(void **state)
{
	struct sockaddr_in a;
	int fd = open_v4(&a), c[40], i;

	(void)state;
	server = listen_start(loop, fd, got, NULL);
	assert_non_null(server);
	for (i = 0; i < 40; i++)
		c[i] = call(&a, sizeof(a), AF_INET);
	loop_turn(loop, 100);
	assert_int_equal(accepted, 32);		/* others want to work, too */
	loop_turn(loop, 100);
	assert_int_equal(accepted, 40);
	assert_true(fcntl(last_fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(last_fd, F_GETFD) & FD_CLOEXEC);
	for (i = 0; i < 40; i++)
		close(c[i]);
}

static void stop_now(void *arg, int fd)
{
	got(arg, fd);
	listen_stop(server);
	server = NULL;
}

static void test_stop_in_callback(void **state)
{
	struct sockaddr_in a;
	int fd = open_v4(&a), c1, c2;

	(void)state;
	server = listen_start(loop, fd, stop_now, NULL);
	c1 = call(&a, sizeof(a), AF_INET);
	c2 = call(&a, sizeof(a), AF_INET);
	loop_turn(loop, 100);
	loop_turn(loop, 0);
	assert_int_equal(accepted, 1);
	close(c1);
	close(c2);
}

/* No descriptors left: a pause instead of a loop at full speed. */
static void test_out_of_descriptors(void **state)
{
	struct rlimit old, low;
	struct sockaddr_in a;
	int64_t start;
	int fd = open_v4(&a), c, turns = 0;

	(void)state;
	server = listen_start(loop, fd, got, NULL);
	c = call(&a, sizeof(a), AF_INET);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = c + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	for (start = clock_ms(); clock_ms() < start + 300; turns++)
		loop_turn(loop, 100);
	assert_int_equal(accepted, 0);
	assert_true(turns < 10);
	setrlimit(RLIMIT_NOFILE, &old);
	while (!accepted && clock_ms() < start + 3000)
		loop_turn(loop, 100);
	assert_int_equal(accepted, 1);
	close(c);
}

static void test_dual_stack(void **state)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	union { struct sockaddr any; struct sockaddr_in v4;
		struct sockaddr_in6 v6; } bound;
	socklen_t len = sizeof(bound);
	struct err err;
	int fd = listen_open((struct sockaddr *)&v6, sizeof(v6), &err), c;

	(void)state;
	assert_true(fd >= 0);			/* with IPv6 or without */
	server = listen_start(loop, fd, got, NULL);
	assert_int_equal(getsockname(fd, &bound.any, &len), 0);
	v4.sin_port = bound.v4.sin_port;	/* the same place in both */
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c = call(&v4, sizeof(v4), AF_INET);
	loop_turn(loop, 100);
	assert_int_equal(accepted, 1);
	close(c);
}

static void test_taken(void **state)
{
	struct sockaddr_in a;
	int fd = open_v4(&a);
	struct err err;

	(void)state;
	assert_int_equal(listen_open((struct sockaddr *)&a, sizeof(a), &err),
			-1);
	assert_non_null(strstr(err.text, strerror(EADDRINUSE)));
	close(fd);
}

static void test_unix(void **state)
{
	char path[] = "/tmp/listen_testXXXXXX", name[100], longname[200];
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;
	struct err err;
	mode_t mask = umask(077);
	int first, second, c;

	(void)state;
	assert_non_null(mkdtemp(path));
	snprintf(name, sizeof(name), "%s/s", path);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", name);
	first = listen_open_unix(name, SOCK_STREAM, 0660, &err);
	assert_true(first >= 0);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	second = listen_open_unix(name, SOCK_STREAM, 0666, &err);	/* replaces it */
	assert_true(second >= 0);
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	server = listen_start(loop, second, got, NULL);
	c = call(&un, sizeof(un), AF_UNIX);
	loop_turn(loop, 100);
	assert_int_equal(accepted, 1);
	close(c);
	close(first);
	memset(longname, 'x', sizeof(longname));
	longname[150] = '\0';
	assert_int_equal(listen_open_unix(longname, SOCK_STREAM, 0600, &err), -1);
	assert_int_equal(listen_open_unix("/no/such/dir/s", SOCK_STREAM, 0600, &err), -1);
	assert_int_equal(umask(mask), 077);
	unlink(name);
	rmdir(path);
}

/* -- counting -- */

static struct sockaddr *addr(const char *text)
{
	static struct sockaddr_in v4;
	static struct sockaddr_in6 v6;
	static struct sockaddr un = { .sa_family = AF_UNIX };

	v4.sin_family = AF_INET;
	v6.sin6_family = AF_INET6;
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return (struct sockaddr *)&v4;
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		return (struct sockaddr *)&v6;
	return &un;
}

static void test_count(void **state)
{
	struct listen_count *c = listen_count_new(6, 2);

	(void)state;
	assert_int_equal(listen_count_in(c, addr("192.0.2.1")), 0);
	assert_int_equal(listen_count_in(c, addr("::ffff:192.0.2.1")), 0);
	assert_int_equal(listen_count_in(c, addr("192.0.2.1")), 2);
	assert_int_equal(listen_count_in(c, addr("192.0.2.2")), 0);
	assert_int_equal(listen_count_in(c, addr("2001:db8::1")), 0);
	assert_int_equal(listen_count_in(c, addr("2001:db8::2:3")), 0);
	assert_int_equal(listen_count_in(c, addr("2001:db8::4")), 2);
	assert_int_equal(listen_count_in(c, addr("2001:db8:0:1::1")), 0);
	assert_int_equal(listen_count_all(c), 6);
	assert_int_equal(listen_count_in(c, addr("unix")), 1);
	listen_count_out(c, addr("192.0.2.1"));
	assert_int_equal(listen_count_in(c, addr("unix")), 0);
	listen_count_out(c, addr("unix"));
	assert_int_equal(listen_count_in(c, addr("192.0.2.1")), 0);
	assert_int_equal(listen_count_in(c, addr("192.0.2.1")), 1);
	listen_count_out(c, addr("2001:db8::9"));
	listen_count_out(c, addr("2001:db8::9"));
	assert_int_equal(listen_count_in(c, addr("192.0.2.1")), 2);
	assert_int_equal(listen_count_all(c), 4);
	listen_count_free(c);
	c = listen_count_new(10, 0);
	assert_int_equal(listen_count_in(c, addr("192.0.2.1")), 2);
	listen_count_free(c);
}

/* Against a plain table. */
static void test_count_random(void **state)
{
	struct listen_count *c = listen_count_new(200, 5);
	unsigned in[64] = { 0 }, all = 0, seed = 3;
	int i;

	(void)state;
	for (i = 0; i < 50000; i++) {
		unsigned host = rand_r(&seed) % 64;
		char text[32];
		int expected = all >= 200 ? 1 : in[host] >= 5 ? 2 : 0;

		snprintf(text, sizeof(text), "10.0.%u.1", host * 3 % 64);
		if (rand_r(&seed) % 2) {
			assert_int_equal(listen_count_in(c, addr(text)),
					expected);
			in[host] += !expected;
			all += !expected;
		} else if (in[host]) {
			listen_count_out(c, addr(text));
			in[host]--;
			all--;
		}
		assert_int_equal(listen_count_all(c), all);
	}
	listen_count_free(c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_accept), T(test_stop_in_callback),
		T(test_out_of_descriptors), T(test_dual_stack), T(test_taken),
		T(test_unix), T(test_count), T(test_count_random)
	};

	return cmocka_run_group_tests_name("net/listen", tests, NULL, NULL);
}
