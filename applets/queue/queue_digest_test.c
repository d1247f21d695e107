/* The shape of subjects. */
#include "queue_alert.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static void assert_shape(const char *subject, const char *want)
{
	struct str s;

	str_init(&s, 20);
	digest_shape(&s, span_of(subject));
	assert_string_equal(str_c(&s), want);
	str_free(&s);
}

static void test_shape(void **state)
{
	(void)state;
	assert_shape("Disk 91% full", "disk #% full");
	assert_shape("DISK 100% full", "disk #% full");
	assert_shape("1.2.3", "#.#.#");
	assert_shape("", "");
	assert_shape("a longer one than there is room", "a longer one than th");
	assert_shape("12345678901234567890123", "#");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shape) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
