/* authd_login - PLAIN: may somebody log in */
#include "authd/authd_source.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "config.h"
#include "os/priv.h"
#include "store/user.h"

/* The address that a name means; its domain is the first where it has none. */
struct login_name {
	struct authd_name name;
	bool bare, valid;
};

static struct login_name name_of(const struct authd_check *c,
		const struct authd_ask *ask)
{
	struct login_name n = { .valid = !ask->nobody };

	n.name.local = authd_split(span_of(ask->name), &n.name.domain);
	n.bare = !n.name.domain.n;
	if (n.bare)
		n.name.domain = authd_first_domain(c->conf);
	n.valid = n.valid && conf_is_local(c->conf, n.name.domain);
	return n;
}

static bool any_slow(const struct authd_check *c, bool keys)
{
	for (unsigned i = 0; CFG_AUTHD_SLOW && i < c->nsources; i++)
		if (c->sources[i].is->slow && (c->sources[i].is->keys ||
				!keys) && c->sources[i].is->wanted(c->conf))
			return true;
	return false;
}

/* -- whose it is -- */

static int find_in(const struct authd_slot *s, const struct authd_name *name,
		struct authd_person *who, struct err *err)
{
	int result = s->is->find(s->own, name, who, err);

	/* root's password is not for guessing over the network */
	if (result == AUTHD_FOUND && who->user.kind == AUTH_SYSTEM &&
			who->user.uid == 0)
		result = AUTHD_NOBODY;
	return result;
}

/* What it would have cost to ask those who are slow, had they been asked. */
static void waste_search(struct authd_check *c, struct span domain)
{
	struct authd_name none = { SPAN("~"), domain };
	struct authd_person who;

	for (unsigned i = 0; i < c->nsources; i++)
		if (c->sources[i].is->slow &&
				c->sources[i].is->wanted(c->conf))
			c->sources[i].is->find(c->sources[i].own, &none, &who,
					NULL);
	explicit_bzero(&who, sizeof(who));
}

/* alice@a.com is a user of ours first, alice one of this machine. */
int authd_find_login(struct authd_check *c, const struct authd_ask *ask,
		bool keys, struct authd_person *who,
		const struct authd_slot **slot, struct err *err)
{
	struct login_name n = name_of(c, ask);
	bool slow = any_slow(c, keys);
	int result = AUTHD_NOBODY;

	*slot = NULL;
	for (unsigned i = 0; n.valid && i < 2 * c->nsources; i++) {
		const struct authd_slot *s = &c->sources[i % c->nsources];

		if ((n.bare && s->is->by_name) != (i < c->nsources) ||
				!s->is->wanted(c->conf) ||
				(s->is->slow && !slow))
			continue;
		if (CFG_AUTHD_SLOW && s->is->slow && !c->slow)
			return AUTHD_ASK_AGAIN;
		result = find_in(s, &n.name, who, err);
		if (result == AUTHD_NOBODY)
			continue;
		*slot = result == AUTHD_FOUND ? s : NULL;
		if (CFG_AUTHD_SLOW && c->slow && !s->is->slow && !keys)
			waste_search(c, n.name.domain);
		break;
	}
	return result < 0 ? -1 : 0;
}

/* -- the password -- */

/*
 * The sources that are slow, or those that are not. A failure has always cost
 * one verification by each, so that how long it took does not tell who exists.
 */
static int verify(const struct authd_check *c, bool slow,
		const struct authd_slot *slot, const struct authd_person *who,
		const char *password, struct err *err)
{
	int result = AUTHD_NOBODY;

	if (slot && slot->is->slow == slow)
		result = slot->is->verify(slot->own, who, password, err);
	if (result != AUTHD_NOBODY)
		return result;
	for (unsigned i = 0; i < c->nsources; i++) {
		const struct authd_slot *s = &c->sources[i];

		if (s != slot && s->is->slow == slow &&
				s->is->wanted(c->conf))
			s->is->verify(s->own, NULL, password, NULL);
	}
	return result;
}

/* -- saslauthd: for whom no source has -- */

/*
 * Root's password is not for guessing over the network, whoever checks it; what
 * is behind saslauthd may know no difference between root and ROOT.
 */
static bool is_root(const char *name)
{
	struct priv_user user;

	return span_is(span_of(name), "root") ||
		(priv_find(name, &user, NULL) == 0 && user.uid == 0);
}

/* Somebody with this address; one user in whatever letters. */
static void name_user(struct authd_check *c, const char *address,
		const struct authd_name *name, struct auth_user *out)
{
	*out = (struct auth_user){ .kind = AUTH_VIRTUAL, .uid = c->uid,
		.gid = c->gid };
	str_copys(out->name, sizeof(out->name), address);
	snprintf(out->mailbox, sizeof(out->mailbox), "%.*s/%.*s",
			SPAN_ARG(name->domain), SPAN_ARG(name->local));
	ascii_lower_all(out->name);
	ascii_lower_all(out->mailbox);
}

/* Also one that is switched off there. */
static int is_in_db(struct authd_check *c, const struct authd_name *name,
		struct err *err)
{
	struct authd_person who;
	int result = c->sources[0].is->find(c->sources[0].own, name, &who,
			err);

	explicit_bzero(&who, sizeof(who));
	return result == AUTHD_OFF ? AUTHD_FOUND : result;
}

/* system: the account of this machine that the name means, or NULL. */
static int ask_saslauthd(struct authd_check *c, const struct authd_ask *ask,
		const struct auth_user *system, struct auth_user *out,
		struct err *err)
{
	struct login_name n = name_of(c, ask);
	char address[AUTHD_NAME_MOST + 256], name[AUTHD_NAME_MOST + 1];
	bool pop = span_starts(span_of(ask->service), "pop");
	struct authd_login l;
	int result;

	snprintf(address, sizeof(address), "%.*s@%.*s", SPAN_ARG(n.name.local),
			SPAN_ARG(n.name.domain));
	str_copy(name, sizeof(name), n.name.local);
	if (system)
		str_copys(name, sizeof(name), system->name);
	l = (struct authd_login){ span_of(name), span_of(ask->password),
		pop ? SPAN("pop") : SPAN("smtp"), n.name.domain };
	if (!n.valid || !user_address_valid(span_of(address)) ||
			is_root(name))
		return AUTHD_NOBODY;
	result = is_in_db(c, &n.name, err);
	if (result != AUTHD_NOBODY)
		return result < 0 ? -1 : AUTHD_NOBODY;
	if (!c->slow)
		return AUTHD_ASK_AGAIN;
	result = authd_saslauthd(&c->saslauthd, c->conf->saslauthd, &l, err);
	if (result == AUTHD_FOUND && system)
		*out = *system;
	else if (result == AUTHD_FOUND)
		name_user(c, address, &n.name, out);
	return result;
}

/* -- all of it -- */

/* c->slow: what the others said is known, they said no. */
static int login(struct authd_check *c, const struct authd_ask *ask,
		const struct authd_slot *slot, const struct authd_person *who,
		struct auth_user *out, struct err *err)
{
	const struct auth_user *system = slot && slot->is->by_name ?
		&who->user : NULL;
	int result;

	result = verify(c, c->slow, slot, who, ask->password, err);
	if (result == AUTHD_FOUND)
		*out = who->user;
	if (result == AUTHD_NOBODY && !c->slow && any_slow(c, false) &&
			name_of(c, ask).valid)
		return AUTHD_ASK_AGAIN;
	if (CFG_AUTHD_SASLAUTHD && result == AUTHD_NOBODY &&
			c->conf->saslauthd && (!slot || system))
		result = ask_saslauthd(c, ask, system, out, err);
	return result;
}

int authd_login(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err)
{
	const struct authd_slot *slot = NULL;
	struct authd_person who = { 0 };
	int result = authd_find_login(c, ask, false, &who, &slot, err);

	/* ASK_AGAIN: not before it has cost what a wrong password costs */
	if (result >= 0)
		result = login(c, ask, slot, &who, out, err);
	explicit_bzero(&who, sizeof(who));
	return result;
}
