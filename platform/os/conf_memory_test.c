/*
 * A configuration is read with the first, the second, ... allocation failing,
 * until one reading needs none that fails: each time but the last it is an
 * error, and nothing leaks (the sanitizer says so).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* Which one from now on fails; negative: none does. */
static int failing = -1;

static bool fails(void)
{
	if (failing >= 0 && failing-- == 0) {
		errno = ENOMEM;
		return true;
	}
	return false;
}

static void *scarce_malloc(size_t n)
{
	return fails() ? NULL : malloc(n);
}

static void *scarce_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}

static void *scarce_realloc(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

/* Our own copies, so the linker takes none of these from the library. */
#define malloc(n) scarce_malloc(n)
#define calloc(n, size) scarce_calloc(n, size)
#define realloc(p, n) scarce_realloc(p, n)
#include "base/arena.c"
#include "base/str.c"
#include "os/conf.c"
#undef malloc
#undef calloc
#undef realloc

#include "os/conf_test.h"

/* Enough for several blocks of the arena. */
static const char text[] =
	"hostname mail.example.org\n"
	"domain a.example b.example c.example d.example\n"
	"relay-from 10.0.0.0/8 192.168.0.0/16 2001:db8::/32\n"
	"smarthost smtp.example:465 user=me password-file=/etc/secret\n"
	"listen smtp 127.0.0.1:25\nlisten smtp [::1]:25\n"
	"route a.example lmtp:unix:/run/x\nroute * smtp:[h.example]:25\n"
	"nameserver 9.9.9.9 2620:fe::fe\n";

static void every_allocation_fails(void **state)
{
	struct conf *c = NULL;
	int n;

	(void)state;
	for (n = 0; !c; n++) {
		assert_true(n < 1000);
		memset(&err, 0, sizeof(err));
		failing = n;
		c = conf_parse("x", span_of(text), &err);
		if (!c) {
			assert_int_equal(err.kind, ERR_NOMEM);
			assert_string_equal(err.text, "x: out of memory");
		}
	}
	assert_int_equal(failing, 0);	/* the last one did not fail */
	failing = -1;
	assert_true(n > 4);
	assert_get(c, "hostname", "mail.example.org");
	conf_free(c);
}

/* The same for texts that are being built: bad, never half of an append. */
static void every_append_fails(void **state)
{
	(void)state;
	for (int n = 0; n < 20; n++) {
		struct str s;

		str_init(&s, 100000);
		failing = n;
		for (int i = 0; i < 1000; i++)
			str_adds(&s, "0123456789");
		assert_int_equal(s.n % 10, 0);
		assert_int_equal(s.bad, s.n < 10000);
		assert_int_equal(strlen(str_c(&s)), s.n);
		str_free(&s);
	}
	failing = -1;
}

static void message_without_memory(void **state)
{
	(void)state;
	for (int n = 0; n < 10; n++) {
		failing = n;
		assert_null(conf_parse("x", SPAN("max-queue 0"), &err));
		assert_true(err.kind == ERR_NOMEM || err.kind == ERR_PERM);
	}
	failing = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_fails),
		cmocka_unit_test(every_append_fails),
		cmocka_unit_test(message_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
