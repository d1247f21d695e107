#include "net/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"

static struct secret_env env;
static char path[] = "/tmp/secret_testXXXXXX";

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

/* The password, or "!" and why not. */
static const char *fetch(const char *command, bool token)
{
	struct conf_smarthost h = { .host = "h", .user = "u" };
	static char text[300];
	struct secret *s;
	struct err err;

	*(token ? &h.token_command : &h.password_command) = command;
	if (secret_fetch(&s, &env, &h, &err) == 0)
		snprintf(text, sizeof(text), "%s", secret_text(s));
	else
		snprintf(text, sizeof(text), "!%d %s", err.kind, err.text);
	secret_free(s);
	/* nobody is left */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return text;
}

static void commands(void **state)
{
	char want[100];

	(void)state;
	if (!CFG_SECRET_COMMANDS)
		return;
	assert_string_equal(fetch("echo 'a b'; echo c", false), "a b");
	assert_string_equal(fetch("printf 'x\\r\\n'", true), "x");
	assert_string_equal(fetch("printf 'no end'", false), "no end");
	snprintf(want, sizeof(want), "!%d password-command: it failed",
			ERR_TEMP);
	assert_string_equal(fetch("echo x; exit 1", false), want);
	assert_string_equal(fetch("echo x; kill -9 $$", false), want);
	assert_ptr_equal(strstr(fetch("true", false), "!"), fetch("", false));
	snprintf(want, sizeof(want), "!%d the password is too long", ERR_PERM);
	assert_string_equal(fetch("printf %0256d 1", false), want);
	assert_int_equal(strlen(fetch("printf %0255d 1", false)), 255);
	snprintf(want, sizeof(want), "!%d token-command: it prints no line "
			"that could be one", ERR_TEMP);
	assert_string_equal(fetch("printf 'a\\001b\\n'", true), want);
	assert_string_equal(fetch("printf 'a\\000b\\n'", true), want);
	/* who closes his output and stays, or leaves somebody behind */
	assert_string_equal(fetch("echo x; exec >&-; sleep 0.1", true), "x");
	assert_string_equal(fetch("(sleep 100 >&- 2>&-) & echo x", true), "x");
}

static unsigned calls;

static void done(void *arg, const struct err *err)
{
	(void)arg;
	assert_null(err);
	calls++;
}

static void kept(void **state)
{
	struct conf_smarthost h = { .host = "h", .user = "u",
		.password_command = "echo $$" };
	char first[20];
	struct secret *s;
	struct err err;
	int rc;

	(void)state;
	if (!CFG_SECRET_COMMANDS)
		return;
	s = secret_new(&env, &h, &rc, &err);
	calls = 0;
	assert_int_equal(secret_get(s, done, NULL, &err), 0);
	assert_int_equal(secret_get(s, done, NULL, &err), 0);
	while (!calls)
		loop_turn(env.loop, 50);
	assert_int_equal(secret_get(s, done, NULL, &err), 1);
	snprintf(first, sizeof(first), "%s", secret_text(s));
	/* refused: another one, once, until that is taken */
	assert_true(secret_refused(s));
	assert_string_equal(secret_text(s), first);
	assert_int_equal(secret_get(s, done, NULL, &err), 0);
	while (calls < 2)
		loop_turn(env.loop, 50);
	assert_string_not_equal(secret_text(s), first);
	assert_false(secret_refused(s));
	assert_int_equal(secret_get(s, done, NULL, &err), 1);
	secret_taken(s);
	assert_true(secret_refused(s));
	/* stopped in the middle */
	assert_int_equal(secret_get(s, done, NULL, &err), 0);
	secret_stop(s);
	for (int i = 0; i < 5; i++)
		loop_turn(env.loop, 10);
	assert_int_equal(calls, 2);
	secret_free(s);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void files(void **state)
{
	struct conf_smarthost h = { .host = "h", .user = "u",
		.password_file = path };
	struct secret *s;
	struct err err;
	int rc;

	(void)state;
	write_file("pw1\n");
	s = secret_new(&env, &h, &rc, &err);
	assert_int_equal(rc, 0);
	assert_int_equal(secret_get(s, done, NULL, &err), 1);
	assert_string_equal(secret_text(s), "pw1");
	/* the same again is not worth a second try, another one is */
	assert_false(secret_refused(s));
	secret_taken(s);
	write_file("pw2\n");
	assert_true(secret_refused(s));
	assert_string_equal(secret_text(s), "pw2");
	secret_taken(s);
	unlink(path);
	assert_false(secret_refused(s));
	assert_string_equal(secret_text(s), "pw2");
	secret_free(s);
	s = secret_new(&env, &h, &rc, &err);
	assert_int_equal(rc, -1);
	secret_free(s);
	h.user = NULL;
	assert_null(secret_new(&env, &h, &rc, &err));
	assert_int_equal(rc, 0);
	secret_free(NULL);
}

static int set_up(void **state)
{
	struct err err;

	(void)state;
	close(mkstemp(path));
	env.loop = loop_new(&err);
	return env.loop ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	loop_free(env.loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands), cmocka_unit_test(kept),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
