#include "mime/flow.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "base/utf8.h"

static bool add(void *arg, struct span text)
{
	assert_true(utf8_valid(text));
	str_add(arg, text);
	return true;
}

static void is(unsigned width, bool delsp, const char *in, const char *want)
{
	for (size_t by = 1; by < 40; by += 6) {
		struct span rest = span_of(in);
		struct flow f;
		struct str out;

		str_init(&out, 100000);
		flow_init(&f, width, delsp, add, &out);
		for (; rest.n; rest = span_rest(rest, by))
			flow_put(&f, span_sub(rest, 0, by));
		flow_end(&f);
		assert_string_equal(str_c(&out), want);
		str_free(&out);
	}
}

static void joins(void **state)
{
	(void)state;
	is(20, false, "one \ntwo \nthree\nfour\n", "one two three\nfour\n");
	is(10, false, "one \ntwo \nthree\n", "one two\nthree\n");
	is(10, false, "one two three four\n", "one two\nthree four\n");
	is(20, false, "one \n\ntwo\n", "one\n\ntwo\n");
	is(20, false, "end ", "end\n");
	is(20, false, "", "");
	is(20, true, "\xe4\xb8\xad\xe6\x96\x87 \n\xe5\xad\x97\n",
			"\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97\n");
	is(20, false, "a\r\nb \r\nc\r\n", "a\nb c\n");
	/* what does not fit stays whole */
	is(5, false, "abcdefgh ijk\n", "abcdefgh\nijk\n");
	/* two columns each */
	is(5, false, "\xe4\xb8\xad\xe6\x96\x87 \xe5\xad\x97\n",
			"\xe4\xb8\xad\xe6\x96\x87\n\xe5\xad\x97\n");
}

static void quotes(void **state)
{
	(void)state;
	is(20, false, "> one \n> two\n>> deep \n>> er\nout\n",
			"> one two\n>> deep er\nout\n");
	is(9, false, "> one two three\n", "> one two\n> three\n");
	/* as deep as the line before, or it does not go on */
	is(20, false, "> one \ntwo\n", "> one\ntwo\n");
	is(20, false, ">\n>x\n", "> \n> x\n");
}

static void stuffing(void **state)
{
	(void)state;
	is(20, false, " From x\n > no quote\n  two\n",
			"From x\n> no quote\n two\n");
	is(0, false, " From x\none \ntwo\n", "From x\none \ntwo\n");
}

static void signature(void **state)
{
	(void)state;
	is(20, false, "text \n-- \nme\n", "text\n-- \nme\n");
	is(20, false, "-- \nme\n", "-- \nme\n");
	is(20, false, "--  \nme\n", "--  me\n");
}

static void long_word(void **state)
{
	char word[3000];

	(void)state;
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 2] = '\n';
	word[sizeof(word) - 1] = '\0';
	is(20, false, word, word);
	/* characters of three octets stay whole */
	for (size_t i = 0; i + 5 < sizeof(word); i += 3)
		memcpy(word + i, "\xe4\xb8\xad", 3);
	memcpy(word + 2997, "\n", 2);
	is(20, false, word, word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins),
		cmocka_unit_test(quotes),
		cmocka_unit_test(stuffing),
		cmocka_unit_test(signature),
		cmocka_unit_test(long_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
