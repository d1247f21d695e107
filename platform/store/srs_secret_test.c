/* Needs the real file system (a folder below /tmp). */
#include "store/srs_secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[40], path[64];
static struct conf conf = {
	.hostname = "mail.a.test", .state_dir = dir, .user_queue = "root",
	.user_auth = "root"
};
static struct srs srs;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/srs_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" SRS_SECRET_FILE, dir);
	conf.srs_domain = NULL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	rmdir(dir);
	return 0;
}

static void write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void is_made_once(void **state)
{
	char first[SRS_SECRET_SIZE];
	struct stat st;

	(void)state;
	assert_int_equal(srs_secret_load(&srs, &conf, &err), 0);
	assert_int_equal(srs.n, 1);
	assert_int_equal(strlen(srs.secret[0]), 32);
	assert_string_equal(srs.domain, "mail.a.test");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	strcpy(first, srs.secret[0]);
	conf.srs_domain = "b.test";
	assert_int_equal(srs_secret_load(&srs, &conf, &err), 0);
	assert_string_equal(srs.secret[0], first);
	assert_string_equal(srs.domain, "b.test");
}

static void the_first_line_signs(void **state)
{
	(void)state;
	write_file("0123456789abcdef\n\n  fedcba9876543210 \r\ntoo short\n"
			"two words of it, no\nthird-line-of-16\n"
			"fourth-line-of-1\nfifth-line-of-16\n", 0600);
	assert_int_equal(srs_secret_load(&srs, &conf, &err), 0);
	assert_int_equal(srs.n, SRS_SECRETS_MOST);
	assert_string_equal(srs.secret[0], "0123456789abcdef");
	assert_string_equal(srs.secret[1], "fedcba9876543210");
	assert_string_equal(srs.secret[3], "fourth-line-of-1");
}

static void is_wrong(void **state)
{
	char line[SRS_SECRET_SIZE + 1] = "";

	(void)state;
	write_file("0123456789abcdef\n", 0640);
	assert_int_equal(srs_secret_load(&srs, &conf, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_non_null(strstr(err.text, "others may read it"));
	write_file("0123456789abcde\n", 0600);
	assert_int_equal(srs_secret_load(&srs, &conf, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_non_null(strstr(err.text, "no line of 16 to 64"));
	memset(line, 'x', SRS_SECRET_SIZE);
	write_file(line, 0600);
	assert_int_equal(srs_secret_load(&srs, &conf, &err), -1);
	line[SRS_SECRET_SIZE - 1] = '\0';
	write_file(line, 0600);
	assert_int_equal(srs_secret_load(&srs, &conf, &err), 0);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(srs_secret_load(&srs, &conf, &err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(is_made_once),
		TEST(the_first_line_signs),
		TEST(is_wrong)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
