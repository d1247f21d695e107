/* Any bytes as a message: the parts lie inside it, within the limits. */
#include <stdint.h>
#include <stdlib.h>

#include "mime/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct span in;
	unsigned n;
};

static bool inside(struct span all, struct span s)
{
	return !s.n || (s.p >= all.p && s.p + s.n <= all.p + all.n);
}

static bool look(void *arg, const struct part *p)
{
	struct seen *seen = arg;
	struct str out;

	if (++seen->n > 1000 || p->depth > 20 || !inside(seen->in, p->body) ||
	    !inside(seen->in, p->name) || !inside(seen->in, p->charset))
		abort();
	str_init(&out, 100000);
	part_decode(&out, p);
	str_free(&out);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { .in = span_make((const char *)data, size) };

	part_each(seen.in, look, &seen);
	if (!seen.n)
		abort();
	part_param(seen.in, "name");
	return 0;
}
