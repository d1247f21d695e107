#include "mime/alias.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	int rc;
	enum alias_kind kind;
	const char *value;	/* or why not */
} values[] = {
	{ "bob", 1, ALIAS_ADDRESS, "bob" },
	{ "  bob ,", 1, ALIAS_ADDRESS, "bob" },
	{ "\"bob\"", 1, ALIAS_ADDRESS, "bob" },
	{ "bob@b.com", 1, ALIAS_ADDRESS, "bob@b.com" },
	{ "\"bob@b.com\"", 1, ALIAS_ADDRESS, "bob@b.com" },
	{ "\"john doe\"", 1, ALIAS_ADDRESS, "\"john doe\"" },
	{ "\"john doe\"@b.com", 1, ALIAS_ADDRESS, "\"john doe\"@b.com" },
	{ "\"a\\\"b\"@b.com", 1, ALIAS_ADDRESS, "\"a\\\"b\"@b.com" },
	{ "Bob Builder <bob@b.com>", 1, ALIAS_ADDRESS, "bob@b.com" },
	{ "\"B, Bob\" <bob@b.com>", 1, ALIAS_ADDRESS, "bob@b.com" },
	{ "bob (of (the) hill)", 1, ALIAS_ADDRESS, "bob" },
	{ "(x) bob@b.com (y)", 1, ALIAS_ADDRESS, "bob@b.com" },
	{ "\\bob", 1, ALIAS_EXACT, "bob" },
	{ "\"\\\\bob\"", 1, ALIAS_EXACT, "bob" },
	{ "\\bob@b.com", 1, ALIAS_EXACT, "bob@b.com" },
	{ "|/bin/cat", 1, ALIAS_COMMAND, "/bin/cat" },
	{ "|/bin/cat -n (x) # y", 1, ALIAS_COMMAND, "/bin/cat -n (x) # y" },
	{ "\"|/bin/cat -n, x\"", 1, ALIAS_COMMAND, "/bin/cat -n, x" },
	{ "|\"/bin/cat -n, x\"", 1, ALIAS_COMMAND, "/bin/cat -n, x" },
	{ "\"| exec cat \\\"a b\\\"\"", 1, ALIAS_COMMAND, "exec cat \"a b\"" },
	{ "/var/log/mbox", 1, ALIAS_FILE, "/var/log/mbox" },
	{ "\"/var/a b\"", 1, ALIAS_FILE, "/var/a b" },
	{ ":include:/etc/list", 1, ALIAS_INCLUDE, "/etc/list" },
	{ "\":include:/etc/a list\"", 1, ALIAS_INCLUDE, "/etc/a list" },
	{ ":Include: /etc/list", 1, ALIAS_INCLUDE, "/etc/list" },
	{ "j\xc3\xb6rg@b.com", 1, ALIAS_ADDRESS, "j\xc3\xb6rg@b.com" },
	{ "root@[192.0.2.1]", 1, ALIAS_ADDRESS, "root@[192.0.2.1]" },
	{ "", 0, ALIAS_ADDRESS, NULL },
	{ " , ,\n\t", 0, ALIAS_ADDRESS, NULL },
	{ "a b", -1, ALIAS_ADDRESS, "is no address" },
	{ "a@b@c", -1, ALIAS_ADDRESS, "is no address" },
	{ "a..b", -1, ALIAS_ADDRESS, "is no address" },
	{ "a@b..c", -1, ALIAS_ADDRESS, "is no address" },
	{ "@b.com", -1, ALIAS_ADDRESS, "is no address" },
	{ "\\", -1, ALIAS_ADDRESS, "is no address" },
	{ "<>", -1, ALIAS_ADDRESS, "is no address" },
	{ "\xff@b.com", -1, ALIAS_ADDRESS, "is no address" },
	{ "|", -1, ALIAS_ADDRESS, "no command behind |" },
	{ "|\"\"", -1, ALIAS_ADDRESS, "no command behind |" },
	{ ":include:list", -1, ALIAS_ADDRESS,
		"the path does not begin with /" },
	{ ":fail:", -1, ALIAS_ADDRESS,
		"of all :...: only :include: is known" },
	{ "\"bob", -1, ALIAS_ADDRESS,
		"a \" is open at the end of the line" },
	{ "bob (x", -1, ALIAS_ADDRESS,
		"a ( is open at the end of the line" },
	{ "bob # x", -1, ALIAS_ADDRESS,
		"# begins a comment only where a line does" },
	{ "bob\x01", -1, ALIAS_ADDRESS, "a control character" },
	{ "<|list#1@a.com>", -1, ALIAS_ADDRESS, "no address begins with |" },
	{ "<\"|list#1\"@a.com>", -1, ALIAS_ADDRESS,
		"no address begins with |" },
};

static void test_values(void **state)
{
	struct alias_value v;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct alias_list l = { .rest = span_of(values[i].text) };

		print_message("%s\n", values[i].text);
		assert_int_equal(alias_value_next(&l, &v, &why), values[i].rc);
		if (values[i].rc > 0) {
			assert_int_equal(v.kind, values[i].kind);
			assert_string_equal(v.text, values[i].value);
		} else if (values[i].rc < 0) {
			assert_string_equal(why, values[i].value);
		}
		if (values[i].rc)
			assert_int_equal(alias_value_next(&l, &v, &why), 0);
	}
}

/* The bad ones are skipped, the others are there. */
static void test_list(void **state)
{
	struct alias_list l = { .rest = SPAN("a, b b,\n\tc\n# x\n  # y\n\t,\n"
			" \"d\n e, f # g,\n h"), .line = 7 };
	static const char *const want[] = { "a", NULL, "c", NULL, NULL, "h" };
	static const unsigned lines[] = { 7, 7, 8, 12, 13, 14 };
	struct alias_value v;
	const char *why;

	(void)state;
	for (int i = 0; i < 6; i++) {
		int rc = alias_value_next(&l, &v, &why);

		assert_int_equal(rc, want[i] ? 1 : -1);
		if (want[i])
			assert_string_equal(v.text, want[i]);
		assert_int_equal(l.at, lines[i]);
	}
	assert_int_equal(alias_value_next(&l, &v, &why), 0);
}

/* An included file: a line's end ends a value. */
static void test_lines(void **state)
{
	struct alias_list l = { SPAN("# all\r\na@x\r\nb@x, c@x\n\n"
			"  # more\n   d e\n \\f"), true, true, 1, 1 };
	static const char *const want[] = { "a@x", "b@x", "c@x", NULL, "f" };
	struct alias_value v;
	const char *why;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(alias_value_next(&l, &v, &why),
				want[i] ? 1 : -1);
		if (want[i])
			assert_string_equal(v.text, want[i]);
	}
	assert_int_equal(l.line, 7);
	assert_int_equal(alias_value_next(&l, &v, &why), 0);
}

static const char file[] =
	" lost\n"
	"# comment\n"
	"root: me@provider.example\n"
	"Sales :\n"
	"\t\tann,\n"
	"# in between\n"
	"\n"
	"  bob\n"
	"nothing here\n"
	"\"john doe\": john\n"
	"\"plain\": x\n"
	"two words: x\n"
	"a@b: x\n"
	"|x: y\n"
	"#: z\n"
	"last:x";

static void test_entries(void **state)
{
	static const struct {
		unsigned line;
		const char *name, *values;
	} want[] = {
		{ 1, NULL, NULL }, { 3, "root", " me@provider.example\n" },
		{ 4, "sales", "\n\t\tann,\n# in between\n\n  bob\n" },
		{ 9, NULL, NULL }, { 10, "\"john doe\"", " john\n" },
		{ 11, "plain", " x\n" }, { 12, NULL, NULL },
		{ 13, NULL, NULL }, { 14, NULL, NULL }, { 16, "last", "x" },
	};
	struct span rest = SPAN("");
	struct alias_entry e;
	unsigned line = 1;
	const char *why;

	(void)state;
	assert_int_equal(alias_entry_next(&rest, &line, &e, &why), 0);
	rest = span_of(file);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(alias_entry_next(&rest, &line, &e, &why),
				want[i].name ? 1 : -1);
		assert_int_equal(e.line, want[i].line);
		if (!want[i].name)
			continue;
		assert_string_equal(e.name, want[i].name);
		assert_true(span_eq(e.values.rest, span_of(want[i].values)));
	}
	assert_int_equal(alias_entry_next(&rest, &line, &e, &why), 0);
}

static void test_names(void **state)
{
	char name[ALIAS_NAME_SIZE], long_name[80];

	(void)state;
	assert_true(alias_name(name, SPAN("\"Bob\"")));
	assert_string_equal(name, "bob");
	assert_true(alias_name(name, SPAN("\"a B\"")));
	assert_string_equal(name, "\"a b\"");
	assert_false(alias_name(name, SPAN("")));
	memset(long_name, 'x', sizeof(long_name));
	assert_true(alias_name(name, span_make(long_name, 64)));
	assert_false(alias_name(name, span_make(long_name, 65)));
}

static void test_targets(void **state)
{
	char name[ALIAS_NAME_SIZE];
	struct str out;
	unsigned n;

	(void)state;
	str_init(&out, 100);
	alias_put_target(&out, "li#st", 12);
	assert_string_equal(str_c(&out), "|li#st#12");
	assert_true(alias_is_target(str_span(&out)));
	assert_true(alias_get_target(str_span(&out), name, &n));
	assert_string_equal(name, "li#st");
	assert_int_equal(n, 12);
	str_free(&out);
	assert_false(alias_get_target(SPAN("list#1"), name, &n));
	assert_false(alias_get_target(SPAN("|list"), name, &n));
	assert_false(alias_get_target(SPAN("|#1"), name, &n));
	assert_false(alias_get_target(SPAN("|list#0"), name, &n));
	assert_false(alias_get_target(SPAN("|list#1000"), name, &n));
	assert_false(alias_get_target(SPAN("|list#~1"), name, &n));
	str_init(&out, 100);
	alias_put_own(&out, "Bob", 7);
	assert_string_equal(str_c(&out), "|Bob#~7");
	assert_true(alias_get_own(str_span(&out), name, &n));
	assert_string_equal(name, "Bob");
	assert_int_equal(n, 7);
	str_free(&out);
	assert_false(alias_get_own(SPAN("|bob#7"), name, &n));
	assert_false(alias_get_own(SPAN("|bob#~0"), name, &n));
	assert_false(alias_get_own(SPAN("|bob#~"), name, &n));
	assert_false(alias_get_own(SPAN("bob#~1"), name, &n));
	assert_true(alias_is_target(SPAN("\"|list#1\"")));
	assert_true(alias_is_target(SPAN("\"\\|list#1\"")));
	assert_false(alias_is_target(SPAN("list|")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
