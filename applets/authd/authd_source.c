#include "authd/authd_source.h"

#include <string.h>

#include "config.h"

/* The first that knows a name decides. */
static const struct authd_source *(*const all[])(void) = {
	authd_users,
	USE_AUTHD_SYSTEM(authd_system,)
	USE_AUTHD_LDAP(authd_ldap,)
	USE_AUTHD_MYSQL(authd_mysql,)
};

int authd_sources_start(struct authd_check *c)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct authd_slot *slot = &c->sources[c->nsources];

		slot->is = all[i]();
		slot->own = slot->is->start(c);
		if (!slot->own)
			return -1;
		c->nsources++;
	}
	return 0;
}

void authd_sources_end(struct authd_check *c)
{
	while (c->nsources--)
		c->sources[c->nsources].is->end(c->sources[c->nsources].own);
}

struct span authd_first_domain(const struct conf *conf)
{
	return span_of(conf->domains ? conf->domains->text : conf->hostname);
}

struct span authd_split(struct span name, struct span *domain)
{
	size_t at = span_rfind(name, '@');

	*domain = at < name.n ? span_rest(name, at + 1)
			: span_make(NULL, 0);
	return span_sub(name, 0, at);
}

int authd_find_box(struct authd_check *c, struct span local,
		struct span domain, struct auth_user *out, struct err *err)
{
	const struct authd_name name = { local, domain };
	struct authd_person who;
	int result = AUTHD_NOBODY;

	for (unsigned i = 0; i < c->nsources && result == AUTHD_NOBODY; i++) {
		const struct authd_slot *s = &c->sources[i];

		if (!s->is->wanted(c->conf))
			continue;
		if (CFG_AUTHD_SLOW && s->is->slow && !c->slow)
			return AUTHD_ASK_AGAIN;
		result = s->is->find(s->own, &name, &who, err);
		if (result == AUTHD_FOUND)
			*out = who.user;
	}
	explicit_bzero(&who, sizeof(who));
	return result == AUTHD_OFF ? AUTHD_NOBODY : result;
}
