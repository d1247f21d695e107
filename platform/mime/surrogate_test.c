#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "mime/surrogate.h"

static void add(void *arg, struct span piece)
{
	str_add(arg, piece);
}

/* In pieces of each size it comes to the same. */
static void check(const char *in, const char *out)
{
	for (size_t step = 1; step < 40; step += step < 4 ? 1 : 11) {
		struct span rest = span_of(in);
		struct surrogate s;
		struct str got;

		str_init(&got, 1 << 20);
		surrogate_init(&s);
		while (rest.n) {
			surrogate_write(&s, span_sub(rest, 0, step), add, &got);
			rest = span_rest(rest, step);
		}
		surrogate_end(&s, add, &got);
		assert_string_equal(str_c(&got), out);
		str_free(&got);
	}
}

static void test_ascii(void **state)
{
	static const char *const messages[] = {
		"", "\n", "Subject: x\n\nbody\n", "a\n b\nc", "no header",
		"A: b\n\n--x\nContent-Type: text/plain\n\nx\n--x--\n",
		"\n--", "\n--x", "\n--x\nCont", "\n-- \nContent-X: \xC3\xA9\n",
		"\nbody \xC3\xA9\n", "\n--x\n--y\nContent-X: y\n", "A: b\n\n\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		check(messages[i], messages[i]);
	/* what is not UTF-8 is somebody else's affair */
	check("Subject: caf\xE9\n\n", "Subject: caf\xE9\n\n");
}

static void test_fields(void **state)
{
	(void)state;
	check("A: b\nSubject: Gr\xC3\xBC\xC3\x9F" "e an alle\nC: d\n\nx\n",
		"A: b\nSubject: =?UTF-8?B?R3LDvMOfZQ==?= an alle\nC: d\n\n"
		"x\n");
	check("From: \"J\xC3\xB6rg\" <joerg@b\xC3\xBC" "cher.example>\n\n",
		"From: =?UTF-8?B?SsO2cmc=?= <joerg@xn--bcher-kva.example>\n\n");
	check("To: j\xC3\xB6rg@a.com,\n b@a.com\n\n",
		"To: <" SURROGATE_NOBODY ">, <b@a.com>\n\n");
	/* a field that has to be what it is, or nothing */
	check("Received: from \xC3\xA9 by x\n y\nA: b\n\n", "A: b\n\n");
	check("X-Loop: \xC3\xA9\n\n", "X-Loop: =?UTF-8?B?w6k=?=\n\n");
	/* no header at all: what is there is text */
	check("\xC3\xA9: x\nA: \xC3\xA9\n\n", "\xC3\xA9: x\nA: \xC3\xA9\n\n");
	check("Subject: \xC3\xA9", "Subject: =?UTF-8?B?w6k=?=\n");
}

static void test_parts(void **state)
{
	(void)state;
	check("A: b\n\n--x\nContent-Type: text/plain; name=\"a;\xC3\xA9.txt\";"
		" x=y\nContent-Description: \xC3\xA9\n\n\xC3\xA9\n--x\nB: "
		"\xC3\xA9\n",
		"A: b\n\n--x\nContent-Type: text/plain; name*=utf-8''a%3B%C3"
		"%A9.txt; x=y\nContent-Description: =?UTF-8?B?w6k=?=\n\n"
		"\xC3\xA9\n--x\nB: \xC3\xA9\n");
}

static void test_long(void **state)
{
	size_t n = SURROGATE_FIELD_MOST + 100;
	char *in = malloc(n + 20), *out = malloc(n + 20);

	(void)state;
	assert_true(in && out);
	memset(in, 'x', n);
	memcpy(in, "To: \xC3", 5);
	memcpy(in + n, "\n y\nB: c\n\n", 11);
	memcpy(out, in, n + 11);
	out[4] = '?';
	check(in, out);
	free(in);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_parts), cmocka_unit_test(test_long)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
