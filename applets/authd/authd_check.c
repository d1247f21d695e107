#include "authd/authd.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/idna.h"
#include "base/scram.h"
#include "base/str.h"
#include "mime/addr.h"
#include "os/priv.h"
#include "store/aliases.h"
#include "store/user.h"

/* What authd_check_answer's parts give; -1 with err: cannot be told now. */
enum { FOUND, NOBODY, ELSEWHERE };

struct authd_check {
	const struct conf *conf;
	const struct authd_secret *secret;
	struct user_db *db;		/* NULL: there is none yet */
	dev_t device;			/* of the file behind db */
	ino_t inode;
	struct aliases *aliases;	/* NULL: not in this build */
	uid_t uid;			/* of user-store, who owns the mail */
	gid_t gid;			/* of virtual users */
	struct authd_saslauthd saslauthd;
	bool slow;			/* it may be asked: this may take long */
	char path[1024];		/* of users.db */
};

struct authd_check *authd_check_new(const struct conf *conf,
		const struct authd_secret *secret)
{
	struct authd_check *c = calloc(1, sizeof(*c));
	struct priv_user store;

	if (!c)
		return NULL;
	c->conf = conf;
	c->secret = secret;
	snprintf(c->path, sizeof(c->path), "%s/" USER_FILE, conf->state_dir);
	if (CFG_ALIASES && !(c->aliases = aliases_new(conf, false))) {
		free(c);
		return NULL;
	}
	c->uid = geteuid();		/* where all run as one user */
	c->gid = getegid();
	if (priv_find(conf->user_store, &store, NULL) == 0) {
		c->uid = store.uid;
		c->gid = store.gid;
	}
	return c;
}

void authd_check_free(struct authd_check *c)
{
	if (!c)
		return;
	user_close(c->db);
	if (CFG_ALIASES)
		aliases_free(c->aliases);
	free(c);
}

/* -- who is it -- */

/* The file may have come, gone or been replaced since the last request. */
static int refresh(struct authd_check *c, struct err *err)
{
	struct stat st;
	int found = stat(c->path, &st);

	if (found < 0 && errno != ENOENT)
		return err_errno(err, "%s", c->path);
	if (c->db && (found < 0 || st.st_dev != c->device ||
			st.st_ino != c->inode)) {
		user_close(c->db);
		c->db = NULL;
	}
	if (found < 0)
		return NOBODY;
	if (!c->db) {
		c->device = st.st_dev;
		c->inode = st.st_ino;
		c->db = user_open(c->path, false, err);
	}
	return c->db ? FOUND : -1;
}

static int find_virtual(struct authd_check *c, struct span local,
		struct span domain, struct auth_user *out,
		struct scram_keys *keys, struct err *err)
{
	char address[AUTHD_NAME_MOST + 1];
	struct user user;
	int result = refresh(c, err);

	if (result != FOUND)
		return result;
	/* too long for the room is too long for a user, so cutting is fine */
	snprintf(address, sizeof(address), "%.*s@%.*s", SPAN_ARG(local),
			SPAN_ARG(domain));
	result = user_find(c->db, span_of(address), &user, keys, err);
	if (result != FOUND || !user.enabled)
		return result < 0 ? -1 : NOBODY;
	*out = (struct auth_user){ .kind = AUTH_VIRTUAL, .uid = c->uid,
		.gid = c->gid };
	str_copys(out->name, sizeof(out->name), user.address);
	str_copys(out->mailbox, sizeof(out->mailbox), user.mailbox);
	return FOUND;
}

static int find_system(struct authd_check *c, struct span local,
		struct auth_user *out, struct err *err)
{
	if (CFG_AUTHD_SYSTEM && c->conf->system_users)
		return authd_system_find(local, out, err);
	return NOBODY;
}

static struct span first_domain(const struct conf *conf)
{
	return span_of(conf->domains ? conf->domains->text : conf->hostname);
}

/* Splits at the last "@"; without one the domain is empty. */
static struct span split(struct span name, struct span *domain)
{
	size_t at = span_rfind(name, '@');

	*domain = at < name.n ? span_rest(name, at + 1)
			: span_make(NULL, 0);
	return span_sub(name, 0, at);
}

/* -- LOOKUP: who gets the mail for an address -- */

static int find_box(struct authd_check *c, struct span local,
		struct span domain, struct auth_user *out, struct err *err)
{
	int result = find_virtual(c, local, domain, out, NULL, err);

	return result == NOBODY ? find_system(c, local, out, err) : result;
}

/*
 * A name that is no user's but leads to somebody: queue finds out to whom. It
 * is for who gets all of its mail to send under it.
 */
static int find_alias(struct authd_check *c, struct span local,
		struct auth_user *out, struct err *err)
{
	char owner[ALIAS_VALUE_SIZE];
	struct auth_user user = { .kind = AUTH_ALIAS };
	struct span domain = first_domain(c->conf), name;
	int found = aliases_has(c->aliases, local, err);

	if (found <= 0)
		return found < 0 ? -1 : NOBODY;
	if (aliases_owner(c->aliases, local, owner, err) < 0)
		return -1;
	name = span_of(owner);
	if (span_has(name, '@'))
		name = split(name, &domain);
	if (name.n && find_box(c, name, domain, &user, err) < 0)
		return -1;
	*out = (struct auth_user){ .kind = AUTH_ALIAS };
	memcpy(out->name, user.name, sizeof(out->name));
	str_copy(out->mailbox, sizeof(out->mailbox), local);
	return FOUND;
}

#define STEPS_MOST 8		/* lines of virtual for one address */

/* An address that is asked for. */
struct wanted {
	struct span local, domain;
	bool catch_all;			/* whoever gets the rest is right, too */
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
		return find_alias(c, local, out, err);
	*out = (struct auth_user){ .kind = AUTH_ALIAS };
	return str_copy(out->mailbox, sizeof(out->mailbox), local) < 0 ?
		NOBODY : FOUND;
}

/* Whom a line means by its second word. */
static int find_named(struct authd_check *c, const struct conf_map *m,
		struct wanted w, struct auth_user *out, struct err *err)
{
	struct span local = split(span_of(m->to), &w.domain);
	int result = NOBODY;

	if (++*w.steps > STEPS_MOST)
		return NOBODY;
	if (m->to[0] == '@')
		return find_all(c, w, out, err);
	w.local = local;
	if (!w.domain.n)
		result = find_box(c, local, first_domain(c->conf), out, err);
	else if (conf_is_local(c->conf, w.domain))
		result = find_detail(c, &w, out, err);
	/* queue knows of the line, too; of the address as it came and no other */
	if (CFG_ALIASES && result == NOBODY && !w.other && *w.steps == 1)
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
		find_box(c, w->local, w->domain, out, err);
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

	if (result != NOBODY || !n)
		return result;
	plain.local = span_sub(w->local, 0, n);
	plain.other = true;
	return find_here(c, &plain, out, err);
}

/* The lines for all of a domain: others have its users, or one gets the rest. */
static int find_domain(struct authd_check *c, const struct wanted *w,
		bool others, struct auth_user *out, struct err *err)
{
	const struct conf_map *m = c->conf->virtuals;
	int result = NOBODY;

	while (result == NOBODY && (m = conf_map_find(c->conf, m, w->local,
			w->domain, CONF_MAP_DOMAIN))) {
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

	if (CFG_AUTHD_VIRTUAL && result == NOBODY)
		result = find_domain(c, &w, true, out, err);
	if (CFG_AUTHD_VIRTUAL && result == NOBODY && w.catch_all)
		result = find_domain(c, &w, false, out, err);
	return result;
}

/* RFC 5321 4.5.1: every domain has a postmaster, who may be somebody else. */
static int find_postmaster(struct authd_check *c, struct auth_user *out,
		struct err *err)
{
	struct span domain, local = split(span_of(c->conf->postmaster),
			&domain);

	if (!domain.n)
		domain = first_domain(c->conf);
	return find_box(c, local, domain, out, err);
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
	int result = NOBODY;

	if (CFG_ALIASES)
		result = find_alias(c, SPAN("postmaster"), out, err);
	if (CFG_ALIASES && result == NOBODY)
		result = find_alias(c, span_of(c->conf->postmaster), out, err);
	return result == NOBODY ? find_postmaster(c, out, err) : result;
}

static int lookup(struct authd_check *c, struct span address,
		struct auth_user *out, struct err *err)
{
	struct span domain, local = split(address, &domain);
	bool postmaster = span_is(local, "postmaster");
	unsigned steps = 0;
	struct str plain;
	struct wanted w;
	int result;

	if (!domain.n && postmaster)
		domain = first_domain(c->conf);
	if (!local.n || !conf_is_local(c->conf, domain))
		return NOBODY;
	str_init(&plain, AUTHD_NAME_MOST);
	addr_local_plain(&plain, local);
	w = (struct wanted){ .local = str_span(&plain), .domain = domain,
		.steps = &steps };
	result = plain.bad ? NOBODY : find_all(c, w, out, err);
	if (CFG_ALIASES && result == NOBODY && !plain.bad)
		result = find_alias(c, str_span(&plain), out, err);
	if (result == NOBODY && is_role(str_span(&plain)))
		result = find_role(c, out, err);
	if (CFG_AUTHD_VIRTUAL && result == NOBODY && c->conf->virtuals &&
			!plain.bad) {
		w.catch_all = true;
		steps = 0;
		result = find_all(c, w, out, err);
	}
	str_free(&plain);
	return result;
}

/* -- PLAIN: may somebody log in -- */

/* Whom a name may mean. */
struct candidates {
	bool is_virtual, is_system;
	struct auth_user virtual, system;
	struct scram_keys keys;
};

/* alice@a.com is a user of ours first, alice one of this machine. */
static int find_candidates(struct authd_check *c, const struct authd_ask *ask,
		struct candidates *who, struct err *err)
{
	struct span domain, local = split(span_of(ask->name), &domain);
	bool bare = !domain.n;
	int result;

	if (bare)
		domain = first_domain(c->conf);
	if (ask->nobody || !conf_is_local(c->conf, domain))
		return 0;
	result = find_virtual(c, local, domain, &who->virtual, &who->keys,
			err);
	if (result < 0)
		return -1;
	who->is_virtual = result == FOUND && who->keys.rounds;
	if (result == FOUND && !bare)
		return 0;
	result = find_system(c, local, &who->system, err);
	if (result < 0)
		return -1;
	/* root's password is not for guessing over the network */
	who->is_system = result == FOUND && who->system.uid != 0;
	if (who->is_system)
		who->is_virtual = false;
	return 0;
}

static bool system_ok(const struct authd_check *c, const char *name,
		const char *password)
{
	return CFG_AUTHD_SYSTEM && c->conf->system_users &&
		authd_system_verify(name, password);
}

static void waste_time(const struct authd_check *c, const char *password)
{
	static const unsigned char salt[SCRAM_SALT_SIZE];
	struct scram_keys keys;

	scram_derive(&keys, span_of(password), salt, c->conf->scram_rounds);
	explicit_bzero(&keys, sizeof(keys));
}

/*
 * A failure has always cost one derivation of each kind, so that how long it
 * took does not tell who exists.
 */
static const struct auth_user *verify(const struct authd_check *c,
		const struct candidates *who, const char *password)
{
	if (who->is_system && system_ok(c, who->system.name, password))
		return &who->system;
	if (!who->is_virtual)
		waste_time(c, password);
	else if (scram_verify(&who->keys, span_of(password)))
		return &who->virtual;
	if (!who->is_system)
		system_ok(c, NULL, password);
	return NULL;
}

/* -- saslauthd: for whom users.db does not have -- */

/* Also one that is switched off there. */
static int is_in_db(struct authd_check *c, const char *address,
		struct err *err)
{
	struct user user;
	int result = refresh(c, err);

	return result == FOUND ? user_find(c->db, span_of(address), &user,
			NULL, err) : result;
}

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

/* Who logs in: an account of this machine, or an address of ours. */
static void name_user(struct authd_check *c, const struct candidates *who,
		const char *address, struct span local, struct span domain,
		struct auth_user *out)
{
	if (who->is_system) {
		*out = who->system;
		return;
	}
	*out = (struct auth_user){ .kind = AUTH_VIRTUAL, .uid = c->uid,
		.gid = c->gid };
	str_copys(out->name, sizeof(out->name), address);
	snprintf(out->mailbox, sizeof(out->mailbox), "%.*s/%.*s",
			SPAN_ARG(domain), SPAN_ARG(local));
	/* one user in whatever letters, also for the rates */
	for (char *p = out->name; *p; p++)
		*p = ascii_lower(*p);
	for (char *p = out->mailbox; *p; p++)
		*p = ascii_lower(*p);
}

static int ask_saslauthd(struct authd_check *c, const struct authd_ask *ask,
		const struct candidates *who, struct auth_user *out,
		struct err *err)
{
	struct span domain, local = split(span_of(ask->name), &domain);
	char address[AUTHD_NAME_MOST + 256], name[AUTHD_NAME_MOST + 1];
	bool pop = span_starts(span_of(ask->service), "pop");
	struct authd_login l;
	int result;

	if (!domain.n)
		domain = first_domain(c->conf);
	snprintf(address, sizeof(address), "%.*s@%.*s", SPAN_ARG(local),
			SPAN_ARG(domain));
	str_copy(name, sizeof(name), local);
	if (who->is_system)
		str_copys(name, sizeof(name), who->system.name);
	l = (struct authd_login){ span_of(name), span_of(ask->password),
		pop ? SPAN("pop") : SPAN("smtp"), domain };
	if (ask->nobody || !conf_is_local(c->conf, domain) ||
			!user_address_valid(span_of(address)) || is_root(name))
		return NOBODY;
	result = is_in_db(c, address, err);
	if (result != NOBODY)
		return result < 0 ? -1 : NOBODY;
	if (!c->slow)
		return ELSEWHERE;
	result = authd_saslauthd(&c->saslauthd, c->conf->saslauthd, &l, err);
	if (result == FOUND)
		name_user(c, who, address, local, domain, out);
	return result;
}

/* All else was found out before. */
static int login_elsewhere(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err)
{
	struct candidates who = { 0 };
	int result = find_candidates(c, ask, &who, err);

	if (result == 0)
		result = ask_saslauthd(c, ask, &who, out, err);
	explicit_bzero(&who, sizeof(who));
	return result;
}

static int login(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err)
{
	struct candidates who = { 0 };
	const struct auth_user *user = NULL;
	int result = find_candidates(c, ask, &who, err);

	if (result == 0)
		user = verify(c, &who, ask->password);
	if (user)
		*out = *user;
	else if (result == 0)
		result = CFG_AUTHD_SASLAUTHD && c->conf->saslauthd ?
			ask_saslauthd(c, ask, &who, out, err) : NOBODY;
	explicit_bzero(&who, sizeof(who));
	return result;
}

/* -- SALT and PROOF: the same without the password -- */

/*
 * Who logs in with an account of this machine has no such keys, only a hash
 * that crypt understands: he gets what nobody gets.
 */
static int find_keys(struct authd_check *c, const struct authd_ask *ask,
		struct candidates *who, struct err *err)
{
	struct span domain, local = split(span_of(ask->name), &domain);
	char name[2 * AUTHD_NAME_MOST + 2], ascii[IDNA_SIZE];
	struct scram_keys fake;
	int result = find_candidates(c, ask, who, err);

	/* in one form, as what somebody exists by comes in several */
	if (!domain.n)
		domain = first_domain(c->conf);
	if (idna_ascii(ascii, domain))
		domain = span_of(ascii);
	snprintf(name, sizeof(name), "%.*s@%.*s", SPAN_ARG(local),
			SPAN_ARG(domain));
	for (char *p = name; *p; p++)
		*p = ascii_lower(*p);
	authd_scram_fake(&fake, c->secret, span_of(name),
			c->conf->scram_rounds);
	if (!who->is_virtual)
		who->keys = fake;
	return result;
}

static int salt(struct authd_check *c, const struct authd_ask *ask,
		struct str *out, struct err *err)
{
	struct candidates who = { 0 };
	int result = find_keys(c, ask, &who, err);

	if (result == 0)
		authd_scram_salt(out, &who.keys);
	explicit_bzero(&who, sizeof(who));
	return result;
}

static int prove(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err)
{
	unsigned char signature[SHA256_SIZE];
	struct candidates who = { 0 };
	struct str text;
	int result = find_keys(c, ask, &who, err);
	bool good = scram_proof(&who.keys, span_of(ask->message), ask->proof,
			signature) && who.is_virtual && !ask->nobody;

	if (result == 0 && good) {
		*out = who.virtual;
		str_init(&text, sizeof(out->scram) - 1);
		base64_put(&text, span_make((char *)signature,
				sizeof(signature)));
		str_copy(out->scram, sizeof(out->scram), str_span(&text));
		str_free(&text);
	}
	explicit_bzero(&who, sizeof(who));
	if (result < 0)
		return -1;
	return good ? FOUND : NOBODY;
}

/* -- the answer -- */

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
	if (*user->settings)
		base64_put(out, span_of(user->settings));
	else
		str_addc(out, '=');
	str_addf(out, "%s%s", *user->scram ? " " : "", user->scram);
}

void authd_check_answer(struct authd_check *c, struct span line,
		char out[AUTHD_ANSWER_SIZE])
{
	struct auth_user user;
	struct authd_ask ask;
	struct err err = { 0 };
	struct str text;
	int result;

	str_init(&text, AUTHD_ANSWER_SIZE - 1);
	if (!authd_ask_parse(&ask, line))
		result = err_set(&err, ERR_PROTO, "not a request");
	else if (ask.verb == AUTHD_PLAIN)
		result = (CFG_AUTHD_SASLAUTHD && c->slow ? login_elsewhere :
				login)(c, &ask, &user, &err);
	else if (CFG_SASL_SCRAM && ask.verb == AUTHD_SALT)
		result = salt(c, &ask, &text, &err);
	else if (CFG_SASL_SCRAM && ask.verb == AUTHD_PROOF)
		result = prove(c, &ask, &user, &err);
	else
		result = ask.nobody ? NOBODY
			: lookup(c, span_of(ask.name), &user, &err);
	explicit_bzero(&ask, sizeof(ask));
	if (result < 0)
		str_addf(&text, "TEMP %s", err.text);
	else if (result == NOBODY)
		str_adds(&text, "NO");
	else if (CFG_AUTHD_SASLAUTHD && result == ELSEWHERE)
		str_adds(&text, AUTHD_ELSEWHERE);
	else if (!text.n)
		put_user(&text, &user);
	if (text.bad || str_copy(out, AUTHD_ANSWER_SIZE, str_span(&text)) < 0)
		str_copy(out, AUTHD_ANSWER_SIZE, SPAN("TEMP out of memory"));
	str_free(&text);
}

void authd_check_elsewhere(struct authd_check *c, struct span line,
		char out[AUTHD_ANSWER_SIZE])
{
	c->slow = true;
	authd_check_answer(c, line, out);
}
