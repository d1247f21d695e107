/* The provider's server, asked by smtp --serverinfo, and the result in words. */
#include "mailconf/setup.h"

#include <limits.h>
#include <string.h>

#include "os/text.h"

/* HOST:PORT of what was found, so that the login goes there and nowhere else. */
static const char *where(const struct setup *s, int secret,
		char out[SETUP_VALUE], const char **mode)
{
	struct span rest = span_of(s->line), word = span_word(&rest);

	*mode = NULL;
	if (secret < 0 || str_copy(out, SETUP_VALUE, word) < 0 || !*out)
		return s->value[SETUP_SERVER];
	word = span_word(&rest);
	*mode = span_is(word, "tls") ? "tls" : span_is(word, "starttls") ?
		"starttls" : NULL;
	return out;
}

static void tell_good(const struct setup *s, const struct server_view *v,
		bool login)
{
	const struct console *c = &s->console;

	if (login)
		console_say(c, 2, T("  Good: it has let us in."));
	else
		console_say(c, 2, T("  Good: it answers. %s"), v->line);
	if (*v->fault)
		console_say(c, 2, T("  But its certificate cannot be trusted: "
					"it %s. This one certificate is taken "
					"from now on, and no other."),
				T(v->fault));
	else if (v->days < 14)
		console_say(c, 2, T("  Its certificate ends in %u days."),
				v->days);
}

static void tell_bad(const struct setup *s, const struct server_view *v)
{
	const struct console *c = &s->console;

	if (*v->fault)
		console_say(c, 2, T("  Its certificate cannot be trusted: it "
					"%s. No password goes there."),
				T(v->fault));
	if (*v->error)
		console_say(c, 2, T("  It does not work: %s"), v->error);
	else if (!*v->fault)
		console_say(c, 2, T("  It does not work."));
	if (*v->cause)
		console_say(c, 2, T("  Likely: %s"), T(v->cause));
}

/* "HOST:PORT none ..." */
static bool is_plain(const struct server_view *v)
{
	struct span rest = span_of(v->line);

	span_word(&rest);
	return span_is(span_word(&rest), "none");
}

static enum setup_probe judge(struct setup *s, const struct server_view *v,
		bool login)
{
	bool account = strcmp(s->value[SETUP_ACCOUNT], "-") != 0;

	if (!v->good) {
		tell_bad(s, v);
		return v->cannot_login && !*v->fault ? PROBE_LOGIN :
			PROBE_SERVER;
	}
	/* a password is nothing for a server that nobody knows */
	if (*v->fault && account) {
		tell_bad(s, v);
		return PROBE_SERVER;
	}
	if (account && is_plain(v)) {
		console_say(&s->console, 2, T("  It has no TLS: everybody on "
					"the way could read the password."));
		return PROBE_SERVER;
	}
	tell_good(s, v, login);
	str_copys(s->line, sizeof(s->line), v->line);
	return PROBE_GOOD;
}

enum setup_probe setup_probe(struct setup *s, int secret)
{
	char text[SETUP_VALUE];
	struct server_view v;
	struct err err;
	struct server_question q = {
		.conf = s->fresh ? "/dev/null" : s->path,
		.domain = s->value[SETUP_HOST],
		.user = secret >= 0 ? s->value[SETUP_ACCOUNT] : NULL,
		.secret = secret, .signals = s->console.signals
	};
	int rc;

	q.where = where(s, secret, text, &q.mode);
	console_say(&s->console, 2, T("Asking %s ..."), q.where);
	rc = server_look(&q, &v, &err);
	if (rc == SELF_INTERRUPTED)
		return PROBE_STOPPED;
	if (rc < 0) {
		console_say(&s->console, 2, T("  It does not work: %s"),
				err.text);
		return PROBE_SERVER;
	}
	return judge(s, &v, secret >= 0);
}
