#include "os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static int saved, memory;
static char out[8192];

/* stderr goes to a file in memory until captured() gives what it got. */
static void capture(void)
{
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	memory = memfd_create("stderr", 0);
	assert_true(saved >= 0 && memory >= 0);
	dup2(memory, STDERR_FILENO);
}

static const char *captured(void)
{
	ssize_t n = pread(memory, out, sizeof(out) - 1, 0);

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(memory);
	assert_true(n >= 0);
	out[n] = '\0';
	return out;
}

static void before_open(void **state)
{
	(void)state;
	capture();
	log_warn("early %d", 1);
	assert_string_equal(captured(), "log_test: early 1\n");
}

static void levels(void **state)
{
	(void)state;
	capture();
	log_open("smtpd", true);
	log_error("e");
	log_warn("w");
	log_info("i");
	log_debug("d");		/* not by default */
	log_level(LOG_LEVEL_ERROR);
	log_error("e2");
	log_warn("w2");
	log_level(LOG_LEVEL_DEBUG);
	log_debug("d3");
	log_level(LOG_LEVEL_INFO);
	assert_string_equal(captured(), "smtpd: e\nsmtpd: w\nsmtpd: i\n"
			"smtpd: e2\nsmtpd: d3\n");
}

static void no_forged_lines(void **state)
{
	(void)state;
	capture();
	log_info("%s", "a\nsmtpd: b\r\t\x1b[m\x7f\x80\xff~ \x01");
	assert_string_equal(captured(), "smtpd: a\\x0asmtpd: b\\x0d\\x09"
			"\\x1b[m\\x7f\\x80\\xff~ \\x01\n");
}

/* 1 KB with the name and the end of line, and no escape is cut in two. */
static void long_lines(void **state)
{
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	capture();
	log_info("%s", text);
	captured();
	assert_in_range(strlen(out), 1000, 1024);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'x', lead);
		memset(text + lead, '\n', sizeof(text) - 1 - lead);
		capture();
		log_info("%s", text);
		captured();
		assert_in_range(strlen(out), 1000, 1024);
		assert_string_equal(out + strlen(out) - 5, "\\x0a\n");
	}
}

static void keeps_errno(void **state)
{
	(void)state;
	errno = ENOSPC;
	capture();
	log_error("x");
	assert_int_equal(errno, ENOSPC);
	captured();
	close(STDERR_FILENO);
	errno = ENOSPC;
	log_error("nobody sees it");
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(open("/dev/null", O_WRONLY), STDERR_FILENO);
}

/* In the chroot: syslog opened before goes on although /dev/log is away. */
static void child(const char *root)
{
	if (chroot(root) < 0 || chdir("/") < 0)
		_exit(1);
	log_open("smtpd", false);
	if (mkdir("/empty", 0700) < 0 || chroot("/empty") < 0)
		_exit(2);
	log_info("hello %s", "a\nb");
	log_debug("not this");
	_exit(0);
}

static void syslog_in_a_chroot(void **state)
{
	char root[] = "/tmp/log_test.XXXXXX", path[200], line[300];
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval second = { .tv_sec = 5 };
	int fd, status;
	ssize_t n;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/dev", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dev/log", root);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	pid = fork();
	if (pid == 0)
		child(root);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	n = recv(fd, line, sizeof(line) - 1, 0);
	assert_true(n > 0);
	line[n] = '\0';
	/* LOG_MAIL is 2, LOG_INFO 6 */
	assert_memory_equal(line, "<22>", 4);
	snprintf(path, sizeof(path), " smtpd[%d]: hello a\\x0ab", (int)pid);
	assert_non_null(strstr(line, path));
	assert_int_equal(recv(fd, line, sizeof(line), MSG_DONTWAIT), -1);
	close(fd);
	unlink(addr.sun_path);
	snprintf(path, sizeof(path), "%s/dev", root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/empty", root);
	rmdir(path);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_open),
		cmocka_unit_test(levels),
		cmocka_unit_test(no_forged_lines),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(keeps_errno),
		cmocka_unit_test(syslog_in_a_chroot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
