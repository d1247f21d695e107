#include "net/sasl_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/base64.h"
#include "base/scram.h"
#include "config.h"
#include "net/sasl.h"

#define ALL (~0u)

static struct sasl_login login;
static struct sasl_client client;
static char said[12000];		/* decoded, NULs as '|', ^A as '^' */
static struct err err;

static int setup(void **state)
{
	(void)state;
	login = (struct sasl_login){ .user = "user", .password = "pencil",
		.host = "mx.b.test", .port = 587 };
	memset(&err, 0, sizeof(err));
	return 0;
}

static int wipe(void **state)
{
	static const struct sasl_client zero;

	(void)state;
	sasl_client_wipe(&client);
	assert_memory_equal(&client, &zero, sizeof(zero));
	return 0;
}

static int start(const char *mechanism)
{
	sasl_client_wipe(&client);
	login.mechanism = mechanism;
	return sasl_client_start(&client, &login, ALL, &err);
}

static int say_code(const char *code)
{
	struct span challenge = span_of(code);
	struct str out;
	ssize_t n;
	int rc;

	while ((rc = sasl_client_step(&client, challenge, &out, &err)) == 1) {
		challenge = SPAN("");
		str_wipe(&out);
	}
	*said = '\0';
	if (!rc) {
		n = base64_get(said, sizeof(said) - 1, str_span(&out));
		assert_true(n >= 0);
		said[n] = '\0';
		for (ssize_t i = 0; i < n; i++)
			said[i] = !said[i] ? '|' : said[i] == 1 ? '^' : said[i];
	}
	str_wipe(&out);
	return rc;
}

static int say(const char *text)
{
	struct str code;
	int rc;

	str_init(&code, 4000);
	base64_put(&code, span_of(text));
	rc = say_code(str_c(&code));
	str_free(&code);
	return rc;
}

static void expect(const char *challenge, const char *answer)
{
	assert_int_equal(say(challenge), 0);
	assert_string_equal(said, answer);
}

/* -- the choice -- */

static unsigned bits(const char *names)
{
	struct span rest = span_of(names), word;
	unsigned all = 0;

	while ((word = span_word(&rest)).n)
		all |= sasl_client_bit(word);
	return all;
}

static const char *choice(const char *offered)
{
	sasl_client_wipe(&client);
	if (sasl_client_start(&client, &login, bits(offered), &err) < 0) {
		assert_int_equal(err.kind, ERR_AUTH);
		return err.text;
	}
	return sasl_client_mechanism(&client);
}

static void chooses(void **state)
{
	(void)state;
	assert_int_equal(bits("CRAM-MD5 GSSAPI SCRAM-SHA-1 PLAI PLAINS"), 0);
	assert_string_equal(choice("LOGIN plain XOAUTH2"), "PLAIN");
	assert_string_equal(choice("login XOAUTH2"), "LOGIN");
	if (CFG_SASL_SCRAM_CLIENT)
		assert_string_equal(choice("LOGIN PLAIN SCRAM-SHA-256"),
				"SCRAM-SHA-256");
	login.mechanism = "login";
	assert_string_equal(choice("LOGIN PLAIN SCRAM-SHA-256"), "LOGIN");
	assert_string_equal(choice("PLAIN"), "AUTH LOGIN is not offered");
	login.mechanism = "NTLM";
	assert_string_equal(choice("PLAIN"), "AUTH NTLM is none that we know");
	login.mechanism = "XOAUTH2";	/* the password is none of its kind */
	assert_string_equal(choice("XOAUTH2"),
			"AUTH XOAUTH2 is none that we know");
}

static void chooses_for_a_token(void **state)
{
	(void)state;
	if (!CFG_SASL_BEARER)
		skip();
	login.bearer = true;
	assert_string_equal(choice("PLAIN XOAUTH2 OAUTHBEARER"), "OAUTHBEARER");
	assert_string_equal(choice("PLAIN XOAUTH2"), "XOAUTH2");
	assert_string_equal(choice("PLAIN LOGIN SCRAM-SHA-256"),
			"AUTH OAUTHBEARER, XOAUTH2 is not offered");
	login.mechanism = "XOAUTH2";
	assert_string_equal(choice("XOAUTH2 OAUTHBEARER"), "XOAUTH2");
}

static void refuses_what_is_too_long(void **state)
{
	char *token = test_malloc(SASL_TOKEN_MOST + 2);

	(void)state;
	memset(token, 'x', SASL_TOKEN_MOST + 1);
	token[SASL_TOKEN_MOST + 1] = '\0';
	login.password = token;
	assert_string_equal(choice("PLAIN"), "user or password is too long");
	token[255] = '\0';
	assert_string_equal(choice("PLAIN"), "PLAIN");
	token[255] = 'x';
	token[256] = '\0';
	assert_string_equal(choice("PLAIN"), "user or password is too long");
	token[256] = 'x';
	login.bearer = true;
	assert_string_equal(choice("XOAUTH2"), "user or password is too long");
	token[SASL_TOKEN_MOST] = '\0';
	if (CFG_SASL_BEARER) {
		assert_string_equal(choice("XOAUTH2"), "XOAUTH2");
		assert_int_equal(say(""), 0);
		token[5] = '\1';
		assert_string_equal(choice("XOAUTH2"),
				"user or token cannot be sent");
	}
	test_free(token);
}

/* -- the messages -- */

static void plain_and_login(void **state)
{
	(void)state;
	assert_int_equal(start("PLAIN"), 0);
	assert_false(sasl_client_waits(&client));
	assert_false(sasl_client_done(&client));
	expect("", "|user|pencil");
	assert_true(sasl_client_done(&client));
	assert_int_equal(say("more"), -1);
	assert_int_equal(err.kind, ERR_PROTO);
	assert_int_equal(start("LOGIN"), 0);
	assert_true(sasl_client_waits(&client));
	assert_int_equal(say_code("not base64"), 0);
	assert_string_equal(said, "user");
	assert_false(sasl_client_done(&client));
	expect("Password:", "pencil");
	assert_true(sasl_client_done(&client));
	assert_int_equal(say("more"), -1);
}

/* RFC 7628 4.1 has this one, of its own user, host and token. */
static void bearers(void **state)
{
	(void)state;
	if (!CFG_SASL_BEARER)
		skip();
	login = (struct sasl_login){ .user = "user@example.com", .bearer = true,
		.password = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
		.host = "server.example.com", .port = 143 };
	assert_int_equal(start("OAUTHBEARER"), 0);
	expect("", "n,a=user@example.com,^host=server.example.com^port=143^"
		"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==^^");
	assert_true(sasl_client_done(&client));
	expect("{\"status\":\"invalid_token\"}\n", "^");
	assert_string_equal(client.why, "{\"status\":\"invalid_token\"}");
	assert_false(sasl_client_done(&client));
	assert_int_equal(say("again"), -1);
	login.user = "a=b,c";
	login.host = NULL;
	login.port = 0;
	login.password = "t";
	assert_int_equal(start("OAUTHBEARER"), 0);
	expect("", "n,a=a=3Db=2Cc,^auth=Bearer t^^");
	login.user = "someuser@example.com";
	login.password = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
	assert_int_equal(start("XOAUTH2"), 0);
	/* the example of Google's page */
	expect("", "user=someuser@example.com^auth=Bearer "
		"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg^^");
	expect("{}", "");
	assert_false(sasl_client_done(&client));
	assert_int_equal(say_code("#"), -1);
	assert_int_equal(err.kind, ERR_PROTO);
}

/* -- SCRAM: we play the server, with RFC 7677's salt -- */

#define SALT "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"

/* The answer to client-first; fmt has a place for the client's nonce. */
static int answer(const char *fmt)
{
	char text[1000], nonce[100];
	const char *at = strstr(said, ",r=");

	assert_non_null(at);
	snprintf(nonce, sizeof(nonce), "%s", at + 3);
	snprintf(text, sizeof(text), fmt, nonce);
	return say(text);
}

static void begin(void)
{
	if (!CFG_SASL_SCRAM_CLIENT)
		skip();
	assert_int_equal(start("SCRAM-SHA-256"), 0);
	assert_false(sasl_client_waits(&client));
	assert_int_equal(say(""), 0);
	assert_non_null(strstr(said, "n,,n="));
}

/* The server's end of a connection; who sits between has another one. */
static size_t end_of_line(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	(void)c;
	if (type && strcmp(type, "tls-exporter") != 0)
		return 0;
	memset(out, 7, 32);
	return 32;
}

static void bind_login(int octet)
{
	login.binding = "tls-exporter";
	login.nbound = 32;
	memset(login.bound, octet, 32);
}

/* To the client's last message; what the server then thinks of it. */
static bool is_wrong(const char *offered, sasl_bind_fn *by)
{
	struct auth_user who = { .scram = SALT };
	const char *challenge;
	struct sasl server;
	struct str out, args;
	bool wrong;

	sasl_client_wipe(&client);
	assert_int_equal(sasl_client_start(&client, &login, bits(offered),
				&err), 0);
	assert_int_equal(sasl_client_step(&client, SPAN(""), &out, &err), 0);
	str_init(&args, 1000);
	str_addf(&args, "%s %s", sasl_client_mechanism(&client), str_c(&out));
	str_wipe(&out);
	assert_int_equal(sasl_start(&server, str_span(&args), by, NULL,
				&challenge), SASL_CHECK);
	assert_int_equal(sasl_answer(&server, &who, &challenge),
			SASL_CHALLENGE);
	str_free(&args);
	assert_int_equal(sasl_client_step(&client, span_of(challenge), &out,
				&err), 1);
	do
		str_wipe(&out);
	while (sasl_client_step(&client, SPAN(""), &out, &err) == 1);
	assert_int_equal(sasl_step(&server, str_span(&out), &challenge),
			SASL_CHECK);
	wrong = server.wrong;
	str_wipe(&out);
	sasl_wipe(&server);
	return wrong;
}

/* RFC 5802 6, both sides of this house. */
static void scram_is_bound(void **state)
{
	const char *all = "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN";
	const char *fewer = "SCRAM-SHA-256 PLAIN";

	(void)state;
	if (!CFG_SASL_PLUS_CLIENT || !CFG_SASL_SCRAM)
		skip();
	assert_string_equal(choice(all), "SCRAM-SHA-256");
	/* we cannot, and say so */
	assert_false(is_wrong(all, end_of_line));
	bind_login(7);
	assert_string_equal(choice(all), "SCRAM-SHA-256-PLUS");
	assert_int_equal(client.flag, 'p');
	assert_false(is_wrong(all, end_of_line));
	assert_false(is_wrong(fewer, NULL));	/* the server cannot */
	assert_int_equal(client.flag, 'y');
	/* somebody took it out */
	assert_true(is_wrong(fewer, end_of_line));
	bind_login(8);
	/* somebody sits between */
	assert_true(is_wrong(all, end_of_line));
	login.mechanism = "SCRAM-SHA-256";
	assert_string_equal(choice(all), "SCRAM-SHA-256");
	assert_int_equal(client.flag, 'n');
	login.mechanism = "SCRAM-SHA-256-PLUS";
	assert_string_equal(choice(all), "SCRAM-SHA-256-PLUS");
	assert_string_equal(choice(fewer),
			"AUTH SCRAM-SHA-256-PLUS is not offered");
}

/* Against the server's half of this house, and authd's keys. */
static void scram_logs_in(void **state)
{
	unsigned char salt[SCRAM_SALT_SIZE], signature[SHA256_SIZE];
	char args[400], user[SASL_TEXT + 1];
	const char *challenge;
	struct auth_user who = { 0 };
	struct scram_keys keys;
	struct sasl server;
	struct str out;

	(void)state;
	if (!CFG_SASL_SCRAM_CLIENT || !CFG_SASL_SCRAM)
		skip();
	login.user = "us=er,";
	base64_get(salt, sizeof(salt), SPAN("W22ZaJ0SNY7soEsUEjb6gQ=="));
	scram_derive(&keys, SPAN("pencil"), salt, 9000);
	assert_int_equal(start(NULL), 0);
	assert_string_equal(sasl_client_mechanism(&client), "SCRAM-SHA-256");
	sasl_client_step(&client, SPAN(""), &out, &err);
	snprintf(args, sizeof(args), "SCRAM-SHA-256 %s", str_c(&out));
	str_wipe(&out);
	assert_int_equal(sasl_start(&server, span_of(args), NULL, NULL,
			&challenge), SASL_CHECK);
	str_copys(user, sizeof(user), server.user);
	assert_string_equal(user, "us=er,");
	snprintf(who.scram, sizeof(who.scram), "s=W22ZaJ0SNY7soEsUEjb6gQ==,"
			"i=9000");
	assert_int_equal(sasl_answer(&server, &who, &challenge),
			SASL_CHALLENGE);
	assert_int_equal(sasl_client_step(&client, span_of(challenge), &out,
				&err), 1);	/* 9000 rounds: in slices */
	for (int i = 0; i < 3; i++) {
		str_wipe(&out);
		assert_int_equal(sasl_client_step(&client, SPAN(""), &out,
				&err), 1);
	}
	while (sasl_client_step(&client, SPAN(""), &out, &err) == 1)
		str_wipe(&out);
	assert_false(sasl_client_done(&client));
	assert_int_equal(sasl_step(&server, str_span(&out), &challenge),
			SASL_CHECK);
	str_wipe(&out);
	assert_false(server.wrong);
	assert_true(scram_proof(&keys, str_span(&server.message),
			server.proof, signature));
	str_init(&out, 100);
	base64_put(&out, span_make((char *)signature, sizeof(signature)));
	str_copy(who.scram, sizeof(who.scram), str_span(&out));
	str_free(&out);
	assert_int_equal(sasl_answer(&server, &who, &challenge),
			SASL_CHALLENGE);
	assert_false(sasl_client_done(&client));
	assert_int_equal(say_code(challenge), 0);
	assert_string_equal(said, "");
	assert_true(sasl_client_done(&client));
	assert_int_equal(say("more"), -1);
	sasl_wipe(&server);
}

static void scram_refuses(void **state)
{
	static const char *const wrong[] = {
		"", "r=%s,s=", "m=x,r=%sx," SALT, "r=%s," SALT, "r=x%s," SALT,
		"r=%sx,i=4096", "r=%sx,s=W22Z", "r=%sx,s=W22Z,i=",
		"r=%sx,s=W22Z,i=0", "r=%sx,s=W22Z,i=-1", "r=%sx,s=W22Z,i=4 ",
		"r=%sx,s=W22Z,i=1000001", "r=%sx,s=W2Z,i=4096", "r=%sx,s==,i=1",
		"r=%sx,s=,i=4096", "e=other-error", "r=%s\001x," SALT
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		begin();
		if (answer(wrong[i]) != -1)
			fail_msg("%s", wrong[i]);
		assert_int_equal(err.kind, ERR_PROTO);
		assert_false(sasl_client_done(&client));
	}
	begin();
	assert_int_equal(say_code("r=not base64"), -1);
}

static void scram_wants_a_signature(void **state)
{
	static const char *const wrong[] = {
		"", "v=", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		"v=AAAA", "e=invalid-proof", "x=y"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		begin();
		assert_int_equal(answer("r=%sx," SALT ",x=what we do not know"),
				0);
		assert_non_null(strstr(said, "c=biws,r="));
		assert_non_null(strstr(said, "x,p="));
		assert_false(sasl_client_done(&client));
		assert_int_equal(say(wrong[i]), -1);
		assert_int_equal(err.kind, ERR_AUTH);
		assert_false(sasl_client_done(&client));
	}
	assert_non_null(strstr(err.text, "somebody else"));
}

/* In the middle of it, nothing may leak. */
static void scram_ends_anywhere(void **state)
{
	struct str out;

	(void)state;
	begin();
	begin();
	assert_int_equal(answer("r=%sx," SALT), 0);
	begin();
	sasl_client_step(&client, SPAN("cj0="), &out, &err);
	str_wipe(&out);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, wipe)
	const struct CMUnitTest tests[] = {
		T(chooses), T(chooses_for_a_token), T(refuses_what_is_too_long),
		T(plain_and_login), T(bearers), T(scram_logs_in),
		T(scram_refuses), T(scram_wants_a_signature),
		T(scram_ends_anywhere), T(scram_is_bound)
	};

	return cmocka_run_group_tests_name("net/sasl_client", tests, NULL,
			NULL);
}
