/* authd_scram - salts and proofs (RFC 5802), also for users that are none */
#include "authd/authd_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/idna.h"
#include "config.h"
#include "os/file.h"
#include "os/log.h"
#include "os/rand.h"

void authd_secret_get(struct authd_secret *s, const struct conf *conf)
{
	char path[1024];
	struct str text;
	struct err err;

	snprintf(path, sizeof(path), "%s/authd.secret", conf->state_dir);
	str_init_secret(&text, sizeof(s->bytes));
	if (file_read(AT_FDCWD, path, &text, &err) == 0 &&
			text.n == sizeof(s->bytes)) {
		memcpy(s->bytes, text.p, text.n);
	} else {
		rand_bytes(s->bytes, sizeof(s->bytes));
		if (file_replace(AT_FDCWD, path, 0600, span_make(
				(char *)s->bytes, sizeof(s->bytes)), &err) < 0)
			log_debug("%s", err.text);
	}
	str_wipe(&text);
}

/* The same for the same name; the keys are those of no password. */
void authd_scram_fake(struct scram_keys *keys, const struct authd_secret *s,
		struct span name, unsigned rounds)
{
	unsigned char hash[SHA256_SIZE];

	memset(keys, 0, sizeof(*keys));
	sha256_hmac(hash, span_make((const char *)s->bytes, sizeof(s->bytes)),
			name);
	memcpy(keys->salt, hash, sizeof(keys->salt));
	keys->rounds = rounds;
}

void authd_scram_salt(struct str *out, const struct scram_keys *keys)
{
	str_adds(out, "SALT s=");
	base64_put(out, span_make((const char *)keys->salt,
			sizeof(keys->salt)));
	str_addf(out, ",i=%u", keys->rounds);
}

/* -- SALT and PROOF: a login without the password -- */

/*
 * Who logs in with an account of this machine has no such keys, only a hash
 * that crypt understands: he gets what nobody gets.
 */
static int find_keys(struct authd_check *c, const struct authd_ask *ask,
		struct authd_person *who, const struct authd_slot **known,
		struct err *err)
{
	struct span domain, local = authd_split(span_of(ask->name), &domain);
	char name[2 * AUTHD_NAME_MOST + 2], ascii[IDNA_SIZE];
	const struct authd_slot *slot;
	struct scram_keys fake;
	int result = authd_find_login(c, ask, true, who, &slot, err);

	/* in one form, as what somebody exists by comes in several */
	if (!domain.n)
		domain = authd_first_domain(c->conf);
	if (idna_ascii(ascii, domain))
		domain = span_of(ascii);
	snprintf(name, sizeof(name), "%.*s@%.*s", SPAN_ARG(local),
			SPAN_ARG(domain));
	ascii_lower_all(name);
	authd_scram_fake(&fake, c->secret, span_of(name),
			c->conf->scram_rounds);
	*known = slot && slot->is->keys && who->keys.rounds ? slot : NULL;
	if (!*known)
		who->keys = fake;
	return result;
}

int authd_salt(struct authd_check *c, const struct authd_ask *ask,
		struct str *out, struct err *err)
{
	struct authd_person who = { 0 };
	const struct authd_slot *known;
	int result = find_keys(c, ask, &who, &known, err);

	if (result == 0)
		authd_scram_salt(out, &who.keys);
	explicit_bzero(&who, sizeof(who));
	return result;
}

/* All of somebody's passwords have one salt, so a proof may be of any. */
static bool proved(const struct authd_ask *ask, struct authd_person *who,
		const struct authd_slot *known,
		unsigned char signature[SHA256_SIZE])
{
	bool good = scram_proof(&who->keys, span_of(ask->message), ask->proof,
			signature);

	while (CFG_USERS_FULL && !good && known && known->is->next_keys &&
			known->is->next_keys(known->own, who))
		good = scram_proof(&who->keys, span_of(ask->message),
				ask->proof, signature);
	good = good && known && !ask->nobody;
	if (CFG_USERS_FULL && good && known->is->used)
		known->is->used(known->own, who);
	return good;
}

int authd_prove(struct authd_check *c, const struct authd_ask *ask,
		struct auth_user *out, struct err *err)
{
	unsigned char signature[SHA256_SIZE];
	struct authd_person who = { 0 };
	const struct authd_slot *known;
	struct str text;
	int result = find_keys(c, ask, &who, &known, err);
	bool good = proved(ask, &who, known, signature);

	if (result == 0 && good) {
		*out = who.user;
		str_init(&text, sizeof(out->scram) - 1);
		base64_put(&text, span_make((char *)signature,
				sizeof(signature)));
		str_copy(out->scram, sizeof(out->scram), str_span(&text));
		str_free(&text);
	}
	explicit_bzero(&who, sizeof(who));
	if (result)
		return result;
	return good ? AUTHD_FOUND : AUTHD_NOBODY;
}
