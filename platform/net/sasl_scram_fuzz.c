/*
 * SCRAM as a client may speak it: the first line says whether there is TLS, the
 * next two are its messages, not in base64. "%" in the last one is the nonce.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "net/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define LINE_MOST 3000

static size_t no_binding(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	(void)c, (void)type, (void)out;
	return 0;
}

static size_t binding(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	(void)c;
	memset(out, 'b', 9);
	return !type || strcmp(type, "tls-exporter") == 0 ? 9 : 0;
}

static enum sasl_next say(struct sasl *s, struct span text,
		const char **challenge)
{
	enum sasl_next next;
	struct str line;

	str_init(&line, 2 * LINE_MOST);
	if (text.n)
		base64_put(&line, text);
	next = sasl_step(s, str_span(&line), challenge);
	str_free(&line);
	return next;
}

static void answer(struct sasl *s, const char *scram, const char **challenge)
{
	struct auth_user user = { .name = "user" };

	if (!s->user[0] || span_has_control(span_of(s->user)) ||
			s->message.bad || s->message.n > AUTH_MESSAGE_MOST)
		abort();
	strcpy(user.scram, scram);
	if (sasl_answer(s, &user, challenge) != SASL_CHALLENGE &&
			!s->message.bad)
		abort();
}

/* The nonce that *challenge has, both parts of it. */
static void put_nonce(struct str *line, const char *challenge)
{
	char text[LINE_MOST];
	ssize_t n = base64_get(text, sizeof(text), span_of(challenge));
	struct span rest = span_make(text, n > 0 ? (size_t)n : 0);

	if (n < 0 || strlen(challenge) > 400)
		abort();
	str_add(line, span_rest(span_cut(&rest, ','), 2));
}

static void finish(struct sasl *s, struct span in, const char *challenge)
{
	struct str line;

	str_init(&line, LINE_MOST);
	for (; in.n; in = span_rest(in, 1))
		if (in.p[0] == '%')
			put_nonce(&line, challenge);
		else
			str_addc(&line, in.p[0]);
	if (!line.bad && say(s, str_span(&line), &challenge) == SASL_CHECK) {
		if (!s->wrong && !span_starts(str_span(&line), "c="))
			abort();
		answer(s, "AAAA", &challenge);
		if (!s->message.bad && say(s, span_of(""), &challenge) !=
				SASL_DONE)
			abort();
	}
	str_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_make((const char *)data, n);
	bool plus = span_is(span_cut(&in, '\n'), "TLS");
	struct span line = span_cut(&in, '\n');
	const char *challenge = NULL;
	struct sasl s;

	if (n > LINE_MOST || sasl_start(&s, plus ? SPAN("SCRAM-SHA-256-PLUS") :
			SPAN("SCRAM-SHA-256"), plus ? binding : no_binding,
			NULL, &challenge) != SASL_CHALLENGE)
		return 0;
	if (say(&s, line, &challenge) == SASL_CHECK) {
		answer(&s, "s=AAAAAAAAAAAAAAAAAAAAAA==,i=10000000",
				&challenge);
		finish(&s, in, challenge);
	}
	sasl_wipe(&s);
	return 0;
}
