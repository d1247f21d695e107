/* Any message in two ways: whole, and cut at any octet; ASCII has none. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/header_utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct header_utf8 whole, cut;
	bool high = false;

	for (size_t i = 0; i < size; i++)
		high |= data[i] > 127;
	header_utf8_init(&whole);
	header_utf8_init(&cut);
	header_utf8_feed(&whole, in);
	while (in.n) {
		size_t n = in.n > 3 ? (unsigned char)in.p[0] % 3 + 1 : in.n;

		header_utf8_feed(&cut, span_sub(in, 0, n));
		in = span_rest(in, n);
	}
	if (whole.found != cut.found || (whole.found && !high))
		abort();
	return 0;
}
