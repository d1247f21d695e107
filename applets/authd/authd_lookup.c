/* authd_lookup - LOOKUP: who gets the mail for an address */
#include "authd/authd_source.h"

#include <string.h>

#include "config.h"
#include "mime/addr.h"
#include "store/aliases.h"

/*
 * A name that is no user's but leads to somebody: queue finds out to whom. It
 * is for who gets all of its mail to send under it.
 */
static int find_alias(struct authd_check *c, struct span local,
		struct span domain, struct auth_user *out, struct err *err)
{
	char owner[ALIAS_VALUE_SIZE];
	struct auth_user user = { .kind = AUTH_ALIAS };
	int found = aliases_has(c->aliases, local, domain, err);
	struct span name;

	if (found <= 0)
		return found < 0 ? -1 : AUTHD_NOBODY;
	if (aliases_owner(c->aliases, local, domain, owner, err) < 0)
		return -1;
	name = span_of(owner);
	domain = authd_first_domain(c->conf);
	if (span_has(name, '@'))
		name = authd_split(name, &domain);
	found = name.n ? authd_find_box(c, name, domain, &user, err) :
		AUTHD_NOBODY;
	if (found < 0 || found == AUTHD_ASK_AGAIN)
		return found;
	*out = (struct auth_user){ .kind = AUTH_ALIAS };
	memcpy(out->name, user.name, sizeof(out->name));
	str_copy(out->mailbox, sizeof(out->mailbox), local.n ? local :
			SPAN("*"));
	return AUTHD_FOUND;
}

#define STEPS_MOST 8		/* lines of virtual for one address */

/* An address that is asked for. */
struct wanted {
	struct span local, domain;
	/* whoever gets the rest is right, too */
	bool catch_all;
	bool other;			/* not quite the address as it came */
	unsigned *steps;		/* of all searches for it */
};

static int find_all(struct authd_check *c, struct wanted w,
		struct auth_user *out, struct err *err);
static int find_detail(struct authd_check *c, const struct wanted *w,
		struct auth_user *out, struct err *err);

/* An alias, or an address of another host: nobody's here to send under. */
static int find_sent_on(struct authd_check *c, struct span local,
		struct span domain, struct auth_user *out, struct err *err)
{
	if (!domain.n || conf_is_local(c->conf, domain))
		return find_alias(c, local, domain, out, err);
	*out = (struct auth_user){ .kind = AUTH_ALIAS };
	return str_copy(out->mailbox, sizeof(out->mailbox), local) < 0 ?
		AUTHD_NOBODY : AUTHD_FOUND;
}

/* Whom a line means by its second word. */
static int find_named(struct authd_check *c, const struct conf_map *m,
		struct wanted w, struct auth_user *out, struct err *err)
{
	struct span local = authd_split(span_of(m->to), &w.domain);
	int result = AUTHD_NOBODY;

	if (++*w.steps > STEPS_MOST)
		return AUTHD_NOBODY;
	if (m->to[0] == '@')
		return find_all(c, w, out, err);
	w.local = local;
	if (!w.domain.n)
		result = authd_find_box(c, local, authd_first_domain(c->conf),
				out, err);
	else if (conf_is_local(c->conf, w.domain))
		result = find_detail(c, &w, out, err);
	/* queue knows of the line, too, for the address as it came alone */
	if (CFG_ALIASES && result == AUTHD_NOBODY && !w.other && *w.steps == 1)
		result = find_sent_on(c, local, w.domain, out, err);
	return result;
}

static int find_here(struct authd_check *c, const struct wanted *w,
		struct auth_user *out, struct err *err)
{
	const struct conf_map *m = CFG_AUTHD_VIRTUAL ? conf_map_find(c->conf,
			c->conf->virtuals, w->local, w->domain,
			CONF_MAP_ADDRESS) : NULL;

	return m ? find_named(c, m, *w, out, err) :
		authd_find_box(c, w->local, w->domain, out, err);
}

/* Octets before the detail; 0: it has none. */
static size_t before_detail(const struct conf *conf, struct span local)
{
	const char *c = conf->delimiter ? conf->delimiter : "+";
	size_t at = *c ? span_find(local, *c) : local.n;

	return at < local.n ? at : 0;
}

/* alice+lists is alice, unless there is an alice+lists. */
static int find_detail(struct authd_check *c, const struct wanted *w,
		struct auth_user *out, struct err *err)
{
	int result = find_here(c, w, out, err);
	size_t n = before_detail(c->conf, w->local);
	struct wanted plain = *w;

	if (result != AUTHD_NOBODY || !n)
		return result;
	plain.local = span_sub(w->local, 0, n);
	plain.other = true;
	return find_here(c, &plain, out, err);
}

/*
 * The lines for all of a domain: others have its users, or one gets the rest.
 */
static int find_domain(struct authd_check *c, const struct wanted *w,
		bool others, struct auth_user *out, struct err *err)
{
	const struct conf_map *m = c->conf->virtuals;
	int result = AUTHD_NOBODY;

	while (result == AUTHD_NOBODY && (m = conf_map_find(c->conf, m,
			w->local, w->domain, CONF_MAP_DOMAIN))) {
		if ((m->to[0] == '@') == others)
			result = find_named(c, m, *w, out, err);
		m = m->next;
	}
	return result;
}

static int find_all(struct authd_check *c, struct wanted w,
		struct auth_user *out, struct err *err)
{
	int result = find_detail(c, &w, out, err);

	if (CFG_AUTHD_VIRTUAL && result == AUTHD_NOBODY)
		result = find_domain(c, &w, true, out, err);
	if (CFG_AUTHD_VIRTUAL && result == AUTHD_NOBODY && w.catch_all)
		result = find_domain(c, &w, false, out, err);
	return result;
}

/* RFC 5321 4.5.1: every domain has a postmaster, who may be somebody else. */
static int find_postmaster(struct authd_check *c, struct auth_user *out,
		struct err *err)
{
	struct span domain, local = authd_split(span_of(c->conf->postmaster),
			&domain);

	if (!domain.n)
		domain = authd_first_domain(c->conf);
	return authd_find_box(c, local, domain, out, err);
}

/* RFC 5321 4.5.1, RFC 2142 4 and 5; and whoever answers our reports. */
static bool is_role(struct span local)
{
	return span_is(local, "postmaster") || span_is(local, "abuse") ||
		span_is(local, "mailer-daemon");
}

/* One without a mailbox: as queue does it when it hears that it is an alias. */
static int find_role(struct authd_check *c, struct auth_user *out,
		struct err *err)
{
	const struct span none = { NULL, 0 };
	int result = AUTHD_NOBODY;

	if (CFG_ALIASES)
		result = find_alias(c, SPAN("postmaster"), none, out, err);
	if (CFG_ALIASES && result == AUTHD_NOBODY)
		result = find_alias(c, span_of(c->conf->postmaster), none, out,
				err);
	return result == AUTHD_NOBODY ? find_postmaster(c, out, err) : result;
}

int authd_lookup(struct authd_check *c, struct span address,
		struct auth_user *out, struct err *err)
{
	struct span domain, local = authd_split(address, &domain);
	bool postmaster = span_is(local, "postmaster");
	unsigned steps = 0;
	struct str plain;
	struct wanted w;
	int result;

	if (!domain.n && postmaster)
		domain = authd_first_domain(c->conf);
	if (!local.n || !conf_is_local(c->conf, domain))
		return AUTHD_NOBODY;
	str_init(&plain, AUTHD_NAME_MOST);
	addr_local_plain(&plain, local);
	w = (struct wanted){ .local = str_span(&plain), .domain = domain,
		.steps = &steps };
	result = plain.bad ? AUTHD_NOBODY : find_all(c, w, out, err);
	if (CFG_ALIASES && result == AUTHD_NOBODY && !plain.bad)
		result = find_alias(c, str_span(&plain), domain, out, err);
	if (result == AUTHD_NOBODY && is_role(str_span(&plain)))
		result = find_role(c, out, err);
	if (CFG_AUTHD_VIRTUAL && result == AUTHD_NOBODY && c->conf->virtuals &&
			!plain.bad) {
		w.catch_all = true;
		steps = 0;
		result = find_all(c, w, out, err);
	}
	if (CFG_USERS_FULL && result == AUTHD_NOBODY)
		result = find_alias(c, span_of(""), domain, out, err);
	str_free(&plain);
	return result;
}
