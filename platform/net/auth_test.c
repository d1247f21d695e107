#include "net/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/str.h"
#include "config.h"
#include "net/listen.h"
#include "net/sasl.h"
#include "os/clock.h"

/* An authd that the test plays by hand. */
static struct loop *loop;
static struct auth *auth;
static char dir[32], path[64];
static int listener, server;
static struct str answers;		/* "tag:status name;" */
static bool free_in_callback;

static int open_server(void)
{
	listener = listen_open_unix(path, SOCK_STREAM, 0600, NULL);
	return listener < 0 ? -1 : 0;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/auth_testXXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/authd", dir);
	server = listener = -1;
	free_in_callback = false;
	str_init(&answers, 10000);
	loop = loop_new(NULL);
	auth = auth_new(loop, path);
	return auth ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	auth_free(auth);
	loop_free(loop);
	close(server);
	close(listener);
	unlink(path);
	rmdir(dir);
	str_free(&answers);
	return 0;
}

static void on_answer(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	static const char *const names[] = { "ok", "no", "temp" };

	str_addf(&answers, "%s:%s", (const char *)arg, names[status]);
	if (user)
		str_addf(&answers, " %d %s %s %u %u%s%s", user->kind,
				user->name, user->mailbox, (unsigned)user->uid,
				(unsigned)user->gid, *user->scram ? " " : "",
				user->scram);
	str_addc(&answers, ';');
	if (free_in_callback) {
		auth_free(auth);
		auth = NULL;
	}
}

static void turns(int n)
{
	while (n--)
		loop_turn(loop, 0);
}

static void expect(const char *s)
{
	assert_string_equal(str_c(&answers), s);
	str_clear(&answers);
}

static void greet(void)
{
	turns(3);
	close(server);
	server = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(server >= 0);
	turns(3);
}

static void expect_question(const char *s)
{
	char text[5000];
	ssize_t n = recv(server, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, s);
}

static void answer(const char *s)
{
	assert_int_equal(send(server, s, strlen(s), MSG_NOSIGNAL), strlen(s));
	turns(3);
}

static struct auth_request *lookup(const char *tag)
{
	return auth_lookup(auth, span_of("alice@a.com"), on_answer,
			(void *)(uintptr_t)tag);
}

#define ALICE "LOOKUP YWxpY2VAYS5jb20=\n"

static void test_questions(void **state)
{
	(void)state;
	assert_int_equal(open_server(), 0);
	assert_non_null(lookup("1"));
	expect("");
	greet();
	expect_question(ALICE);
	answer("OK VIRTUAL YWxpY2VAYS5jb20= YS5jb20vYWxpY2U= 0 0 0 0 =\n");
	expect("1:ok 0 alice@a.com a.com/alice 0 0;");
	auth_password(auth, SPAN("bob"), SPAN("x y"), "smtp", "[192.0.2.1]",
			on_answer, "2");
	turns(2);
	expect_question("PLAIN Ym9i eCB5 smtp [192.0.2.1]\n");
	answer("OK SYSTEM Ym9i Ym9i 1000 100 0 0 =\n");
	expect("2:ok 1 bob bob 1000 100;");
	/* an empty text must not let the next word take its place */
	auth_password(auth, SPAN("bob"), SPAN(""), "smtp", "[unix]", on_answer,
			"3");
	turns(2);
	expect_question("PLAIN Ym9i = smtp [unix]\n");
	answer("NO\n");
	expect("3:no;");
}

static void ask_scram(enum sasl_question question, const char *tag)
{
	struct sasl s = { .question = question, .user = "bob" };

	str_init(&s.message, 100);
	str_adds(&s.message, "x y");
	s.wrong = *tag == 'w';
	assert_non_null(auth_sasl(auth, &s, "smtp", "[unix]", on_answer,
			(void *)(uintptr_t)tag));
	str_free(&s.message);
	turns(2);
}

static void test_scram(void **state)
{
#define BOB "OK VIRTUAL Ym9i Ym9i 0 0 0 0 ="
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	(void)state;
	if (!CFG_SASL_SCRAM)
		skip();
	assert_int_equal(open_server(), 0);
	ask_scram(SASL_ASK_SALT, "1");
	greet();
	expect_question("SALT Ym9i\n");
	answer("SALT s=AAAA,i=4096\n");
	expect("1:ok 0   0 0 s=AAAA,i=4096;");
	ask_scram(SASL_ASK_PROOF, "2");
	expect_question("PROOF Ym9i eCB5 " ZEROS " smtp [unix]\n");
	answer(BOB " " ZEROS "\n");
	expect("2:ok 0 bob bob 0 0 " ZEROS ";");
	ask_scram(SASL_ASK_PROOF, "w");
	expect_question("PROOF Ym9i eCB5 = smtp [unix]\n");
	answer("NO\n");
	expect("w:no;");
	/* answers to another question */
	ask_scram(SASL_ASK_SALT, "3");
	answer(BOB "\n");
	ask_scram(SASL_ASK_SALT, "4");
	answer("SALT 456789012345678901234567890123456789012345678901\n");
	ask_scram(SASL_ASK_PROOF, "5");
	answer(BOB "\n");
	ask_scram(SASL_ASK_PROOF, "6");
	answer("SALT s=AAAA,i=4096\n");
	lookup("7");
	turns(2);
	answer("SALT s=AAAA,i=4096\n");
	expect("3:temp;4:temp;5:temp;6:temp;7:temp;");
	ask_scram(SASL_ASK_PASSWORD, "8");
	answer(BOB " " ZEROS "\n");
	expect("8:temp;");
}

static struct auth_user seen;

static void keep(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	(void)arg;
	assert_int_equal(status, AUTH_OK);
	seen = *user;
}

/* A quota above 4 GB, and what deliver does otherwise for this user. */
static void test_settings(void **state)
{
	struct span value;

	(void)state;
	assert_int_equal(open_server(), 0);
	auth_lookup(auth, span_of("alice@a.com"), keep, NULL);
	greet();
	expect_question(ALICE);
	/* "forward=yes\nhook=/bin/x a=b\n" */
	answer("OK VIRTUAL YQ== YQ== 0 0 9223372036854775807 4294967295"
			" Zm9yd2FyZD15ZXMKaG9vaz0vYmluL3ggYT1iCg==\n");
	assert_true(seen.quota == INT64_MAX);
	assert_true(seen.quota_messages == UINT32_MAX);
	assert_true(auth_setting(&seen, "forward", &value));
	assert_true(span_eq(value, SPAN("yes")));
	assert_true(auth_setting(&seen, "hook", &value));
	assert_true(span_eq(value, SPAN("/bin/x a=b")));
	assert_false(auth_setting(&seen, "hoo", &value));
	assert_false(auth_setting(&seen, "a", &value));
	assert_int_equal(value.n, 0);
}

/* What was found is known for a moment; what was not, is asked again. */
static void test_known(void **state)
{
	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	greet();
	expect_question(ALICE);
	answer("NO\n");
	lookup("2");
	turns(2);
	expect_question(ALICE);
	answer("OK VIRTUAL YWxpY2VAYS5jb20= YS5jb20vYWxpY2U= 0 0 0 0 =\n");
	expect("1:no;2:ok 0 alice@a.com a.com/alice 0 0;");
	lookup("3");
	auth_cancel(lookup("4"));
	expect("");				/* not inside the call */
	turns(1);
	expect("3:ok 0 alice@a.com a.com/alice 0 0;");
	expect_question("");
	lookup("5");
	lookup("6");
	free_in_callback = true;
	turns(1);
	expect("5:ok 0 alice@a.com a.com/alice 0 0;");
	assert_null(auth);
}

static void test_bad_answers(void **state)
{
	static const char *const bad[] = {
		"TEMP\n", "\n", "OK\n", "WHAT\n", "OKAY\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0\n",
		"OK OTHER YWxpY2U= YS5jb20vYWxpY2U= 0 0 0 0 =\n",
		"OK VIRTUAL YWxpY2U YS5jb20vYWxpY2U= 0 0 0 0 =\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 x 0 0 =\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0 0 0 = 0\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0 0 0\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0 -1 0 =\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0"
			" 9223372036854775808 0 =\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0 0 4294967296 =\n",
		"OK VIRTUAL YWxpY2U= YS5jb20vYWxpY2U= 0 0 0 0 a=b\n",
		"OK VIRTUAL YQBi YS5jb20vYWxpY2U= 0 0 0 0 =\n",
		"OK SYSTEM Ym9i Ym9i 4294967295 100 0 0 =\n",
		"OK SYSTEM Ym9i Ym9i -1 100 0 0 =\n"
	};
	size_t i;

	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("0");
	greet();
	answer("NO\n");
	expect("0:no;");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lookup("x");
		turns(2);
		answer(bad[i]);
		expect("x:temp;");
	}
	lookup("x");
	turns(2);
	for (i = 0; i < 3; i++) {
		char block[2001];

		memset(block, 'y', 2000);
		block[2000] = '\0';
		answer(block);
	}
	answer("\n");
	expect("x:temp;");
}

static void test_order(void **state)
{
	struct auth_request *two, *three;

	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	two = lookup("2");
	three = lookup("3");
	lookup("4");
	auth_cancel(three);			/* not sent yet: never asked */
	greet();
	expect_question(ALICE ALICE ALICE);
	auth_cancel(two);		/* sent: its answer is dropped */
	answer("NO\nTEMP\nN");
	expect("1:no;");
	answer("O\n");
	expect("4:no;");
}

static void test_authd_restarts(void **state)
{
	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	auth_cancel(lookup("2"));
	lookup("3");
	greet();
	expect_question(ALICE ALICE);
	close(listener);
	close(server);
	server = -1;
	turns(5);
	expect("");
	assert_int_equal(open_server(), 0);
	usleep(300000);
	greet();
	expect_question(ALICE ALICE);
	answer("NO\nNO\n");
	expect("1:no;3:no;");
}

static void test_nobody_there(void **state)
{
	int64_t start = clock_ms();

	(void)state;
	lookup("1");
	while (clock_ms() < start + 1000)
		loop_turn(loop, 50);
	lookup("2");
	while (clock_ms() < start + 4900)
		loop_turn(loop, 50);
	expect("");
	while (clock_ms() < start + 5200)
		loop_turn(loop, 50);
	expect("1:temp;");
	auth_free(auth);			/* drops 2 without a call */
	auth = NULL;
	turns(2);
	expect("");
}

/* One that is stuck: what comes late must not answer the next question. */
static void test_late_answer(void **state)
{
	int64_t start = clock_ms();
	int old;

	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	greet();
	while (clock_ms() < start + 5100)
		loop_turn(loop, 50);
	expect("1:temp;");
	old = server;
	server = -1;
	lookup("2");
	send(old, "NO\n", 3, MSG_NOSIGNAL);
	turns(3);
	expect("");
	greet();
	answer("TEMP\n");
	expect("2:temp;");
	close(old);
}

/* Hashing is slow: as long as answers come, those behind them may wait. */
static void test_slow_answers(void **state)
{
	int64_t start = clock_ms();
	int i;

	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	lookup("2");
	lookup("3");
	greet();
	for (i = 1; i <= 3; i++) {
		while (clock_ms() < start + i * 2000)
			loop_turn(loop, 50);
		answer("NO\n");
	}
	expect("1:no;2:no;3:no;");
}

static void test_free_in_callback(void **state)
{
	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	lookup("2");
	greet();
	free_in_callback = true;
	answer("NO\nNO\n");
	expect("1:no;");
	assert_null(auth);
}

/* auth_slow: a password on its own connection, which ends with the answer. */
static void test_passwords_apart(void **state)
{
	struct auth_request *r;
	int lookups;
	char byte;

	(void)state;
	if (!CFG_AUTHD_SLOW)
		skip();
	assert_int_equal(open_server(), 0);
	auth_slow(auth);
	assert_non_null(lookup("1"));
	assert_non_null(auth_password(auth, SPAN("bob"), SPAN("x"), "smtp",
				"[unix]", on_answer, "2"));
	greet();
	expect_question(ALICE);
	lookups = server;
	server = -1;
	greet();
	expect_question("PLAIN Ym9i eA== smtp [unix]\n");
	/* the second one is answered first, the other still gets his */
	answer("NO\n");
	expect("2:no;");
	assert_int_equal(recv(server, &byte, 1, 0), 0);
	close(server);
	server = lookups;
	answer("NO\n");
	expect("1:no;");
	/* one that is found is known to all */
	server = -1;
	assert_non_null(lookup("7"));
	greet();
	expect_question(ALICE);
	answer("OK VIRTUAL YWxpY2VAYS5jb20= YS5jb20vYWxpY2U= 0 0 0 0 =\n");
	expect("7:ok 0 alice@a.com a.com/alice 0 0;");
	server = -1;
	assert_non_null(lookup("8"));
	turns(1);
	expect("8:ok 0 alice@a.com a.com/alice 0 0;");
	/* who goes away takes his connection with him */
	server = -1;
	r = auth_password(auth, SPAN("bob"), SPAN("x"), "smtp", "[unix]",
			on_answer, "3");
	greet();
	auth_cancel(r);
	turns(2);
	expect_question("PLAIN Ym9i eA== smtp [unix]\n");
	assert_int_equal(recv(server, &byte, 1, 0), 0);
	/* not sent yet */
	auth_cancel(auth_password(auth, SPAN("bob"), SPAN("x"), "smtp",
				"[unix]", on_answer, "4"));
	/* the owner goes away, once in a call and once without */
	auth_password(auth, SPAN("bob"), SPAN("x"), "smtp", "[unix]",
			on_answer, "5");
	auth_password(auth, SPAN("bob"), SPAN("y"), "smtp", "[unix]",
			on_answer, "6");
	greet();
	while (recv(server, &byte, 1, 0) <= 0)
		greet();
	free_in_callback = true;
	answer("NO\n");
	expect("5:no;");
	close(lookups);
}

static void test_unasked_answer(void **state)
{
	(void)state;
	assert_int_equal(open_server(), 0);
	lookup("1");
	greet();
	answer("NO\nNO\n");
	expect("1:no;");
	lookup("2");
	usleep(260000);
	greet();
	answer("TEMP\n");
	expect("2:temp;");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_questions), T(test_settings), T(test_scram),
		T(test_known), T(test_bad_answers),
		T(test_order), T(test_passwords_apart),
		T(test_authd_restarts), T(test_nobody_there),
		T(test_late_answer), T(test_slow_answers),
		T(test_free_in_callback), T(test_unasked_answer)
	};

	return cmocka_run_group_tests_name("net/auth", tests, NULL, NULL);
}
