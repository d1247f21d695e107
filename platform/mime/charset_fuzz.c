/* The first byte picks a charset, the rest is text: always valid UTF-8 comes out. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"", "utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252",
	"no-such", "koi8-r", "gb18030", "big5-hkscs", "iso-2022-jp", "euc-kr",
	"shift_jis", "utf-16", "windows-1258", "tis-620", "utf-7", "cp949",
	"iso-2022-kr", "iso-2022-jp-2", "big5", "koi8-u", "euc-jp", "utf-16le",
	"macintosh", "cp437", "viscii", "iso-8859-6", "unknown-8bit",
	"iso-2022-jp-1", "gb2312", "utf-16be"
};

/* The same in pieces; cut text has its own rules at the end alone. */
static void compare(struct span in, const char *name, struct span want)
{
	struct charset c;
	struct str out;
	size_t n = 1;

	str_init(&out, 65536);
	charset_begin(&c, span_of(name));
	for (; in.n; in = span_rest(in, n), n = n % 5 + 1)
		charset_put(&c, &out, span_sub(in, 0, n));
	charset_end(&c, &out);
	if (!out.bad && !span_eq(str_span(&out), want))
		abort();
	str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str out;

	if (!size)
		return 0;
	str_init(&out, 65536);
	charset_to_utf8(&out, span_make((const char *)data + 1, size - 1),
			span_of(names[data[0] % 32]));
	if (!out.bad && !utf8_valid(str_span(&out)))
		abort();
	if (!out.bad)
		compare(span_make((const char *)data + 1, size - 1),
				names[data[0] % 32], str_span(&out));
	str_free(&out);
	return 0;
}
