/* The ids of what the queue makes of messages. */
#include "queue.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#define PARENT "1k10gzpdsnwkg1s5nz1"

/* The same each time, another for anything else, and an id like others. */
static void test_ids(void **state)
{
	char one[SPOOL_ID_SIZE], two[SPOOL_ID_SIZE];

	(void)state;
	parent_made_id(one, PARENT, 0, PARENT_FINAL);
	parent_made_id(two, PARENT, 0, PARENT_FINAL);
	assert_string_equal(one, two);
	assert_int_equal(strlen(one), strlen(PARENT));
	assert_memory_equal(one, PARENT, 11);
	assert_null(strchr(one, PARENT_DIGEST));
	for (unsigned i = 1; i < 3000; i++) {
		parent_made_id(two, PARENT, i, PARENT_FINAL);
		assert_string_not_equal(one, two);
		assert_int_equal(strspn(two, SPOOL_ID_DIGITS), 19);
	}
	parent_made_id(two, PARENT, 0, PARENT_WARNED);
	assert_string_not_equal(one, two);
	parent_made_id(two, PARENT "0001", 0, PARENT_FINAL);
	assert_string_not_equal(one, two);
	assert_int_equal(strlen(two), 19);
	parent_made_id(two, PARENT, 0, PARENT_DIGEST);
	assert_int_equal(two[11], PARENT_DIGEST);
	parent_made_id(two, "x", 0, PARENT_FINAL);
	assert_int_equal(strlen(two), 9);
}

static void test_runs(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 100);
	parent_run(&s, PARENT_NOTHING, 0);
	parent_run(&s, PARENT_NOTHING, 3);
	parent_run(&s, SPOOL_FAILED, 1);
	assert_string_equal(str_c(&s), ".3f1");
	str_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids), cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
