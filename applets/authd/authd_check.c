#include "authd/authd_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/str.h"
#include "config.h"
#include "os/priv.h"
#include "store/aliases.h"

struct authd_check *authd_check_new(const struct conf *conf,
		const struct authd_secret *secret,
		struct authd_shared *shared)
{
	struct authd_check *c = calloc(1, sizeof(*c));
	struct priv_user store;

	if (!c)
		return NULL;
	c->conf = conf;
	c->secret = secret;
	if (CFG_AUTHD_SLOW)
		c->shared = shared;
	c->uid = geteuid();		/* where all run as one user */
	c->gid = getegid();
	if (priv_find(conf->user_store, &store, NULL) == 0) {
		c->uid = store.uid;
		c->gid = store.gid;
	}
	if (CFG_USERS_FULL && !(c->note = calloc(1, AUTHD_NOTE_SIZE))) {
		authd_check_free(c);
		return NULL;
	}
	if (authd_sources_start(c) == 0 && (!CFG_ALIASES ||
			(c->aliases = aliases_new(conf, false)) != NULL))
		return c;
	authd_check_free(c);
	return NULL;
}

void authd_check_free(struct authd_check *c)
{
	if (!c)
		return;
	authd_sources_end(c);
	if (CFG_ALIASES && c->aliases)
		aliases_free(c->aliases);
	if (CFG_USERS_FULL && c->note)
		explicit_bzero(c->note, AUTHD_NOTE_SIZE);
	free(c->note);
	free(c);
}

static void put_user(struct str *out, const struct auth_user *user)
{
	str_addf(out, "OK %s ", user->kind == AUTH_SYSTEM ? "SYSTEM" :
			user->kind == AUTH_ALIAS ? "ALIAS" : "VIRTUAL");
	if (*user->name)
		base64_put(out, span_of(user->name));
	else
		str_addc(out, '=');
	str_addc(out, ' ');
	base64_put(out, span_of(user->mailbox));
	str_addf(out, " %lu %lu %llu %lu ", (unsigned long)user->uid,
			(unsigned long)user->gid,
			(unsigned long long)user->quota,
			(unsigned long)user->quota_messages);
	if ((CFG_USERS_FULL || CFG_AUTHD_DIRECTORY) && *user->settings)
		base64_put(out, span_of(user->settings));
	else
		str_addc(out, '=');
	str_addf(out, "%s%s", *user->scram ? " " : "", user->scram);
}

/* Work of authd's own, of which nobody but it hears. */
static void take_notes(const struct authd_check *c, struct span notes,
		char out[AUTHD_ANSWER_SIZE])
{
	struct err err = { 0 };

	if (authd_users_note(c->conf, notes, &err) < 0)
		snprintf(out, AUTHD_ANSWER_SIZE, "TEMP %s", err.text);
	else
		str_copys(out, AUTHD_ANSWER_SIZE, "OK");
}

void authd_check_answer(struct authd_check *c, struct span line,
		char out[AUTHD_ANSWER_SIZE])
{
	struct auth_user user;
	struct authd_ask ask;
	struct err err = { 0 };
	struct str text;
	int result;

	if (CFG_USERS_FULL && span_starts(line, AUTHD_NOTE)) {
		take_notes(c, span_rest(line, sizeof(AUTHD_NOTE) - 1), out);
		return;
	}
	if (CFG_USERS_FULL)
		c->note[0] = '\0';
	str_init_secret(&text, AUTHD_ANSWER_SIZE - 1);
	if (!authd_ask_parse(&ask, line))
		result = err_set(&err, ERR_PROTO, "not a request");
	else if (ask.verb == AUTHD_PLAIN)
		result = authd_login(c, &ask, &user, &err);
	else if (CFG_SASL_SCRAM && ask.verb == AUTHD_SALT)
		result = authd_salt(c, &ask, &text, &err);
	else if (CFG_SASL_SCRAM && ask.verb == AUTHD_PROOF)
		result = authd_prove(c, &ask, &user, &err);
	else
		result = ask.nobody ? AUTHD_NOBODY
			: authd_lookup(c, span_of(ask.name), &user, &err);
	explicit_bzero(&ask, sizeof(ask));
	if (result < 0)
		str_addf(&text, "TEMP %s", err.text);
	else if (result == AUTHD_NOBODY)
		str_adds(&text, "NO");
	else if (result == AUTHD_ASK_AGAIN)
		str_adds(&text, AUTHD_ELSEWHERE);
	else if (!text.n)
		put_user(&text, &user);
	if (CFG_USERS_FULL && c->note[0] && result == AUTHD_FOUND)
		str_addf(&text, "\n%s", c->note);
	if (text.bad || str_copy(out, AUTHD_ANSWER_SIZE, str_span(&text)) < 0)
		str_copy(out, AUTHD_ANSWER_SIZE, SPAN("TEMP out of memory"));
	str_wipe(&text);
}

void authd_check_elsewhere(struct authd_check *c, struct span line,
		char out[AUTHD_ANSWER_SIZE])
{
	c->slow = true;
	authd_check_answer(c, line, out);
}
