/* Any message whole and in pieces; a field that is UTF-8 comes out as ASCII. */
#include <stdint.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/utf8.h"
#include "mime/surrogate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(void *arg, struct span piece)
{
	str_add(arg, piece);
}

static void run(struct str *out, struct span in, size_t step)
{
	struct surrogate s;

	surrogate_init(&s);
	for (; in.n; in = span_rest(in, step))
		surrogate_write(&s, span_sub(in, 0, step), add, out);
	surrogate_end(&s, add, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct str whole, cut;

	str_init(&whole, 1 << 24);
	str_init(&cut, 1 << 24);
	run(&whole, in, size ? size : 1);
	run(&cut, in, size ? (size_t)data[0] % 5 + 1 : 1);
	if (!span_eq(str_span(&whole), str_span(&cut)))
		abort();
	str_clear(&cut);
	surrogate_field(&cut, in);
	if (utf8_valid(in) && span_starts(in, "Subject:")
			&& span_find(in, '\n') == in.n
			&& !utf8_ascii(str_span(&cut)) && !span_has(in, '\0'))
		abort();
	str_free(&whole);
	str_free(&cut);
	return 0;
}
