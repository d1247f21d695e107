#include "pop3d/pop3d.h"

#include <stdlib.h>
#include <string.h>

/* RFC 5034 4: one line, which says which mechanisms there are. */
static void list_mechanisms(struct session *s)
{
	struct span rest = span_of(sasl_mechanisms()), word;

	pop3d_reply(s, "+OK mechanisms follow");
	while ((word = span_word(&rest)).n)
		pop3d_reply(s, "%.*s", SPAN_ARG(word));
	pop3d_reply(s, ".");
}

/* The end of it, with the name and password to check or without. */
static void over(struct session *s, bool check)
{
	struct sasl *sasl = s->sasl;

	s->sasl = NULL;
	s->dialog.line = NULL;
	if (check)
		pop3d_login(s, sasl->user, span_of(sasl->password));
	sasl_wipe(sasl);
	free(sasl);
}

static void next(struct session *s, enum sasl_next what, const char *challenge)
{
	static const char *const texts[] = {
		[SASL_CANCEL] = "cancelled",
		[SASL_BAD] = "not a response of this mechanism",
		[SASL_UNKNOWN] = "mechanism not known",
	};

	if (what == SASL_CHALLENGE) {
		pop3d_reply(s, "+ %s", challenge);
		return;
	}
	over(s, what == SASL_CHECK);
	if (what != SASL_CHECK)
		pop3d_error(s, texts[what]);
}

static void on_line(struct dialog *d, void *session, struct span line,
		enum conn_line how)
{
	struct session *s = session;
	enum sasl_next what = SASL_BAD;
	const char *challenge = "";

	(void)d;
	if (how == CONN_LINE_OK)
		what = sasl_step(s->sasl, line, &challenge);
	next(s, what, challenge);
}

void pop3d_auth(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	const char *challenge = "";
	enum sasl_next what;

	if (!args.n) {
		list_mechanisms(s);
		return;
	}
	if (!pop3d_may_login(s))
		return;
	s->sasl = calloc(1, sizeof(*s->sasl));
	if (!s->sasl) {
		pop3d_no_memory(s);
		return;
	}
	d->line = on_line;
	what = sasl_start(s->sasl, args, &challenge);
	next(s, what, challenge);
}
