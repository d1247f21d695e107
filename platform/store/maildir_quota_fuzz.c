/* What maildirsize says: never negative, nothing taken from half a line. */
#include <stdint.h>
#include <stdlib.h>

#include "store/maildir_quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	struct maildirsize out, again;

	if (!maildirsize_parse(text, &out))
		return 0;
	if (out.size < 0 || out.count < 0 || !out.lines
			|| out.size_limit > INT64_MAX
			|| out.count_limit > INT64_MAX)
		abort();
	text.n = span_rfind(text, '\n') + 1;
	if (!maildirsize_parse(text, &again) || again.size != out.size
			|| again.lines != out.lines)
		abort();
	return 0;
}
