#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "queue_control.h"

static int parse(struct queue_select *s, const char *text)
{
	static char words[CONTROL_LINE_MOST];

	snprintf(words, sizeof(words), "%s", text);
	return select_parse(s, words);
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"", "id", "=x", "id\t", "\tid=x", "id=x\t", "id=x\tid=x", "ID=x",
		"all=x", "from=a\rb", "from=a\001", "from=\177", "idd=x", "i=x"
	};
	struct queue_select s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(&s, bad[i]), -1);
	assert_int_equal(parse(&s, "from="), 0);
	assert_string_equal(s.from, "");
	assert_null(s.id);
	assert_int_equal(parse(&s, "to=a=b@c\tid=1k\tdomain=\xff\tfrom=@"), 0);
	assert_string_equal(s.to, "a=b@c");
	assert_string_equal(s.id, "1k");
	assert_string_equal(s.domain, "\xff");
	assert_string_equal(s.from, "@");
}

static void test_match(void **state)
{
	struct spool_rcpt rcpt[] = {
		{ "x@B.test", SPOOL_WAITING, NULL },
		{ "done@d.test", SPOOL_DONE, NULL },
		{ "told@e.test", SPOOL_RELAYED, NULL },
		{ "\"a@b\"@c.test", SPOOL_WAITING, NULL },
		{ "root", SPOOL_WAITING, NULL },
	};
	struct spool_envelope e = { .id = "1k2", .sender = "Al@a.test",
		.nrcpt = 5, .rcpt = rcpt };
	static const struct {
		const char *text;
		bool yes;
	} cases[] = {
		{ "id=1k2", true }, { "id=1K2", false }, { "id=", false },
		{ "from=al@A.TEST", true }, { "from=", false },
		{ "from=@a.test", true }, { "from=@", false },
		{ "from=al", false }, { "from=a.test", false },
		{ "to=X@b.test", true }, { "to=done@d.test", false },
		{ "to=@d.test", false }, { "domain=e.test", false },
		{ "to=\"a@b\"@c.test", true }, { "domain=c.test", true },
		{ "domain=b\"@c.test", false }, { "domain=est", false },
		{ "to=root", true }, { "to=", false }, { "domain=", true },
		{ "id=1k2\tfrom=@a.test\tto=x@b.test\tdomain=c.test", true },
		{ "id=1k2\tfrom=@a.test\tto=x@b.test\tdomain=d.test", false },
		{ "id=1k3\tfrom=@a.test", false },
	};
	struct queue_select s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(&s, cases[i].text), 0);
		if (select_match(&s, &e) != cases[i].yes)
			fail_msg("%s", cases[i].text);
	}
	e.sender = "";
	assert_int_equal(parse(&s, "from="), 0);
	assert_true(select_match(&s, &e));
	assert_int_equal(parse(&s, "from=@"), 0);
	assert_true(select_match(&s, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
