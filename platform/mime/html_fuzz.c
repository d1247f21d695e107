/* Any bytes as HTML: valid UTF-8 comes out, the same in pieces. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool add(void *arg, struct span text)
{
	if (!utf8_valid(text))
		abort();
	str_add(arg, text);
	return true;
}

static void render(struct str *out, struct span in, unsigned width,
		struct span charset, size_t piece)
{
	struct html h;

	html_init(&h, width, charset, add, out);
	for (; in.n; in = span_rest(in, piece))
		html_put(&h, span_sub(in, 0, piece));
	html_end(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const charsets[] = { "", "utf-8", "gb2312", "koi8-r" };
	struct span in, charset;
	struct str whole, cut;
	unsigned width;

	if (size < 1)
		return 0;
	width = data[0] >> 2;
	charset = span_of(charsets[data[0] & 3]);
	in = span_make((const char *)data + 1, size - 1);
	str_init(&whole, 10000000);
	str_init(&cut, 10000000);
	render(&whole, in, width, charset, size);
	render(&cut, in, width, charset, 1 + size % 5);
	if (!span_eq(str_span(&whole), str_span(&cut)))
		abort();
	str_free(&whole);
	str_free(&cut);
	return 0;
}
