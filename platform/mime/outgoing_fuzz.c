#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "mime/header.h"
#include "mime/outgoing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What comes out is a header section, has one From and no Bcc. */
static void check(struct span out)
{
	struct header_field f;
	unsigned from = 0;

	while (header_next(&out, &f)) {
		from += span_is(f.name, "From");
		assert(!span_is(f.name, "Bcc"));
		assert(!span_is(f.name, "Resent-Bcc"));
	}
	assert(from == 1 && !out.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_make((const char *)data, n), rest = in;
	struct outgoing o = {
		.arena = arena_new(1 << 20), .domain = "a.test",
		.host = "h", .from = "me@a.test", .now = 1, .from_header = true
	};
	struct header_field f;
	struct str out;

	if (n > 65536 || !o.arena || memchr(data, '\r', n))
		goto out;
	while (header_next(&rest, &f))
		;
	in.n -= rest.n;
	/* as sendmail hands it over: whole fields, each with its end */
	if (in.n > 1 && in.p[in.n - 1] == '\n' && in.p[in.n - 2] == '\n')
		in.n--;
	str_init(&out, 1 << 22);
	outgoing_address(&o, span_make((const char *)data, n));
	outgoing_header(&o, in, &out);
	if (!out.bad && in.n && in.p[in.n - 1] == '\n')
		check(str_span(&out));
	for (unsigned i = 0; i < o.nrcpt; i++)
		assert(!span_has_control(span_of(o.rcpt[i])));
	str_free(&out);
out:
	arena_free(o.arena);
	return 0;
}
