/* authd_system - the accounts of this machine as a source */
#include "authd/authd_source.h"

#include <crypt.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

#include "base/scram.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/priv.h"

#define HASH_SIZE 384		/* libxcrypt's CRYPT_OUTPUT_SIZE */
#define DAY 86400

/* It becomes a file's name, and NSS may ask a directory far away. */
static bool name_is_safe(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

static int find_exactly(const char *name, struct auth_user *out,
		struct err *err)
{
	struct priv_user user;

	if (!name_is_safe(name))
		return 1;
	if (priv_find(name, &user, err) < 0)
		return err->kind == ERR_PERM ? 1 : -1;
	/* somebody who is root under another name is nobody here */
	if (!name_is_safe(user.name) ||
			(user.uid == 0 && strcmp(user.name, "root") != 0))
		return 1;
	*out = (struct auth_user){ .kind = AUTH_SYSTEM, .uid = user.uid,
		.gid = user.gid };
	str_copys(out->name, sizeof(out->name), user.name);
	str_copys(out->mailbox, sizeof(out->mailbox), user.name);
	return 0;
}

static int find_account(struct span name, struct auth_user *out,
		struct err *err)
{
	char text[sizeof(((struct priv_user *)0)->name)];
	int result;

	if (str_copy(text, sizeof(text), name) < 0)
		return 1;
	result = find_exactly(text, out, err);
	if (result <= 0)
		return result;
	ascii_lower_all(text);
	return span_eq(span_of(text), name) ? 1 :
		find_exactly(text, out, err);
}

/* A locked account has "*" or "!" before its hash or instead of it. */
static bool hash_usable(const char *hash)
{
	return hash && (hash[0] == '$' || hash[0] == '_' ||
			hash[0] == '.' || hash[0] == '/' ||
			ascii_isalnum(hash[0])) && strlen(hash) >= 13 &&
		strlen(hash) < HASH_SIZE;
}

static bool expired(const struct spwd *sp)
{
	return sp->sp_expire > 0 && clock_plausible() &&
		clock_now() / DAY >= sp->sp_expire;
}

/* False: nobody can log in with this name. */
static bool hash_of(const char *name, char out[HASH_SIZE])
{
	const struct spwd *sp = name ? getspnam(name) : NULL;
	const struct passwd *pw = name && !sp ? getpwnam(name) : NULL;
	const char *hash = sp ? sp->sp_pwdp : pw ? pw->pw_passwd : NULL;

	if (!hash_usable(hash) || (sp && expired(sp)))
		return false;
	return str_copys(out, HASH_SIZE, hash) == 0;
}

/* The method of somebody who can log in: others shall take the same time. */
static bool some_hash(char out[HASH_SIZE])
{
	const struct spwd *sp;
	bool found = false;

	setspent();
	while (!found && (sp = getspent()) != NULL)
		found = hash_usable(sp->sp_pwdp) && str_copys(out, HASH_SIZE,
				sp->sp_pwdp) == 0;
	endspent();
	return found;
}

static bool same(const char *made, const char *hash)
{
	size_t n = strlen(hash);

	/* crypt tells that it failed by NULL or by a text starting with "*" */
	return made && made[0] != '*' && strlen(made) == n &&
		scram_same(made, hash, n);
}

/*
 * Takes as long for the locked, the expired and the unknown (name NULL) as for
 * a wrong password.
 */
static bool verify_account(const char *name, const char *password)
{
	char hash[HASH_SIZE];
	bool known = hash_of(name, hash), match = false;
	struct crypt_data *data;

	if (!known && !some_hash(hash))
		return false;
	data = calloc(1, sizeof(*data));
	if (data) {
		match = same(crypt_r(password, hash, data), hash);
		explicit_bzero(data, sizeof(*data));
	}
	free(data);
	explicit_bzero(hash, sizeof(hash));
	return known && match;
}

/* -- as a source -- */

static bool wanted(const struct conf *conf)
{
	return conf->system_users;
}

/* There is nothing to keep. */
static void *start(const struct authd_check *c)
{
	static char nothing;

	(void)c;
	return &nothing;
}

static void end(void *own)
{
	(void)own;
}

static int find(void *own, const struct authd_name *name,
		struct authd_person *out, struct err *err)
{
	(void)own;
	out->keys.rounds = 0;
	return find_account(name->local, &out->user, err);
}

static int verify(void *own, const struct authd_person *who,
		const char *password, struct err *err)
{
	(void)own;
	(void)err;
	return verify_account(who ? who->user.name : NULL, password) ?
		AUTHD_FOUND : AUTHD_NOBODY;
}

const struct authd_source *authd_system(void)
{
	static const struct authd_source source = {
		.by_name = true, .wanted = wanted, .start = start, .end = end,
		.find = find, .verify = verify
	};

	return &source;
}
