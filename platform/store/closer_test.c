#include "store/closer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static useconds_t slow;		/* a removal takes so long */

/* Instead of libc's. */
int unlinkat(int folder, const char *name, int flags)
{
	if (slow)
		usleep(slow);
	return (int)syscall(SYS_unlinkat, folder, name, flags);
}

struct place {
	char dir[32];
	int folder;
	struct loop *loop;
	struct closer *closer;
};

static void place_open(struct place *p)
{
	struct err err;

	snprintf(p->dir, sizeof(p->dir), "/tmp/closer_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->folder = open(p->dir, O_RDONLY | O_DIRECTORY);
	p->loop = loop_new(&err);
	p->closer = closer_new(p->loop);
	assert_true(p->folder >= 0 && p->loop && p->closer);
}

static void place_close(struct place *p)
{
	closer_free(p->closer);
	/* no helper is left */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	loop_free(p->loop);
	close(p->folder);
	assert_int_equal(rmdir(p->dir), 0);
	slow = 0;
}

static void put(const struct place *p, const char *name)
{
	int fd = openat(p->folder, name, O_CREAT | O_WRONLY, 0600);

	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
}

static void put_and_remove(const struct place *p, int n)
{
	for (int i = 0; i < n; i++) {
		put(p, "f");
		assert_int_equal(closer_remove(p->closer, p->folder, "f"), 0);
		assert_int_equal(faccessat(p->folder, "f", F_OK, 0), -1);
	}
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* What goes fast is removed here, and so is one now and then. */
static void test_fast(void **state)
{
	struct place p;

	(void)state;
	place_open(&p);
	put_and_remove(&p, 1);
	slow = CLOSER_SLOW_US + 100;
	usleep(CLOSER_SOON_US + 1000);
	put_and_remove(&p, 1);
	assert_int_equal(closer_count(p.closer), 0);
	place_close(&p);
}

static void test_slow(void **state)
{
	int before, turns = 5;
	struct place p;

	(void)state;
	place_open(&p);
	before = descriptors();
	slow = CLOSER_SLOW_US + 100;
	put_and_remove(&p, turns * (CLOSER_TURN + 1));
	/* some may have found no room, or the machine slow: not most */
	assert_in_range(closer_count(p.closer), (turns - 2) * CLOSER_TURN / 2,
			turns * CLOSER_TURN);
	/* nothing but the helpers' sockets is held */
	assert_in_range(descriptors() - before, 1, CLOSER_HELPERS);
	place_close(&p);
}

static void test_missing(void **state)
{
	struct place p;

	(void)state;
	place_open(&p);
	slow = CLOSER_SLOW_US + 100;
	put_and_remove(&p, 4);
	for (int i = 0; i < 2 * CLOSER_TURN; i++) {
		errno = 0;
		assert_int_equal(closer_remove(p.closer, p.folder, "no"), -1);
		assert_int_equal(errno, ENOENT);
	}
	place_close(&p);
}

static pid_t any_child(void)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
			(int)getpid());
	f = fopen(path, "r");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return (pid_t)strtol(text, NULL, 10);
}

/* The kernel closes what a killed helper had; another takes its place. */
static void test_killed(void **state)
{
	struct place p;

	(void)state;
	place_open(&p);
	slow = CLOSER_SLOW_US + 100;
	for (int i = 0; i < 6; i++) {
		put_and_remove(&p, CLOSER_TURN);
		assert_true(any_child() > 0);
		kill(any_child(), SIGKILL);
	}
	put_and_remove(&p, CLOSER_TURN);
	assert_true(closer_count(p.closer) > CLOSER_TURN);
	place_close(&p);
}

static void test_idle(void **state)
{
	struct place p;

	(void)state;
	place_open(&p);
	slow = CLOSER_SLOW_US + 100;
	put_and_remove(&p, CLOSER_TURN);
	assert_true(any_child() > 0);
	for (int i = 0; i < CLOSER_IDLE_MS / 10 && any_child(); i++)
		loop_turn(p.loop, 20);
	assert_int_equal(any_child(), 0);
	place_close(&p);
}

/* Without one it is a plain unlinkat. */
static void test_none(void **state)
{
	struct closer *c;
	struct place p;

	(void)state;
	place_open(&p);
	c = p.closer;
	p.closer = NULL;
	put_and_remove(&p, 3);
	p.closer = c;
	place_close(&p);
	closer_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast), cmocka_unit_test(test_slow),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_killed),
		cmocka_unit_test(test_idle), cmocka_unit_test(test_none)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
