/* Needs the real file system: a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/maildir_folder.h"

static void assert_path(const char *name, const char *path)
{
	char out[300];
	struct err err;
	int rc = maildir_folder_path(out, sizeof(out), "m", span_of(name), &err);

	if ((rc < 0) != (path == NULL))
		fail_msg("%s: %s", name, rc < 0 ? err.text : out);
	if (path)
		assert_string_equal(out, path);
	else
		assert_int_equal(err.kind, ERR_PERM);
}

static void test_names(void **state)
{
	char out[8];

	(void)state;
	assert_path("Lists", "m/.Lists");
	assert_path("Lists/Debian", "m/.Lists.Debian");
	assert_path("Lists.Debian", "m/.Lists.Debian");
	assert_path("INBOX", "m");
	assert_path("inbox", "m");
	assert_path("INBOX.Lists", "m/.Lists");
	assert_path("Lists/INBOX", "m/.Lists.INBOX");
	assert_path("a b~$*", "m/.a b~$*");
	/* RFC 3501 5.1.3's own example, its slashes as our levels */
	assert_path("~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c"
			"\xac\xe8\xaa\x9e", "m/.~peter.mail.&U,BTFw-"
			".&ZeVnLIqe-");
	assert_path("Entw\xc3\xbcrfe", "m/.Entw&APw-rfe");
	assert_path("Tom&Jerry", "m/.Tom&-Jerry");
	assert_path("&\xc3\xbc&", "m/.&-&APw-&-");
	assert_path("\xf0\x9f\x98\x80", "m/.&2D3eAA-");
	assert_path("", NULL);
	assert_path(".", NULL);
	assert_path("..", NULL);
	assert_path("../x", NULL);
	assert_path("/etc", NULL);
	assert_path("a//b", NULL);
	assert_path("a/", NULL);
	assert_path("a/../b", NULL);
	assert_path("a\nb", NULL);
	assert_path("a\x7f", NULL);
	assert_path("\xff", NULL);
	assert_int_equal(maildir_folder_path(out, 8, "m", SPAN("a\0b"), NULL),
			-1);
	assert_int_equal(maildir_folder_path(out, 8, "m", SPAN("abcd"), NULL),
			0);
	assert_int_equal(maildir_folder_path(out, 8, "m", SPAN("abcde"), NULL),
			-1);
}

static void test_long_names(void **state)
{
	char name[1001], out[300];

	(void)state;
	memset(name, 'a', 1000);
	assert_int_equal(maildir_folder_path(out, sizeof(out), "m",
				span_make(name, 199), NULL), 0);
	assert_int_equal(strlen(out), 202);
	for (size_t n = 200; n < 1001; n += 133)
		assert_int_equal(maildir_folder_path(out, sizeof(out), "m",
					span_make(name, n), NULL), -1);
	for (size_t i = 0; i < 1000; i += 2)
		memcpy(name + i, "\xc3\xbc", 2);
	assert_int_equal(maildir_folder_path(out, sizeof(out), "m",
				span_make(name, 1000), NULL), -1);
}

static void test_made(void **state)
{
	char dir[] = "/tmp/folder_test.XXXXXX", path[100];
	struct stat st;
	pid_t pid;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(maildir_folder_path(path, sizeof(path), "a/b",
				SPAN("x.y"), NULL), 0);
	assert_false(maildir_folder_exists(fd, path));
	for (int i = 0; i < 2; i++)
		assert_int_equal(maildir_folder_make(fd, "a/b", path, NULL), 0);
	assert_true(maildir_folder_exists(fd, path));
	assert_true(maildir_folder_exists(fd, "a/b"));
	assert_int_equal(fstatat(fd, "a/b/.x.y/maildirfolder", &st, 0), 0);
	assert_int_equal(fstatat(fd, "a/b/.x.y/tmp", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(fstatat(fd, "a/b/maildirfolder", &st, 0), -1);
	assert_int_equal(symlinkat(".x.y", fd, "a/b/.link"), 0);
	assert_false(maildir_folder_exists(fd, "a/b/.link"));
	close(fd);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
