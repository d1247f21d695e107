/* A record or a policy of any bytes: what is taken can be written and read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "net/sts.h"

/* The policy as a domain would write it. */
static void put(struct str *out, const struct sts_policy *p)
{
	str_addf(out, "version: STSv1\nmode: %s\nmax_age: %u\n",
			sts_mode_name(p->mode), p->max_age);
	for (const char *mx = p->mx; *mx; mx += strlen(mx) + 1) {
		if (*mx != '*' && !sts_match(p->mx, mx))
			abort();
		str_addf(out, "mx: %s\n", mx);
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct span text = span_make((const char *)p, n);
	struct sts_policy one, two;
	char id[STS_ID_SIZE];
	struct str out;

	if (sts_record(text, id) && (!*id || !span_isalnum(span_of(id), "")))
		abort();
	if (sts_parse(text, &one))
		return 0;
	str_init(&out, 65536);
	put(&out, &one);
	if (out.bad || sts_parse(str_span(&out), &two) ||
			one.mode != two.mode || one.max_age != two.max_age ||
			memcmp(one.mx, two.mx, sizeof(one.mx)) != 0)
		abort();
	str_free(&out);
	return 0;
}
