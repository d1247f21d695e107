/*
 * The system calls that file.c makes, interrupted, cut short, failing, and
 * in which order: durable is what was flushed before it got its name.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static char calls[200];			/* a letter for each call */
static const char *failing = "";	/* letters that fail */
static int reason;			/* with this errno */
static bool rough;			/* EINTR, then a byte at a time */
static unsigned turn;

/* Does this call fail? Notes it in any case. */
static bool fails(char letter)
{
	size_t n = strlen(calls);

	if (n + 1 < sizeof(calls)) {
		calls[n] = letter;
		calls[n + 1] = '\0';
	}
	errno = reason;
	return strchr(failing, letter) != NULL;
}

static bool interrupted(void)
{
	errno = EINTR;
	return rough && turn++ % 2 == 0;
}

static size_t some(size_t n)
{
	return rough && n > 1 ? 1 : n;
}

static int my_openat(int dir, const char *path, int flags, mode_t mode)
{
	if (interrupted() || fails('o'))
		return -1;
	return openat(dir, path, flags, mode);
}

static ssize_t my_write(int fd, const void *data, size_t n)
{
	if (interrupted() || fails('w'))
		return -1;
	return write(fd, data, some(n));
}

static ssize_t my_read(int fd, void *data, size_t n)
{
	if (interrupted() || fails('r'))
		return -1;
	return read(fd, data, some(n));
}

static ssize_t my_pread(int fd, void *data, size_t n, off_t at)
{
	if (interrupted() || fails('p'))
		return -1;
	return pread(fd, data, some(n), at);
}

static ssize_t my_copy_file_range(int from, off_t *at, int to, off_t *to_at,
		size_t n, unsigned flags)
{
	if (interrupted() || fails('k'))
		return -1;
	return copy_file_range(from, at, to, to_at, some(n), flags);
}

static ssize_t my_sendfile(int to, int from, off_t *at, size_t n)
{
	if (interrupted() || fails('s'))
		return -1;
	return sendfile(to, from, at, some(n));
}

static int my_fchmod(int fd, mode_t mode)
{
	return fails('m') ? -1 : fchmod(fd, mode);
}

static int my_fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return fails('D') ? -1 : fsync(fd);
	return fails('F') ? -1 : fsync(fd);
}

static int my_close(int fd)
{
	int rc = close(fd);

	return fails('c') ? -1 : rc;
}

static int my_renameat(int from, const char *old, int to, const char *new)
{
	return fails('n') ? -1 : renameat(from, old, to, new);
}

static int my_mkdirat(int dir, const char *path, mode_t mode)
{
	return fails('d') ? -1 : mkdirat(dir, path, mode);
}

#define openat(dir, path, flags, mode) my_openat(dir, path, flags, mode)
#define write(fd, data, n) my_write(fd, data, n)
#define read(fd, data, n) my_read(fd, data, n)
#define pread(fd, data, n, at) my_pread(fd, data, n, at)
#define copy_file_range(from, at, to, to_at, n, flags) \
	my_copy_file_range(from, at, to, to_at, n, flags)
#define sendfile(to, from, at, n) my_sendfile(to, from, at, n)
#define fchmod(fd, mode) my_fchmod(fd, mode)
#define fsync(fd) my_fsync(fd)
#define close(fd) my_close(fd)
#define renameat(from, old, to, new) my_renameat(from, old, to, new)
#define mkdirat(dir, path, mode) my_mkdirat(dir, path, mode)
#include "os/file.c"
#undef openat
#undef write
#undef read
#undef pread
#undef copy_file_range
#undef sendfile
#undef fchmod
#undef fsync
#undef close
#undef renameat
#undef mkdirat

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char root[] = "/tmp/file_fault.XXXXXX";
static int dir;
static struct err why;

static int setup(void **state)
{
	(void)state;
	dir = mkdtemp(root) ? open(root, O_RDONLY | O_DIRECTORY) : -1;
	return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	unlinkat(dir, "x", 0);
	unlinkat(dir, "y", 0);
	unlinkat(dir, "d/e", AT_REMOVEDIR);
	unlinkat(dir, "d", AT_REMOVEDIR);
	close(dir);
	return rmdir(root);	/* fails when a temporary file was left */
}

static void expect(const char *letters, int with)
{
	calls[0] = '\0';
	failing = letters;
	reason = with;
	rough = false;
}

static void assert_x(struct span want)
{
	struct str s;

	expect("", 0);
	str_init(&s, 1000);
	assert_int_equal(file_read(dir, "x", &s, &why), 0);
	assert_true(span_eq(str_span(&s), want));
	str_free(&s);
}

static int names(void)
{
	DIR *d = opendir(root);
	int n = -2;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Flushed before it is named, named before the folder is flushed. */
static void order_of_replace(void **state)
{
	(void)state;
	expect("", 0);
	assert_int_equal(file_replace(dir, "x", 0600, SPAN("old"), &why), 0);
	assert_string_equal(calls, "owmFcnoDc");
}

static void order_of_mkdirs(void **state)
{
	(void)state;
	expect("", 0);
	assert_int_equal(file_mkdirs(dir, "d/e", 0700, &why), 0);
	assert_string_equal(calls, "doDcdoDc");
	expect("d", EROFS);	/* what is there need not be writable */
	assert_int_equal(file_mkdirs(dir, "d/e", 0700, &why), 0);
	assert_int_equal(file_mkdirs(dir, "d/f", 0700, &why), -1);
	assert_string_equal(why.text, "d/f: Read-only file system");
}

/* Each call fails in turn: the old file stays, the temporary one goes. */
static void replace_fails(void **state)
{
	static const char *const letters[] = { "o", "w", "m", "F", "c", "n" };

	(void)state;
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		expect(letters[i], ENOSPC);
		assert_int_equal(file_replace(dir, "x", 0600, SPAN("new"),
				&why), -1);
		assert_string_equal(why.text, "x: No space left on device");
		assert_int_equal(names(), 2);
		assert_x(SPAN("old"));
	}
	/* the name is new, but nobody knows for how long: an error, too */
	expect("D", EIO);
	assert_int_equal(file_replace(dir, "x", 0600, SPAN("new"), &why), -1);
	assert_x(SPAN("new"));
	/* unless the file system has no such flush */
	expect("D", EINVAL);
	assert_int_equal(file_replace(dir, "x", 0600, SPAN("0123456789"),
			&why), 0);
	assert_x(SPAN("0123456789"));
}

static void rough_calls(void **state)
{
	char got[20];
	struct str s;

	(void)state;
	expect("", 0);
	rough = true;
	assert_int_equal(file_replace(dir, "x", 0600, SPAN("0123456789"),
			&why), 0);
	str_init(&s, 1000);
	assert_int_equal(file_read(dir, "x", &s, &why), 0);
	assert_string_equal(str_c(&s), "0123456789");
	str_free(&s);
	{
		int fd = open(root, O_RDONLY), x = openat(fd, "x", O_RDONLY);

		assert_int_equal(file_pread(x, got, sizeof(got), 2), 8);
		assert_memory_equal(got, "23456789", 8);
		close(x);
		close(fd);
	}
	assert_x(SPAN("0123456789"));
}

/* Copies x[2..8] with these calls failing; gives what the copy has. */
static const char *copy(const char *letters, int with, bool roughly)
{
	static char got[20];
	int from = openat(dir, "x", O_RDONLY);
	int to = openat(dir, "y", O_RDWR | O_CREAT | O_TRUNC, 0600);
	ssize_t n;
	int rc;

	expect(letters, with);
	rough = roughly;
	rc = file_copy(from, 2, 6, to);
	n = pread(to, got, sizeof(got) - 1, 0);
	assert_true(n >= 0);
	got[n] = '\0';
	close(from);
	close(to);
	return rc == 0 ? got : "failed";
}

static void copies_in_each_way(void **state)
{
	(void)state;
	for (int roughly = 0; roughly < 2; roughly++) {
		assert_string_equal(copy("", 0, roughly), "234567");
		assert_null(strchr(calls, 's'));
		assert_string_equal(copy("k", ENOSYS, roughly), "234567");
		assert_null(strchr(calls, 'w'));
		assert_string_equal(copy("ks", EINVAL, roughly), "234567");
		assert_non_null(strchr(calls, 'w'));
		assert_string_equal(copy("k", EXDEV, roughly), "234567");
	}
	/* a real error is not tried again in another way */
	assert_string_equal(copy("k", ENOSPC, false), "failed");
	assert_string_equal(calls, "k");
	assert_string_equal(copy("ksp", EINVAL, false), "failed");
	assert_string_equal(copy("ksw", EINVAL, false), "failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_replace),
		cmocka_unit_test(order_of_mkdirs),
		cmocka_unit_test(replace_fails),
		cmocka_unit_test(rough_calls),
		cmocka_unit_test(copies_in_each_way),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
