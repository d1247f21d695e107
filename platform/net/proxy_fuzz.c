/* A header is found in its own octets alone, and a piece of it never is one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *in = (const char *)data;
	struct proxy_header h, again;

	if (!n || proxy_parse(span_make(in, n), &h) != PROXY_OK)
		return 0;
	if (!h.length || h.length > n || h.length > PROXY_MOST)
		abort();
	for (size_t i = 1; i < h.length; i++)
		if (proxy_parse(span_make(in, i), &again) != PROXY_MORE)
			abort();
	if (proxy_parse(span_make(in, h.length), &again) != PROXY_OK ||
			memcmp(&h, &again, sizeof(h)))
		abort();
	return 0;
}
