#include "os/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static void wall_time(void **state)
{
	int64_t before = time(NULL), now, us;

	(void)state;
	now = clock_now();
	us = clock_now_us();
	assert_in_range(now, before, before + 5);
	assert_in_range(us / 1000000, before, before + 5);
	/* a year of this century, so the unit is seconds */
	assert_true(now > 0 && now < INT64_C(4102444800));
}

static void intervals(void **state)
{
	int64_t start = clock_ms(), took;

	(void)state;
	usleep(30000);
	took = clock_ms() - start;
	assert_in_range(took, 29, 5000);
}

static void plausible(void **state)
{
	(void)state;
	assert_int_equal(clock_plausible(), clock_now() >= 1793491200);
}

static void boots(void **state)
{
	(void)state;
	if (access("/proc/sys/kernel/random/boot_id", R_OK) < 0)
		skip();
	assert_true(clock_boot() != 0);
	assert_int_equal(clock_boot(), clock_boot());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_time),
		cmocka_unit_test(intervals),
		cmocka_unit_test(plausible),
		cmocka_unit_test(boots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
