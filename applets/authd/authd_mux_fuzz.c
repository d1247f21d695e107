/* Any bytes by saslauthd's protocol: what is a request is one of ours, too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_word domain = { NULL, "a.com" };
	static const struct conf conf = { .hostname = "mail.a.com",
		.domains = &domain };
	const struct span in = span_make((const char *)data, size);
	struct authd_mux_request r;
	struct authd_ask ask;
	struct str line;
	int got = authd_mux_parse(in, &r);

	/* a beginning of what is good is never bad */
	for (size_t n = 0; got == 1 && n < size; n++)
		if (authd_mux_parse(span_sub(in, 0, n), &r) != 0)
			abort();
	if (authd_mux_parse(in, &r) != 1)
		return 0;
	str_init(&line, AUTH_LINE_MAX);
	if (authd_mux_line(&line, &r, &conf) && (!authd_ask_parse(&ask,
			str_span(&line)) || ask.verb != AUTHD_PLAIN))
		abort();
	str_free(&line);
	return 0;
}
