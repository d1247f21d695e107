#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/alias_map.h"

static char path[] = "/tmp/alias_map_test.XXXXXX";

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int find(const char *address, const char *expected)
{
	struct err err = { 0 };
	struct str out;
	int rc;

	str_init(&out, ALIAS_MAP_LINE_MOST);
	rc = alias_map_find(path, span_of(address), &out, &err);
	if (rc > 0 && strcmp(str_c(&out), expected))
		fail_msg("%s: %s", address, str_c(&out));
	str_free(&out);
	if (rc < 0)
		assert_int_equal(err.kind, ERR_TEMP);
	return rc;
}

static void finds(void **state)
{
	(void)state;
	put("@a.com all@b.com\na@a.com x@b.com,y@b.com\nb@a.com z@b.com\n");
	assert_int_equal(find("@a.com", "all@b.com"), 1);
	assert_int_equal(find("a@a.com", "x@b.com,y@b.com"), 1);
	assert_int_equal(find("b@a.com", "z@b.com"), 1);
	assert_int_equal(find("", ""), 0);
	assert_int_equal(find("@", ""), 0);
	assert_int_equal(find("a@a.co", ""), 0);
	assert_int_equal(find("a@a.comm", ""), 0);
	assert_int_equal(find("c@a.com", ""), 0);
	put("");
	assert_int_equal(find("a@a.com", ""), 0);
	put("a@a.com x@b.com");
	assert_int_equal(find("a@a.com", "x@b.com"), 1);
}

/* Lines of all lengths, so that each offset is once the middle. */
static void finds_each_of_many(void **state)
{
	char key[32], value[700];
	FILE *f = fopen(path, "w");

	(void)state;
	for (int i = 0; i < 2000; i++) {
		memset(value, 'v', sizeof(value));
		value[1 + i * 7 % 690] = '\0';
		fprintf(f, "u%06d@a.com %s\n", 2 * i, value);
	}
	fclose(f);
	for (int i = 0; i < 4000; i++) {
		memset(value, 'v', sizeof(value));
		value[1 + i / 2 * 7 % 690] = '\0';
		snprintf(key, sizeof(key), "u%06d@a.com", i);
		assert_int_equal(find(key, value), i % 2 == 0);
	}
}

/* None of these says that there is no such alias. */
static void mistrusts(void **state)
{
	char *line = malloc(ALIAS_MAP_LINE_MOST + 3);

	(void)state;
	memset(line, 'x', ALIAS_MAP_LINE_MOST + 2);
	line[ALIAS_MAP_LINE_MOST + 2] = '\0';
	put(line);
	free(line);
	assert_int_equal(find("a@a.com", ""), -1);
	put("a@a.com x@b.com\n");
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(find("a@a.com", ""), -1);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(find("a@a.com", ""), -1);
	rmdir(path);
	assert_int_equal(find("a@a.com", ""), 0);
}

/* A file that is shorter than it says, as one that is cut meanwhile. */
static void sees_that_it_was_cut(void **state)
{
	static const char short_one[] = "/sys/kernel/uevent_seqnum";
	struct err err = { 0 };
	struct str out;

	(void)state;
	if (access(short_one, R_OK) < 0)
		skip();
	str_init(&out, ALIAS_MAP_LINE_MOST);
	assert_int_equal(alias_map_find(short_one, span_of("z@a.com"), &out,
				&err), -1);
	assert_int_equal(err.kind, ERR_TEMP);
	str_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(finds_each_of_many),
		cmocka_unit_test(mistrusts),
		cmocka_unit_test(sees_that_it_was_cut)
	};

	close(mkstemp(path));
	return cmocka_run_group_tests_name("store/alias_map", tests, NULL,
			NULL);
}
