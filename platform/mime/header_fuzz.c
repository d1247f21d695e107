/* Fields and body are the input again; what is written reads back as one field. */
#include "mime/header.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_put(struct span value)
{
	struct header_field f;
	struct span in;
	struct str out;

	str_init(&out, 1 << 20);
	header_put(&out, "Subject", value);
	str_adds(&out, "\n");
	in = str_span(&out);
	if (!header_next(&in, &f) || !span_is(f.name, "Subject") ||
			header_next(&in, &f) || in.n)
		abort();
	str_clear(&out);
	compose_references(&out, value);
	compose_text(&out, value.n & 7);
	str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct span in = span_make(copy, size);
	struct header_field f;
	size_t whole = 0;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	while (header_next(&in, &f)) {
		whole += f.whole.n;
		if (!header_name_valid(f.name))
			abort();
	}
	if (whole + in.n > size || size - whole - in.n > 2)
		abort();
	compose_missing(span_make(copy, size));
	check_put(span_make(copy, size));
	free(copy);
	return 0;
}
