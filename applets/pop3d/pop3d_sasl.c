#include "pop3d/pop3d.h"

#include <stdlib.h>
#include <string.h>

static sasl_bind_fn *binding(const struct session *s)
{
	return s->pop3d->daemon.conf->auth_binding ? conn_binding : NULL;
}

const char *pop3d_mechanisms(const struct session *s)
{
	return sasl_mechanisms(binding(s), s->conn);
}

/* RFC 5034 4: one line, which says which mechanisms there are. */
static void list_mechanisms(struct session *s)
{
	struct span rest = span_of(pop3d_mechanisms(s)), word;

	pop3d_reply(s, "+OK mechanisms follow");
	while ((word = span_word(&rest)).n)
		pop3d_reply(s, "%.*s", SPAN_ARG(word));
	pop3d_reply(s, ".");
}

static void next(struct session *s, enum sasl_next what,
		const char *challenge);

static void on_answer(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct session *s = arg;
	const char *challenge = NULL;
	enum sasl_next what;

	if (status == AUTH_OK) {
		s->asking = NULL;
		dialog_go(&s->dialog);
		what = sasl_answer(s->sasl, user, &challenge);
		next(s, what, challenge);
	} else {
		pop3d_sasl_forget(s);
		pop3d_answer(s, status, user);
	}
}

static void ask(struct session *s)
{
	s->asking = auth_sasl(s->pop3d->auth, s->sasl, s->service->name,
			conn_peer(s->conn), on_answer, s);
	if (s->asking) {
		dialog_hold(&s->dialog);
	} else {
		pop3d_sasl_forget(s);
		pop3d_no_memory(s);
	}
}

static void done(struct session *s)
{
	struct auth_user who = s->sasl->who;

	pop3d_sasl_forget(s);
	dialog_hold(&s->dialog);
	pop3d_answer(s, AUTH_OK, &who);
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
	if (what == SASL_CHECK) {
		ask(s);
	} else if (what == SASL_DONE) {
		done(s);
	} else {
		pop3d_sasl_forget(s);
		pop3d_error(s, texts[what]);
	}
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
	what = sasl_start(s->sasl, args, binding(s), s->conn, &challenge);
	next(s, what, challenge);
}
