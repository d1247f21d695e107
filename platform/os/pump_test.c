#include "os/pump.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* A child that reads all, and then says it back in upper case. */
static int shouter(pid_t *pid)
{
	int sv[2];
	char buf[65536];
	size_t n = 0;
	ssize_t got;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	*pid = fork();
	if (*pid) {
		close(sv[1]);
		return sv[0];
	}
	close(sv[0]);
	while ((got = read(sv[1], buf + n, sizeof(buf) - n)) > 0)
		n += (size_t)got;
	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(buf[i] ^ 32);
	for (size_t i = 0; i < n; i += (size_t)got)
		if ((got = write(sv[1], buf + i, n - i)) < 0)
			_exit(1);
	_exit(0);
}

static void copies_both_ways(void **state)
{
	static char text[50000], back[50000];
	int in[2], out[2], sock, status;
	struct err err;
	pid_t pid, feeder;
	size_t n = 0;
	ssize_t got;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	feeder = fork();
	if (!feeder) {
		close(in[0]);
		_exit(write(in[1], text, sizeof(text)) != sizeof(text));
	}
	close(in[1]);
	sock = shouter(&pid);
	if (!fork())		/* out holds less than comes back */
		_exit(pump(in[0], out[1], sock, &err) != 0);
	close(out[1]);
	while ((got = read(out[0], back + n, sizeof(back) - n)) > 0)
		n += (size_t)got;
	assert_int_equal(n, sizeof(text));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(back[i], 'A');
	for (int i = 0; i < 3; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	close(in[0]);
	close(out[0]);
	close(sock);
}

static void ends_with_the_socket(void **state)
{
	int in[2], sv[2];
	struct err err;

	(void)state;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(write(in[1], "x", 1), 1);
	close(sv[1]);
	assert_int_equal(pump(in[0], STDOUT_FILENO, sv[0], &err), 0);
	close(in[0]);
	close(in[1]);
	close(sv[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_both_ways),
		cmocka_unit_test(ends_with_the_socket),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
