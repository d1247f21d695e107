/* Whoever is sent to by an address of ours is whom it was made for. */
#include "mime/srs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mime/addr.h"

#define NOW INT64_C(1764288000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void there_and_back(const struct srs *s, struct span in)
{
	struct addr a, mine;
	struct str there, back, plain;

	str_init(&there, 4096);
	str_init(&back, 4096);
	str_init(&plain, 4096);
	if (addr_parse(in, &a, true) && srs_forward(&there, s, in, NOW)) {
		if (!addr_parse(str_span(&there), &mine, true) ||
				!span_is(mine.domain, s->domain))
			abort();
		/* malformed ones of other hosts need not be good */
		addr_put_ascii(&plain, &a);
		if (srs_reverse(&back, s, mine.local, NOW) == SRS_GOOD &&
				!span_starts(mine.local, "SRS1") &&
				!span_starts(mine.local, "\"SRS1") &&
				!span_caseeq(str_span(&back),
					str_span(&plain)))
			abort();
	}
	str_free(&there);
	str_free(&back);
	str_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct srs s = {
		.domain = "a.test", .n = 1, .secret = { "0123456789abcdef" }
	};
	char *copy = malloc(size ? size : 1);
	struct span in = span_make(copy, size);
	struct str out;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	there_and_back(&s, in);
	str_init(&out, 4096);
	srs_reverse(&out, &s, in, NOW);
	str_clear(&out);
	srs_forward(&out, &s, in, NOW);
	str_free(&out);
	free(copy);
	return 0;
}
