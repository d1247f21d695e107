/* Decoding any bytes; encoding them and back is the same. */
#include <stdint.h>
#include <stdlib.h>

#include "mime/qp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct str code, back;
	struct span rest;

	str_init(&code, 8 * size + 8);
	str_init(&back, 8 * size + 8);
	qp_decode(&back, in);
	if (back.bad || back.n > size)
		abort();
	str_clear(&back);
	qp_encode(&code, in);
	for (rest = str_span(&code); rest.n; )
		if (span_cut(&rest, '\n').n > 76)
			abort();
	qp_decode(&back, str_span(&code));
	if (!span_eq(str_span(&back), in))
		abort();
	str_free(&code);
	str_free(&back);
	return 0;
}
