/* Any bytes as winmail.dat. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/tnef.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool look(void *arg, struct span name)
{
	if (!name.n || !utf8_valid(name))
		abort();
	return ++*(unsigned *)arg < 100;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	size_t piece = 1 + size % 7;
	unsigned n = 0;
	struct tnef t;

	tnef_init(&t, look, &n);
	for (; in.n; in = span_rest(in, piece))
		tnef_put(&t, span_sub(in, 0, piece));
	return 0;
}
