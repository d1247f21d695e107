/* Any bytes as parameters: what is taken as one can be shown in a report. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mime/dsn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(struct span xtext)
{
	struct str out;

	str_init(&out, xtext.n + 1);
	if (!dsn_decode(&out, xtext) || out.n > xtext.n)
		abort();
	for (size_t i = 0; i < out.n; i++)
		if (out.p[i] < ' ' || out.p[i] > '~')
			abort();
	str_free(&out);
}

/* In UTF-8 or in ASCII, and never with a line's end. */
static void check_utf8(struct span orcpt)
{
	struct str out;

	for (int ascii = 0; ascii < 2; ascii++) {
		str_init(&out, 10 * orcpt.n + 10);
		dsn_put_orcpt(&out, orcpt, ascii);
		if (out.bad || !(ascii ? utf8_ascii : utf8_clean)(
					str_span(&out)))
			abort();
		str_free(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size), type;
	char *text = strndup(in.n ? in.p : "", in.n);

	if (dsn_is_envid(in))
		check_shown(in);
	if (dsn_is_orcpt(in)) {
		check_utf8(in);
		type = span_cut(&in, ';');
		if (!type.n || !in.n)
			abort();
	}
	if (dsn_is_notify(in) && dsn_is_ret(in))
		abort();
	if (dsn_wants(text, DSN_NEVER) && dsn_wants(text, DSN_FAILURE))
		abort();
	dsn_param(text, "ENVID");
	free(text);
	return 0;
}
