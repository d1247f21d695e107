#include "smtpd/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "mime/compose.h"

/* In pieces of every size: what was seen, and where the section ends. */
static void check(struct span in, unsigned seen, size_t end)
{
	for (size_t step = 1; step <= in.n; step++) {
		struct smtpd_fields f;
		size_t at = 0;

		smtpd_fields_init(&f);
		for (size_t i = 0; i < in.n && !f.done; i += step)
			at += smtpd_fields_scan(&f, span_sub(in, i, step));
		assert_int_equal(f.seen, seen);
		assert_int_equal(at, end);
		assert_int_equal(f.done, end < in.n);
	}
}

static void test_scan(void **state)
{
	(void)state;
	check(SPAN("\r\nDate: body\r\n"), 0, 0);
	check(SPAN("date:x\r\nFROM: y\r\n\tDate: z\r\nmessage-id:\r\n\r\n"),
			COMPOSE_NO_DATE | COMPOSE_NO_FROM | COMPOSE_NO_ID, 40);
	check(SPAN("Dates: x\r\nMessage-IDs: x\r\nX: From:\r\n\r\nDate:"), 0,
			36);
	check(SPAN("Fro"), 0, 3);
	check(SPAN("From: a\r\n"), COMPOSE_NO_FROM, 9);
	check(SPAN("x\r\n\r\n"), 0, 3);
}

static void test_add(void **state)
{
	struct smtpd_fields f;
	struct str out;

	(void)state;
	str_init(&out, SMTPD_FIELDS_SIZE);
	smtpd_fields_init(&f);
	smtpd_fields_add(&f, "a@b.test", "h.test", &out);
	assert_true(span_starts(str_span(&out), "Date: "));
	assert_non_null(strstr(str_c(&out), "\r\nFrom: <a@b.test>\r\n"));
	assert_non_null(strstr(str_c(&out), "@h.test>\r\n"));
	assert_int_equal(compose_missing(str_span(&out)), COMPOSE_NO_TO);
	str_clear(&out);
	f.seen = COMPOSE_NO_DATE | COMPOSE_NO_ID;
	smtpd_fields_add(&f, "", "h.test", &out);
	assert_int_equal(out.n, 0);
	str_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan), cmocka_unit_test(test_add)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
