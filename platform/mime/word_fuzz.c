/* Decoding any bytes; encoding them gives ASCII that means the same. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Controls and broken UTF-8 are no text: what encoding makes of them. */
static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return false;
	return utf8_valid(s);
}

static bool has_c1(struct span s)
{
	while (s.n) {
		uint32_t c = utf8_next(&s);

		if (c >= 127 && c < 160)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct str code, back;

	str_init(&code, 32 * size + 100);
	str_init(&back, 32 * size + 100);
	word_decode(&back, in);
	if (back.bad)
		abort();
	str_clear(&back);
	word_encode(&code, in);
	if (code.bad || !utf8_ascii(str_span(&code)))
		abort();
	word_decode(&back, str_span(&code));
	if (is_text(in) && !has_c1(in) && !span_eq(str_span(&back), in))
		abort();
	str_free(&code);
	str_free(&back);
	return 0;
}
