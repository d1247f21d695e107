/* AUTH as it goes over the line; its messages are sasl_client_test's. */
#include "net/smtp_client_test.h"

#include "base/base64.h"
#include "config.h"

static void test_auth_plain(void **state)
{
	struct fixture *f = *state;

	with_password(f);
	RUN(f, HELLO, "<250-mx", "<250 AUTH CRAM-MD5 LOGIN PLAIN",
		">AUTH PLAIN " PLAIN, "<235 2.7.0 in", SEND, BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
}

static void test_auth_login(void **state)
{
	struct fixture *f = *state;

	with_password(f);
	RUN(f, HELLO, "<250-mx", "<250 AUTH=LOGIN", ">AUTH LOGIN",
		"<334 VXNlcm5hbWU6", ">" LOGIN_USER, "<334 UGFzc3dvcmQ6",
		">" LOGIN_PASSWORD, "<235 in", SEND, BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
}

static void test_auth_refused(void **state)
{
	struct fixture *f = *state;

	with_password(f);
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN", ">AUTH PLAIN " PLAIN,
		"<535 5.7.8 no", "!close");
	expect_results(f, 0);
	expect_end(f, ERR_AUTH);
	assert_int_equal(f->end.code, 535);
	f->gone = false;
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN", ">AUTH PLAIN " PLAIN,
		"<454 4.7.0 later", "!close");
	expect_end(f, ERR_TEMP);
	f->gone = false;
	RUN(f, HELLO, "<250-mx", "<250 AUTH CRAM-MD5", "!close");
	expect_end(f, ERR_AUTH);
}

static void test_no_password_without_tls(void **state)
{
	struct fixture *f = *state;

	with_password(f);
	f->target.tls = CONF_TLS_MAY;
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN", "!quiet", "!close");
	expect_results(f, 0);
	assert_int_equal(f->end.kind, ERR_AUTH);
}

/* -- access tokens -- */

static void with_token(struct fixture *f, const char *token)
{
	if (!CFG_SASL_BEARER)
		skip();
	f->target.user = "me";
	f->target.password = token;
	f->target.bearer = true;
}

/* "user=me" ^A "auth=Bearer t0" ^A ^A */
#define XOAUTH2 "dXNlcj1tZQFhdXRoPUJlYXJlciB0MAEB"
/* {"status":"400","schemes":"Bearer"} */
#define REASON "eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0="

static void test_xoauth2(void **state)
{
	struct fixture *f = *state;

	with_token(f, "t0");
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN LOGIN XOAUTH2",
		">AUTH XOAUTH2 " XOAUTH2, "<235 2.7.0 in", SEND, BYE);
	expect_results(f, 1);
	expect_end(f, ERR_NONE);
}

static void test_token_refused(void **state)
{
	struct fixture *f = *state;

	with_token(f, "t0");
	RUN(f, HELLO, "<250-mx", "<250 AUTH XOAUTH2",
		">AUTH XOAUTH2 " XOAUTH2, "<334 " REASON, ">",
		"<535-5.7.8 Username and Password", "<535 5.7.8 not accepted",
		"!close");
	expect_end(f, ERR_AUTH);
	assert_int_equal(f->end.code, 535);
	assert_string_equal(f->end.text, "Username and Password not "
		"accepted ({\"status\":\"400\",\"schemes\":\"Bearer\"})");
	f->gone = false;
	f->target.mechanism = "OAUTHBEARER";
	f->target.user = "m=e";
	f->target.name = "h";
	f->target.password = "t";
	RUN(f, HELLO, "<250-mx", "<250 AUTH XOAUTH2", "!close");
	expect_end(f, ERR_AUTH);
	assert_string_equal(f->end.text, "AUTH OAUTHBEARER is not offered");
}

static void test_oauthbearer(void **state)
{
	struct fixture *f = *state;
	char line[200];
	const char *const script[] = { HELLO, "<250-mx",
		"<250 AUTH XOAUTH2 OAUTHBEARER PLAIN", line,
		"<334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=", ">AQ==",
		"<535 5.7.8 no", "!close", NULL };
	struct str text, code;

	with_token(f, "t0");
	str_init(&text, 100);
	str_init(&code, 200);
	str_addf(&text, "n,a=me,\1host=mx.b.test\1port=%u\1auth=Bearer t0"
			"\1\1", ntohs(f->addr.sin_port));
	base64_put(&code, str_span(&text));
	snprintf(line, sizeof(line), ">AUTH OAUTHBEARER %s", str_c(&code));
	str_free(&text);
	str_free(&code);
	run(f, script);
	expect_end(f, ERR_AUTH);
	assert_string_equal(f->end.text, "no ({\"status\":\"invalid_token\"})");
}

/* RFC 4954 4: what makes the line too long is asked for. */
static void test_long_token(void **state)
{
	struct fixture *f = *state;
	char token[1201], line[2000] = ">";
	const char *const script[] = { HELLO, "<250-mx", "<250 AUTH XOAUTH2",
		">AUTH XOAUTH2", "!quiet", "<334 ", line, "<235 in", SEND,
		BYE, NULL };
	struct str text, code;

	memset(token, 'x', sizeof(token) - 1);
	token[sizeof(token) - 1] = '\0';
	with_token(f, token);
	str_init(&text, 1300);
	str_init(&code, 1900);
	str_addf(&text, "user=me\1auth=Bearer %s\1\1", token);
	base64_put(&code, str_span(&text));
	str_copy(line + 1, sizeof(line) - 1, str_span(&code));
	str_free(&text);
	str_free(&code);
	run(f, script);
	expect_end(f, ERR_NONE);
}

static void test_success_too_early(void **state)
{
	struct fixture *f = *state;

	with_password(f);
	RUN(f, HELLO, "<250-mx", "<250 AUTH LOGIN", ">AUTH LOGIN",
		"<235 in", "!close");
	expect_end(f, ERR_PROTO);
	f->gone = false;
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN", ">AUTH PLAIN " PLAIN,
		"<334 more", "!close");
	expect_end(f, ERR_PROTO);
	f->gone = false;
	f->target.mechanism = "login";
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN LOGIN", ">AUTH LOGIN",
		"<334 User", ">" LOGIN_USER, "<334", ">" LOGIN_PASSWORD,
		"<334 and?", "!close");
	expect_end(f, ERR_PROTO);
}

/* -- SCRAM: the messages are sasl_client_test's -- */

/* Without TLS the password itself does not go out for it. */
static void test_scram_refused(void **state)
{
	struct fixture *f = *state;

	if (!CFG_SASL_SCRAM_CLIENT)
		skip();
	with_password(f);
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN SCRAM-SHA-256",
		"?AUTH SCRAM-SHA-256 ", "<535 5.7.8 no", "!close");
	expect_end(f, ERR_AUTH);
	f->gone = false;
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN SCRAM-SHA-256",
		"?AUTH SCRAM-SHA-256 ", "<235 2.7.0 welcome", "!close");
	expect_end(f, ERR_PROTO);
	f->gone = false;
	RUN(f, HELLO, "<250-mx", "<250 AUTH PLAIN SCRAM-SHA-256",
		"?AUTH SCRAM-SHA-256 ", "<334 cj14LHM9QUFBQSxpPTE=", "!close");
	expect_end(f, ERR_PROTO);
}

static void test_scram_then_plain(void **state)
{
	struct fixture *f = *state;

	if (!CFG_SASL_SCRAM_CLIENT)
		skip();
	with_password(f);
	with_tls(f, NULL);
	f->target.tls = CONF_TLS_TLS;
	RUN(f, "!tls", HELLO, "<250-mx", "<250 AUTH PLAIN SCRAM-SHA-256",
		"?AUTH SCRAM-SHA-256 ", "<535 5.7.8 no keys of him",
		">AUTH PLAIN " PLAIN, "<235 in", SEND, BYE);
	expect_end(f, ERR_NONE);
	f->gone = false;
	RUN(f, "!tls", HELLO, "<250-mx", "<250 AUTH XOAUTH2 SCRAM-SHA-256",
		"?AUTH SCRAM-SHA-256 ", "<535 5.7.8 no", "!close");
	expect_end(f, ERR_AUTH);
	assert_int_equal(f->end.code, 535);
	f->gone = false;
	f->target.mechanism = "SCRAM-SHA-256";
	RUN(f, "!tls", HELLO, "<250-mx", "<250 AUTH PLAIN SCRAM-SHA-256",
		"?AUTH SCRAM-SHA-256 ", "<535 5.7.8 no", "!close");
	expect_end(f, ERR_AUTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_auth_plain),
		TEST(test_auth_login),
		TEST(test_auth_refused),
		TEST(test_no_password_without_tls),
		TEST(test_xoauth2),
		TEST(test_token_refused),
		TEST(test_oauthbearer),
		TEST(test_long_token),
		TEST(test_success_too_early),
		TEST(test_scram_refused),
		TEST(test_scram_then_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
