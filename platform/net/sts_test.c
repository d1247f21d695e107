#include "net/sts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void records(void **state)
{
	static const struct {
		const char *text, *id;	/* NULL: it is none */
	} rows[] = {
		{ "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
		{ "v=STSv1;id=1", "1" },
		{ "v=STSv1 ;\t id=a1 ; other=x", "a1" },
		{ "v=STSv1; other=x:y/z; id=2", "2" },
		{ "v=STSv1; id=1; id=2", "1" },
		{ "v=STSv1; id=12345678901234567890123456789012",
			"12345678901234567890123456789012" },
		{ "v=STSv1; id=123456789012345678901234567890123", NULL },
		{ "v=STSv1", NULL }, { "v=STSv1;", NULL }, { "", NULL },
		{ "v=STSv1; id=", NULL }, { "v=STSv1; id=a-b", NULL },
		{ "v=STSv1; ; id=1", NULL }, { "v=STSv1; id 1", NULL },
		{ "v=STSv1; ID=1", NULL }, { "v=stsv1; id=1", NULL },
		{ "v=STSv2; id=1", NULL }, { "id=1; v=STSv1", NULL },
		{ "v=STSv10; id=1", NULL }, { "v=STSv1; id=1; x=a=b", NULL },
		{ "v=STSv1; -x=1; id=1", NULL }, { " v=STSv2; id=1", NULL },
	};
	char id[STS_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is = sts_record(span_of(rows[i].text), id);

		if (is != (rows[i].id != NULL))
			fail_msg("%s: %d", rows[i].text, is);
		if (is)
			assert_string_equal(id, rows[i].id);
	}
}

#define V "version: STSv1\n"
static void policies(void **state)
{
	static const struct {
		const char *text;
		enum sts_mode mode;
		unsigned age;
		const char *first, *second;
	} rows[] = {
		{ V "mode: enforce\nmx: mail.example.com\nmx: *.Example.net\n"
			"max_age: 604800\n", STS_ENFORCE, 604800,
			"mail.example.com", "*.example.net" },
		{ "version:STSv1\r\nmode:\ttesting \r\nmx:a.b\r\nmax_age:0",
			STS_TESTING, 0, "a.b", "" },
		{ "max_age: 10\nx-new: a: b\n" V "mode: none", STS_NONE, 10,
			"", "" },
		{ V "mode: testing\nmode: enforce\nmax_age: 1\nmax_age: 2\n"
			"mx: a.b\n\n", STS_TESTING, 1, "a.b", "" },
		{ V "mode: enforce\nmax_age: 9999999999\nmx: b.c\nmx: bad/x\n",
			STS_ENFORCE, STS_AGE_MOST, "b.c", "" },
		{ V "mode: enforce\nmax_age: 2\nmx: b.c.\nmx: *.d.\n"
			"mx: e..\n", STS_ENFORCE, 2, "b.c", "*.d" },
	};
	struct sts_policy p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong = sts_parse(span_of(rows[i].text), &p);
		const char *next = p.mx + strlen(p.mx) + 1;

		if (wrong)
			fail_msg("%s: %s", rows[i].text, wrong);
		assert_int_equal(p.mode, rows[i].mode);
		assert_int_equal(p.max_age, rows[i].age);
		assert_string_equal(p.mx, rows[i].first);
		assert_string_equal(*p.mx ? next : "", rows[i].second);
	}
}

static void broken_policies(void **state)
{
	static const char *const rows[] = {
		"", "\n", V, V "mode: enforce\nmax_age: 1\n",
		V "mode: enforce\nmx: a.b\n", V "max_age: 1\nmx: a.b\n",
		"mode: enforce\nmax_age: 1\nmx: a.b\n",
		"version: STSv2\nmode: enforce\nmax_age: 1\nmx: a.b\n",
		V "mode: Enforce\nmax_age: 1\nmx: a.b\n",
		V "mode: enforce\nmax_age: -1\nmx: a.b\n",
		V "mode: enforce\nmax_age: 10000000000\nmx: a.b\n",
		V "mode: enforce\nmax_age: 1\nmx: *.\n",
		V "mode: enforce\nmax_age: 1\nmx: .a.b\n",
		V "mode: enforce\nmax_age: 1\nmx: a b\n",
		"<html>\n" V "mode: enforce\nmax_age: 1\nmx: a.b\n",
	};
	struct sts_policy p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!sts_parse(span_of(rows[i]), &p))
			fail_msg("taken: %s", rows[i]);
}

static void too_many(void **state)
{
	char text[STS_MX_SIZE * 2] = V "mode: enforce\nmax_age: 1\n";
	size_t n = strlen(text);
	struct sts_policy p;

	(void)state;
	for (int i = 0; n + 20 < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				"mx: %d.b\n", i);
	assert_non_null(sts_parse(span_of(text), &p));
}

static void matches(void **state)
{
	static const struct {
		const char *host;
		bool is;
	} rows[] = {
		{ "mail.example.com", true }, { "MAIL.example.COM", true },
		{ "mail.example.com.", true }, { "a.example.net", true },
		{ "example.net", false }, { "a.b.example.net", false },
		{ "xmail.example.com", false }, { "example.com", false },
		{ "", false }, { ".example.net", true }, { "net", false },
	};
	struct sts_policy p = { .mode = STS_ENFORCE };

	(void)state;
	assert_false(sts_match(p.mx, "a.example.net"));
	assert_true(sts_add_mx(&p, SPAN("mail.example.com")));
	assert_true(sts_add_mx(&p, SPAN("*.example.NET")));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sts_match(p.mx, rows[i].host) != rows[i].is)
			fail_msg("%s", rows[i].host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(policies),
		cmocka_unit_test(broken_policies),
		cmocka_unit_test(too_many),
		cmocka_unit_test(matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
