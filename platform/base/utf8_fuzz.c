/* Taken apart and put together, valid text is the same, other text valid. */
#include <stdint.h>
#include <stdlib.h>
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_make((const char *)data, n), rest = in;
	struct str out;

	str_init(&out, 3 * n + 4);
	while (rest.n) {
		size_t before = rest.n;
		uint32_t c = utf8_next(&rest);
		int width = utf8_width(c);

		if (rest.n >= before || before - rest.n > 4)
			abort();
		if (width < -1 || width > 2)
			abort();
		utf8_put(&out, c);
	}
	if (out.bad || !utf8_valid(str_span(&out)))
		abort();
	if (utf8_valid(in) != span_eq(in, str_span(&out)))
		abort();
	if (utf8_ascii(in) && !utf8_valid(in))
		abort();
	str_free(&out);
	return 0;
}
