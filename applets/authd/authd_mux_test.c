#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "authd/authd.h"
#include "base/str.h"

static struct conf_word domains[] = { { &domains[1], "a.com" },
	{ NULL, "b.com" } };
static const struct conf conf = { .hostname = "mail.a.com",
	.domains = domains };

#define ALICE "\0\5alice\0\2pw\0\4smtp\0\5b.com"

static void a_request(void **state)
{
	const struct span whole = span_make(ALICE, sizeof(ALICE) - 1);
	struct authd_mux_request r;

	(void)state;
	for (size_t n = 0; n < whole.n; n++)
		assert_int_equal(authd_mux_parse(span_sub(whole, 0, n), &r),
				0);
	assert_int_equal(authd_mux_parse(whole, &r), 1);
	assert_true(span_is(r.name, "alice"));
	assert_true(span_is(r.password, "pw"));
	assert_true(span_is(r.service, "smtp"));
	assert_true(span_is(r.realm, "b.com"));
	/* one octet more, and a string that is too long */
	assert_int_equal(authd_mux_parse(span_make(ALICE, sizeof(ALICE)), &r),
			-1);
	assert_int_equal(authd_mux_parse(span_make("\4\1", 2), &r), -1);
	assert_int_equal(authd_mux_parse(span_make("GET / HTTP", 10), &r), -1);
	assert_int_equal(authd_mux_parse(span_make("\0\0\0\0\0\0\0\0", 8), &r),
			1);
}

static const char *line(const char *name, const char *service,
		const char *realm)
{
	static char kept[AUTH_LINE_MAX];
	struct authd_mux_request r = { span_of(name), SPAN("pw"),
		span_of(service), span_of(realm) };
	struct str out;

	str_init(&out, sizeof(kept) - 1);
	assert_true(authd_mux_line(&out, &r, &conf));
	str_copy(kept, sizeof(kept), str_span(&out));
	str_free(&out);
	return kept;
}

static void in_our_words(void **state)
{
	(void)state;
	/* "alice", "alice@b.com" */
	assert_string_equal(line("alice", "smtp", ""),
			"PLAIN YWxpY2U= cHc= smtp saslauthd");
	assert_string_equal(line("alice", "smtp", "b.com"),
			"PLAIN YWxpY2VAYi5jb20= cHc= smtp saslauthd");
	assert_string_equal(line("alice@b.com", "smtp", "a.com"),
			"PLAIN YWxpY2VAYi5jb20= cHc= smtp saslauthd");
	assert_string_equal(line("alice", "smtp", "mail.a.com"),
			"PLAIN YWxpY2U= cHc= smtp saslauthd");
	/* not ours: not alice */
	assert_string_equal(line("alice", "smtp", "c.com"),
			"PLAIN YWxpY2VAYy5jb20= cHc= smtp saslauthd");
	assert_string_equal(line("", "smtp", ""),
			"PLAIN = cHc= smtp saslauthd");
	/* no word of the log is the client's alone */
	assert_string_equal(line("alice", "a b", ""),
			"PLAIN YWxpY2U= cHc= saslauthd saslauthd");
	assert_string_equal(line("alice", "sixteen-letters-", ""),
			"PLAIN YWxpY2U= cHc= saslauthd saslauthd");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request),
		cmocka_unit_test(in_our_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
