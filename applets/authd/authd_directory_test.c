#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/authd_directory.h"
#include "base/str.h"
#include "config.h"
#include "os/clock.h"

static struct conf_word domain = { NULL, "a.com" };
static struct conf conf = { .hostname = "mail.a.com", .domains = &domain,
	.directory_timeout = 1 };
static struct authd_check check = { .conf = &conf, .uid = 7, .gid = 8 };

static bool ask_for(struct authd_asked *a, const char *local)
{
	const struct authd_name name = { span_of(local), SPAN("A.com") };

	return authd_asked(a, &name);
}

static void who_is_asked_for(void **state)
{
	static const char *const nobody[] = {
		"", "*", "a*", "a)(b", "a b", "a/b", "../a", "-a", "a\\2a",
		"\"a\"", "a@b", "a\n"
	};
	struct authd_asked a;

	(void)state;
	assert_true(ask_for(&a, "Alice'or'1'='1"));
	assert_true(span_is(a.address, "alice'or'1'='1@a.com"));
	assert_true(span_is(a.local, "alice'or'1'='1"));
	assert_true(span_is(a.domain, "a.com"));
	for (size_t i = 0; i < sizeof(nobody) / sizeof(*nobody); i++)
		if (ask_for(&a, nobody[i]))
			fail_msg("%s", nobody[i]);
}

static void filters(void **state)
{
	struct authd_asked a;
	struct str out;

	(void)state;
	ask_for(&a, "x");
	a.address = span_make("*()\\\0\xc3\xbc", 7);
	str_init(&out, 1000);
	authd_template(&out, "(|(m=%u)(n=%n)(d=%d)(p=5%%))", &a,
			authd_put_filter);
	assert_string_equal(str_c(&out), "(|(m=\\2a\\28\\29\\5c\\00\xc3\xbc)"
			"(n=x)(d=a.com)(p=5%))");
	str_free(&out);
}

static void places(void **state)
{
	char which[AUTHD_PLACES_MOST + 1];
	struct str out;

	(void)state;
	str_init(&out, 1000);
	assert_int_equal(authd_places(&out, "a = %u OR (%n, %d) LIKE '5%%'",
			which), 3);
	assert_string_equal(str_c(&out), "a = ? OR (?, ?) LIKE '5%'");
	assert_string_equal(which, "und");
	str_free(&out);
	str_init(&out, 1000);
	assert_int_equal(authd_places(&out, "%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u",
			which), 16);
	assert_int_equal(authd_places(&out, "%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u",
			which), -1);
	str_free(&out);
}

static int entry(struct auth_user *u, const char *name, const char *mailbox,
		const char *quota)
{
	struct authd_entry e = { span_of(name), span_of(mailbox),
		span_of(quota) };
	struct authd_asked a;

	ask_for(&a, "alice");
	return authd_entry_user(&check, &a, &e, u, NULL);
}

static void entries(void **state)
{
	static const char *const boxes[] = {
		"..", "/etc", "a/../b", "a//b", "a/.x", ".x", "/", "a/..", "a\n",
		"a/\x7f"
	};
	static const char *const quotas[] = {
		"x", "-1", "1.5G", "M", "1MM", "1 M", "99999999999999999999",
		"9999999999T"
	};
	static const char *const names[] = {
		"alice", "alice@b.com", "@a.com", "a/b@a.com", "../x@a.com"
	};
	struct auth_user u;

	(void)state;
	assert_int_equal(entry(&u, "", "", ""), 0);
	assert_string_equal(u.name, "alice@a.com");
	assert_string_equal(u.mailbox, "a.com/alice");
	assert_int_equal(u.uid, 7);
	assert_int_equal(u.gid, 8);
	assert_int_equal(entry(&u, "Bob@A.com", "team/Bob/", "500M"), 0);
	assert_string_equal(u.name, "bob@a.com");
	assert_string_equal(u.mailbox, "team/Bob");
	assert_true(u.quota == UINT64_C(500) << 20);
	assert_int_equal(entry(&u, "", "", "2g"), 0);
	assert_true(u.quota == UINT64_C(2) << 30);
	assert_int_equal(entry(&u, "", "", "12345"), 0);
	assert_true(u.quota == 12345);
	assert_int_equal(entry(&u, "", "", "unlimited"), 0);
	assert_true(u.quota == AUTH_QUOTA_UNLIMITED);
	for (size_t i = 0; i < sizeof(boxes) / sizeof(*boxes); i++)
		if (entry(&u, "", boxes[i], "") != -1)
			fail_msg("%s", boxes[i]);
	for (size_t i = 0; i < sizeof(quotas) / sizeof(*quotas); i++)
		if (entry(&u, "", "", quotas[i]) != -1)
			fail_msg("%s", quotas[i]);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (entry(&u, names[i], "", "") != -1)
			fail_msg("%s", names[i]);
}

static void secrets(void **state)
{
	char path[] = "/tmp/authd_directory.XXXXXX";
	char text[AUTHD_PASSWORD_MOST + 1];
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(authd_password(path, text, NULL), -1);	/* empty */
	assert_int_equal(write(fd, "p w \r\n", 6), 6);
	assert_int_equal(authd_password(path, text, NULL), 0);
	assert_string_equal(text, "p w ");
	fchmod(fd, 0604);
	assert_int_equal(authd_password(path, text, NULL), -1);
	close(fd);
	unlink(path);
	assert_int_equal(authd_password(path, text, NULL), -1);
}

/* -- fail-over -- */

struct tries {
	char text[64];
	const char *up;			/* which servers are */
};

static int try_one(void *arg, unsigned n, const char *server, bool *down,
		struct err *err)
{
	struct tries *t = arg;

	strcat(t->text, server);
	*down = !strchr(t->up, server[0]);
	return *down ? err_set(err, ERR_TEMP, "down") : (int)n;
}

static void in_turn(void **state)
{
	struct conf_word list[3] = { { &list[1], "a" }, { &list[2], "b" },
		{ NULL, "c" } };
	struct authd_servers s = { { 0 } };
	struct tries t = { "", "abc" };

	(void)state;
	assert_int_equal(authd_servers(&s, &conf, list, try_one, &t, NULL), 0);
	t.up = "bc";
	assert_int_equal(authd_servers(&s, &conf, list, try_one, &t, NULL), 1);
	/* one that was down rests */
	assert_int_equal(authd_servers(&s, &conf, list, try_one, &t, NULL), 1);
	t.up = "";
	assert_int_equal(authd_servers(&s, &conf, list, try_one, &t, NULL),
			-1);
	assert_int_equal(authd_servers(&s, &conf, list, try_one, &t, NULL),
			-1);
	assert_string_equal(t.text, "aabbbc");
	/* then it is the first one again */
	for (int i = 0; i < 3; i++)
		assert_true(s.rest_until[i] > clock_ms() / 1000 + 8 &&
				s.rest_until[i] <= clock_ms() / 1000 + 10);
	s.rest_until[0] = 1;
	t.up = "a";
	assert_int_equal(authd_servers(&s, &conf, list, try_one, &t, NULL), 0);
	assert_int_equal(s.rest_until[0], 0);
}

/* While one asks whether it is up again, the others leave it alone. */
static int ask_within(void *arg, unsigned n, const char *server, bool *down,
		struct err *err)
{
	struct conf_word alone = { NULL, server };
	struct tries t = { "", "a" };

	(void)n;
	*down = authd_servers(arg, &conf, &alone, try_one, &t, err) < 0;
	return *down ? -1 : 7;
}

static void only_one_tries(void **state)
{
	struct conf_word list = { NULL, "a" };
	struct authd_servers s = { { 1 } };
	struct err err;

	(void)state;
	assert_int_equal(authd_servers(&s, &conf, &list, ask_within, &s, &err),
			-1);
	assert_non_null(strstr(err.text, "a moment ago"));
	/* of one that is up all ask */
	s.rest_until[0] = 0;
	assert_int_equal(authd_servers(&s, &conf, &list, ask_within, &s, &err),
			7);
}

/*
 * A worker that asks all of many that hang would be killed, and know nothing.
 */
static void in_time(void **state)
{
	const struct conf slow = { .directory_timeout =
		AUTHD_PATIENCE_MS / 1000 };
	struct conf_word list[3] = { { &list[1], "a" }, { &list[2], "b" },
		{ NULL, "c" } };
	struct authd_servers s = { { 0 } };
	struct tries t = { "", "c" };

	(void)state;
	assert_int_equal(authd_servers(&s, &slow, list, try_one, &t, NULL),
			-1);
	assert_string_equal(t.text, "a");
	assert_int_equal(authd_servers(&s, &slow, list, try_one, &t, NULL),
			-1);
	assert_int_equal(authd_servers(&s, &slow, list, try_one, &t, NULL), 2);
	assert_string_equal(t.text, "abc");
}

static void near(void **state)
{
	(void)state;
	assert_true(authd_is_near(SPAN("127.0.0.1")));
	assert_true(authd_is_near(SPAN("LocalHost")));
	assert_true(authd_is_near(SPAN("::1")));
	assert_true(authd_is_near(SPAN("/run/x")));
	assert_false(authd_is_near(SPAN("127.0.0.2")));
	assert_false(authd_is_near(SPAN("localhost.example.com")));
	assert_false(authd_is_near(SPAN("10.0.0.1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_asked_for),
		cmocka_unit_test(filters),
		cmocka_unit_test(places),
		cmocka_unit_test(entries),
		cmocka_unit_test(secrets),
		cmocka_unit_test(in_turn),
		cmocka_unit_test(only_one_tries),
		cmocka_unit_test(in_time),
		cmocka_unit_test(near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
