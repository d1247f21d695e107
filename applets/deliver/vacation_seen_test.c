#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deliver/vacation.h"
#include "os/file.h"

#define NOW INT64_C(1800000000)
#define WEEK (7 * 86400)

static int64_t seen(int fd, const char *sender, int64_t now)
{
	struct err err;
	int64_t at = vacation_seen(fd, sender, now - WEEK, now, &err);

	assert_int_equal(err.kind, ERR_NONE);
	return at;
}

static void note(int fd, const char *sender, int64_t now)
{
	struct err err;
	int64_t at = seen(fd, sender, now);

	assert_true(at >= 0);
	assert_int_equal(vacation_note(fd, at, sender, now, &err), 0);
}

static void test_week(void **state)
{
	int fd = file_temporary(NULL);

	(void)state;
	assert_int_equal(seen(fd, "x@b.test", NOW), 0);
	note(fd, "x@b.test", NOW);
	assert_int_equal(seen(fd, "X@B.test", NOW), -1);
	assert_int_equal(seen(fd, "x@b.test", NOW + WEEK - 1), -1);
	assert_int_equal(seen(fd, "x@b.test", NOW + WEEK), 0);
	assert_int_equal(seen(fd, "y@b.test", NOW), VACATION_RECORD);
	/* the clock was wrong when it was written */
	assert_int_equal(seen(fd, "x@b.test", NOW - 100), 0);
	close(fd);
}

static void test_many(void **state)
{
	int fd = file_temporary(NULL);
	char sender[32];
	struct stat st;

	(void)state;
	for (int i = 0; i < VACATION_SEEN_MOST + 10; i++) {
		snprintf(sender, sizeof(sender), "n%d@b.test", i);
		note(fd, sender, NOW + i);
	}
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, VACATION_SEEN_MOST * VACATION_RECORD);
	assert_int_equal(seen(fd, "n10@b.test", NOW + 1000), -1);
	assert_true(seen(fd, "n9@b.test", NOW + 1000) >= 0);
	close(fd);
}

/* Whatever stands there: cut, binary, of others. */
static void test_junk(void **state)
{
	static const char junk[] = "no such line\n\0\xff 9999999999999999999";
	int fd = file_temporary(NULL);

	(void)state;
	assert_int_equal(file_write(fd, junk, sizeof(junk)), 0);
	note(fd, "x@b.test", NOW);
	assert_int_equal(seen(fd, "x@b.test", NOW), -1);
	assert_int_equal(ftruncate(fd, VACATION_RECORD - 1), 0);
	assert_int_equal(seen(fd, "x@b.test", NOW), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_week),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_junk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
