/* What decodes encodes to the same text again: there is one text for each. */
#include <stdint.h>
#include <stdlib.h>
#include "base/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_make((const char *)data, n);
	char *out = malloc(n + 1);
	struct str text;
	ssize_t got;

	if (!out)
		return 0;
	str_init(&text, 2 * n + 8);
	got = base64_get(out, n, in);
	if (got >= 0) {
		base64_put(&text, span_make(out, (size_t)got));
		if (!span_eq(str_span(&text), in))
			abort();
		if (got > 0 && base64_get(out, (size_t)got - 1, in) != -1)
			abort();
	}
	str_clear(&text);
	base64_put(&text, in);
	if (text.bad || base64_get(out, n, str_span(&text)) != (ssize_t)n ||
			!span_eq(span_make(out, n), in))
		abort();
	str_free(&text);
	free(out);
	return 0;
}
