/* A date that was read prints as one that reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print_any(const uint8_t *data, size_t n)
{
	int64_t when = 0;
	int offset = 0;
	char out[DATE_SIZE];

	memcpy(&when, data, n < sizeof(when) ? n : sizeof(when));
	if (n > sizeof(when) + sizeof(offset))
		memcpy(&offset, data + sizeof(when), sizeof(offset));
	date_mail(out, when, offset);
	date_mbox(out, when);
	date_iso(out, when);
	date_offset(when);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int64_t when, again;
	int offset, same;
	char out[DATE_SIZE];

	print_any(data, n);
	if (!date_parse(span_make((const char *)data, n), &when, &offset))
		return 0;
	/* years 0000 and 9999: another zone may be beyond what prints */
	if (when < -INT64_C(62000000000) || when > INT64_C(253000000000))
		return 0;
	date_mail(out, when, offset);
	if (!date_parse(span_of(out), &again, &same) || again != when ||
			same != offset)
		abort();
	return 0;
}
