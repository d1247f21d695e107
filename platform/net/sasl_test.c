#include "net/sasl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "base/base64.h"
#include "config.h"

static struct sasl sasl;
static const char *challenge;
static bool bound;		/* as if there were TLS */

static size_t bind_to(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	(void)c;
	if (!bound || (type && strcmp(type, "tls-exporter") != 0))
		return 0;
	memcpy(out, "\0data\xff", 6);
	return 6;
}

static enum sasl_next start(const char *args)
{
	challenge = NULL;
	sasl_wipe(&sasl);
	return sasl_start(&sasl, span_of(args), bind_to, NULL, &challenge);
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

static enum sasl_next start_external(const char *args)
{
	challenge = NULL;
	sasl_wipe(&sasl);
	return sasl_start_external(&sasl, span_of(args), &challenge);
}

/* RFC 4422 A: whom to act for, or nobody's name. */
static void test_external(void **state)
{
	const struct auth_user alice = { .name = "alice@a.test" };

	(void)state;
	if (!CFG_TLS_CLIENT_CERTS)
		skip();
	assert_int_equal(start("EXTERNAL ="), SASL_UNKNOWN);
	assert_int_equal(start_external("PLAIN ="), SASL_UNKNOWN);
	assert_int_equal(start_external(""), SASL_UNKNOWN);
	assert_int_equal(start_external("external ="), SASL_CHECK);
	assert_int_equal(sasl.question, SASL_ASK_EXTERNAL);
	assert_string_equal(sasl.user, "");
	assert_int_equal(start_external("EXTERNAL"), SASL_CHALLENGE);
	assert_string_equal(challenge, "");
	assert_int_equal(step(""), SASL_CHECK);
	assert_string_equal(sasl.user, "");
	assert_int_equal(start_external("EXTERNAL"), SASL_CHALLENGE);
	assert_int_equal(step("YWxpY2U="), SASL_CHECK);
	assert_string_equal(sasl.user, "alice");
	assert_int_equal(sasl_answer(&sasl, &alice, &challenge), SASL_DONE);
	assert_string_equal(sasl.who.name, "alice@a.test");
	assert_int_equal(start_external("EXTERNAL"), SASL_CHALLENGE);
	assert_int_equal(step("*"), SASL_CANCEL);
	assert_int_equal(start_external("EXTERNAL YQBi"), SASL_BAD);
	assert_int_equal(start_external("EXTERNAL !"), SASL_BAD);
	assert_int_equal(start_external("EXTERNAL = ="), SASL_BAD);
}

static void test_mechanisms(void **state)
{
	(void)state;
	bound = true;
	assert_string_equal(sasl_mechanisms(bind_to, NULL), CFG_SASL_SCRAM ?
			"SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN" :
			"PLAIN LOGIN");
	bound = false;
	assert_string_equal(sasl_mechanisms(bind_to, NULL), CFG_SASL_SCRAM ?
			"SCRAM-SHA-256 PLAIN LOGIN" : "PLAIN LOGIN");
	assert_int_equal(start("SCRAM-SHA-256-PLUS"), SASL_UNKNOWN);
	assert_int_equal(start("SCRAM-SHA-1"), SASL_UNKNOWN);
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

/* -- SCRAM: we play the client, and authd -- */

#define SALT "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define PROOF "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static char server[600];		/* what the server said last */

static const char *coded(struct span text)
{
	static char code[4000];
	struct str s;

	str_init(&s, sizeof(code) - 1);
	if (text.n)
		base64_put(&s, text);
	assert_int_equal(str_copy(code, sizeof(code), str_span(&s)), 0);
	str_free(&s);
	return code;
}

static enum sasl_next first_octets(const char *mechanism, struct span message)
{
	assert_int_equal(start(mechanism), SASL_CHALLENGE);
	assert_string_equal(challenge, "");
	return step(coded(message));
}

static enum sasl_next first(const char *message)
{
	return first_octets(bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256",
			span_of(message));
}

static enum sasl_next answer(const char *text)
{
	struct auth_user user = { .name = "alice@a.com" };
	enum sasl_next next;
	ssize_t n;

	strcpy(user.scram, text);
	next = sasl_answer(&sasl, &user, &challenge);
	assert_int_equal(next, SASL_CHALLENGE);
	n = base64_get(server, sizeof(server) - 1, span_of(challenge));
	assert_true(n > 0);
	server[n] = '\0';
	return next;
}

/* To the server's first message; the nonce, both parts of it. */
static const char *to_the_salt(const char *message)
{
	static char nonce[300];

	assert_int_equal(first(message), SASL_CHECK);
	assert_int_equal(sasl.question, SASL_ASK_SALT);
	answer(SALT);
	assert_memory_equal(server, "r=", 2);
	strcpy(nonce, server + 2);
	*strchr(nonce, ',') = '\0';
	assert_string_equal(server + 2 + strlen(nonce), "," SALT);
	return nonce;
}

static enum sasl_next final(const char *format, const char *nonce)
{
	char text[1000];
	struct str s;

	str_init(&s, sizeof(text) - 1);
	for (; *format; format++)
		if (*format == '%')
			str_adds(&s, nonce);
		else
			str_addc(&s, *format);
	str_copy(text, sizeof(text), str_span(&s));
	str_free(&s);
	return step(coded(span_of(text)));
}

static void scram_goes_through(void **state)
{
	const char *nonce = to_the_salt("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
	char want[600];

	(void)state;
	assert_string_equal(sasl.user, "user");
	assert_memory_equal(nonce, "rOprNGfwEbeRWgbNEkqO", 20);
	assert_int_equal(strlen(nonce), 44);
	assert_int_equal(final("c=biws,r=%," PROOF, nonce), SASL_CHECK);
	assert_int_equal(sasl.question, SASL_ASK_PROOF);
	assert_false(sasl.wrong);
	snprintf(want, sizeof(want), "n=user,r=rOprNGfwEbeRWgbNEkqO,r=%s," SALT
			",c=biws,r=%s", nonce, nonce);
	assert_string_equal(str_c(&sasl.message), want);
	assert_string_equal(coded(span_make((char *)sasl.proof, 32)),
			PROOF + 2);
	answer("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	assert_memory_equal(server, "v=6rri", 6);
	assert_int_equal(step(""), SASL_DONE);
	assert_string_equal(sasl.who.name, "alice@a.com");
	/* RFC 5802 5.1: what is behind the nonce is signed but ignored */
	nonce = to_the_salt("n,,n=user,r=abc,x=y");
	assert_int_equal(final("c=biws,r=%,x=y,z," PROOF, nonce), SASL_CHECK);
	assert_false(sasl.wrong);
	assert_non_null(strstr(str_c(&sasl.message), "abc,x=y,r=abc"));
	assert_non_null(strstr(str_c(&sasl.message), ",x=y,z"));
	answer("AAAA");
	assert_int_equal(step("YQ=="), SASL_BAD);
	nonce = to_the_salt("n,,n=user,r=abc");
	assert_int_equal(step("*"), SASL_CANCEL);
	/* no two nonces */
	strcpy(want, nonce);
	assert_string_not_equal(to_the_salt("n,,n=user,r=abc"), want);
}

/* Authd hears of these, but they will not do. */
static void scram_is_wrong(void **state)
{
	static const char *const bad[] = {
		"c=biws,r=x%," PROOF, "c=biws,r=%x," PROOF,
		"c=biws,r=," PROOF, "c=biw=,r=%," PROOF, "c=eSws,r=%," PROOF,
		"c=,r=%," PROOF, "r=%," PROOF, "r=%,c=biws," PROOF,
		"C=biws,r=%," PROOF, "m=x,c=biws,r=%," PROOF, "c=biws," PROOF,
		"c=biws,r=rOprNGfwEbeRWgbNEkqO," PROOF, "," PROOF
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *nonce = to_the_salt(
				"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");

		assert_int_equal(final(bad[i], nonce), SASL_CHECK);
		assert_true(sasl.wrong);
	}
}

static void scram_refuses(void **state)
{
	static const char *const firsts[] = {
		"", "n", "n,", "n,,", "n,,n=user", "n,,n=,r=abc",
		"n,,n=user,r=", "n,,r=abc,n=user", "n,,m=x,n=user,r=abc",
		"x,,n=user,r=abc", ",,n=user,r=abc", "nn,,n=user,r=abc",
		"N,,n=user,r=abc", "n,,N=user,r=abc", "n,a=bob,n=user,r=abc",
		"n,b=user,n=user,r=abc", "n,user,n=user,r=abc",
		"n,,n=us=er,r=abc", "n,,n=user=2,r=abc", "n,,n=user=2c,r=abc",
		"n,,n=us\ter,r=abc", "n,,n=us\x7f,r=abc", "n,,n=\xff,r=abc",
		"n,,n=user,r=a c", "n,,n=user,r=a\xc3\xa4", "n,a,n=user,r=a",
		/* this mechanism binds to nothing */
		"p=tls-exporter,,n=user,r=abc", "p=,,n=user,r=abc"
	};
	static const char *const finals[] = {
		"", ",", "c=biws,r=%", "c=biws,r=%,p=", "c=biws,r=%,p=YQ==",
		"c=biws,r=%," PROOF "x", "c=biws,r=%," PROOF ",x=y", PROOF
	};

	(void)state;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
		if (first(firsts[i]) != SASL_BAD)
			fail_msg("%s", firsts[i]);
	assert_int_equal(first_octets("SCRAM-SHA-256",
			SPAN("n,,n=us\0er,r=abc")), SASL_BAD);
	assert_int_equal(first_octets("SCRAM-SHA-256",
			SPAN("n,,n=user,r=a\0c")), SASL_BAD);
	for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++)
		if (final(finals[i], to_the_salt("n,,n=user,r=abc")) !=
				SASL_BAD)
			fail_msg("%s", finals[i]);
	assert_int_equal(first("n,a=user,n=user,r=abc"), SASL_CHECK);
	assert_int_equal(first("n,a=,n=user,r=abc"), SASL_CHECK);
}

static void scram_names(void **state)
{
	char text[1200] = "n,,n=";

	(void)state;
	assert_int_equal(first("n,,n=a=2Cb=3Dc,r=x"), SASL_CHECK);
	assert_string_equal(sasl.user, "a,b=c");
	assert_int_equal(first("n,,n=j\xc3\xb6rg,r=x"), SASL_CHECK);
	assert_string_equal(sasl.user, "j\xc3\xb6rg");
	memset(text + 5, 'u', SASL_TEXT);
	strcat(text, ",r=x");
	assert_int_equal(first(text), SASL_CHECK);
	assert_int_equal(strlen(sasl.user), SASL_TEXT);
	memset(text + 5, 'u', SASL_TEXT + 1);
	strcpy(text + 6 + SASL_TEXT, ",r=x");
	assert_int_equal(first(text), SASL_BAD);
	strcpy(text, "n,,n=user,r=");
	memset(text + 12, 'x', 201);
	assert_int_equal(first(text), SASL_BAD);
	text[12 + 200] = '\0';
	assert_int_equal(first(text), SASL_CHECK);
	answer(SALT);
	assert_true(strlen(challenge) <= 400);
}

/* RFC 5802 6 */
static void scram_binds(void **state)
{
	const char *nonce;

	(void)state;
	bound = true;
	/* p=tls-exporter,, and \0data\xff */
	nonce = to_the_salt("p=tls-exporter,,n=user,r=abc");
	assert_int_equal(final("c=cD10bHMtZXhwb3J0ZXIsLABkYXRh/w==,r=%," PROOF,
			nonce), SASL_CHECK);
	assert_false(sasl.wrong);
	/* one bit is another */
	nonce = to_the_salt("p=tls-exporter,,n=user,r=abc");
	assert_int_equal(final("c=cD10bHMtZXhwb3J0ZXIsLABkYXRh/g==,r=%," PROOF,
			nonce), SASL_CHECK);
	assert_true(sasl.wrong);
	/* the name alone is not enough */
	nonce = to_the_salt("p=tls-exporter,,n=user,r=abc");
	assert_int_equal(final("c=cD10bHMtZXhwb3J0ZXIsLA==,r=%," PROOF,
			nonce), SASL_CHECK);
	assert_true(sasl.wrong);
	assert_int_equal(first("p=tls-unique,,n=user,r=abc"), SASL_BAD);
	assert_int_equal(first("n,,n=user,r=abc"), SASL_BAD);
	assert_int_equal(first("y,,n=user,r=abc"), SASL_BAD);
	/* not bound, though both could be: it says that it does not know */
	assert_int_equal(first_octets("SCRAM-SHA-256",
			SPAN("n,,n=user,r=abc")), SASL_CHECK);
	assert_false(sasl.wrong);
	assert_int_equal(first_octets("SCRAM-SHA-256",
			SPAN("y,,n=user,r=abc")), SASL_CHECK);
	assert_true(sasl.wrong);
	bound = false;
	assert_int_equal(first("y,,n=user,r=abc"), SASL_CHECK);
	assert_false(sasl.wrong);
}

static int wipe(void **state)
{
	(void)state;
	sasl_wipe(&sasl);
	bound = false;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain), cmocka_unit_test(test_plain_step),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_external), cmocka_unit_test(test_mechanisms),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_wipe),
#define SCRAM(f) cmocka_unit_test_teardown(f, wipe)
		SCRAM(scram_goes_through), SCRAM(scram_is_wrong),
		SCRAM(scram_refuses), SCRAM(scram_names), SCRAM(scram_binds)
	};

	return cmocka_run_group_tests_name("net/sasl", tests, NULL, NULL);
}
