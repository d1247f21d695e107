/* What a filter may send: any packet, at any stage. */
#include <stdlib.h>
#include <string.h>

#include "net/milter_packet.h"

/* Whatever the value is, what is made of it is one field. */
static void check_field(const struct milter_reply *r)
{
	struct str out;

	str_init(&out, 1 << 20);
	milter_put_field(&out, r->name, r->value, true);
	if (out.n < 2 || out.p[out.n - 2] != '\r' || out.p[out.n - 1] != '\n')
		abort();
	for (size_t i = 0; i + 2 < out.n; i++)
		if ((out.p[i] == '\r') != (out.p[i + 1] == '\n') ||
				(out.p[i] == '\n' && out.p[i + 1] != ' ' &&
				 out.p[i + 1] != '\t'))
			abort();
	str_free(&out);
}

static void check_reply(const struct milter_reply *r)
{
	if (r->code < 400 || r->code > 599 || !r->enhanced[0] ||
			r->enhanced[0] - '0' != r->code / 100)
		abort();
	for (const char *c = r->text; *c; c++)
		if ((*c < ' ' || *c > '~') && *c != '\n')
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct span packet = span_make((const char *)p, n);
	struct milter_options o;
	struct milter_reply r;
	struct err err;
	bool change;

	if (milter_decode_options(packet, &o, &err) == 0)
		for (int i = 0; i < MILTER_STAGES; i++)
			milter_is_due(&o, (enum milter_stage)i, 'h', &change);
	if (milter_decode(packet, &r, &err) < 0)
		return 0;
	if (r.word == MILTER_IS_REPLY)
		check_reply(&r);
	if (r.word == MILTER_IS_ADD_HEADER ||
			r.word == MILTER_IS_INSERT_HEADER ||
			r.word == MILTER_IS_CHANGE_HEADER)
		check_field(&r);
	return 0;
}
