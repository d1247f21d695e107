#include "store/sync.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct one {
	struct sync_request request;
	int done;
};

static void on_done(struct sync_request *r, int error)
{
	assert_int_equal(error, 0);
	container_of(r, struct one, request)->done++;
}

static int count(const struct one *o, int n)
{
	int sum = 0;

	while (n--)
		sum += o[n].done;
	return sum;
}

/* The first child, or 0. */
static pid_t helper(void)
{
	char command[64];
	long pid = 0;
	FILE *f;

	snprintf(command, sizeof(command), "pgrep -o -P %ld", (long)getpid());
	f = popen(command, "r");
	if (fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	pclose(f);
	return (pid_t)pid;
}

static struct sync *start(struct loop **loop, int *dirfd)
{
	struct sync *s;
	struct err err;

	*loop = loop_new(&err);
	*dirfd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s = sync_open(*loop, *dirfd, false, &err);
	assert_non_null(s);
	return s;
}

static void ask(struct sync *s, struct one *o, int n)
{
	while (n--) {
		*o = (struct one){ { "x", on_done, { NULL, NULL } }, 0 };
		sync_ask(s, &o++->request);
	}
}

static void turns(struct loop *loop)
{
	for (int i = 0; i < 20; i++)
		loop_turn(loop, 10);
}

/* While the first flush hangs, few wait for it, and many have one of their own. */
static void test_large_group_does_not_wait(void **state)
{
	struct one first, few[SYNC_LARGE - 1], last;
	struct loop *loop;
	int dirfd;
	struct sync *s = start(&loop, &dirfd);
	pid_t slow = helper();

	(void)state;
	assert_true(slow > 0);
	assert_int_equal(kill(slow, SIGSTOP), 0);
	ask(s, &first, 1);
	loop_turn(loop, 0);
	ask(s, few, SYNC_LARGE - 1);
	turns(loop);
	assert_int_equal(count(few, SYNC_LARGE - 1), 0);
	ask(s, &last, 1);
	for (int i = 0; i < 500 && !last.done; i++)
		loop_turn(loop, 10);
	assert_int_equal(last.done, 1);
	assert_int_equal(count(few, SYNC_LARGE - 1), SYNC_LARGE - 1);
	assert_int_equal(first.done, 0);
	kill(slow, SIGCONT);
	for (int i = 0; i < 500 && !first.done; i++)
		loop_turn(loop, 10);
	assert_int_equal(first.done, 1);
	assert_int_equal(sync_count(s), 2);
	sync_close(s);
	loop_free(loop);
	close(dirfd);
}

static int helpers(void)
{
	char command[64];
	FILE *f;
	int n = 0;

	snprintf(command, sizeof(command), "pgrep -c -P %ld", (long)getpid());
	f = popen(command, "r");
	if (fscanf(f, "%d", &n) != 1)
		n = 0;
	pclose(f);
	return n - 1;	/* popen's shell is one, too */
}

/* The second helper is for a rush: afterwards it ends. */
static void test_second_helper_ends(void **state)
{
	struct one many[2 * SYNC_LARGE];
	struct loop *loop;
	int dirfd;
	struct sync *s = start(&loop, &dirfd);
	pid_t slow = helper();

	(void)state;
	kill(slow, SIGSTOP);
	for (int turn = 0; turn < 2; turn++) {
		ask(s, many + turn * SYNC_LARGE, SYNC_LARGE);
		loop_turn(loop, 0);
	}
	assert_int_equal(helpers(), 2);
	kill(slow, SIGCONT);
	for (int i = 0; i < 2 * SYNC_SPARE / 10 && helpers() > 1; i++)
		loop_turn(loop, 10);
	assert_int_equal(helpers(), 1);
	assert_int_equal(count(many, 2 * SYNC_LARGE), 2 * SYNC_LARGE);
	/* and there is another when it is wanted */
	kill(helper(), SIGSTOP);
	ask(s, many, SYNC_LARGE);
	loop_turn(loop, 0);
	ask(s, many + SYNC_LARGE, SYNC_LARGE);
	for (int i = 0; i < 500 && !many[SYNC_LARGE].done; i++)
		loop_turn(loop, 10);
	assert_int_equal(many[SYNC_LARGE].done, 1);
	sync_close(s);
	loop_free(loop);
	close(dirfd);
}

/* Who is closed in the middle gets no answer, and leaves no process. */
static void test_close_while_running(void **state)
{
	struct one many[2 * SYNC_LARGE];
	struct loop *loop;
	int dirfd;
	struct sync *s = start(&loop, &dirfd);

	(void)state;
	kill(helper(), SIGSTOP);
	ask(s, many, SYNC_LARGE);
	loop_turn(loop, 0);
	ask(s, many + SYNC_LARGE, SYNC_LARGE);
	loop_turn(loop, 0);
	sync_close(s);
	assert_int_equal(count(many, SYNC_LARGE), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	loop_free(loop);
	close(dirfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_group_does_not_wait),
		cmocka_unit_test(test_second_helper_ends),
		cmocka_unit_test(test_close_while_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
