/* The first byte chooses who logs in how; the lines are what the server asks. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "net/sasl_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* False: it has ended. */
static bool step(struct sasl_client *s, struct span line)
{
	struct err err = { .kind = ERR_NONE };
	struct str out;
	int rc = sasl_client_step(s, line, &out, &err);

	for (int i = 0; rc > 0 && i < 20; i++) {
		str_wipe(&out);
		rc = sasl_client_step(s, SPAN(""), &out, &err);
	}
	if (rc < 0 ? err.kind == ERR_NONE : rc == 0 && out.bad)
		abort();
	str_wipe(&out);
	if (rc == 0 && sasl_client_done(s) && s->scram)
		abort();	/* nobody can guess the signature */
	return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {
		NULL, "SCRAM-SHA-256", "PLAIN", "LOGIN", "XOAUTH2",
		"OAUTHBEARER", NULL, NULL
	};
	struct span rest = span_make((const char *)data, n);
	struct sasl_login login = { .user = "u=,", .password = "p",
		.host = "h" };
	struct sasl_client s;

	if (!n)
		return 0;
	login.mechanism = names[*data & 7];
	login.bearer = *data & 8;
	rest = span_rest(rest, 1);
	if (sasl_client_start(&s, &login, ~0u, NULL) == 0)
		while (rest.n && step(&s, span_cut(&rest, '\n')))
			;
	sasl_client_wipe(&s);
	return 0;
}
