/* The wire's parser: any bytes; what it takes can be said again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authd.h"
#include "base/base64.h"
#include "base/str.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct str *line, struct span text)
{
	str_addc(line, ' ');
	base64_put(line, text);
}

static void say_again(const struct authd_ask *ask)
{
	static const char *const verbs[] = {
		"LOOKUP", "PLAIN", "SALT", "PROOF"
	};
	struct authd_ask again;
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, verbs[ask->verb]);
	add(&line, span_of(ask->name));
	if (ask->verb == AUTHD_PLAIN)
		add(&line, span_of(ask->password));
	if (ask->verb == AUTHD_PROOF) {
		add(&line, span_of(ask->message));
		add(&line, span_make((const char *)ask->proof,
				sizeof(ask->proof)));
	}
	str_addf(&line, " %s %s", ask->service, ask->peer);
	if (line.bad || !authd_ask_parse(&again, str_span(&line)) ||
			memcmp(&again, ask, sizeof(again)) != 0)
		abort();
	str_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct authd_ask ask;

	if (size > AUTH_LINE_MAX || !authd_ask_parse(&ask,
			span_make((const char *)data, size)))
		return 0;
	if (strlen(ask.name) > AUTHD_NAME_MOST ||
			strlen(ask.password) > AUTHD_PASSWORD_MOST ||
			!utf8_valid(span_of(ask.name)))
		abort();
	if (!ask.nobody)
		say_again(&ask);
	return 0;
}
