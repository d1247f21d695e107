/* A server that says any bytes: however they are cut, it means the same. */
#include <stdlib.h>
#include <string.h>

#include "net/http_reply.h"

#define MOST 512

static int take(struct http_reply_in *in, struct span text, size_t step)
{
	struct err err = { ERR_NONE, "" };
	int rc = 0;

	http_reply_start(in, MOST);
	while (text.n && !rc) {
		size_t n = step < text.n ? step : text.n;

		rc = http_reply_take(in, span_sub(text, 0, n), &err);
		text = span_rest(text, n);
	}
	if (!rc)
		rc = http_reply_end(in, &err);
	if ((rc < 0) != (err.kind != ERR_NONE) || in->body.n > MOST)
		abort();
	if (rc > 0 && (in->status < 200 || in->status > 599))
		abort();
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct span text = span_make((const char *)p, n);
	struct http_reply_in all, one;
	int rc = take(&all, text, n);

	if (take(&one, text, 1) != rc)
		abort();
	if (rc > 0 && (all.status != one.status || strcmp(all.type, one.type)
			|| !span_eq(str_span(&all.body), str_span(&one.body))))
		abort();
	http_reply_free(&all);
	http_reply_free(&one);
	return 0;
}
