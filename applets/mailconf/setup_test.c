#include "mailconf/setup.h"
#include "mailconf/setup_edit.h"
#include "mailconf/setup_uci.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ROWS(t) (sizeof(t) / sizeof(*(t)))

static bool is_none(struct span rest)
{
	span_word(&rest);
	return span_is(span_word(&rest), "none");
}

static void test_edit(void **state)
{
	static const struct {
		const char *in, *name, *value;
		setup_match *match;
		const char *out;
	} rows[] = {
		{ "", "hostname", "a.b", NULL, "hostname a.b\n" },
		{ "# x\nhostname old  # why\nother 1\n", "hostname", "new",
			NULL, "# x\nhostname new  # why\nother 1\n" },
		{ " HOSTNAME old\nhostname two\nx", "hostname", "new", NULL,
			"hostname new\nx\n" },
		{ "#hostname old\nhostnames x\n", "hostname", "new", NULL,
			"#hostname old\nhostnames x\nhostname new\n" },
		{ "listen smtp none\nlisten pop3 *:110\nlisten smtps none\n",
			"listen", NULL, is_none, "listen pop3 *:110\n" },
		{ "smarthost \"a#b\" user=x#y\n", "smarthost", "z", NULL,
			"smarthost z\n" },
		{ "smarthost a user=b from=@c\nsmarthost d\n\n", "smarthost",
			"new", setup_is_plain_smarthost,
			"smarthost a user=b from=@c\nsmarthost new\n\n" },
	};
	struct str out;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		str_init(&out, 4096);
		setup_edit(&out, span_of(rows[i].in), rows[i].name,
				rows[i].value, rows[i].match);
		assert_string_equal(str_c(&out), rows[i].out);
		str_free(&out);
	}
}

static void test_add(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "domain n\n" },
		{ "domain a\nx 1\ndomain b # c\n# end\n",
			"domain a\nx 1\ndomain b # c\ndomain n\n# end\n" },
		{ "x 1\n", "x 1\ndomain n\n" },
	};
	struct str out;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		str_init(&out, 4096);
		setup_edit_add(&out, span_of(rows[i].in), "domain", "n");
		assert_string_equal(str_c(&out), rows[i].out);
		str_free(&out);
	}
	assert_true(setup_edit_has(SPAN("listen smtp none\n"), "listen",
				"smtp"));
	assert_false(setup_edit_has(SPAN("#listen smtp none\nlisten smtps x"),
				"listen", "smtp"));
}

static void test_alias(void **state)
{
	static const struct {
		const char *in, *before, *out;
	} rows[] = {
		{ "", "", "root: new\n" },
		{ "# root: x\nRoot : a@b,\n\tc@d\n\nbin: root\n", "a@b, c@d",
			"# root: x\nroot: new\n\nbin: root\n" },
		{ "roots: x\nroot:y\n z\nroot: again\n", "y z again",
			"roots: x\nroot: new\n" },
		{ "bin: root", "", "bin: root\nroot: new\n" },
	};
	struct str out;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		str_init(&out, 4096);
		setup_alias_value(&out, span_of(rows[i].in), "root");
		assert_string_equal(str_c(&out), rows[i].before);
		str_clear(&out);
		setup_edit_alias(&out, span_of(rows[i].in), "root", "new");
		assert_string_equal(str_c(&out), rows[i].out);
		str_free(&out);
	}
}

static void test_answers(void **state)
{
	static const struct {
		const char *text, *err;		/* NULL: it is right */
	} rows[] = {
		{ "# c\n kind 1\n\nhostname  a.b \npassword a b#c\n", NULL },
		{ "kind 1\nnoise x\n", "F:2: noise: no such key" },
		{ "kind 1\nkind 1\n", "F:2: kind: given twice" },
		{ "kind\n", "F:1: kind: needs a value" },
		{ "password x\npassword-file /y\n",
			"F: password and password-file" },
		{ "password-file y\n",
			"F: password-file does not begin with /" },
		{ "hostname a\001b\n", "F:1: hostname: too long, or a control "
			"character" },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct setup s = { .path = "x" };
		struct err err;
		int rc = setup_parse_answers(&s, "F", span_of(rows[i].text),
				&err);

		assert_int_equal(rc, rows[i].err ? -1 : 0);
		if (rows[i].err)
			assert_string_equal(err.text, rows[i].err);
		else
			assert_string_equal(s.value[SETUP_PASSWORD], "a b#c");
	}
}

static void test_checks(void **state)
{
	static const struct {
		enum setup_field f;
		const char *value, *becomes;	/* NULL: it is wrong */
	} rows[] = {
		{ SETUP_KIND, "provider", "provider" },
		{ SETUP_KIND, "4", NULL }, { SETUP_KIND, "", NULL },
		{ SETUP_HOST, "Mail.Example.ORG", "mail.example.org" },
		{ SETUP_HOST, "gate", "gate" },
		{ SETUP_HOST, "localhost", NULL },
		{ SETUP_HOST, "localhost.localdomain", NULL },
		{ SETUP_HOST, "192.0.2.1", NULL },
		{ SETUP_HOST, "a b", NULL }, { SETUP_HOST, "-x.y", NULL },
		{ SETUP_HOST, "a..b", NULL }, { SETUP_HOST, "", NULL },
		{ SETUP_USERS, "alice, bob@x.test",
			"alice@example.org bob@x.test" },
		{ SETUP_USERS, "-", "" }, { SETUP_USERS, "a|b", NULL },
		{ SETUP_USERS, "@x.test", NULL },
		{ SETUP_USERS, "a@", NULL }, { SETUP_USERS, "-g", NULL },
		{ SETUP_ACCOUNT, "me@x.test", "me@x.test" },
		{ SETUP_ACCOUNT, "", NULL }, { SETUP_ACCOUNT, "a b", NULL },
		{ SETUP_ACCOUNT, "a\"b", NULL },
		{ SETUP_SERVER, "smtp.x.test", "smtp.x.test" },
		{ SETUP_SERVER, "smtp.x.test:465", "smtp.x.test:465" },
		{ SETUP_SERVER, "! smtp.x.test", "! smtp.x.test" },
		{ SETUP_SERVER, "[2001:db8::1]:25", "[2001:db8::1]:25" },
		{ SETUP_SERVER, "192.0.2.1", "192.0.2.1" },
		{ SETUP_SERVER, "a b", NULL }, { SETUP_SERVER, "x:99999", NULL },
		{ SETUP_SERVER, "-x", NULL }, { SETUP_SERVER, "", NULL },
		{ SETUP_PASSWORD, "any thing", "any thing" },
		{ SETUP_PASSWORD, "a\tb\001", NULL },
		{ SETUP_ALERTS, "me@x.test", "me@x.test" },
		{ SETUP_ALERTS, "-", "" }, { SETUP_ALERTS, "root", NULL },
		{ SETUP_ALERTS, "|sh@x.test", NULL },
		{ SETUP_ALERTS, "a@x.test, b@x.test", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct setup s = { .kind = SETUP_PROVIDER };
		const char *wrong;

		str_copys(s.value[SETUP_HOST], SETUP_VALUE, "mail.example.org");
		str_copys(s.value[rows[i].f], SETUP_VALUE, rows[i].value);
		wrong = setup_check(&s, rows[i].f);
		if (!wrong != !!rows[i].becomes)
			fail_msg("%s: %s", rows[i].value, wrong ? wrong : "");
		if (!wrong)
			assert_string_equal(s.value[rows[i].f],
					rows[i].becomes);
	}
}

/* Only what differs, once each, and no password on a line of its own. */
static void test_uci(void **state)
{
	static const char end[] =
		"set pillarbox.main.enabled='1'\ncommit pillarbox\n";
	static const struct {
		const char *before, *after, *password, *out;
	} rows[] = {
		{ "# x\nhostname a\nmail-dir /m\n", "# y\nhostname a\n"
			"mail-dir /m\n", NULL, "" },
		{ "hostname a\n", "hostname it's\n", NULL,
			"delete pillarbox.main.hostname\n"
			"set pillarbox.main.hostname='it'\\''s'\n" },
		{ "", "relay-from-x 1\nlisten smtp none\nlisten pop3 none\n",
			NULL, "add_list pillarbox.main.relay_from_x='1'\n"
			"add_list pillarbox.main.listen='smtp none'\n"
			"add_list pillarbox.main.listen='pop3 none'\n" },
		{ "listen smtp none\nlisten x\ndomain d\n", "domain d\n",
			NULL, "delete pillarbox.main.listen\n" },
		{ "", "smarthost h user=me password-file="
			"/var/etc/pillarbox.secret sender=me\n", "p'w",
			"set pillarbox.main.smarthost="
			"'h user=me sender=me'\n"
			"set pillarbox.main.smarthost_password='p'\\''w'\n" },
		{ "smarthost a from=@b\n", "smarthost a from=@b\n"
			"smarthost h user=me password-file=/own\n", NULL,
			"delete pillarbox.main.smarthost\n"
			"add_list pillarbox.main.smarthost='a from=@b'\n"
			"add_list pillarbox.main.smarthost="
			"'h user=me password-file=/own'\n" },
	};
	struct str out;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		str_init(&out, 4096);
		setup_uci_commands(&out, span_of(rows[i].before),
				span_of(rows[i].after), rows[i].password);
		assert_false(out.bad);
		assert_true(span_ends(str_span(&out), end));
		out.n -= sizeof(end) - 1;
		assert_true(span_eq(str_span(&out), span_of(rows[i].out)));
		str_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_uci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
