/*
 * What stays, stays octet for octet; what was rewritten once has nothing left to
 * be rewritten.
 */
#include "mime/rewrite.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool keep(void *arg, const struct addr *a, struct str *out)
{
	(void)arg;
	(void)a;
	(void)out;
	return false;
}

static bool become_one(void *arg, const struct addr *a, struct str *out)
{
	(void)arg;
	if (!a->local.n)
		abort();
	str_adds(out, "x@y.z");
	return true;
}

static unsigned count(struct span in)
{
	struct header_field f;
	unsigned n = 0;

	while (header_next(&in, &f))
		n++;
	return n;
}

static void check(struct span in, const struct rewrite *r)
{
	struct str out, again;
	size_t n;

	str_init(&out, 1 << 22);
	str_init(&again, 1 << 22);
	if (!rewrite_header(&out, in, r, &n) || out.bad)
		goto out;
	if (n > in.n || (!r->from && !span_has(in, '\0') &&
			count(str_span(&out)) != count(in)))
		abort();
	str_add(&out, span_rest(in, n));
	if (!span_has(in, '\0') && !out.bad &&
			rewrite_header(&again, str_span(&out), r, &n))
		abort();
out:
	str_free(&out);
	str_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rewrite none = { .map = keep };
	static const struct rewrite map = { .map = become_one };
	static const struct rewrite from = { .from = "x@y.z" };
	struct rewrite cut = { .map = become_one, .from = "x@y.z",
		.cut = true };
	char *copy = malloc(size ? size : 1);
	struct span in = span_make(copy, size);
	struct str out;
	size_t n;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	str_init(&out, 1 << 22);
	if (rewrite_header(&out, in, &none, &n))
		abort();
	if (!span_has(in, '\0') && !span_eq(str_span(&out),
			span_sub(in, 0, n)))
		abort();
	str_free(&out);
	check(in, &map);
	check(in, &from);
	str_init(&out, 1 << 22);
	rewrite_header(&out, in, &cut, &n);
	str_free(&out);
	free(copy);
	return 0;
}
