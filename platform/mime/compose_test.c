#include "mime/compose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mime/addr.h"

static void test_message_id(void **state)
{
	struct str a, b;
	struct addr addr;

	(void)state;
	str_init(&a, 200);
	str_init(&b, 200);
	compose_message_id(&a, "mail.a.test");
	compose_message_id(&b, "mail.a.test");
	assert_string_not_equal(str_c(&a), str_c(&b));
	assert_true(span_starts(str_span(&a), "<"));
	assert_true(span_ends(str_span(&a), "@mail.a.test>"));
	/* an id is an addr-spec by its form (RFC 5322 3.6.4) */
	assert_true(addr_parse(span_sub(str_span(&a), 1, a.n - 2), &addr,
				false));
	str_free(&a);
	str_free(&b);
}

static void test_missing(void **state)
{
	(void)state;
	assert_int_equal(compose_missing(SPAN("")), COMPOSE_NO_DATE |
			COMPOSE_NO_FROM | COMPOSE_NO_ID | COMPOSE_NO_TO);
	assert_int_equal(compose_missing(SPAN("date: x\nFROM: y\nCc: z\n"
			"Message-Id: <i>\n\n")), 0);
	assert_int_equal(compose_missing(SPAN("Date: x\n\nFrom: body\n")),
			COMPOSE_NO_FROM | COMPOSE_NO_ID | COMPOSE_NO_TO);
}

static void reply(struct str *out, const char *subject)
{
	str_clear(out);
	compose_reply_subject(out, span_of(subject));
}

static void test_reply_subject(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 200);
	reply(&out, "hello");
	assert_string_equal(str_c(&out), "Re: hello");
	reply(&out, "Re: hello");
	assert_string_equal(str_c(&out), "Re: hello");
	reply(&out, "RE: hello");
	assert_string_equal(str_c(&out), "RE: hello");
	reply(&out, "");
	assert_string_equal(str_c(&out), "Re: ");
	str_free(&out);
}

static void references(struct str *out, const char *header)
{
	str_clear(out);
	compose_references(out, span_of(header));
}

static void test_references(void **state)
{
	struct str out;

	(void)state;
	str_init(&out, 200);
	references(&out, "Message-ID: <c>\nReferences: <a>\n <b>\n\n");
	assert_string_equal(str_c(&out), "<a> <b> <c>");
	references(&out, "Message-ID: <c>\nIn-Reply-To: <b>\n\n");
	assert_string_equal(str_c(&out), "<b> <c>");
	references(&out, "Message-ID: <c>\nIn-Reply-To: your mail\n\n");
	assert_string_equal(str_c(&out), "<c>");
	references(&out, "Message-ID: <c>\n\n");
	assert_string_equal(str_c(&out), "<c>");
	references(&out, "References: <a>\n\n");
	assert_string_equal(str_c(&out), "<a>");
	references(&out, "Subject: x\n\n");
	assert_string_equal(str_c(&out), "");
	str_free(&out);
}

static enum compose_encoding text(struct str *out, struct span body)
{
	str_clear(out);
	return compose_text(out, compose_look(body));
}

static void test_text(void **state)
{
	char wide[1000];
	struct str out;

	(void)state;
	str_init(&out, 400);
	assert_int_equal(text(&out, SPAN("hello\n")), COMPOSE_7BIT);
	assert_non_null(strstr(str_c(&out), "us-ascii"));
	assert_non_null(strstr(str_c(&out), "Encoding: 7bit\n"));
	assert_int_equal(text(&out, SPAN("b\xc3\xbc\n")), COMPOSE_8BIT);
	assert_non_null(strstr(str_c(&out), "utf-8"));
	assert_int_equal(text(&out, SPAN("b\xfc\n")), COMPOSE_8BIT);
	assert_non_null(strstr(str_c(&out), "unknown-8bit"));
	assert_int_equal(text(&out, SPAN("a\rb\n")), COMPOSE_QP);
	assert_int_equal(text(&out, SPAN("a\0b\n")), COMPOSE_QP);
	memset(wide, 'x', sizeof(wide));
	assert_int_equal(text(&out, span_make(wide, 998)), COMPOSE_7BIT);
	assert_int_equal(text(&out, span_make(wide, 999)), COMPOSE_QP);
	assert_int_equal(text(&out, SPAN("")), COMPOSE_7BIT);
	str_free(&out);
}

static void author_is(const char *name, const char *want)
{
	struct str out;

	str_init(&out, 400);
	compose_author(&out, span_of(name), "j@a.test");
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void test_author(void **state)
{
	(void)state;
	author_is("", "j@a.test");
	author_is("Jo Doe", "Jo Doe <j@a.test>");
	author_is("Doe, Jo", "\"Doe, Jo\" <j@a.test>");
	author_is("J\xc3\xb6 Doe", "=?UTF-8?B?SsO2?= Doe <j@a.test>");
	/* the comma would end the mailbox (RFC 5322 3.4), so it hides as well */
	author_is("Doe, J\xc3\xb6", "=?UTF-8?B?RG9lLCBKw7Y=?= <j@a.test>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_id),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_reply_subject),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_author),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
