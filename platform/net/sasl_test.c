#include "net/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/base64.h"

static struct sasl sasl;
static const char *challenge;

static enum sasl_next start(const char *args)
{
	challenge = NULL;
	return sasl_start(&sasl, span_of(args), &challenge);
}

static enum sasl_next step(const char *line)
{
	challenge = NULL;
	return sasl_step(&sasl, span_of(line), &challenge);
}

/* "AUTH PLAIN <base64 of message>" */
static enum sasl_next plain(struct span message)
{
	struct str s;
	enum sasl_next next;

	str_init(&s, 5000);
	str_adds(&s, "PLAIN ");
	if (message.n)
		base64_put(&s, message);
	else
		str_addc(&s, '=');
	next = start(s.p);
	str_free(&s);
	return next;
}

static void test_plain(void **state)
{
	(void)state;
	assert_int_equal(plain(SPAN("\0alice\0secret")), SASL_CHECK);
	assert_string_equal(sasl.user, "alice");
	assert_string_equal(sasl.password, "secret");
	assert_int_equal(plain(SPAN("bob\0bob\0x y")), SASL_CHECK);
	assert_string_equal(sasl.password, "x y");
	assert_int_equal(plain(SPAN("root\0bob\0x")), SASL_BAD);
	assert_int_equal(plain(SPAN("bo\0bob\0x")), SASL_BAD);
	assert_int_equal(plain(SPAN("\0bob\0")), SASL_CHECK);
	assert_int_equal(plain(SPAN("\0\0x")), SASL_BAD);
	assert_int_equal(plain(SPAN("bob\0x")), SASL_BAD);
	assert_int_equal(plain(SPAN("bob")), SASL_BAD);
	assert_int_equal(plain(SPAN("\0bob\0x\0y")), SASL_BAD);
	assert_int_equal(plain(SPAN("")), SASL_BAD);
	/* from RFC 4616 section 4 */
	assert_int_equal(plain(SPAN("\0tim\0tanstaaftanstaaf")), SASL_CHECK);
	assert_string_equal(sasl.user, "tim");
}

static void test_plain_step(void **state)
{
	(void)state;
	assert_int_equal(start("plain"), SASL_CHALLENGE);
	assert_string_equal(challenge, "");
	assert_int_equal(step("AGFsaWNlAHNlY3JldA=="), SASL_CHECK);
	assert_string_equal(sasl.user, "alice");
	assert_string_equal(sasl.password, "secret");
	assert_int_equal(start("PLAIN  AGFsaWNlAHNlY3JldA== \t"), SASL_CHECK);
	assert_int_equal(start("PLAIN AGFsaWNlAHNlY3JldA== x"), SASL_BAD);
	assert_int_equal(start("PLAIN AGFsaWNlAHNlY3JldA="), SASL_BAD);
	assert_int_equal(start("PLAIN AGFs!WNlAHNlY3JldA=="), SASL_BAD);
}

static void test_login(void **state)
{
	(void)state;
	assert_int_equal(start("Login"), SASL_CHALLENGE);
	assert_string_equal(challenge, "VXNlcm5hbWU6");
	assert_int_equal(step("YWxpY2U="), SASL_CHALLENGE);
	assert_string_equal(challenge, "UGFzc3dvcmQ6");
	assert_int_equal(step("c2VjcmV0"), SASL_CHECK);
	assert_string_equal(sasl.user, "alice");
	assert_string_equal(sasl.password, "secret");
	/* the name as initial response: not in any RFC, but clients do it */
	assert_int_equal(start("LOGIN YWxpY2U="), SASL_CHALLENGE);
	assert_string_equal(challenge, "UGFzc3dvcmQ6");
	assert_int_equal(step("*"), SASL_CANCEL);
	assert_int_equal(start("LOGIN ="), SASL_BAD);
	assert_int_equal(start("LOGIN"), SASL_CHALLENGE);
	assert_int_equal(step(""), SASL_BAD);
	assert_int_equal(start("LOGIN"), SASL_CHALLENGE);
	assert_int_equal(step("YQBi"), SASL_BAD);		/* a NUL b */
}

static void test_mechanisms(void **state)
{
	(void)state;
	assert_string_equal(sasl_mechanisms(), "PLAIN LOGIN");
	assert_int_equal(start("CRAM-MD5"), SASL_UNKNOWN);
	assert_int_equal(start(""), SASL_UNKNOWN);
	assert_int_equal(start("PLAINX"), SASL_UNKNOWN);
}

static void test_sizes(void **state)
{
	char message[2 + 2 * SASL_TEXT + 2] = "";

	(void)state;
	memset(message + 1, 'u', SASL_TEXT);
	memset(message + 2 + SASL_TEXT, 'p', SASL_TEXT);
	assert_int_equal(plain(span_make(message, 2 + 2 * SASL_TEXT)),
			SASL_CHECK);
	assert_int_equal(strlen(sasl.user), SASL_TEXT);
	assert_int_equal(strlen(sasl.password), SASL_TEXT);
	message[2 + 2 * SASL_TEXT] = 'p';
	assert_int_equal(plain(span_make(message, 3 + 2 * SASL_TEXT)),
			SASL_BAD);
	memset(message + 1, 'u', SASL_TEXT + 1);
	message[2 + SASL_TEXT] = '\0';
	assert_int_equal(plain(span_make(message, 4 + SASL_TEXT)), SASL_BAD);
}

static void test_wipe(void **state)
{
	static const struct sasl zero;

	(void)state;
	assert_int_equal(plain(SPAN("\0alice\0secret")), SASL_CHECK);
	sasl_wipe(&sasl);
	assert_memory_equal(&sasl, &zero, sizeof(sasl));
}

static void test_client(void **state)
{
	char *long_text = test_malloc(300);
	struct str s;

	(void)state;
	str_init(&s, 1000);
	sasl_plain(&s, SPAN("alice"), SPAN("secret"));
	assert_string_equal(str_c(&s), "AGFsaWNlAHNlY3JldA==");
	memset(long_text, 'x', 300);
	sasl_plain(&s, SPAN("alice"), span_make(long_text, 256));
	assert_true(s.bad);
	test_free(long_text);
	str_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_plain_step),
		cmocka_unit_test(test_login), cmocka_unit_test(test_mechanisms),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_client)
	};

	return cmocka_run_group_tests_name("net/sasl", tests, NULL, NULL);
}
