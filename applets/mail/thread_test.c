#include "mail/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MOST 20000

/* want: each message as it is read, with what it answers: "1 3<1 2" */
static void check(const char *const *headers, unsigned count, const char *want)
{
	struct mail_thread *t = mail_thread_new(count);
	unsigned at[20] = { 0 }, *parent = NULL;
	struct err err;
	char got[300] = "";

	assert_non_null(t);
	for (unsigned n = 1; n <= count; n++)
		mail_thread_add(t, n, span_of(headers[n - 1]));
	assert_int_equal(mail_thread_make(t, at, &parent, &err), 0);
	for (unsigned i = 1; i <= count; i++) {
		size_t used = strlen(got);

		snprintf(got + used, sizeof(got) - used, parent[at[i]] ?
				"%s%u<%u" : "%s%u", i > 1 ? " " : "", at[i],
				parent[at[i]]);
	}
	assert_string_equal(got, want);
	free(parent);
	mail_thread_free(t);
}

#define CHECK(want, ...) do { \
	static const char *const headers[] = { __VA_ARGS__ }; \
	check(headers, sizeof(headers) / sizeof(*headers), want); \
} while (0)

#define ID(id) "Message-ID: <" id ">\n"
#define REFS(refs) "References: " refs "\n"

static void threads(void **state)
{
	(void)state;
	CHECK("1 2", ID("1"), ID("2"));
	CHECK("1 3<1 2", ID("1"), ID("2"), ID("3") REFS("<1>"));
	CHECK("1 3<1 4<3 2", ID("1"), ID("2"), ID("3") "In-Reply-To: <1>\n",
			ID("4") REFS("<1>\n <3>"));
	/* the answer came first */
	CHECK("2 1<2", ID("1") REFS("<2>"), ID("2"));
	/* what it answers is not here, but what that answered */
	CHECK("1 2<1", ID("1"), ID("3") REFS("<1> <2>"));
	CHECK("1 2<1", ID("1"), ID("3") REFS("<0> <1> <2>"));
	/* two answers to what is not here */
	CHECK("1 3<1 2", ID("2") REFS("<1>"), ID("9"), ID("3") REFS("<1>"));
	CHECK("1 2<1", ID("2") "In-Reply-To: message of <x@y> <1>\n",
			ID("3") REFS("<1> <4>"));
	/* References says more than In-Reply-To */
	CHECK("1 3<1 2", ID("1"), ID("2"),
			ID("3") REFS("<1>") "In-Reply-To: <2>\n");
}

static void bad(void **state)
{
	(void)state;
	CHECK("1 2 3", "", "Subject: x\n", REFS("<"));
	CHECK("1 2", ID("1") REFS("nonsense > <"), ID("2") REFS("< >"));
	CHECK("1", ID("1") REFS("<1>"));
	/* a ring: nobody is lost */
	CHECK("2 1<2", ID("1") REFS("<2>"), ID("2") REFS("<1>"));
	CHECK("2 3<2 1<3", ID("1") REFS("<3>"), ID("2") REFS("<1>"),
			ID("3") REFS("<2>"));
	/* of two alike the first one is answered */
	CHECK("1 3<1 2", ID("1"), ID("1"), ID("3") REFS("<1>"));
}

/* Each answers the one before it, or all the first: no recursion. */
static void many(void **state)
{
	static unsigned at[MOST + 1];

	(void)state;
	for (int deep = 0; deep < 2; deep++) {
		struct mail_thread *t = mail_thread_new(MOST);
		unsigned *parent;
		struct err err;
		char header[100];

		assert_non_null(t);
		for (unsigned n = 1; n <= MOST; n++) {
			snprintf(header, sizeof(header), ID("%u") REFS("<%u>"),
					n, deep ? n - 1 : 1);
			mail_thread_add(t, n, span_of(header));
		}
		assert_int_equal(mail_thread_make(t, at, &parent, &err), 0);
		for (unsigned n = 1; n <= MOST; n++)
			assert_int_equal(at[n], n);
		free(parent);
		mail_thread_free(t);
	}
}

static void none(void **state)
{
	struct mail_thread *t = mail_thread_new(0);
	unsigned at[1], *parent;
	struct err err;

	(void)state;
	assert_non_null(t);
	assert_int_equal(mail_thread_make(t, at, &parent, &err), 0);
	free(parent);
	mail_thread_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads),
		cmocka_unit_test(bad),
		cmocka_unit_test(many),
		cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
