/* Needs the real file system: a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "base/str.h"
#include "os/log.h"
#include "store/mailbox.h"
#include "store/maildir.h"

static char dir[64];
static int folder;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mailbox_test.XXXXXX");
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

/* -- helpers -- */

static int content(const char *text, size_t n)
{
	int fd = memfd_create("source", 0);	/* no two writers share it */

	assert_int_equal(write(fd, text, n), (ssize_t)n);
	return fd;
}

static struct mailbox_add add_of(const char *text)
{
	struct mailbox_add add = {
		.from = "alice@a.com", .when = 1764000000, .flush = true,
		.head = SPAN("Return-Path: <alice@a.com>\n"),
		.length = (int64_t)strlen(text),
	};

	add.fd = content(text, strlen(text));
	return add;
}

static bool append_key(const char *path, bool maildir, const char *text,
		const char *key, bool again)
{
	struct mailbox_add add = add_of(text);
	bool found = false;
	struct err err;
	int rc;

	add.key = key;
	add.again = again;
	rc = mailbox_append(folder, path, maildir, &add, &found, &err);
	close(add.fd);
	assert_int_equal(rc, 0);
	return found;
}

static void append(const char *path, bool maildir, const char *text)
{
	append_key(path, maildir, text, NULL, false);
}

static struct mailbox *open_box(const char *path, bool write)
{
	struct err err;
	struct mailbox *m = mailbox_open(folder, path, false, write, &err);

	if (!m)
		fail_msg("%s", err.text);
	return m;
}

static bool collect(void *arg, struct span piece)
{
	str_add(arg, piece);
	return true;
}

static void assert_text(struct mailbox *m, unsigned n, const char *text)
{
	uint64_t crlf = 0;
	struct str s;
	struct err err;

	str_init(&s, 1 << 24);
	assert_int_equal(mailbox_read(m, n, collect, &s, &err), 0);
	assert_string_equal(str_c(&s), text);
	for (size_t i = 0; i < s.n; i++)
		crlf += s.p[i] == '\n' ? 2 : 1;
	if (s.n && s.p[s.n - 1] != '\n')
		crlf += 2;
	assert_int_equal(mailbox_message(m, n)->size, crlf);
	str_free(&s);
}

static void put_file(const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static char *get_file(const char *name)
{
	static char text[1 << 20];
	int fd = openat(folder, name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static unsigned files(const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

#define HEAD "Return-Path: <alice@a.com>\n"

/* -- both -- */

static void both_round(const char *path, bool maildir)
{
	struct mailbox *m;
	struct err err;
	char uid[72];

	append(path, maildir, "Subject: one\r\n\r\nHello\r\n");
	append(path, maildir, "Subject: two\r\n\r\nFrom here\r\n>From there\r\n"
			" From\r\n\r\nFrom 10:30 on\r\nend");
	append(path, maildir, "Subject: three\n\n\n\n");
	m = open_box(path, true);
	assert_int_equal(mailbox_count(m), 3);
	for (unsigned n = 1; n <= 3; n++) {
		const struct mailbox_message *msg = mailbox_message(m, n);

		assert_int_equal(msg->arrived, 1764000000);
		assert_int_equal(msg->flags, 0);
		assert_in_range(strlen(msg->uid), 1, 70);
	}
	if (!maildir) {	/* of one second: order in a Maildir is by name */
		assert_text(m, 1, HEAD "Subject: one\n\nHello\n");
		assert_text(m, 2, HEAD "Subject: two\n\nFrom here\n>From there\n"
				" From\n\nFrom 10:30 on\nend\n");
		assert_text(m, 3, HEAD "Subject: three\n\n\n\n");
	}
	strcpy(uid, mailbox_message(m, 2)->uid);
	assert_string_not_equal(uid, mailbox_message(m, 1)->uid);
	mailbox_flag(m, 2, MAILBOX_SEEN | MAILBOX_OLD | MAILBOX_ANSWERED, 0);
	mailbox_flag(m, 3, MAILBOX_FLAGGED, 0);
	mailbox_flag(m, 1, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	/* numbers stay, contents too; what is gone is gone */
	assert_int_equal(mailbox_count(m), 3);
	assert_string_equal(mailbox_message(m, 2)->uid, uid);
	assert_int_equal(mailbox_read(m, 1, collect, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);	/* pop3d: not "try again" */
	append(path, maildir, "Subject: four\n\n4\n");
	assert_int_equal(mailbox_refresh(m, &err), 1);
	assert_int_equal(mailbox_refresh(m, &err), 0);
	assert_int_equal(mailbox_count(m), 4);
	assert_text(m, 4, HEAD "Subject: four\n\n4\n");
	mailbox_close(m);

	m = open_box(path, false);
	assert_int_equal(mailbox_count(m), 3);
	for (unsigned n = 1; n <= 3; n++)
		if (strcmp(mailbox_message(m, n)->uid, uid) == 0)
			assert_int_equal(mailbox_message(m, n)->flags,
				MAILBOX_SEEN | MAILBOX_OLD | MAILBOX_ANSWERED);
	assert_null(mailbox_message(m, 0));
	assert_null(mailbox_message(m, 4));
	assert_int_equal(mailbox_save(m, &err), -1);
	mailbox_close(m);
}

static void test_maildir_round(void **state)
{
	(void)state;
	both_round("a.com/alice", true);
	assert_int_equal(files("a.com/alice/tmp"), 0);
	assert_int_equal(files("a.com/alice/cur"), 2);
	assert_int_equal(files("a.com/alice/new"), 1);
}

static void test_mbox_round(void **state)
{
	(void)state;
	both_round("bob", false);
}

static void keys(const char *path, bool maildir)
{
	struct mailbox *m;

	assert_false(append_key(path, maildir, "S: 1\n\n1\n", "key1-x", true));
	assert_false(append_key(path, maildir, "S: 2\n\n2\n", "key2-x", false));
	assert_true(append_key(path, maildir, "S: 1\n\n1\n", "key1-x", true));
	m = open_box(path, true);
	assert_int_equal(mailbox_count(m), 2);
	mailbox_flag(m, 1, MAILBOX_SEEN, 0);
	mailbox_flag(m, 2, MAILBOX_SEEN, 0);
	assert_int_equal(mailbox_save(m, NULL), 0);
	mailbox_close(m);
	/* also after it was read */
	assert_true(append_key(path, maildir, "S: 1\n\n1\n", "key1-x", true));
	assert_true(append_key(path, maildir, "S: 2\n\n2\n", "key2-x", true));
	assert_false(append_key(path, maildir, "S: 3\n\n3\n", "key1-y", true));
	m = open_box(path, false);
	assert_int_equal(mailbox_count(m), 3);
	mailbox_close(m);
}

static void test_keys(void **state)
{
	(void)state;
	keys("maildir", true);
	keys("mbox", false);
}

static void test_missing(void **state)
{
	struct err err;
	struct mailbox *m;

	(void)state;
	m = open_box("none", true);
	assert_int_equal(mailbox_count(m), 0);
	assert_int_equal(mailbox_refresh(m, &err), 0);
	append("none", false, "S: x\n\nx\n");
	assert_int_equal(mailbox_refresh(m, &err), 1);
	assert_text(m, 1, HEAD "S: x\n\nx\n");
	mailbox_close(m);
	m = open_box("no/folder/for/it", true);
	assert_int_equal(mailbox_count(m), 0);
	mailbox_close(m);
	m = mailbox_open(folder, "made/", false, false, &err);
	assert_non_null(m);
	assert_int_equal(mailbox_count(m), 0);
	mailbox_close(m);
}

/* Reading in pieces of any size gives the same. */
static void test_reader_steps(void **state)
{
	struct mailbox *m;
	char long_line[30000], out[40000];
	struct err err;

	(void)state;
	memset(long_line, 'x', sizeof(long_line));
	memcpy(long_line, "S: 1\r\n\r\n", 8);
	long_line[20000] = '\r';
	long_line[20001] = '\n';
	memcpy(long_line + 20002, "From me", 7);
	long_line[sizeof(long_line) - 1] = '\0';
	append("mbox", false, long_line);
	append("maildir", true, long_line);
	for (int kind = 0; kind < 2; kind++) {
		m = open_box(kind ? "maildir" : "mbox", false);
		assert_int_equal(mailbox_message(m, 1)->size,
			strlen(HEAD) + 1 + sizeof(long_line) - 1 + 2);
		for (size_t step = 1; step < 9000; step += step / 2 + 1) {
			struct mailbox_reader *r = mailbox_reader_open(m, 1,
					&err);
			size_t n = 0;
			long got;

			while ((got = mailbox_reader_next(r, out + n, step,
							&err)) > 0)
				n += (size_t)got;
			assert_int_equal(got, 0);
			assert_int_equal(n, strlen(HEAD) + sizeof(long_line)
					- 1 - 3 + 1);
			assert_memory_equal(out + n - 9998, "From me", 7);
			mailbox_reader_close(r);
		}
		mailbox_close(m);
	}
}

/* -- Maildir -- */

static void test_maildir_names(void **state)
{
	struct mailbox *m;
	struct err err;
	char longest[240], uid[72];

	(void)state;
	append("d", true, "S: 1\n\n1\n");
	put_file("d/cur/1000.a.b,S=7,W=9:2,abRS", "S: x\n\n1");
	put_file("d/cur/999.c.d:2,T", "S: y\n\nwithout end");
	put_file("d/new/2000.e.f", "S: z\r\n\r\nCRLF\r\n");
	memset(longest, 'q', sizeof(longest));
	memcpy(longest, "d/new/3000.", 11);
	longest[200] = '\0';
	put_file(longest, "x");
	put_file("d/new/.hidden", "no");
	m = open_box("d", true);
	assert_int_equal(mailbox_count(m), 5);
	strcpy(uid, mailbox_message(m, 2)->uid);
	assert_int_equal(strlen(uid), 24);
	assert_int_equal(mailbox_message(m, 1)->flags, MAILBOX_OLD);
	assert_text(m, 1, "S: y\n\nwithout end");
	assert_int_equal(mailbox_message(m, 2)->size, 9);
	assert_int_equal(mailbox_message(m, 2)->flags,
			MAILBOX_OLD | MAILBOX_SEEN | MAILBOX_ANSWERED);
	assert_text(m, 3, "S: z\n\nCRLF\n");
	assert_int_equal(strlen(mailbox_message(m, 4)->uid), 24);
	/* flags of others stay */
	mailbox_flag(m, 2, MAILBOX_FLAGGED, MAILBOX_ANSWERED);
	mailbox_flag(m, 3, MAILBOX_OLD, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	assert_int_equal(faccessat(folder, "d/cur/1000.a.b,S=7,W=9:2,FSab",
				F_OK, 0), 0);
	assert_int_equal(faccessat(folder, "d/cur/2000.e.f:2,", F_OK, 0), 0);
	mailbox_close(m);
	/* not of the UID: flags, folder, sizes */
	assert_int_equal(renameat(folder, "d/cur/1000.a.b,S=7,W=9:2,FSab",
				folder, "d/new/1000.a.b"), 0);
	m = open_box("d", false);
	assert_string_equal(mailbox_message(m, 2)->uid, uid);
	assert_string_not_equal(mailbox_message(m, 3)->uid, uid);
	mailbox_close(m);
}

/* Another program moves and removes meanwhile. */
static void test_maildir_shared(void **state)
{
	struct mailbox *m;
	struct err err;

	(void)state;
	append("d", true, "S: 0\n\n0\n");
	put_file("d/new/1000.a.b", "S: 1\n\n1\n");
	put_file("d/new/1001.a.b", "S: 2\n\n2\n");
	put_file("d/new/1002.a.b", "S: 3\n\n3\n");
	m = open_box("d", true);
	assert_int_equal(renameat(folder, "d/new/1000.a.b", folder,
				"d/cur/1000.a.b:2,S"), 0);
	assert_int_equal(renameat(folder, "d/new/1001.a.b", folder,
				"d/cur/1001.a.b:2,S"), 0);
	unlinkat(folder, "d/new/1002.a.b", 0);
	assert_text(m, 1, "S: 1\n\n1\n");
	mailbox_flag(m, 2, MAILBOX_DELETED, 0);
	mailbox_flag(m, 3, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	mailbox_close(m);
	assert_int_equal(files("d/cur"), 1);
	assert_int_equal(files("d/new"), 1);
}

/* Before the flush of that file: it is made anew. kept: octets, size: with the hole */
static void power_failed(const char *name, off_t kept, off_t size,
		const struct mailbox_add *add)
{
	char path[300], again[MAILDIR_NAME_SIZE];
	struct err err;
	bool found;
	int fd;

	snprintf(path, sizeof(path), "x/moved/%s", name);
	fd = openat(folder, path, O_WRONLY);
	assert_true(fd >= 0 && ftruncate(fd, kept) == 0);
	assert_int_equal(ftruncate(fd, size ? size : kept), 0);
	close(fd);
	assert_int_equal(maildir_place(folder, "x/moved", add, NULL, again,
				&found, &err), 0);
	assert_false(found);
	snprintf(path, sizeof(path), "x/moved/%s", again);
	assert_string_equal(get_file(path), "H: h\nS: 1\n\n1\n");
	assert_int_equal(maildir_place(folder, "x/moved", add, NULL, again,
				&found, &err), 0);
	assert_true(found);
	snprintf(path, sizeof(path), "x/moved/%s", again);
	assert_int_equal(renameat(folder, path, folder, "x/moved/new/5.id-1.h,"
				"S=13,W=17"), 0);
}

/* What is removed is taken off Maildir++'s account, in one line. */
static void assert_refused(const char *path, bool maildir, const char *why)
{
	struct mailbox_add add = add_of("S: 1\n\n1\n");
	struct mailbox *m;
	struct err err;

	m = mailbox_open(folder, path, maildir, true, &err);
	assert_null(m);
	assert_non_null(strstr(err.text, why));
	assert_int_equal(mailbox_append(folder, path, maildir, &add, NULL, &err),
			-1);
	assert_non_null(strstr(err.text, why));
	close(add.fd);
}

static void test_links(void **state)
{
	struct stat st;

	(void)state;
	append("d", true, "S: 1\n\n1\n");
	mkdirat(folder, "elsewhere", 0700);
	/* a Maildir, one of its folders, a part of the path */
	symlinkat("elsewhere", folder, "link");
	assert_refused("link", true, "link is not followed");
	assert_refused("link/", true, "link is not followed");
	assert_refused("link/d", true, "link is not followed");
	unlinkat(folder, "d/cur", AT_REMOVEDIR);
	symlinkat("../elsewhere", folder, "d/cur");
	assert_refused("d", true, "link is not followed");
	unlinkat(folder, "d/cur", 0);
	put_file("d/cur", "x");
	assert_refused("d", true, "cur is no folder");
	assert_refused("d/../d", true, "Invalid argument");
	/* nothing came of it */
	assert_int_equal(fstatat(folder, "elsewhere/new", &st, 0), -1);
	assert_int_equal(fstatat(folder, "elsewhere/d", &st, 0), -1);
	/* an mbox */
	put_file("file", "");
	symlinkat("file", folder, "soft");
	assert_refused("soft", false, "link is not followed");
	linkat(folder, "file", folder, "hard", 0);
	assert_refused("hard", false, "this user alone");
	mkfifoat(folder, "pipe", 0600);
	assert_refused("pipe", false, "this user");
	assert_int_equal(fstatat(folder, "file", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
}

/* Names that others write, and what is no message at all. */
static void test_maildir_strange(void **state)
{
	static const char *const names[] = {
		"d/cur/1000.a.b:2,PDTabzS", "d/cur/1001.a.b:1,x",
		"d/cur/1002.a b, c:2,", "d/new/nothing", "d/new/UPPER.CASE.HOST",
		"d/cur/1003.a.b,S=9,W=10:2,S", "d/cur/1004.\xc3\xbc.b:2,",
		"d/cur/:2,S", "d/cur/1005.a.b,S=,W=x:2,", "d/cur/1006.a.b,W=10:2,"
	};
	char name[270] = "d/cur/1007.";
	struct mailbox *m;
	struct err err;
	unsigned n;

	(void)state;
	append("d", true, "S: 0\n\n0\n");
	for (n = 0; n < sizeof(names) / sizeof(*names); n++)
		put_file(names[n], "S: x\n\nx\n");
	memset(name + strlen(name), 'x', 6 + 255 - strlen(name));
	put_file(name, "S: x\n\nx\n");
	put_file("d/new/.hidden", "x");
	mkdirat(folder, "d/cur/folder", 0700);
	mkfifoat(folder, "d/new/pipe", 0600);
	symlinkat("/etc/passwd", folder, "d/cur/link:2,");
	linkat(folder, "d/new/nothing", folder, "d/cur/hard:2,", 0);
	m = open_box("d", true);
	n = mailbox_count(m);
	assert_int_equal(n, 13);
	for (unsigned i = 1; i <= n; i++) {
		const struct mailbox_message *one = mailbox_message(m, i);

		assert_in_range(strlen(one->uid), 1, 70);
		for (unsigned j = 1; j < i; j++)
			assert_string_not_equal(mailbox_message(m, j)->uid,
					mailbox_message(m, i)->uid);
		mailbox_flag(m, i, MAILBOX_ANSWERED, 0);
	}
	mailbox_save(m, &err);
	mailbox_close(m);
	/* what was no letter of ours stays, in order */
	assert_int_equal(faccessat(folder, "d/cur/1000.a.b:2,DPRSTabz", F_OK, 0),
			0);
	m = open_box("d", true);
	assert_int_equal(mailbox_count(m), 13);
	for (unsigned i = 1; i <= 13; i++)
		mailbox_flag(m, i, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	mailbox_close(m);
	m = open_box("d", true);
	assert_int_equal(mailbox_count(m), 0);
	mailbox_close(m);
	assert_int_equal(faccessat(folder, "d/new/.hidden", F_OK, 0), 0);
	assert_int_equal(faccessat(folder, "d/cur/folder", F_OK, 0), 0);
}

static void test_maildir_quota(void **state)
{
	struct mailbox *m;
	struct err err;

	(void)state;
	append("d", true, "S: 1\n\n1\n");
	append("d", true, "S: 2\n\n2\n");
	append("d", true, "S: 3\n\n3\n");
	put_file("d/cur/4.no.size:2,S", "S: 4\n\n");
	put_file("d/maildirsize", "1000S\n142 4\n");
	m = open_box("d", true);
	assert_int_equal(mailbox_count(m), 4);
	mailbox_flag(m, 1, MAILBOX_DELETED, 0);
	mailbox_flag(m, 2, MAILBOX_DELETED, 0);
	mailbox_flag(m, 3, MAILBOX_SEEN, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	mailbox_close(m);
	if (CFG_DELIVER_QUOTA)
		assert_string_equal(get_file("d/maildirsize"),
				"1000S\n142 4\n-41 -2\n");
	else
		assert_string_equal(get_file("d/maildirsize"),
				"1000S\n142 4\n");
}

static void test_maildir_place(void **state)
{
	struct maildir_staged staged = { .dirfd = folder, .name = "staged",
		.size = 8, .lines = 3 };
	struct mailbox_add add = { .when = 5, .key = "id-1",
		.head = SPAN("H: h\n") };
	char name[MAILDIR_NAME_SIZE], path[300];
	struct mailbox *m;
	struct err err;
	struct stat st;
	bool found;

	(void)state;
	put_file("staged", "S: 1\n\n1\n");
	add.fd = openat(folder, "staged", O_RDONLY);
	add.length = 8;
	assert_int_equal(maildir_place(folder, "x/copy", &add, NULL, name,
				&found, &err), 0);
	snprintf(path, sizeof(path), "x/copy/%s", name);
	assert_string_equal(get_file(path), "H: h\nS: 1\n\n1\n");
	assert_non_null(strstr(name, ",S=13,W=17"));
	assert_int_equal(maildir_place(folder, "x/moved", &add, &staged, name,
				&found, &err), 0);
	assert_int_equal(fstatat(folder, "staged", &st, 0), -1);
	assert_int_equal(strncmp(name, "new/5.id-1.", 11), 0);
	assert_non_null(strstr(name, ",S=8,W=11"));
	assert_int_equal(fstatat(folder, "x/moved", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	add.again = true;
	put_file("staged", "S: 1\n\n1\n");
	assert_int_equal(maildir_place(folder, "x/moved", &add, &staged, name,
				&found, &err), 0);
	assert_true(found);
	close(add.fd);
	add.fd = openat(folder, "staged", O_RDONLY);
	power_failed(name, 0, 0, &add);
	power_failed("new/5.id-1.h,S=13,W=17", 5, 0, &add);
	power_failed("new/5.id-1.h,S=13,W=17", 5, 13, &add);
	m = open_box("x/moved", false);
	assert_int_equal(mailbox_count(m), 1);
	mailbox_close(m);
	close(add.fd);
}

/* -- mbox -- */

static void test_mbox_forms(void **state)
{
	struct mailbox *m;

	(void)state;
	/* as other programs write it */
	put_file("m", "\nFrom a@b Tue Nov 25 10:00:00 2025\nS: 1\nStatus: RO\n"
		"X-Status: AF\nX-UID: 5\n\nbody\nFrom the middle\n>>From x\n\n"
		"From the start, no time\n\n"
		"From c@d Tue Nov 25 11:00:00 CET 2025\r\nS: 2\r\n\r\nb\r\n\r\n"
		"From e@f Tue Nov 25 11:00:01 2025\n\n\n"
		"From e@f Tue Nov 25 11:00:01 2025\nS: 2\n\nx");
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 4);
	assert_text(m, 1, "S: 1\nX-UID: 5\n\nbody\nFrom the middle\n>From x\n\n"
			"From the start, no time\n");
	assert_int_equal(mailbox_message(m, 1)->flags, MAILBOX_SEEN
		| MAILBOX_OLD | MAILBOX_ANSWERED | MAILBOX_FLAGGED);
	assert_int_equal(mailbox_message(m, 1)->arrived, 1764064800);
	assert_text(m, 2, "S: 2\n\nb\n");
	assert_int_equal(mailbox_message(m, 2)->arrived, 1764068400);
	assert_text(m, 3, "\n");
	assert_text(m, 4, "S: 2\n\nx");
	mailbox_close(m);

	put_file("no", "This is a letter\n\nFrom a@b Tue Nov 25 10:00:00 2025\n");
	assert_null(mailbox_open(folder, "no", false, false, NULL));
	put_file("empty", "");
	m = open_box("empty", false);
	assert_int_equal(mailbox_count(m), 0);
	mailbox_close(m);
}

static void put_bytes(const char *name, const char *text, size_t n)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
}

/* All that stands behind the first message comes through a save as it was. */
static void assert_kept(const char *rest, size_t n)
{
	static const char first[] = "From a@b Tue Nov 25 10:00:00 2025\n"
		"S: 1\n\n1\n\n";
	struct mailbox *m;
	struct err err;
	struct stat st;
	struct str s;
	char *now;
	int fd;

	str_init(&s, 1 << 25);
	str_adds(&s, first);
	str_add(&s, span_make(rest, n));
	put_bytes("m", s.p, s.n);
	m = open_box("m", true);
	assert_int_equal(mailbox_count(m), 2);
	mailbox_flag(m, 1, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	mailbox_close(m);
	assert_int_equal(fstatat(folder, "m", &st, 0), 0);
	assert_int_equal(st.st_size, n + 1);	/* the separator is completed */
	now = malloc(n);
	fd = openat(folder, "m", O_RDONLY);
	assert_int_equal(read(fd, now, n), (ssize_t)n);
	close(fd);
	assert_memory_equal(now, rest, n);
	free(now);
	str_free(&s);
}

static void test_mbox_hostile(void **state)
{
	static const char nul[] = "From \0a@b Tue Nov 25 11:00:00 2025\n"
		"Subject: \0\0\nX\0Y: z\n\nb\0ody\nContent-Length: 9\n";
	static const char length[] = "From a@b Tue Nov 25 11:00:00 2025\n"
		"Content-Length: 99999999999999999999\nContent-Length: -1\n"
		"\nx\n";
	struct str s;

	(void)state;
	assert_kept(nul, sizeof(nul) - 1);
	assert_kept(length, sizeof(length) - 1);
	/* header lines without end, and one line of 3 MB */
	str_init(&s, 1 << 25);
	str_adds(&s, "From a@b Tue Nov 25 11:00:00 2025\n");
	for (int i = 0; i < 300000; i++)
		str_adds(&s, "X-A: b\n");
	str_adds(&s, "X-Long: ");
	for (int i = 0; i < 300000; i++)
		str_adds(&s, "0123456789");
	str_adds(&s, "\n\nx\n");
	assert_false(s.bad);
	assert_kept(s.p, s.n);
	/* a From_ line of that length, and one that never ends */
	str_clear(&s);
	str_adds(&s, "From a@b Tue Nov 25 11:00:00 2025");
	for (int i = 0; i < 30000; i++)
		str_adds(&s, " From ");
	str_adds(&s, "\nS: 1\n\nx\n");
	assert_kept(s.p, s.n);
	str_free(&s);
}

static void test_mbox_twins(void **state)
{
	struct mailbox *m;

	(void)state;
	for (int i = 0; i < 3; i++)
		append("m", false, "S: same\n\nbody\n");
	m = open_box("m", true);
	assert_string_not_equal(mailbox_message(m, 1)->uid,
			mailbox_message(m, 2)->uid);
	assert_string_not_equal(mailbox_message(m, 3)->uid,
			mailbox_message(m, 2)->uid);
	mailbox_close(m);
}

/* What a sender may not set: flags, delivery marks. */
static void test_mbox_foreign_status(void **state)
{
	struct mailbox *m;

	(void)state;
	append_key("m", false, "Status: RO\nX-Status: D\nS: 1\n"
		"X-Pillarbox-Id: other 0\n folded\nT: 2\n\nStatus: x\n", "k", false);
	m = open_box("m", false);
	assert_int_equal(mailbox_message(m, 1)->flags, 0);
	assert_text(m, 1, HEAD "S: 1\nT: 2\n\nStatus: x\n");
	mailbox_close(m);
	assert_false(append_key("m", false, "S: 2\n\n\n", "other", true));
}

static void test_mbox_save_keeps_all(void **state)
{
	struct mailbox *m;
	struct err err;
	char text[64], *p;
	char before[8192];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "S: %d\n\nFrom %d\n\n", i, i);
		append("m", false, text);
	}
	strcpy(before, get_file("m"));
	m = open_box("m", true);
	assert_int_equal(mailbox_save(m, &err), 0);
	assert_string_equal(get_file("m"), before);
	mailbox_flag(m, 3, MAILBOX_DELETED, 0);
	mailbox_flag(m, 5, MAILBOX_SEEN, 0);
	/* mail that came meanwhile stays */
	append("m", false, "S: new\n\nnew\n");
	assert_int_equal(mailbox_save(m, &err), 0);
	mailbox_close(m);
	assert_int_equal(faccessat(folder, "m.lock", F_OK, 0), -1);
	assert_int_equal(faccessat(folder, ".m.redo", F_OK, 0), -1);
	m = open_box("m", true);
	assert_int_equal(mailbox_count(m), 10);
	assert_text(m, 2, HEAD "S: 1\n\nFrom 1\n\n");
	assert_text(m, 3, HEAD "S: 3\n\nFrom 3\n\n");
	assert_text(m, 4, HEAD "S: 4\n\nFrom 4\n\n");
	assert_int_equal(mailbox_message(m, 4)->flags, MAILBOX_SEEN);
	assert_text(m, 10, HEAD "S: new\n\nnew\n");
	/* cleared where it is, and set again: the rest stays as it was */
	strcpy(before, get_file("m"));
	mailbox_flag(m, 4, MAILBOX_OLD, MAILBOX_SEEN);
	assert_int_equal(mailbox_save(m, &err), 0);
	p = strstr(before, "Status: R ");
	assert_non_null(p);
	p[8] = 'O';
	assert_string_equal(get_file("m"), before);
	mailbox_flag(m, 4, 0, MAILBOX_OLD);
	assert_int_equal(mailbox_save(m, &err), 0);
	p[8] = ' ';
	assert_string_equal(get_file("m"), before);
	mailbox_close(m);
	m = open_box("m", true);
	assert_int_equal(mailbox_message(m, 4)->flags, 0);
	/* one that needs a line more is written anew */
	mailbox_flag(m, 4, MAILBOX_SEEN | MAILBOX_FLAGGED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	assert_non_null(strstr(get_file("m"), "Status: R \nX-Status: F \n\n"));
	assert_null(strstr(get_file("m"), "Status:   \n"));
	for (unsigned i = 1; i <= 10; i++)
		mailbox_flag(m, i, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	assert_int_equal(strlen(get_file("m")), 0);
	mailbox_close(m);
}

/* Another program rewrites the file between our look and our save. */
static void test_mbox_rewritten_meanwhile(void **state)
{
	struct mailbox *m, *other;
	struct err err;

	(void)state;
	append("m", false, "S: 1\n\n1\n");
	append("m", false, "S: 2\n\n2\n");
	append("m", false, "S: 3\n\n3\n");
	m = open_box("m", true);
	other = open_box("m", true);
	mailbox_flag(other, 1, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(other, &err), 0);
	mailbox_close(other);
	assert_text(m, 3, HEAD "S: 3\n\n3\n");
	mailbox_flag(m, 2, MAILBOX_DELETED, 0);
	assert_int_equal(mailbox_save(m, &err), 0);
	mailbox_close(m);
	m = open_box("m", true);
	assert_int_equal(mailbox_count(m), 1);
	assert_text(m, 1, HEAD "S: 3\n\n3\n");
	mailbox_close(m);
}

static void test_mbox_cut_ends(void **state)
{
	static const char *const ends[] = { "", "\n", "\n\n", "x", "F" };
	struct mailbox *m;
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		snprintf(text, sizeof(text), "From a@b Tue Nov 25 10:00:00 2025"
				"\nS: 1\n\nbody%s", ends[i]);
		put_file("m", text);
		append("m", false, "S: 2\n\n2\n");
		m = open_box("m", false);
		assert_int_equal(mailbox_count(m), 2);
		assert_text(m, 2, HEAD "S: 2\n\n2\n");
		mailbox_close(m);
	}
}

static void test_dot_locks(void **state)
{
	struct mailbox_add add;
	char text[300];
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct mailbox *m;
	struct err err;
	bool found;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	append("m", false, "S: 1\n\n1\n");
	/* the lock of a dead process of ours, with half a message */
	snprintf(text, sizeof(text), "%d %zu %zu pillarbox\n", pid,
			strlen(get_file("m")), strlen(get_file("m")));
	put_file("m.lock", text);
	snprintf(text, sizeof(text), "%sFrom a@b Tue Nov 25 10:00:00 2025\n"
			"S: ha", get_file("m"));
	put_file("m", text);
	append("m", false, "S: 2\n\n2\n");
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 2);
	assert_text(m, 2, HEAD "S: 2\n\n2\n");
	mailbox_close(m);
	/* ... with two: not ours alone, so nothing is removed */
	snprintf(text, sizeof(text), "%d %d %d pillarbox\n", pid, 0, 0);
	put_file("m.lock", text);
	append("m", false, "S: 3\n\n3\n");
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 3);
	mailbox_close(m);
	/* somebody else's, alive: locked; old: broken */
	put_file("m.lock", "1");
	add = add_of("S: 4\n\n4\n");
	assert_int_equal(mailbox_append(folder, "m", false, &add, &found, &err),
			-1);
	close(add.fd);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_non_null(strstr(err.text, "m: locked by process 1 ("));
	assert_int_equal(utimensat(folder, "m.lock", old, 0), 0);
	append("m", false, "S: 4\n\n4\n");
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 4);
	mailbox_close(m);
}

/* A program that never lets go is named. */
static void test_locked_by_fcntl(void **state)
{
	struct mailbox_add add = add_of("S: 1\n\n1\n");
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[64];
	struct err err;
	int pipes[2], fd;
	pid_t pid;

	(void)state;
	append("m", false, "S: 0\n\n0\n");
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		fd = openat(folder, "m", O_RDWR);
		if (fcntl(fd, F_SETLK, &lock) < 0)
			_exit(1);
		close(pipes[1]);
		pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], text, 1), 0);
	close(pipes[0]);
	/* as pop3d: at once */
	assert_null(mailbox_open_of(folder, "m", geteuid(), true, &err));
	assert_int_equal(err.kind, ERR_TEMP);
	snprintf(text, sizeof(text), "m: locked by process %d (", (int)pid);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(mailbox_append(folder, "m", false, &add, NULL, &err),
			-1);
	assert_non_null(strstr(err.text, text));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(mailbox_append(folder, "m", false, &add, NULL, &err),
			0);
	close(add.fd);
	/* a lock that says nothing, as procmail's */
	put_file("m.lock", "0");
	assert_null(mailbox_open_of(folder, "m", geteuid(), true, &err));
	assert_non_null(strstr(err.text, "m: locked by m.lock"));
}

/* The power failed after the line with the length, before the text, was there. */
static void test_mbox_hole(void **state)
{
	struct mailbox *m;
	int fd;

	(void)state;
	append_key("m", false, "S: 1\n\n1\n", "k1", false);
	append_key("m", false, "S: 2\n\nwhole\n", "k2", false);
	fd = openat(folder, "m", O_WRONLY);
	assert_int_equal(pwrite(fd, "\0\0\0", 3, lseek(fd, 0, SEEK_END) - 5),
			3);
	close(fd);
	assert_false(append_key("m", false, "S: 2\n\nwhole\n", "k2", true));
	assert_true(append_key("m", false, "S: 2\n\nwhole\n", "k2", true));
	assert_true(append_key("m", false, "S: 1\n\n1\n", "k1", true));
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 2);
	assert_text(m, 2, HEAD "S: 2\n\nwhole\n");
	mailbox_close(m);
}

/* Half a message with a key and no dot-lock: seen, and replaced. */
static void test_mbox_half_key(void **state)
{
	struct mailbox *m;
	char text[400];

	(void)state;
	append_key("m", false, "S: 1\n\n1\n", "k1", false);
	snprintf(text, sizeof(text), "%sFrom a@b Tue Nov 25 10:00:00 2025\n"
		"X-Pillarbox-Id: k2 0000000000\nS: 2\n\nha", get_file("m"));
	put_file("m", text);
	assert_false(append_key("m", false, "S: 2\n\nwhole\n", "k2", true));
	assert_true(append_key("m", false, "S: 2\n\nwhole\n", "k2", true));
	assert_true(append_key("m", false, "S: 1\n\n1\n", "k1", true));
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 2);
	assert_text(m, 2, HEAD "S: 2\n\nwhole\n");
	mailbox_close(m);
}

/* -- kill -9 at any moment -- */

static void big_text(char *out, size_t size, int i)
{
	size_t n = (size_t)snprintf(out, size, "S: %d\n\n", i);

	while (n + 30 < size)
		n += (size_t)snprintf(out + n, size - n,
				n % 3 ? "line %d of it\n" : "From %d\n", i);
}

static void kill_after(pid_t pid, unsigned us)
{
	usleep(us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Microseconds that fn takes when nobody kills it: valgrind is slow. */
static unsigned time_of(void (*fn)(unsigned), unsigned arg)
{
	struct timespec a, b;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &a);
	pid = fork();
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (unsigned)((b.tv_sec - a.tv_sec) * 1000000
			+ (b.tv_nsec - a.tv_nsec) / 1000) + 1;
}

/* A message's number from its text, all of it checked. */
static int number_of(struct mailbox *m, unsigned n, char *want, size_t size)
{
	char whole[70000];
	struct str s;
	struct err err;
	int i = -1;

	str_init(&s, 1 << 24);
	assert_int_equal(mailbox_read(m, n, collect, &s, &err), 0);
	assert_int_equal(sscanf(str_c(&s), HEAD "S: %d", &i), 1);
	big_text(want, size, i);
	snprintf(whole, sizeof(whole), HEAD "%s", want);
	assert_string_equal(str_c(&s), whole);
	str_free(&s);
	return i;
}

static void append_one(unsigned round)
{
	static char text[60000];
	char key[16];

	snprintf(key, sizeof(key), "k%u", round);
	big_text(text, sizeof(text), (int)round);
	append_key("m", false, text, key, false);
}

static void test_killed_append(void **state)
{
	static char text[60000];
	unsigned most = time_of(append_one, 60);
	struct mailbox *m;
	char key[16];
	int round, seen[61] = { 0 };

	(void)state;
	for (round = 0; round < 60; round++) {
		pid_t pid;

		snprintf(key, sizeof(key), "k%d", round);
		big_text(text, sizeof(text), round);
		pid = fork();
		if (pid == 0) {
			append_one((unsigned)round);
			_exit(0);
		}
		kill_after(pid, (unsigned)rand() % (most * 5 / 4));
		/* as queue does it: once more, "may have been delivered" */
		append_key("m", false, text, key, true);
	}
	m = open_box("m", true);
	assert_int_equal(mailbox_count(m), round + 1);
	for (unsigned n = 1; n <= (unsigned)round + 1; n++)
		seen[number_of(m, n, text, sizeof(text))]++;
	for (int i = 0; i <= round; i++)
		assert_int_equal(seen[i], 1);
	mailbox_close(m);
}

static void save_some(unsigned seed)
{
	struct mailbox *m = open_box("m", true);
	unsigned n = mailbox_count(m);

	for (unsigned i = 1; i <= n; i++) {
		mailbox_flag(m, i, seed & 1 ? MAILBOX_SEEN : 0,
				seed & 1 ? 0 : MAILBOX_SEEN);
		seed = seed * 1103515245 + 12345;
		seed = seed >> 3 | seed << 29;
	}
	if (n > 20)
		mailbox_flag(m, 7, MAILBOX_DELETED, 0);
	mailbox_save(m, NULL);
	mailbox_close(m);
}

static void test_killed_save(void **state)
{
	static char text[20000];
	struct mailbox *m;
	int have = 0, last, deleted = 0;
	unsigned most = 0;

	(void)state;
	for (int round = 0; round < 80; round++) {
		unsigned n;
		pid_t pid;

		while (have < 25) {
			big_text(text, sizeof(text), 1000 + round);
			append("m", false, text);
			have++;
		}
		if (round % 20 == 0) {
			most = time_of(save_some, (unsigned)round);
			have--;
		}
		pid = fork();
		if (pid == 0) {
			save_some((unsigned)round);
			_exit(0);
		}
		kill_after(pid, (unsigned)rand() % (most * 3 / 2));
		m = open_box("m", true);
		n = mailbox_count(m);
		/* one may have been removed, none else is lost or damaged */
		assert_in_range(n, have - 1, have);
		deleted += n < (unsigned)have;
		have = (int)n;
		last = 0;
		for (unsigned i = 1; i <= n; i++) {
			int k = number_of(m, i, text, sizeof(text));

			assert_true(k >= last);
			last = k;
		}
		mailbox_close(m);
		assert_int_equal(faccessat(folder, ".m.redo", F_OK, 0), -1);
	}
	assert_in_range(deleted, 1, 79);
}

/* Deliveries and rewrites at once: nothing is lost, nothing comes twice. */
static void test_together(void **state)
{
	static char text[3000];
	struct mailbox *m;
	pid_t pids[4];
	int status, seen[4 * 25] = { 0 };

	(void)state;
	for (int p = 0; p < 4; p++) {
		pids[p] = fork();
		if (pids[p])
			continue;
		for (int i = 0; i < 25; i++) {
			big_text(text, sizeof(text), p * 25 + i);
			append("m", false, text);
		}
		_exit(0);
	}
	for (int i = 0; i < 30; i++) {
		m = open_box("m", true);
		for (unsigned n = 1; n <= mailbox_count(m); n++)
			mailbox_flag(m, n, i & 1 ? MAILBOX_SEEN : 0,
					i & 1 ? 0 : MAILBOX_SEEN);
		assert_int_equal(mailbox_save(m, NULL), 0);
		mailbox_close(m);
		usleep(5000);
	}
	for (int p = 0; p < 4; p++) {
		waitpid(pids[p], &status, 0);
		assert_int_equal(status, 0);
	}
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 100);
	for (unsigned n = 1; n <= 100; n++)
		seen[number_of(m, n, text, sizeof(text))]++;
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	mailbox_close(m);
}

/* A user without rights in the mail folder: fcntl only, journal in the home. */
static void test_other_user(void **state)
{
	struct stat st;
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	for (int i = 0; i < 3; i++)
		append("m", false, i == 1 ? "S: 1\n\n1\n" : "S: 2\n\n2\n");
	assert_int_equal(fchownat(folder, "m", 65534, 65534, 0), 0);
	append("root", false, "S: secret\n\nx\n");
	assert_int_equal(fchmodat(folder, "root", 0666, 0), 0);
	pid = fork();
	if (pid == 0) {
		struct mailbox_add add = add_of("S: 4\n\n4\n");
		struct mailbox *m;
		bool found;
		struct err err;
		int rc;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		/* another one's box, even when its mode allows */
		rc = mailbox_append(folder, "root", false, &add, &found, &err);
		if (rc != -1 || err.kind != ERR_PERM)
			_exit(2);
		if (mailbox_append(folder, "m", false, &add, &found, &err) < 0)
			_exit(3);
		m = mailbox_open(folder, "m", false, true, &err);
		if (!m || mailbox_count(m) != 4)
			_exit(4);
		/* no journal is needed to cut the end */
		mailbox_flag(m, 4, MAILBOX_DELETED, 0);
		if (mailbox_save(m, &err) < 0)
			_exit(5);
		/* nobody has no home: nothing may be lost for that */
		mailbox_flag(m, 1, MAILBOX_DELETED, 0);
		rc = mailbox_save(m, &err);
		_exit(rc < 0 ? 0 : 6);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(fstatat(folder, "m", &st, 0), 0);
	assert_int_equal(st.st_uid, 65534);
	{
		struct mailbox *m = open_box("m", true);

		assert_int_equal(mailbox_count(m), 3);
		mailbox_close(m);
	}
}

/* A power cut leaves a file long and its end empty. */
static void test_mbox_empty_tail(void **state)
{
	static const char nuls[3000];
	struct mailbox *m;
	struct stat st;
	int fd;

	(void)state;
	append("m", false, "Subject: one\n\na\n");
	assert_int_equal(fstatat(folder, "m", &st, 0), 0);
	fd = openat(folder, "m", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, nuls, sizeof(nuls)), sizeof(nuls));
	m = open_box("m", true);
	assert_int_equal(mailbox_count(m), 1);
	assert_text(m, 1, "Return-Path: <alice@a.com>\nSubject: one\n\na\n");
	mailbox_close(m);
	assert_int_equal(lseek(fd, 0, SEEK_END), st.st_size);
	/* but NULs in the last line are somebody's */
	assert_int_equal(write(fd, "x\0", 2), 2);
	append("m", false, "Subject: two\n\nb\n");
	assert_true(lseek(fd, 0, SEEK_END) > st.st_size + 2);
	close(fd);
	m = open_box("m", false);
	assert_int_equal(mailbox_count(m), 2);
	assert_text(m, 2, "Return-Path: <alice@a.com>\nSubject: two\n\nb\n");
	mailbox_close(m);
}

/* A compressed message is read as any other; again finds it, whole or not. */
static void test_maildir_gzip(void **state)
{
	struct mailbox_add add = add_of("Subject: x\r\n\r\nab\r\nc\rd");
	char name[MAILDIR_NAME_SIZE], first[3];
	struct mailbox *m;
	struct err err;
	bool found;
	int fd;

	(void)state;
	add.gzip = true;
	add.key = "1k0-1";
	for (int i = 0; i < 2; i++) {
		assert_int_equal(maildir_place(folder, "g", &add, NULL, name,
					&found, &err), 0);
		assert_int_equal(found, i);
		assert_non_null(strstr(name, ",S=46,W=51"));
		add.again = true;
	}
	fd = openat(folder, "g", O_RDONLY | O_DIRECTORY);
	assert_int_equal(renameat(fd, name, fd, "cur/1.2.3:2,S"), 0);
	m = open_box("g", false);
	assert_text(m, 1, "Return-Path: <alice@a.com>\nSubject: x\n\nab\n"
			"c\rd\n");
	mailbox_close(m);
	assert_int_equal(renameat(fd, "cur/1.2.3:2,S", fd, name), 0);
	close(fd);
	/* cut: it is made anew */
	fd = openat(folder, "g", O_RDONLY | O_DIRECTORY);
	assert_int_equal(pread(openat(fd, name, O_RDONLY), first, 3, 0), 3);
	assert_memory_equal(first, "\x1f\x8b\x08", 3);
	assert_int_equal(ftruncate(openat(fd, name, O_WRONLY), 40), 0);
	assert_int_equal(maildir_place(folder, "g", &add, NULL, name, &found,
				&err), 0);
	assert_false(found);
	m = open_box("g", false);
	assert_int_equal(mailbox_count(m), 1);
	assert_text(m, 1, "Return-Path: <alice@a.com>\nSubject: x\n\nab\n"
			"c\rd\n");
	mailbox_close(m);
	close(fd);
	close(add.fd);
}

#define BOTH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_maildir_round), BOTH(test_mbox_round),
		BOTH(test_keys), BOTH(test_missing), BOTH(test_reader_steps),
		BOTH(test_maildir_names), BOTH(test_maildir_shared),
		BOTH(test_maildir_quota), BOTH(test_links),
		BOTH(test_maildir_strange), BOTH(test_maildir_place), BOTH(test_mbox_forms), BOTH(test_mbox_hostile),
		BOTH(test_mbox_twins), BOTH(test_mbox_foreign_status),
		BOTH(test_mbox_save_keeps_all),
		BOTH(test_mbox_rewritten_meanwhile), BOTH(test_mbox_cut_ends),
		BOTH(test_mbox_hole),
		BOTH(test_dot_locks), BOTH(test_locked_by_fcntl),
		BOTH(test_mbox_half_key),
		BOTH(test_killed_append), BOTH(test_killed_save),
		BOTH(test_together), BOTH(test_other_user),
		BOTH(test_mbox_empty_tail), BOTH(test_maildir_gzip),
	};

	log_open("mailbox_test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
