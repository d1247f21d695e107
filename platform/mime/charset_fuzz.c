/* The first byte picks a charset, the rest is text: always valid UTF-8 comes out. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"", "utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252",
	"no-such", "koi8-r", "gb18030", "big5-hkscs", "iso-2022-jp", "euc-kr",
	"shift_jis", "utf-16", "windows-1258", "tis-620"
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str out;

	if (!size)
		return 0;
	str_init(&out, 65536);
	charset_to_utf8(&out, span_make((const char *)data + 1, size - 1),
			span_of(names[data[0] % 16]));
	if (!out.bad && !utf8_valid(str_span(&out)))
		abort();
	str_free(&out);
	return 0;
}
