/* Text that parses is the text that prints, but for zeros before the rounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_make((const char *)data, n);
	struct scram_keys keys, again;
	char text[SCRAM_TEXT_SIZE];

	/* padding would be compared, too */
	memset(&keys, 0, sizeof(keys));
	memset(&again, 0, sizeof(again));
	if (!scram_parse(&keys, in))
		return 0;
	scram_print(text, &keys);
	if (!scram_parse(&again, span_of(text)) ||
			memcmp(&keys, &again, sizeof(keys)))
		abort();
	if (!span_ends(in, strchr(text, '}') + 1))
		abort();
	return 0;
}
