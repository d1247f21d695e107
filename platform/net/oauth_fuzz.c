/* A token endpoint that says anything: what is taken is printable and fits. */
#include <stdlib.h>
#include <string.h>

#include "net/oauth.h"

static void check(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	if (n == size)
		abort();
	for (size_t i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	static struct oauth_answer a;
	struct http_reply r = { .status = n && *p & 1 ? 200 : 400,
		.body = span_make((const char *)p + (n > 0), n - (n > 0)) };
	enum oauth_verdict v = oauth_read(&a, &r);

	check(a.access, sizeof(a.access));
	check(a.refresh, sizeof(a.refresh));
	check(a.error, sizeof(a.error));
	check(a.why, sizeof(a.why));
	if ((v == OAUTH_TOKEN) != (*a.access != '\0') ||
			(v == OAUTH_REFUSED && !*a.error))
		abort();
	return 0;
}
