#include "base/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#define NOW INT64_C(1795515106)		/* 2026-11-24 10:11:46 UTC */

static void prints(void **state)
{
	char out[DATE_SIZE];

	(void)state;
	date_mail(out, NOW, 3600);
	assert_string_equal(out, "Tue, 24 Nov 2026 11:11:46 +0100");
	date_mail(out, NOW, 0);
	assert_string_equal(out, "Tue, 24 Nov 2026 10:11:46 +0000");
	date_mail(out, NOW, -(3 * 3600 + 1800));
	assert_string_equal(out, "Tue, 24 Nov 2026 06:41:46 -0330");
	date_mail(out, 0, 0);
	assert_string_equal(out, "Thu, 1 Jan 1970 00:00:00 +0000");
	date_mail(out, -1, 0);
	assert_string_equal(out, "Wed, 31 Dec 1969 23:59:59 +0000");
	date_mbox(out, NOW);
	assert_string_equal(out, "Tue Nov 24 10:11:46 2026");
	date_mbox(out, 0);
	assert_string_equal(out, "Thu Jan  1 00:00:00 1970");
	date_iso(out, NOW);
	assert_string_equal(out, "2026-11-24T10:11:46Z");
}

/* Odd seconds of an offset are left out of the zone and of the time. */
static void offset_in_minutes(void **state)
{
	char out[DATE_SIZE];

	(void)state;
	date_mail(out, NOW, 3600 + 59);
	assert_string_equal(out, "Tue, 24 Nov 2026 11:11:46 +0100");
	date_mail(out, NOW, -59);
	assert_string_equal(out, "Tue, 24 Nov 2026 10:11:46 +0000");
}

static void extremes_are_clamped(void **state)
{
	char out[DATE_SIZE];

	(void)state;
	date_mail(out, INT64_MAX, 0);
	assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 +0000");
	date_mail(out, INT64_MIN, -3600);
	assert_string_equal(out, "Sat, 1 Jan 0000 00:00:00 -0100");
	date_mail(out, INT64_MAX, 2147483647);
	assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 +9959");
	date_mail(out, 0, -2147483647 - 1);
	assert_string_equal(out, "Sat, 27 Dec 1969 20:01:00 -9959");
	date_mbox(out, INT64_MIN);
	assert_string_equal(out, "Sat Jan  1 00:00:00 0000");
	date_iso(out, INT64_MAX);
	assert_string_equal(out, "9999-12-31T23:59:59Z");
}

/* Each day of 10000 years against a calendar that only counts. */
static void every_day(void **state)
{
	static const char weekdays[] = "SatSunMonTueWedThuFri";
	int64_t day = -719528;
	char out[DATE_SIZE], want[64];
	int64_t when;
	int offset;

	(void)state;
	for (int y = 0; y < 10000; y++)
		for (int m = 1; m <= 12; m++) {
			bool leap = y % 4 == 0 && (y % 100 || y % 400 == 0);
			int n = m == 2 ? 28 + leap : 30 + (m + m / 8) % 2;

			for (int d = 1; d <= n; d++, day++) {
				snprintf(want, sizeof(want), "%04d-%02d-%02dT"
						"00:00:00Z", y, m, d);
				date_iso(out, day * 86400);
				if (strcmp(out, want))
					fail_msg("%s not %s", out, want);
				if (d > 1)
					continue;
				date_mail(out, day * 86400 + 86399, 0);
				assert_memory_equal(out, weekdays + 3 *
					((day + 719528) % 7), 3);
				assert_true(date_parse(span_of(out), &when,
						&offset));
				assert_true(when == day * 86400 + 86399);
			}
		}
	assert_int_equal(day, 2932897);
}

struct reading {
	const char *text;
	int64_t when;
	int offset;
};

static void reads(void **state)
{
	static const struct reading rows[] = {
		{ "Tue, 24 Nov 2026 11:11:46 +0100", NOW, 3600 },
		{ "24 Nov 2026 11:11:46 +0100", NOW, 3600 },
		{ "24 Nov 2026 10:11 +0000", NOW - 46, 0 },
		{ "\t tue ,24 NOV 2026 10:11:46 GMT\r\n", NOW, 0 },
		{ "Tuesday, 24 Nov 2026 10:11:46 -0000", NOW, 0 },
		{ "Tue, 24 Nov 2026 11:11:46 +0100 (CET (winter\\)))", NOW,
			3600 },
		{ "(x)Tue(a),(b)24(c)Nov(d)2026(e)10 (f): (g)11 : 46(h)Z(i)",
			NOW, 0 },
		{ "Tue, 24 Nov 2026\r\n 06:41:46 -0330", NOW, -12600 },
		{ "24 Nov 26 10:11:46 UT", NOW, 0 },
		{ "2 Jan 1970 1:2:3 UT", 86400 + 3723, 0 },
		{ "24 Nov 126 10:11:46 UT", NOW, 0 },
		{ "24 Nov 2026 05:11:46 EST", NOW, -18000 },
		{ "24 Nov 2026 06:11:46 edt", NOW, -14400 },
		{ "24 Nov 2026 02:11:46 PST", NOW, -28800 },
		{ "24 Nov 2026 10:11:46 A", NOW, 0 },
		{ "24 Nov 2026 10:11:46 Mars/Standard", 0, -1 },
		{ "24 Nov 2026 10:11:46", NOW, 0 },
		{ "1 Jan 1970 00:00:00 +0000", 0, 0 },
		{ "1 Jan 49 00:00:00 +0000", INT64_C(2493072000), 0 },
		{ "1 Jan 50 00:00:00 +0000", INT64_C(-631152000), 0 },
		{ "29 Feb 2024 00:00:00 +0000", 1709164800, 0 },
		{ "31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
		{ "24 Nov 2026 10:11:46 +9959", NOW - 359940, 359940 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t when = 0;
		int offset = -1;
		bool good = date_parse(span_of(rows[i].text), &when, &offset);

		if (good != (rows[i].offset != -1) || when != rows[i].when ||
				offset != rows[i].offset)
			fail_msg("%s", rows[i].text);
	}
}

static void rejects(void **state)
{
	static const char *const bad[] = {
		"", " ", "Tue", "Tue,", "0 Nov 2026 10:11:46 +0000",
		"32 Jan 2026 10:11:46 +0000", "31 Apr 2026 10:11:46 +0000",
		"29 Feb 2026 10:11:46 +0000", "29 Feb 1900 10:11:46 +0000",
		"24 Nov 2026 24:00:00 +0000", "24 Nov 2026 10:60:00 +0000",
		"24 Nov 2026 10:11:61 +0000", "24 Nov 2026 10:11: +0000",
		"24 Nov 2026 10 +0000", "24 Nov 2026 10:11:46 +01",
		"24 Nov 2026 10:11:46 +01000", "24 Nov 2026 10:11:46 +0160",
		"24 Nov 2026 10:11:46 +", "24 Nov 2026 10:11:46 +0100 x",
		"24 Nov 2026 10:11:46 +0100)", "24 Nov 6 10:11:46 +0000",
		"24 Nov 20260 10:11:46 +0000", "124 Nov 2026 10:11:46 +0000",
		"24 Novx 2026 10:11:46 +0000", "24 No 2026 10:11:46 +0000",
		"24 11 2026 10:11:46 +0000", "2026-11-24T10:11:46Z",
		"-1 Nov 2026 10:11:46 +0000", "(24 Nov 2026 10:11:46 +0000",
	};
	int64_t when;
	int offset;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (date_parse(span_of(bad[i]), &when, &offset))
			fail_msg("%s", bad[i]);
	assert_false(date_parse(span_make(NULL, 0), &when, &offset));
}

/* Nothing is read behind the end, wherever the text ends. */
static void ends_anywhere(void **state)
{
	static const char text[] =
		"Tue, 24 Nov 2026 11:11:46 +0100 (a (b\\) c) d)";
	int64_t when;
	int offset;

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		date_parse(span_make(copy, n), &when, &offset);
		free(copy);
	}
}

static void local_offset(void **state)
{
	(void)state;
	setenv("TZ", "IST-5:30", 1);
	tzset();
	assert_int_equal(date_offset(NOW), 19800);
	setenv("TZ", "UTC0", 1);
	tzset();
	assert_int_equal(date_offset(NOW), 0);
	assert_int_equal(date_offset(INT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints),
		cmocka_unit_test(offset_in_minutes),
		cmocka_unit_test(extremes_are_clamped),
		cmocka_unit_test(every_day),
		cmocka_unit_test(reads),
		cmocka_unit_test(rejects),
		cmocka_unit_test(ends_anywhere),
		cmocka_unit_test(local_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
