/* Needs the real file system: a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/file.h"
#include "store/maildir_quota.h"

static char dir[64];
static int folder;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/quota_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	return folder < 0;
}

static int teardown(void **state)
{
	pid_t pid;

	(void)state;
	close(folder);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static void put(const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void make(const char *path)
{
	static const char names[][4] = { "new", "cur", "tmp" };
	char whole[128];

	for (int i = 0; i < 3; i++) {
		snprintf(whole, sizeof(whole), "%s/%s", path, names[i]);
		assert_int_equal(file_mkdirs(folder, whole, 0700, NULL), 0);
	}
}

static const char *size_file(void)
{
	static char text[8192];
	int fd = openat(folder, "m/maildirsize", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static void make_older(const char *name, int seconds)
{
	struct timespec t[2];

	clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= seconds;
	t[1] = t[0];
	assert_int_equal(utimensat(folder, name, t, 0), 0);
}

static void assert_ask(const char *path, struct maildir_quota limit,
		uint64_t more, int rc, uint64_t size, uint64_t count)
{
	struct err err;

	assert_int_equal(maildir_quota_ask(folder, path, &limit, more, &err),
			rc);
	assert_int_equal(limit.size, size);
	assert_int_equal(limit.count, count);
}

/* -- the text -- */

static void assert_parse(const char *text, bool good, int64_t size,
		int64_t count)
{
	struct maildirsize m;

	if (maildirsize_parse(span_of(text), &m) != good)
		fail_msg("%s", text);
	if (good && (m.size != size || m.count != count))
		fail_msg("%s", text);
}

static void test_parse(void **state)
{
	struct maildirsize m;

	(void)state;
	assert_parse("1000S,20C\n5 1\n", true, 5, 1);
	assert_parse("20C,1000S\n5 1\n-5 -1\n", true, 0, 0);
	assert_parse("0S\n5 1\n7 1\n", true, 12, 2);
	assert_parse("\n5 1\n", true, 5, 1);		/* no limit */
	assert_parse("1S\n           5            1\n", true, 5, 1);
	assert_parse("1S\n5 1\n9 1", true, 5, 1);	/* half a line */
	assert_parse("", false, 0, 0);
	assert_parse("1S", false, 0, 0);
	assert_parse("1S\n", false, 0, 0);
	assert_parse("1S\n5\n", false, 0, 0);
	assert_parse("1S\n5 1 1\n", false, 0, 0);
	assert_parse("1S\n5 1\n\n5 1\n", false, 0, 0);
	assert_parse("1X\n5 1\n", false, 0, 0);
	assert_parse("S\n5 1\n", false, 0, 0);
	assert_parse("1S\n-5 1\n", false, 0, 0);
	assert_parse("1S\n5 -1\n", false, 0, 0);
	assert_parse("1S\n--5 1\n", false, 0, 0);
	assert_parse("1S\n99999999999999999999 1\n", false, 0, 0);
	assert_parse("1S\n4611686018427387903 1\n4611686018427387903 1\n",
			false, 0, 0);
	assert_false(maildirsize_parse(SPAN("1S\n5\0 1\n"), &m));
	assert_true(maildirsize_parse(SPAN("7S,8C\n5 1\n0 0\n"), &m));
	assert_int_equal(m.size_limit, 7);
	assert_int_equal(m.count_limit, 8);
	assert_int_equal(m.lines, 2);
}

/* -- counting -- */

static const struct maildir_quota k1 = { .size_limit = 1000 };

static void fill(void)
{
	make("m");
	make("m/.Sub");
	put("m/.Sub/maildirfolder", "");
	make("m/.Trash");
	put("m/new/1.a.b,S=100,W=110", "x");
	put("m/cur/2.a.b,S=200:2,S", "x");
	put("m/cur/3.a.b:2,", "seven..");
	put("m/cur/4.a.b,S=x:2,", "seven..");
	put("m/.Sub/cur/5.a.b,S=300;2,", "x");
	put("m/.Trash/cur/6.a.b,S=50:2,T", "x");
	put("m/tmp/7,S=5000", "x");
	assert_int_equal(mkdirat(folder, "m/cur/folder", 0700), 0);
	assert_int_equal(mkfifoat(folder, "m/cur/fifo", 0600), 0);
	assert_int_equal(symlinkat("/etc/passwd", folder, "m/cur/link"), 0);
	assert_int_equal(symlinkat("..", folder, "m/.Link"), 0);
	put("m/.File", "x");
}

static void test_counts_all_folders(void **state)
{
	(void)state;
	fill();
	assert_ask("m", k1, 0, 0, 664, 6);
	assert_string_equal(size_file(), "1000S\n664 6\n");
	assert_ask("m", k1, 336, 0, 664, 6);
	assert_ask("m", k1, 337, 1, 664, 6);
	/* a folder's is the Maildir's */
	assert_ask("m/.Sub", k1, 337, 1, 664, 6);
	assert_int_equal(faccessat(folder, "m/.Sub/maildirsize", F_OK, 0), -1);
}

static void test_both_limits(void **state)
{
	struct maildir_quota q = { .size_limit = 1000, .count_limit = 7 };

	(void)state;
	fill();
	assert_ask("m", q, 0, 0, 664, 6);
	assert_string_equal(size_file(), "1000S,7C\n664 6\n");
	assert_int_equal(maildir_quota_add(folder, "m", 10, 1), 0);
	/* too many: not believed, counted, and only the file was wrong */
	assert_ask("m", q, 0, 0, 664, 6);
	put("m/new/9.a.b,S=10", "x");
	maildir_quota_add(folder, "m", 10, 1);
	assert_ask("m", q, 0, 1, 674, 7);
	q.size_limit = 0;
	q.count_limit = 8;
	assert_ask("m", q, 0, 0, 674, 7);
	assert_string_equal(size_file(), "8C\n674 7\n");
}

static void test_no_limit(void **state)
{
	struct maildir_quota none = { 0 };

	(void)state;
	fill();
	assert_ask("m", none, 1 << 30, 0, 0, 0);
	assert_string_equal(size_file(), "");
	assert_int_equal(maildir_quota_add(folder, "m", 10, 1), 0);
	assert_string_equal(size_file(), "");
	/* Courier's maildirmake -q */
	put("m/maildirsize", "700S\n  664    6\n");
	assert_ask("m", none, 36, 0, 664, 6);
	assert_ask("m", none, 37, 1, 664, 6);
	put("m/maildirsize", "0S\n  664    6\n");
	assert_ask("m", none, 1 << 30, 0, 0, 0);
}

static void test_file_is_believed(void **state)
{
	(void)state;
	fill();
	put("m/maildirsize", "1000S\n10 1\n");
	assert_ask("m", k1, 990, 0, 10, 1);
	maildir_quota_add(folder, "m/.Sub", 20, 1);
	maildir_quota_add(folder, "m/", -5, -1);
	assert_string_equal(size_file(), "1000S\n10 1\n20 1\n-5 -1\n");
	assert_ask("m", k1, 975, 0, 25, 1);
	/* who goes over it is not refused by hearsay */
	assert_ask("m", k1, 976, 1, 664, 6);
	assert_string_equal(size_file(), "1000S\n664 6\n");
	/* what was just counted is not counted again ... */
	put("m/maildirsize", "1000S\n999 6\n");
	make_older("m/maildirsize", 800);
	assert_ask("m", k1, 2, 1, 999, 6);
	/* ... but after 15 minutes */
	make_older("m/maildirsize", 1000);
	assert_ask("m", k1, 2, 0, 664, 6);
	/* nor is what the clock of another year says believed */
	put("m/maildirsize", "1000S\n999 6\n");
	make_older("m/maildirsize", -5000);
	assert_ask("m", k1, 2, 0, 664, 6);
}

static void test_bad_file(void **state)
{
	char text[6001] = "1000S\n10 1\n";

	(void)state;
	fill();
	put("m/maildirsize", "2000S\n10 1\n");
	assert_ask("m", k1, 0, 0, 664, 6);
	put("m/maildirsize", "1000S\n-1 1\n");
	assert_ask("m", k1, 0, 0, 664, 6);
	while (strlen(text) + 4 < sizeof(text))
		strcat(text, "1 0\n");
	put("m/maildirsize", text);
	assert_ask("m", k1, 0, 0, 664, 6);
	assert_string_equal(size_file(), "1000S\n664 6\n");
	unlinkat(folder, "m/maildirsize", 0);
	/* neither followed nor waited for */
	put("elsewhere", "1000S\n10 1\n");
	symlinkat("../elsewhere", folder, "m/maildirsize");
	assert_int_equal(maildir_quota_add(folder, "m", 1, 1), -1);
	assert_ask("m", k1, 0, 0, 664, 6);
	unlinkat(folder, "m/maildirsize", 0);
	mkfifoat(folder, "m/maildirsize", 0600);
	assert_int_equal(maildir_quota_add(folder, "m", 1, 1), -1);
	assert_ask("m", k1, 0, 0, 664, 6);
	unlinkat(folder, "m/maildirsize", 0);
	mkdirat(folder, "m/maildirsize", 0700);
	assert_ask("m", k1, 400, 1, 664, 6);
}

static void test_no_maildir(void **state)
{
	(void)state;
	assert_ask("none", k1, 1000, 0, 0, 0);
	assert_ask("none", k1, 1001, 1, 0, 0);
	assert_int_equal(maildir_quota_add(folder, "none", 1, 1), -1);
	put("file", "");
	assert_ask("file", k1, 10, -1, 0, 0);
}

/* Nothing of it stays in tmp/. */
static void test_leaves_nothing(void **state)
{
	struct dirent *e;
	int n = 0;
	char whole[80];
	DIR *d;

	(void)state;
	make("m");
	for (int i = 1; i < 20; i++) {
		struct maildir_quota q = { .size_limit = (uint64_t)i };

		assert_ask("m", q, 0, 0, 0, 0);
	}
	snprintf(whole, sizeof(whole), "%s/m/tmp", dir);
	d = opendir(whole);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		TEST(counts_all_folders),
		TEST(both_limits),
		TEST(no_limit),
		TEST(file_is_believed),
		TEST(bad_file),
		TEST(no_maildir),
		TEST(leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
