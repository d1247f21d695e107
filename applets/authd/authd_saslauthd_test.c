/* Needs a folder below /tmp. The other side is a child that plays saslauthd. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/authd.h"
#include "os/clock.h"

static const char wanted[] = "\0\5alice\0\4p\xc3\xa4s\0\4smtp\0\5a.com";

struct place {
	char dir[40], path[64];
	int fd;
	pid_t child;
	struct authd_saslauthd s;
	struct err err;
};

static int set_up(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/saslauthd.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/mux", p->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/mux", p->dir);
	p->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(p->fd, (void *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(p->fd, 0), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	if (p->child) {
		kill(p->child, SIGKILL);
		waitpid(p->child, NULL, 0);
	}
	close(p->fd);
	unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

/*
 * The child takes a request, and answers in pieces; NULL: hangs. Its status:
 * was it what we want?
 */
static void serve(struct place *p, const char *answer, size_t n, size_t piece)
{
	char request[100];
	size_t got = 0;
	int fd;

	p->child = fork();
	if (p->child)
		return;
	alarm(30);
	fd = accept(p->fd, NULL, NULL);
	while (got < sizeof(wanted) - 1) {
		ssize_t more = read(fd, request + got, sizeof(request) - got);

		if (more <= 0)
			_exit(9);
		got += (size_t)more;
	}
	for (size_t at = 0; at < n; at += piece) {
		send(fd, answer + at, at + piece < n ? piece : n - at,
				MSG_NOSIGNAL);
		usleep(2000);
	}
	if (!answer)
		pause();
	_exit(got != sizeof(wanted) - 1 ||
			memcmp(request, wanted, got) ? 8 : 0);
}

static int ask(struct place *p)
{
	struct authd_login l = { SPAN("alice"), SPAN("p\xc3\xa4s"),
		SPAN("smtp"), SPAN("a.com") };
	int status, rc;

	p->err.text[0] = '\0';
	rc = authd_saslauthd(&p->s, p->path, &l, &p->err);
	if (p->child) {
		assert_int_equal(waitpid(p->child, &status, 0), p->child);
		assert_int_equal(status, 0);
		p->child = 0;
	}
	return rc;
}

static void answers(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		int rc;
	} all[] = {
#define ALL(text, rc) { text, sizeof(text) - 1, rc }
		ALL("\0\2OK", 0), ALL("\0\2NO", 1), ALL("\0\3OK\0", 0),
		ALL("\0\3NO\0", 1), ALL("\0\6OK yes", 0), ALL("\0\5NO no", 1),
		ALL("\0\2OKNO", 0),
		/* no word of the protocol */
		ALL("", -1), ALL("\0", -1), ALL("\0\2", -1), ALL("\0\2O", -1),
		ALL("\0\0", -1), ALL("\0\1O", -1), ALL("\0\3OK", -1),
		ALL("\0\2ok", -1), ALL("\0\2XX", -1), ALL("\0\4OKAY", -1),
		ALL("\0\4NOPE", -1), ALL("\xff\xffOK", -1), ALL("OK", -1),
		ALL("OK\r\n", -1), ALL("\4\1OK", -1),
		ALL("HTTP/1.1 200 OK\r\n\r\n", -1)
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (size_t piece = 1; piece < 40; piece += 38) {
			serve(p, all[i].text, all[i].n, piece);
			if (ask(p) != all[i].rc)
				fail_msg("answer %zu: not %d: %s", i,
						all[i].rc, p->err.text);
			if (all[i].rc < 0)
				assert_int_equal(p->err.kind, ERR_TEMP);
		}
}

static void a_long_answer(void **state)
{
	char text[2 + 1024] = "\4\0OK ";
	struct place *p = *state;

	memset(text + 5, 'x', sizeof(text) - 5);
	serve(p, text, sizeof(text), 100);
	assert_int_equal(ask(p), 0);
}

static void nobody_there(void **state)
{
	struct place *p = *state;
	char path[200];
	struct authd_login l = { SPAN("a"), SPAN("b"), SPAN("c"), SPAN("d") };

	close(p->fd);
	assert_int_equal(ask(p), -1);
	assert_non_null(strstr(p->err.text, "refused"));
	unlink(p->path);
	assert_int_equal(ask(p), -1);
	assert_non_null(strstr(p->err.text, "No such file"));
	memset(path, 'x', sizeof(path));
	path[199] = '\0';
	assert_int_equal(authd_saslauthd(&p->s, path, &l, &p->err), -1);
	assert_non_null(strstr(p->err.text, "too long"));
	/* no rest after that: it says at once how it is */
	p->fd = -1;
	assert_int_equal(p->s.rest_until, 0);
}

/* One that takes connections and says nothing, then is left alone. */
static void one_that_hangs(void **state)
{
	struct place *p = *state;
	int64_t start = clock_ms();

	serve(p, NULL, 0, 1);
	assert_int_equal(authd_saslauthd(&p->s, p->path, &(struct authd_login){
			SPAN("alice"), SPAN("x"), SPAN("smtp"), SPAN("a.com")
			}, &p->err), -1);
	assert_in_range(clock_ms() - start, 9900, 12000);
	assert_non_null(strstr(p->err.text, "timed out"));
	start = clock_ms();
	assert_int_equal(authd_saslauthd(&p->s, p->path, &(struct authd_login){
			SPAN("alice"), SPAN("x"), SPAN("smtp"), SPAN("a.com")
			}, &p->err), -1);
	assert_in_range(clock_ms() - start, 0, 1000);
	assert_int_equal(p->err.kind, ERR_TEMP);
}

/* Its queue is full; connect would wait for ever. */
static void one_that_does_not_accept(void **state)
{
	struct place *p = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int64_t start;
	int fds[8];

	memcpy(addr.sun_path, p->path, sizeof(p->path));
	for (int i = 0; i < 8; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(fds[i], (void *)&addr, sizeof(addr)) < 0)
			assert_int_equal(errno, EAGAIN);
	}
	start = clock_ms();
	assert_int_equal(ask(p), -1);
	assert_in_range(clock_ms() - start, 9900, 12000);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
}

static void too_long(void **state)
{
	struct place *p = *state;
	char name[300];
	struct authd_login l = { span_make(name, 257), SPAN("x"),
		SPAN("smtp"), SPAN("a.com") };

	memset(name, 'n', sizeof(name));
	assert_int_equal(authd_saslauthd(&p->s, p->path, &l, &p->err), 1);
	l.realm = l.name;
	l.name = SPAN("x");
	assert_int_equal(authd_saslauthd(&p->s, p->path, &l, &p->err), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers),
		TEST(a_long_answer),
		TEST(nobody_there),
		TEST(one_that_hangs),
		TEST(one_that_does_not_accept),
		TEST(too_long),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
