/* Messages that are fetched in order, while others work in the Maildir. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/mailbox.h"

#define MANY 2200		/* more than are looked up at once */

static char dir[64];
static int folder;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/maildir_window_test.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 4; i++)
		mkdirat(folder, &"box\0cur\0new\0tmp"[i * 4], 0700);
	return renameat(folder, "cur", folder, "box/cur")
		|| renameat(folder, "new", folder, "box/new")
		|| renameat(folder, "tmp", folder, "box/tmp");
}

static int teardown(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	close(folder);
	return 0;
}

static void name_of(char out[100], unsigned n, const char *end)
{
	snprintf(out, 100, "box/%s/%u.M%uP1.test,S=%u,W=%u%s",
			*end ? "cur" : "new", 1700000000 + n, n, 10, 11, end);
}

/* Ten octets. */
static void text_of(char out[20], unsigned n)
{
	snprintf(out, 20, "%09u\n", n);
}

static void put(unsigned n)
{
	char name[100], text[20];
	int fd;

	name_of(name, n, "");
	text_of(text, n);
	fd = openat(folder, name, O_CREAT | O_WRONLY | O_EXCL, 0600);
	assert_int_equal(write(fd, text, 10), 10);
	close(fd);
}

static void has_read(unsigned n)
{
	char old[100], new[100];

	name_of(old, n, "");
	name_of(new, n, ":2,S");
	assert_int_equal(renameat(folder, old, folder, new), 0);
}

static void drop(unsigned n)
{
	char name[100];

	name_of(name, n, "");
	assert_int_equal(unlinkat(folder, name, 0), 0);
}

/* Message n is the one that put(n - 1) made; or it is gone. */
static void check(struct mailbox *m, unsigned n, bool there)
{
	char text[20], got[40] = "";
	struct err err;
	struct mailbox_reader *r = mailbox_reader_open(m, n, &err);

	assert_int_equal(r != NULL, there);
	if (!r)
		return;
	text_of(text, n - 1);
	assert_int_equal(mailbox_reader_next(r, got, sizeof(got), &err), 10);
	assert_string_equal(got, text);
	assert_int_equal(mailbox_reader_next(r, got, sizeof(got), &err), 0);
	mailbox_reader_close(r);
}

static void test_in_order(void **state)
{
	struct mailbox *m;
	struct err err;

	(void)state;
	for (unsigned n = 0; n < MANY; n++)
		put(n);
	m = mailbox_open(folder, "box", true, false, &err);
	assert_non_null(m);
	assert_int_equal(mailbox_count(m), MANY);
	/* in the middle of a run messages get flags, go, and come */
	for (unsigned n = 1; n <= 500; n++)
		check(m, n, true);
	for (unsigned n = 480; n < 700; n += 2)
		has_read(n);
	for (unsigned n = 601; n < 700; n += 10)
		drop(n);
	put(MANY);
	assert_int_equal(mailbox_refresh(m, &err), 1);
	for (unsigned n = 501; n <= MANY + 1; n++)
		check(m, n, n < 602 || n > 692 || (n - 602) % 10);
	/* out of order, back, the last one again */
	for (unsigned n = 1; n <= MANY; n += 97)
		check(m, n, n < 602 || n > 692 || (n - 602) % 10);
	for (unsigned n = 30; n > 0; n--)
		check(m, n, true);
	for (unsigned n = MANY - 20; n <= MANY + 1; n++)
		check(m, n, true);
	check(m, MANY + 1, true);
	check(m, MANY + 2, false);
	mailbox_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
