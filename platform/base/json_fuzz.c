/* What is found lies inside the text, and is what the reader gives. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct span text = span_make((const char *)p, n), value;
	enum json_event e;
	struct json j;
	size_t events = 0;
	char out[64];

	json_start(&j, text);
	do {
		e = json_next(&j, &value);
		if (++events > n + 2 || j.depth > JSON_DEPTH)
			abort();
		if (value.n && (value.p < text.p ||
				value.p + value.n > text.p + text.n))
			abort();
		if ((e == JSON_STRING || e == JSON_KEY) &&
				json_text(out, sizeof(out), value) == 0 &&
				!utf8_valid(span_of(out)))
			abort();
	} while (e != JSON_BAD && e != JSON_END);
	if (json_next(&j, &value) != e)
		abort();
	if (e == JSON_BAD && json_find(text, "a", &value) != JSON_BAD)
		abort();
	return 0;
}
