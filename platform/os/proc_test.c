/*
 * Started again by its own tests as another program: argv[1] names one of
 * the parts at the end, whose result is the exit status.
 */
#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define STEP(condition) do { if (!(condition)) return __LINE__ % 200 + 1; } \
	while (0)

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Starts this program as `part` and gives its exit status. */
static int run(const char *part, const struct proc_fd *fds, int nfds)
{
	char *argv[] = { "proc_test", (char *)(uintptr_t)part, NULL };
	struct err err;
	pid_t pid = proc_start(proc_self(NULL), argv, fds, nfds, &err);

	if (pid < 0)
		fail_msg("%s", err.text);
	return wait_for(pid);
}

/* Another's program: nothing of ours, a group of its own. */
static void commands(void **state)
{
	char *argv[] = { "sh", "-c", "[ -z \"$LISTEN_FDS\" ] && "
		"[ \"$(ps -o pgid= -p $$ | tr -d ' ')\" = $$ ] && "
		"[ \"$(readlink /proc/$$/fd/0)\" = /dev/null ] && "
		"! [ -e /proc/$$/fd/77 ] && exit 7", NULL };
	struct err err;
	int fd = fcntl(1, F_DUPFD, 77);
	pid_t pid;

	(void)state;
	assert_int_equal(setenv("LISTEN_FDS", "3", 1), 0);
	pid = proc_command("/bin/sh", argv, &err);
	assert_true(pid > 0);
	assert_int_equal(wait_for(pid), 7);
	unsetenv("LISTEN_FDS");
	assert_true(fd == 77);
	close(fd);
	assert_int_equal(proc_command("/nowhere", argv, &err), -1);
	assert_non_null(strstr(err.text, "/nowhere"));
}

/* ... whose output is ours to read, and whose end ends it. */
static void command_output(void **state)
{
	char *argv[] = { "sh", "-c", "echo out; [ -e /proc/$$/fd/77 ] || "
		"exit 7", NULL }, text[8];
	int pair[2], fd = fcntl(1, F_DUPFD, 77);
	struct err err;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = proc_command_io("/bin/sh", argv, -1, pair[1], &err);
	assert_true(pid > 0);
	close(pair[1]);
	assert_int_equal(read(pair[0], text, sizeof(text)), 4);
	assert_memory_equal(text, "out\n", 4);
	assert_int_equal(read(pair[0], text, sizeof(text)), 0);
	assert_int_equal(wait_for(pid), 7);
	close(pair[0]);
	close(fd);
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int part_plain(void)
{
	sigset_t mask;
	struct sigaction sa;
	int open_fds = -3;	/* ., .. and the folder itself */
	DIR *d = opendir("/proc/self/fd");

	STEP(d);
	while (readdir(d))
		open_fds++;
	closedir(d);
	STEP(open_fds == 3);
	STEP(!getenv("LISTEN_FDS") && !getenv("LISTEN_PID"));
	STEP(proc_listen_fd(0, NULL) == -1);
	STEP(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	STEP(!sigismember(&mask, SIGTERM));
	STEP(sigaction(SIGPIPE, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	return 0;
}

static void starts_clean(void **state)
{
	int extra[3];
	sigset_t mask, old;

	(void)state;
	/* inheritable, unlike our own */
	extra[0] = fcntl(0, F_DUPFD, 200);
	extra[1] = dup(0);
	extra[2] = dup(0);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, &old);
	signal(SIGPIPE, SIG_IGN);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", "1", 1);
	assert_int_equal(run("plain", NULL, 0), 0);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	for (int i = 0; i < 3; i++)
		close(extra[i]);
}

static int part_three(void)
{
	const char *a, *b, *c, *d = "unchanged";
	char text[8];

	STEP(proc_listen_fd(0, &a) == 3 && proc_listen_fd(1, &b) == 4);
	STEP(proc_listen_fd(2, &c) == 5 && proc_listen_fd(2, NULL) == 5);
	STEP(proc_listen_fd(3, &d) == -1 && proc_listen_fd(-1, &d) == -1);
	STEP(!strcmp(a, "smtp") && !strcmp(b, "") && !strcmp(c, "pop3"));
	STEP(!strcmp(d, "unchanged"));
	for (int i = 0; i < 3; i++) {
		STEP(read(3 + i, text, sizeof(text)) == 1);
		STEP(text[0] == "abc"[i]);
		STEP(fcntl(3 + i, F_GETFD) == 0);
	}
	STEP(!is_open(6));
	proc_listen_done();
	STEP(fcntl(3, F_GETFD) == FD_CLOEXEC);
	STEP(fcntl(5, F_GETFD) == FD_CLOEXEC);
	STEP(!getenv("LISTEN_FDS") && !getenv("LISTEN_PID"));
	STEP(!getenv("LISTEN_FDNAMES"));
	STEP(proc_listen_fd(0, &a) == -1);
	STEP(!strcmp(c, "pop3"));
	return 0;
}

/* With the sources on each other's places in every order. */
static void passes_sockets(void **state)
{
	static const int orders[][3] = {
		{ 3, 4, 5 }, { 5, 4, 3 }, { 4, 5, 3 }, { 4, 3, 5 },
		{ 6, 7, 8 }, { 9, 5, 4 }, { 6, 3, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		static const char *const names[] = { "smtp", "", "pop3" };
		struct proc_fd fds[3];
		int keep[10];

		/* what the test's own runner has on these places */
		for (int fd = 3; fd < 10; fd++)
			keep[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 50);
		for (int k = 0; k < 3; k++) {
			int ends[2];

			assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
			assert_int_equal(write(ends[1], &"abc"[k], 1), 1);
			close(ends[1]);
			ends[1] = fcntl(ends[0], F_DUPFD_CLOEXEC, 100);
			close(ends[0]);
			fds[k].fd = ends[1];
			fds[k].name = names[k];
		}
		for (int k = 0; k < 3; k++) {
			dup3(fds[k].fd, orders[i][k], O_CLOEXEC);
			close(fds[k].fd);
			fds[k].fd = orders[i][k];
		}
		assert_int_equal(run("three", fds, 3), 0);
		for (int fd = 3; fd < 10; fd++) {
			close(fd);
			if (keep[fd] >= 0) {
				dup3(keep[fd], fd, O_CLOEXEC);
				close(keep[fd]);
			}
		}
	}
}

/* In a helper that must not keep its parent's sockets open. */
static int keep_two(void)
{
	int ends[2], more[2], fds[2];
	char byte;

	STEP(pipe(ends) == 0 && pipe(more) == 0);
	STEP(write(ends[1], "x", 1) == 1);
	/* on each other's place */
	fds[0] = fcntl(ends[0], F_DUPFD, 10);
	fds[1] = fcntl(more[1], F_DUPFD, 11);
	STEP(dup2(fds[1], 3) == 3 && dup2(fds[0], 4) == 4);
	fds[0] = 4;
	fds[1] = 3;
	STEP(proc_keep_fds(fds, 2) == 0 && fds[0] == 3 && fds[1] == 4);
	STEP(read(3, &byte, 1) == 1 && byte == 'x');
	STEP(read(3, &byte, 1) == 0);	/* no writer is left */
	STEP(fcntl(4, F_GETFD) == FD_CLOEXEC);
	for (int fd = 5; fd < 300; fd++)
		STEP(!is_open(fd));
	fds[0] = 77;
	STEP(proc_keep_fds(fds, 1) < 0 && errno == EBADF);
	return 0;
}

static void keeps_descriptors(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(keep_two());
	assert_int_equal(wait_for(pid), 0);
}

static void start_fails(void **state)
{
	char *argv[] = { "x", NULL };
	struct proc_fd bad = { 999, "x" }, many[65];
	char name[2000];
	struct err err;

	(void)state;
	assert_int_equal(proc_start("/nowhere", argv, NULL, 0, &err), -1);
	assert_string_equal(err.text,
			"start /nowhere: No such file or directory");
	assert_int_equal(proc_start("/etc/passwd", argv, NULL, 0, &err), -1);
	assert_int_equal(proc_start(proc_self(""), argv, &bad, 1, &err), -1);
	assert_non_null(strstr(err.text, "Bad file descriptor"));
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	bad = (struct proc_fd){ 0, name };
	assert_int_equal(proc_start(proc_self(""), argv, &bad, 1, &err), -1);
	memset(many, 0, sizeof(many));
	assert_int_equal(proc_start(proc_self(""), argv, many, 65, &err), -1);
	/* no child is left behind */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void set_listen(long pid, const char *fds, const char *names)
{
	char number[20];

	snprintf(number, sizeof(number), "%ld", pid);
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", fds, 1);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
}

static void reads_environment(void **state)
{
	char long_names[2000];
	const char *name;

	(void)state;
	assert_int_equal(proc_listen_fd(0, &name), -1);
	set_listen(getpid() + 1, "2", "a:b");	/* meant for another one */
	assert_int_equal(proc_listen_fd(0, &name), -1);
	set_listen(getpid(), "2", "a:b");
	assert_int_equal(proc_listen_fd(1, &name), 4);
	assert_string_equal(name, "b");
	assert_int_equal(proc_listen_fd(2, &name), -1);
	set_listen(getpid(), "3", "a");		/* names missing */
	assert_int_equal(proc_listen_fd(2, &name), 5);
	assert_string_equal(name, "");
	set_listen(getpid(), "1", NULL);
	assert_int_equal(proc_listen_fd(0, &name), 3);
	assert_string_equal(name, "");
	set_listen(getpid(), "x", "a");
	assert_int_equal(proc_listen_fd(0, &name), -1);
	set_listen(getpid(), "1000000", "a");
	assert_int_equal(proc_listen_fd(0, &name), -1);
	memset(long_names, 'x', sizeof(long_names));
	long_names[sizeof(long_names) - 1] = '\0';
	set_listen(getpid(), "1", long_names);
	assert_int_equal(proc_listen_fd(0, &name), 3);
	assert_string_equal(name, "");
	setenv("LISTEN_FDS", "0", 1);
	proc_listen_done();
	assert_null(getenv("LISTEN_FDS"));
}

static void knows_itself(void **state)
{
	const char *self = proc_self("argv0");

	(void)state;
	assert_int_equal(self[0], '/');
	assert_int_equal(access(self, X_OK), 0);
	assert_non_null(strstr(self, "proc_test"));
}

static void packets(void **state)
{
	char data[64], more;
	int pair[2], ends[2], fd = 77;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(proc_send(pair[0], "hello", 5, -1), 5);
	assert_int_equal(proc_send(pair[0], "world!", 6, -1), 6);
	assert_int_equal(proc_recv(pair[1], data, sizeof(data), &fd), 5);
	assert_int_equal(fd, -1);
	assert_memory_equal(data, "hello", 5);
	assert_int_equal(proc_recv(pair[1], data, 6, NULL), 6);
	/* a packet is whole or an error */
	proc_send(pair[0], "hello", 5, -1);
	errno = 0;
	assert_int_equal(proc_recv(pair[1], data, 4, &fd), -1);
	assert_int_equal(errno, EMSGSIZE);
	/* the descriptor that comes is another one for the same pipe */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(proc_send(pair[0], "fd", 2, ends[1]), 2);
	close(ends[1]);
	assert_int_equal(proc_recv(pair[1], data, sizeof(data), &fd), 2);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "z", 1), 1);
	assert_int_equal(read(ends[0], &more, 1), 1);
	close(fd);
	assert_int_equal(read(ends[0], &more, 1), 0);
	close(ends[0]);
	close(pair[0]);
	assert_int_equal(proc_recv(pair[1], data, sizeof(data), &fd), 0);
	errno = 0;		/* and no SIGPIPE */
	assert_int_equal(proc_send(pair[1], "x", 1, -1), -1);
	assert_int_equal(errno, EPIPE);
	close(pair[1]);
}

/* Sends two descriptors in one packet, which proc_send never does. */
static void send_two(int sock, int one, int two)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int both[2] = { one, two };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(both));
	memcpy(CMSG_DATA(&control.header), both, sizeof(both));
	assert_int_equal(sendmsg(sock, &m, 0), 1);
}

/* Whatever comes unasked is closed again: the pipe has no writer left. */
static void unasked_descriptors(void **state)
{
	char data[4];
	int pair[2], ends[2], fd = 77;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(proc_send(pair[0], "x", 1, ends[1]), 1);
	send_two(pair[0], ends[1], ends[1]);
	assert_int_equal(proc_send(pair[0], "12345", 5, ends[1]), 5);
	close(ends[1]);
	assert_int_equal(proc_recv(pair[1], data, sizeof(data), NULL), 1);
	assert_int_equal(proc_recv(pair[1], data, sizeof(data), &fd), -1);
	assert_int_equal(fd, -1);
	assert_int_equal(proc_recv(pair[1], data, sizeof(data), &fd), -1);
	assert_int_equal(fd, -1);
	assert_int_equal(read(ends[0], data, 1), 0);
	close(ends[0]);
	close(pair[0]);
	close(pair[1]);
}

static void helper_answers(void **state)
{
	struct err err;
	char data[8];
	int fd, flags;
	pid_t pid = proc_helper(&fd, &err);

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		ssize_t n;

		while ((n = proc_recv(fd, data, sizeof(data), NULL)) > 0)
			proc_send(fd, data, (size_t)n, -1);
		_exit(n == 0 ? 42 : 1);	/* 0: the parent has closed */
	}
	flags = fcntl(fd, F_GETFL);
	assert_true(flags & O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), 0);
	assert_int_equal(proc_send(fd, "ping", 4, -1), 4);
	assert_int_equal(proc_recv(fd, data, sizeof(data), NULL), 4);
	assert_memory_equal(data, "ping", 4);
	close(fd);
	assert_int_equal(wait_for(pid), 42);
}

/* A helper that sleeps for ever holds a pipe open until its parent dies. */
static void helper_dies_with_parent(void **state)
{
	int ends[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct err err;
		int fd;

		close(ends[0]);
		if (proc_helper(&fd, &err) == 0) {
			(void)!write(ends[1], "x", 1);
			while (true)
				pause();
		}
		close(ends[1]);
		proc_recv(fd, &byte, 1, NULL);
		pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	alarm(20);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	alarm(0);
	close(ends[0]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_clean),
		cmocka_unit_test(passes_sockets),
		cmocka_unit_test(keeps_descriptors),
		cmocka_unit_test(start_fails),
		cmocka_unit_test(commands),
		cmocka_unit_test(command_output),
		cmocka_unit_test(reads_environment),
		cmocka_unit_test(knows_itself),
		cmocka_unit_test(packets),
		cmocka_unit_test(unasked_descriptors),
		cmocka_unit_test(helper_answers),
		cmocka_unit_test(helper_dies_with_parent),
	};

	if (argc > 1)
		return strcmp(argv[1], "three") ? part_plain() : part_three();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
