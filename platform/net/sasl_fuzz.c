/* The first line is what AUTH was given, the others what the client says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "net/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct sasl *s, enum sasl_next next,
		const char *challenge)
{
	if (next == SASL_CHALLENGE && !challenge)
		abort();
	if (next == SASL_CHECK && !s->user[0] &&
			s->question != SASL_ASK_EXTERNAL)
		abort();
	if (strlen(s->user) > SASL_TEXT || strlen(s->password) > SASL_TEXT)
		abort();
}

static size_t no_binding(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	(void)c, (void)type, (void)out;
	return 0;
}

static void put_plain(struct str *out, struct span user, struct span password)
{
	struct str message;

	str_init(&message, 2 * SASL_TEXT + 2);
	str_addc(&message, '\0');
	str_add(&message, user);
	str_addc(&message, '\0');
	str_add(&message, password);
	base64_put(out, str_span(&message));
	out->bad |= message.bad || user.n > SASL_TEXT ||
		password.n > SASL_TEXT;
	str_free(&message);
}

/* What a client says, our server understands. */
static void round_trip(struct span user, struct span password)
{
	const char *challenge = NULL;
	struct sasl s;
	struct str args;

	str_init(&args, 2000);
	str_adds(&args, "PLAIN ");
	put_plain(&args, user, password);
	if (!args.bad && user.n && span_find(user, '\0') == user.n &&
	    span_find(password, '\0') == password.n &&
	    (sasl_start(&s, str_span(&args), no_binding, NULL, &challenge) !=
	     SASL_CHECK ||
	     !span_eq(span_of(s.user), user) ||
	     !span_eq(span_of(s.password), password)))
		abort();
	str_free(&args);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = span_make((const char *)data, n);
	struct span line = span_cut(&in, '\n');
	const char *challenge = NULL;
	enum sasl_next next;
	struct sasl s;

	round_trip(line, in);
	next = sasl_start_external(&s, line, &challenge);
	if (next == SASL_UNKNOWN)
		next = sasl_start(&s, line, no_binding, NULL, &challenge);
	check(&s, next, challenge);
	while (next == SASL_CHALLENGE) {
		challenge = NULL;
		line = span_cut(&in, '\n');
		next = sasl_step(&s, line, &challenge);
		check(&s, next, challenge);
	}
	sasl_wipe(&s);
	return 0;
}
