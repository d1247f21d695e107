/*
 * Any bytes as a header section: an answer only to a human who has written to
 * him.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/vacation.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_own(void *arg, struct span address)
{
	bool *asked = arg;
	bool own = span_is(address, "bob@a");

	*asked |= own;
	return own;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span header = span_make((const char *)data, size);
	struct header_field f;
	bool own = false;

	if (vacation_why_not(header, "x@b", is_own, &own))
		return 0;
	if (!own)
		abort();
	if (header_find(header, "List-Id", &f) ||
			header_find(header, "List-Unsubscribe", &f))
		abort();
	if (header_find(header, "Auto-Submitted", &f) &&
			!span_starts(f.value, "no"))
		abort();
	return 0;
}
