/* One record of an import, into users.db. */
#include "mailuser/import.h"

#include <stdio.h>
#include <string.h>

#define TOLD_MOST 100			/* bad lines that are named */

void import_tell(struct import *i, const char *why)
{
	if (i->bad++ < TOLD_MOST)
		fprintf(stderr, "mailuser: %s:%u: %s\n", i->path, i->line, why);
}

/* rc of a change; ERR_PERM: the line is to blame. False: it went wrong. */
static bool well(struct import *i, int rc, const struct err *err)
{
	if (rc == 0)
		return true;
	if (rc < 0 && err->kind != ERR_PERM)
		i->broken = true;
	import_tell(i, rc < 0 ? err->text : "no such user");
	return false;
}

static bool is_no(const char *word)
{
	struct span s = span_of(word);

	return span_is(s, "no") || span_is(s, "0") || span_is(s, "false");
}

static bool is_ours(struct import *i, struct span address)
{
	struct span domain = address;
	struct err err;
	int rc;

	span_cut(&domain, '@');
	if (conf_is_local(i->m->conf, domain))
		return true;
	rc = user_domain_has(i->db, domain, &err);
	if (rc < 0)
		return well(i, rc, &err);
	if (!rc)
		import_tell(i, "the domain is not ours");
	return rc;
}

/* The password in whatever form. -1: it is told. */
static int take_password(struct import *i, struct scram_keys *keys,
		char foreign[FOREIGN_SIZE], bool *has_keys)
{
	const char *given = i->text[PASSWORD];
	struct err err;
	int kind;

	*has_keys = false;
	foreign[0] = '\0';
	if (!*given || strcmp(given, "*") == 0)
		return 0;
	kind = foreign_check(&i->seen, span_of(given), foreign, &err);
	if (kind < 0)
		return well(i, -1, &err) - 1;
	*has_keys = kind != FOREIGN_HASH;
	if (kind == FOREIGN_SCRAM)
		scram_parse(keys, span_of(foreign));
	if (kind == FOREIGN_PLAIN) {
		*keys = (struct scram_keys){ 0 };
		mailuser_derive(i->m, keys, foreign);
	}
	return 0;
}

static void take_rest(struct import *i, struct span address)
{
	const char *quota = i->text[QUOTA], *messages = i->text[MESSAGES];
	unsigned long n = 0;
	uint64_t octets = 0;
	struct err err;

	if ((*quota && !mailuser_size(quota, &octets)) || (*messages &&
			!span_number(span_of(messages), UINT32_MAX, &n))) {
		import_tell(i, "not a quota");
		return;
	}
	if ((octets || n) && !well(i, user_set_quota(i->db, address, octets,
			(uint32_t)n, &err), &err))
		return;
	if (*i->text[FORWARD] && !well(i, user_set_setting(i->db, address,
			"forward", is_no(i->text[FORWARD]) ? "no" : "yes",
			&err), &err))
		return;
	if (*i->text[HOOK] && !well(i, user_set_setting(i->db, address, "hook",
			i->text[HOOK], &err), &err))
		return;
	if (is_no(i->text[ENABLED]))
		well(i, user_set_enabled(i->db, address, false, &err), &err);
}

void import_user(struct import *i)
{
	struct span address = span_of(i->text[ADDRESS]);
	char foreign[FOREIGN_SIZE];
	struct scram_keys keys;
	struct err err;
	bool has_keys;

	if (!user_address_valid(address)) {
		import_tell(i, "not an address for a user");
		return;
	}
	if (!is_ours(i, address) ||
			take_password(i, &keys, foreign, &has_keys) < 0)
		return;
	if (well(i, user_add_as(i->db, address, has_keys ? &keys : NULL,
			!has_keys && foreign[0] ? foreign : NULL, &err),
			&err)) {
		i->users++;
		take_rest(i, address);
	}
	explicit_bzero(&keys, sizeof(keys));
	explicit_bzero(foreign, sizeof(foreign));
}

/* user_app_add says "not now" of those, as its caller has just asked for them. */
static bool has_other_salt(struct import *i, const struct scram_keys *keys)
{
	struct user_secrets all;
	struct user user;
	bool other = user_find(i->db, span_of(i->text[ADDRESS]), &user, NULL,
			NULL) == 0 && user_secrets(i->db, user.id, &all,
			NULL) == 0 && all.shared.rounds &&
		(all.shared.rounds != keys->rounds || memcmp(all.shared.salt,
				keys->salt, sizeof(keys->salt)) != 0);

	explicit_bzero(&all, sizeof(all));
	return other;
}

static void take_app(struct import *i)
{
	struct scram_keys keys;
	struct err err;

	if (!scram_parse(&keys, span_of(i->text[PASSWORD])))
		import_tell(i, "an app password is {SCRAM-SHA-256}...");
	else if (has_other_salt(i, &keys))
		import_tell(i, "an app password has the salt and rounds of "
				"its user's others");
	else
		well(i, user_app_add(i->db, span_of(i->text[ADDRESS]),
				i->text[NAME], &keys, &err), &err);
	explicit_bzero(&keys, sizeof(keys));
}

void import_alias(struct import *i, struct span alias, struct span target)
{
	struct err err;
	int rc;

	if (!user_alias_valid(alias)) {
		import_tell(i, "not an address for an alias");
		return;
	}
	if (!is_ours(i, alias))
		return;
	rc = user_alias_add(i->db, alias, target, &err);
	if (rc <= 0)
		well(i, rc, &err);
	i->aliases += rc == 0;
}

void import_domain(struct import *i, struct span domain)
{
	struct err err;
	int rc = user_domain_has(i->db, domain, &err);

	if (rc < 0 || (!rc && user_domain_add(i->db, domain, &err) < 0))
		well(i, -1, &err);
}

void import_record(struct import *i)
{
	struct span type = span_of(i->text[TYPE]);

	if (!type.n || span_is(type, "user"))
		import_user(i);
	else if (span_is(type, "app"))
		take_app(i);
	else if (span_is(type, "alias"))
		import_alias(i, span_of(i->text[ADDRESS]),
				span_of(i->text[NAME]));
	else if (span_is(type, "domain"))
		import_domain(i, span_of(i->text[ADDRESS]));
	else
		import_tell(i, "type is user, app, alias or domain");
}
