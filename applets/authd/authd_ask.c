#include "authd/authd.h"

#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "config.h"

/* Takes one base64 word; "=" is the empty text. -1: not base64. */
static ssize_t take_octets(struct span *rest, void *out, size_t size)
{
	struct span word = span_word(rest);

	if (span_eq(word, SPAN("=")))
		return 0;
	return word.n ? base64_get(out, size, word) : -1;
}

/*
 * Likewise. False: not base64. What does not fit, is empty or no text leaves
 * out empty and *fits false.
 */
static bool take_text(struct span *rest, char *out, size_t size, bool *fits)
{
	char plain[AUTH_LINE_MAX];
	ssize_t n = take_octets(rest, plain, sizeof(plain));
	struct span text = span_make(plain, n > 0 ? (size_t)n : 0);

	out[0] = '\0';
	*fits = *fits && text.n && utf8_valid(text) &&
		str_copy(out, size, text) == 0;
	explicit_bzero(plain, text.n);
	return n >= 0;
}

static void take_word(struct span *rest, char *out, size_t size)
{
	struct span word = span_word(rest);

	str_copy(out, size, span_sub(word, 0, size - 1));
}

/* One that is too short is none: the asker knows that it would be wrong. */
static bool take_proof(struct span *rest, struct authd_ask *ask, bool *fits)
{
	bool valid = take_text(rest, ask->message, sizeof(ask->message), fits);
	ssize_t n = take_octets(rest, ask->proof, sizeof(ask->proof));

	*fits = *fits && n == sizeof(ask->proof);
	return valid && n >= 0;
}

bool authd_ask_parse(struct authd_ask *ask, struct span line)
{
	static const char *const verbs[] = {
		[AUTHD_LOOKUP] = "LOOKUP", [AUTHD_PLAIN] = "PLAIN",
		[AUTHD_SALT] = "SALT", [AUTHD_PROOF] = "PROOF"
	};
	struct span verb = span_word(&line);
	bool fits = true, valid;

	memset(ask, 0, sizeof(*ask));
	while (!span_is(verb, verbs[ask->verb]))
		if (++ask->verb > (CFG_SASL_SCRAM ? AUTHD_PROOF : AUTHD_PLAIN))
			return false;
	if (span_has(line, '\0'))
		return false;
	valid = take_text(&line, ask->name, sizeof(ask->name), &fits);
	if (ask->verb == AUTHD_PLAIN)
		valid = valid && take_text(&line, ask->password,
				sizeof(ask->password), &fits);
	if (CFG_SASL_SCRAM && ask->verb == AUTHD_PROOF)
		valid = valid && take_proof(&line, ask, &fits);
	if (ask->verb == AUTHD_PLAIN || ask->verb == AUTHD_PROOF) {
		take_word(&line, ask->service, sizeof(ask->service));
		take_word(&line, ask->peer, sizeof(ask->peer));
	}
	ask->nobody = !fits;
	return valid && span_trim(line).n == 0;
}
