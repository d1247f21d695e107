/* Any bytes as a field's value, and as a name that is written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "mime/param.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void both_ways(struct span in)
{
	struct str out, back;

	str_init(&out, 100000);
	str_init(&back, 100000);
	str_adds(&out, "attachment");
	param_put(&out, "filename", in);
	if (!utf8_ascii(str_span(&out)) ||
	    !param_text(&back, str_span(&out), "filename"))
		abort();
	if (utf8_clean(in) && !span_eq(str_span(&back), in))
		abort();
	str_free(&out);
	str_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct str out;

	str_init(&out, 100000);
	param_text(&out, in, "name");
	param_file_name(&out, in);
	if (!utf8_clean(str_span(&out)))
		abort();
	str_free(&out);
	both_ways(span_sub(in, 0, 300));
	return 0;
}
