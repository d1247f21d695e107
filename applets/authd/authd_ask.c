#include "authd/authd.h"

#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"

/*
 * Takes one base64 word; "=" is the empty text. False: not base64. What does
 * not fit or is no text leaves out empty and *fits false.
 */
static bool take_text(struct span *rest, char *out, size_t size, bool *fits)
{
	char plain[AUTH_LINE_MAX];
	struct span word = span_word(rest);
	ssize_t n = 0;

	out[0] = '\0';
	if (!span_eq(word, SPAN("=")))
		n = base64_get(plain, sizeof(plain), word);
	if (!word.n || n < 0)
		return false;
	*fits = (size_t)n < size && !memchr(plain, 0, (size_t)n) &&
		utf8_valid(span_make(plain, (size_t)n)) &&
		str_copy(out, size, span_make(plain, (size_t)n)) == 0;
	explicit_bzero(plain, (size_t)n);
	return true;
}

static void take_word(struct span *rest, char *out, size_t size)
{
	struct span word = span_word(rest);

	str_copy(out, size, span_sub(word, 0, size - 1));
}

bool authd_ask_parse(struct authd_ask *ask, struct span line)
{
	struct span verb = span_word(&line);
	bool name_fits, password_fits = true;

	memset(ask, 0, sizeof(*ask));
	ask->plain = span_is(verb, "PLAIN");
	if (!ask->plain && !span_is(verb, "LOOKUP"))
		return false;
	if (span_has(line, '\0'))
		return false;
	if (!take_text(&line, ask->name, sizeof(ask->name), &name_fits))
		return false;
	if (ask->plain) {
		if (!take_text(&line, ask->password, sizeof(ask->password),
				&password_fits))
			return false;
		take_word(&line, ask->service, sizeof(ask->service));
		take_word(&line, ask->peer, sizeof(ask->peer));
	}
	ask->nobody = !name_fits || !password_fits || !ask->name[0] ||
		(ask->plain && !ask->password[0]);
	return span_trim(line).n == 0;
}
