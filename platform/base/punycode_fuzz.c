/* Any label: what it stands for is written as one that stands for the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/idna.h"
#include "base/punycode.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_code(struct span in)
{
	uint32_t points[PUNYCODE_MOST], again[PUNYCODE_MOST];
	size_t n = punycode_get(points, in);
	char code[PUNYCODE_SIZE];

	for (size_t i = 0; i < n; i++)
		if (points[i] > 0x10ffff)
			abort();
	if (n && punycode_put(code, points, n) &&
			(punycode_get(again, span_of(code)) != n ||
			 memcmp(again, points, n * sizeof(*points)) != 0))
		abort();
}

/* A name is the same in both forms, and A-labels are ASCII. */
static void try_name(struct span in)
{
	char ascii[IDNA_SIZE], again[IDNA_SIZE];
	struct str text;

	if (!idna_ascii(ascii, in)) {
		if (*ascii)
			abort();
		return;
	}
	if (!utf8_ascii(span_of(ascii)))
		abort();
	str_init(&text, 4 * IDNA_SIZE);
	idna_text(&text, span_of(ascii));
	if (text.bad || !idna_ascii(again, str_span(&text)) ||
			strcmp(again, ascii) != 0 ||
			!idna_same(in, str_span(&text)))
		abort();
	str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);

	/* the names here come from parsers that let no NUL through */
	if (memchr(data, 0, size))
		return 0;
	try_code(in);
	try_name(in);
	return 0;
}
