/* Any bytes as a calendar: lines of clean UTF-8 come out, the same in pieces. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool add(void *arg, const char *label, struct span text)
{
	if (!utf8_clean(text) || !*label)
		abort();
	str_adds(arg, label);
	str_add(arg, text);
	return true;
}

static void summary(struct str *out, struct span in, size_t piece)
{
	struct calendar c;

	calendar_init(&c, SPAN(""), add, out);
	for (; in.n; in = span_rest(in, piece))
		calendar_put(&c, span_sub(in, 0, piece));
	calendar_end(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct str whole, cut;

	str_init(&whole, 10000000);
	str_init(&cut, 10000000);
	summary(&whole, in, size);
	summary(&cut, in, 1 + size % 7);
	if (!span_eq(str_span(&whole), str_span(&cut)))
		abort();
	str_free(&whole);
	str_free(&cut);
	return 0;
}
