/* What `mail` does with mailboxes: plain, held, many at once. In a folder of /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "os/log.h"
#include "store/mailbox.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mailbox_plain_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return chdir(dir);
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
	return 0;
}

static struct mailbox_add add_of(const char *text)
{
	struct mailbox_add add = {
		.from = "a@a.com", .when = 1764000000, .flush = true,
		.length = (int64_t)strlen(text),
		.fd = memfd_create("source", MFD_CLOEXEC)
	};

	assert_int_equal(write(add.fd, text, strlen(text)), add.length);
	return add;
}

static void append(const char *path, const char *text)
{
	struct mailbox_add add = add_of(text);
	bool found;

	assert_int_equal(mailbox_append(AT_FDCWD, path, false, &add, &found,
			NULL), 0);
	close(add.fd);
}

static struct mailbox *open_plain(unsigned most)
{
	struct mailbox *m = mailbox_open_plain("m", most, NULL);

	assert_non_null(m);
	return m;
}

static bool collect(void *arg, struct span piece)
{
	str_add(arg, piece);
	return true;
}

/* Does message n begin so? */
static void assert_begins(struct mailbox *m, unsigned n, const char *text)
{
	struct str s;

	str_init(&s, 1 << 24);
	assert_int_equal(mailbox_read(m, n, collect, &s, NULL), 0);
	assert_true(span_starts(str_span(&s), text));
	str_free(&s);
}

/* Old enough that its time tells when it was changed. */
static void age(void)
{
	struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	assert_int_equal(utimensat(AT_FDCWD, "m", times, 0), 0);
}

static void test_plain(void **state)
{
	struct mailbox *m, *with_uids;

	(void)state;
	append("m", "S: 1\n\none\r\n\r\n>x\n");
	append("m", "S: 2\n\nFrom a\n>From b\nFrom c\n\nno end");
	append("m", "S: 3\n\n");
	m = open_plain(0);
	with_uids = mailbox_open(AT_FDCWD, "m", false, false, NULL);
	assert_int_equal(mailbox_count(m), 3);
	for (unsigned n = 1; n <= 3; n++) {
		assert_string_equal(mailbox_message(m, n)->uid, "");
		assert_int_equal(strlen(mailbox_message(with_uids, n)->uid),
				20);
		assert_int_equal(mailbox_message(m, n)->size,
				mailbox_message(with_uids, n)->size);
	}
	mailbox_close(with_uids);
	mailbox_flag(m, 2, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, NULL), -1);
	mailbox_writable(m);
	assert_int_equal(mailbox_save(m, NULL), 0);
	assert_true(mailbox_gone(m, 2));
	assert_false(mailbox_gone(m, 3));
	assert_begins(m, 3, "S: 3\n");
	mailbox_close(m);
}

static void test_most(void **state)
{
	struct mailbox *m;

	(void)state;
	append("m", "S: 1\n\n");
	append("m", "S: 2\n\nFrom here on\n");
	append("m", "S: 3\n\n");
	for (unsigned n = 1; n <= 4; n++) {
		m = open_plain(n);
		assert_int_equal(mailbox_count(m), n < 3 ? n : 3);
		assert_begins(m, 1, "S: 1\n\n");
		mailbox_close(m);
	}
}

/* Read on from its old end, or all of it: in either case the same. */
static void grows(bool in_place, bool large)
{
	static char text[100000];
	size_t size = large ? sizeof(text) - 1 : 100;
	struct mailbox *m;

	unlink("m");
	memset(text, 'x', size);
	memcpy(text, "S: 1\nStatus: R\n\n", 16);
	for (size_t i = 50; i < size; i += 50)
		text[i] = '\n';
	for (int i = 0; i < 3; i++) {
		text[3] = (char)('1' + i);
		append("m", text);
	}
	age();
	m = open_plain(0);
	assert_int_equal(mailbox_count(m), 3);
	mailbox_flag(m, 3, MAILBOX_DELETED, 0);
	append("m", "S: 4\n\n");
	append("m", text);	/* a twin of the third */
	if (in_place) {
		/* a flag of another program, in as many octets */
		struct mailbox *other = mailbox_open(AT_FDCWD, "m", false,
				true, NULL);

		mailbox_flag(other, 1, MAILBOX_SEEN, 0);
		assert_int_equal(mailbox_save(other, NULL), 0);
		mailbox_close(other);
	}
	assert_int_equal(mailbox_refresh(m, NULL), 2);
	assert_int_equal(mailbox_refresh(m, NULL), 0);
	assert_int_equal(mailbox_flags(m, 1), in_place ? MAILBOX_SEEN : 0);
	assert_begins(m, 4, "S: 4\n");
	assert_begins(m, 5, "S: 3\n");
	mailbox_writable(m);
	assert_int_equal(mailbox_save(m, NULL), 0);
	mailbox_close(m);
	m = open_plain(0);
	assert_int_equal(mailbox_count(m), 4);
	assert_begins(m, 2, "S: 2\n");
	assert_begins(m, 3, "S: 4\n");
	assert_begins(m, 4, "S: 3\n");
	mailbox_close(m);
}

static void test_grows(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		grows(i & 1, i & 2);
}

static void test_held(void **state)
{
	struct mailbox *m, *other;
	struct stat st;
	struct err err;

	(void)state;
	append("m", "S: 1\n\n");
	append("m", "S: 2\n\n");
	m = open_plain(0);
	mailbox_writable(m);
	assert_int_equal(mailbox_lock(m, NULL), 0);
	assert_int_equal(mailbox_lock(m, NULL), 0);
	assert_int_equal(stat("m.lock", &st), 0);
	other = mailbox_open_of(AT_FDCWD, "m", geteuid(), true, &err);
	assert_null(other);
	assert_int_equal(err.kind, ERR_TEMP);
	/* what is held is still to be read and saved */
	assert_begins(m, 1, "S: 1\n");
	mailbox_flag(m, 1, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, NULL), 0);
	assert_int_equal(stat("m.lock", &st), 0);
	mailbox_unlock(m);
	assert_int_equal(stat("m.lock", &st), -1);
	assert_int_equal(mailbox_lock(m, NULL), 0);
	mailbox_close(m);
	assert_int_equal(stat("m.lock", &st), -1);
}

static void test_revert(void **state)
{
	struct mailbox *m;

	(void)state;
	append("m", "S: 1\n\n");
	m = open_plain(0);
	mailbox_flag(m, 1, MAILBOX_DELETED | MAILBOX_SEEN, 0);
	mailbox_revert(m);
	assert_int_equal(mailbox_flags(m, 1), 0);
	mailbox_close(m);
}

static void add_many(const char *path, bool keep)
{
	struct mailbox_many *many = mailbox_many_begin(path, NULL);
	struct mailbox_add add = add_of("S: new\n\nFrom me\n");

	assert_non_null(many);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mailbox_many_add(many, &add, NULL), 0);
	assert_int_equal(mailbox_many_end(many, keep, NULL), 0);
	close(add.fd);
}

static void test_many(void **state)
{
	struct mailbox *m;
	struct stat st;

	(void)state;
	add_many("m", false);
	assert_int_equal(stat("m", &st), -1);
	append("m", "S: 1\n\n");
	add_many("m", false);
	m = open_plain(0);
	assert_int_equal(mailbox_count(m), 1);
	mailbox_close(m);
	add_many("m", true);
	add_many("d/", true);
	m = open_plain(0);
	assert_int_equal(mailbox_count(m), 4);
	assert_begins(m, 4, "S: new\n\nFrom me\n");
	mailbox_close(m);
	m = mailbox_open_plain("d", 0, NULL);
	assert_int_equal(mailbox_count(m), 3);
	mailbox_close(m);
}

/* Killed in the third: none is there. */
static void test_many_killed(void **state)
{
	struct mailbox_add add = add_of("S: new\n\n");
	struct mailbox *m;
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct mailbox_many *many = mailbox_many_begin("m", NULL);
		int fd;

		mailbox_many_add(many, &add, NULL);
		mailbox_many_add(many, &add, NULL);
		fd = open("m", O_WRONLY | O_APPEND);
		(void)!write(fd, "From a@a.com Tue Nov 24 11:11:46 2026\nS: h",
				42);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	close(add.fd);
	append("m", "S: 1\n\n");
	m = open_plain(0);
	assert_int_equal(mailbox_count(m), 1);
	assert_begins(m, 1, "S: 1\n");
	mailbox_close(m);
}

/* As another program does: messages of n octets each, perhaps the last one first. */
static void write_all(const char *text, unsigned count, size_t n, bool back)
{
	FILE *f = fopen("m", "w");

	assert_non_null(f);
	for (unsigned i = 0; i < count; i++)
		fprintf(f, "From a@a.com Tue Nov 24 11:11:46 2026\n%.*s\n\n",
				(int)n, text + (back ? count - 1 - i : i) * n);
	assert_int_equal(fclose(f), 0);
}

/* Are they told apart by what they are, not by where they stood? */
static void assert_apart(const char *text, unsigned count, size_t n)
{
	struct mailbox *m;
	char want[128];

	write_all(text, count, n, false);
	m = open_plain(0);
	assert_int_equal(mailbox_count(m), count);
	write_all(text, count, n, true);
	assert_int_equal(mailbox_refresh(m, NULL), 0);
	for (unsigned i = 0; i < count; i++) {
		snprintf(want, sizeof(want), "%.*s", (int)n, text + i * n);
		assert_begins(m, i + 1, want);
	}
	mailbox_close(m);
}

/*
 * Headers that other hashes take for the same, whatever their key is (the highest
 * bits of words of 64 and of 32), and many that differ in one octet.
 */
static void test_apart(void **state)
{
	static char pair[2][17], many[10000][101];
	unsigned n = 0;

	(void)state;
	memcpy(pair, "S: abcdefghijklm\0S: abcdefghijklm", 34);
	pair[1][7] ^= '\x80';
	pair[1][11] ^= '\x80';
	pair[1][15] ^= '\x80';
	pair[0][16] = pair[1][16] = '\n';
	assert_apart(pair[0], 2, 17);
	for (unsigned at = 3; at < 100 && n < 10000; at++)
		for (unsigned char c = 'b'; c < 250 && n < 10000; c++) {
			memset(many[n], 'a', 100);
			memcpy(many[n], "S: ", 3);
			many[n][at] = (char)c;
			many[n++][100] = '\n';
		}
	assert_int_equal(n, 10000);
	assert_apart(many[0], n, 101);
}

static void put_file(const char *text, size_t n)
{
	int fd = open("m", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
}

static void assert_refused(const char *text, size_t n)
{
	struct mailbox *m;
	struct stat st;
	struct err err;

	put_file(text, n);
	m = mailbox_open_plain("m", 0, &err);
	assert_null(m);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(stat("m", &st), 0);
	assert_int_equal(st.st_size, n);
}

/* What is no mbox stays what it is, octet for octet. */
static void test_foreign_files(void **state)
{
	struct mailbox_many *many;
	struct err err;

	(void)state;
	assert_refused("text\n\0\0\0", 8);
	assert_refused("\0\0\0", 3);
	put_file("\x1f\x8b" "compressed\n\0\0", 14);
	many = mailbox_many_begin("m", &err);
	assert_null(many);
	assert_non_null(strstr(err.text, "compressed"));
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(test_plain), ONE(test_most), ONE(test_grows),
		ONE(test_held), ONE(test_revert), ONE(test_many),
		ONE(test_many_killed), ONE(test_apart), ONE(test_foreign_files),
	};

	log_open("mailbox_plain_test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
