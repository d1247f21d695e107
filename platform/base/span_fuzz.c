/* Cutting never loses or makes a byte, and numbers are what printf says. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void cut(struct span s)
{
	struct span rest = s, part;
	size_t sum = 0;

	while (rest.n) {
		size_t before = rest.n;

		part = span_cut(&rest, ':');
		check(span_find(part, ':') == part.n);
		check(before - part.n - rest.n <= 1);
		sum += before - rest.n;
	}
	check(sum == s.n && (!s.n || rest.p == s.p + s.n));
}

static void words(struct span s)
{
	struct span rest = s, word;

	while ((word = span_word(&rest)).n) {
		check(word.p >= s.p && word.p + word.n <= s.p + s.n);
		check(span_find(word, ' ') == word.n);
		check(span_find(word, '\t') == word.n);
	}
	check(!rest.n);
}

static void number(struct span s)
{
	unsigned long long value, again;
	char text[24];

	if (!span_number64(s, UINT64_MAX, &value))
		return;
	while (s.n > 1 && s.p[0] == '0')
		s = span_sub(s, 1, s.n);
	snprintf(text, sizeof(text), "%llu", value);
	check(span_eq(s, span_of(text)));
	check(span_number64(s, value, &again) && again == value);
	check(!value || !span_number64(s, value - 1, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span s = span_make((const char *)data, n), t = span_trim(s);

	cut(s);
	words(s);
	number(s);
	check(t.n <= n && (!t.n || !ascii_isspace(t.p[0])));
	check(span_caseeq(s, s) && span_eq(s, s));
	check(span_rfind(s, ':') >= span_find(s, ':'));
	return 0;
}
