/* Whatever is parsed prints in a form that parses to the same again. */
#include "mime/addr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct addr *a, bool utf8)
{
	struct addr again;
	struct str text, twice;

	str_init(&text, 4096);
	str_init(&twice, 4096);
	addr_put(&text, a);
	if (text.bad)
		abort();
	if (a->domain.n) {
		/* quotes may have become more octets than a local part has */
		if (addr_parse(str_span(&text), &again, utf8)) {
			addr_put(&twice, &again);
			if (!span_eq(str_span(&text), str_span(&twice)))
				abort();
		} else if (text.n <= 64) {
			abort();
		}
	}
	str_free(&text);
	str_free(&twice);
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	(void)arg;
	check(&e->addr, true);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct span in = span_make(copy, size);
	struct addr a;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (addr_path(&in, &a, size & 1) && a.local.n)
		check(&a, size & 1);
	in = span_make(copy, size);
	if (addr_parse(in, &a, false))
		check(&a, false);
	addr_each(in, on_entry, NULL);
	addr_domain(in);
	addr_literal(in);
	free(copy);
	return 0;
}
