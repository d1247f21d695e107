/* authd_users - users.db as a source */
#include "authd/authd_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/idna.h"
#include "config.h"
#include "os/clock.h"
#include "os/rand.h"
#include "store/foreign.h"
#include "store/user.h"

#define DAY 86400

/* What is known of somebody besides: in authd_person.own. */
struct own {
	int64_t user;
	unsigned at;			/* of which of all keys the next is */
	int64_t credential, used;	/* of these; 0: of the main password */
};
_Static_assert(sizeof(struct own) <= AUTHD_OWN_SIZE, "room");

struct users {
	const struct authd_check *check;
	struct user_db *db;		/* NULL: there is none yet */
	dev_t device;			/* of the file behind db */
	ino_t inode;
	struct timespec changed;	/* when it was, */
	bool sound;			/* and whether that is in order */
	char path[1024];
};

static bool wanted(const struct conf *conf)
{
	(void)conf;
	return true;
}

static void *start(const struct authd_check *c)
{
	struct users *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->check = c;
	snprintf(u->path, sizeof(u->path), "%s/" USER_FILE,
			c->conf->state_dir);
	return u;
}

static void end(void *own)
{
	struct users *u = own;

	user_close(u->db);
	free(u);
}

/*
 * What a file that was there once leaves: the journal, which SQLite keeps, and
 * mailboxes, unless a directory knows their owners.
 */
static bool was_there(const struct users *u, struct span domain)
{
	const struct authd_check *c = u->check;
	char path[1100], ascii[IDNA_SIZE];

	snprintf(path, sizeof(path), "%s-journal", u->path);
	if (access(path, F_OK) == 0 || access(c->conf->state_dir, F_OK) < 0)
		return true;
	for (unsigned i = 0; i < c->nsources; i++)
		if (c->sources[i].is->slow && c->sources[i].is->wanted(c->conf))
			return false;
	if (!domain.n || !idna_ascii(ascii, domain))
		return false;
	snprintf(path, sizeof(path), "%s/%s", c->conf->mail_dir, ascii);
	return access(path, F_OK) == 0;
}

/* Before the first user there is none; but who has lost it bounces nothing. */
static int missing(const struct users *u, struct span domain, struct err *err)
{
	if (!was_there(u, domain))
		return AUTHD_NOBODY;
	return err_set(err, ERR_TEMP, "%s: missing, and there have been users: "
			"restore a copy, or mailuser add makes a new one",
			u->path);
}

/* The file may have come, gone or been replaced since the last request. */
static int refresh(struct users *u, struct span domain, struct err *err)
{
	struct stat st;
	int found = stat(u->path, &st);

	if (found < 0 && errno != ENOENT)
		return err_errno(err, "%s", u->path);
	if (u->db && (found < 0 || st.st_dev != u->device ||
			st.st_ino != u->inode)) {
		user_close(u->db);
		u->db = NULL;
	}
	if (found < 0)
		return missing(u, domain, err);
	if (!u->db || st.st_mtim.tv_sec != u->changed.tv_sec ||
			st.st_mtim.tv_nsec != u->changed.tv_nsec)
		u->sound = false;
	u->changed = st.st_mtim;
	if (!u->db) {
		u->device = st.st_dev;
		u->inode = st.st_ino;
		u->db = user_open(u->path, false, err);
	}
	return u->db ? AUTHD_FOUND : -1;
}

/* -- all that somebody has: USERS_FULL -- */

static void put_keys(struct authd_person *who, const struct user_secrets *all,
		struct own *o)
{
	const struct user_key *key = &all->key[o->at];

	who->keys = all->shared;
	memcpy(who->keys.stored, key->stored, SHA256_SIZE);
	memcpy(who->keys.server, key->server, SHA256_SIZE);
	o->credential = key->app ? key->id : 0;
	o->used = key->used;
	o->at++;
	memcpy(who->own, o, sizeof(*o));
}

/* Who has a hash for a password may have keys for apps. */
static int find_all(struct users *u, const struct user *user,
		struct authd_person *out, struct err *err)
{
	struct own o = { .user = user->id };
	struct user_secrets all;
	int rc = user_secrets(u->db, user->id, &all, err);

	memcpy(out->own, &o, sizeof(o));
	if (rc == 0 && all.n)
		put_keys(out, &all, &o);
	explicit_bzero(&all, sizeof(all));
	return rc;
}

static bool next_keys(void *own, struct authd_person *who)
{
	struct users *u = own;
	struct user_secrets all;
	struct own o;
	bool more;

	memcpy(&o, who->own, sizeof(o));
	more = user_secrets(u->db, o.user, &all, NULL) == 0 && o.at < all.n;
	if (more)
		put_keys(who, &all, &o);
	explicit_bzero(&all, sizeof(all));
	return more;
}

/* At most one word a day, and none where nobody knows what day it is. */
static void note_use(const struct users *u, int64_t credential, int64_t used)
{
	int64_t today = clock_now() / DAY;

	if (credential && clock_plausible() && today > used)
		snprintf(u->check->note, AUTHD_NOTE_SIZE, "u%lld=%lld",
				(long long)credential, (long long)today);
}

static void used(void *own, const struct authd_person *who)
{
	struct own o;

	memcpy(&o, who->own, sizeof(o));
	note_use(own, o.credential, o.used);
}

/* The password is known now, for the only time: it may become keys. */
static void note_rekey(const struct users *u, const struct user_secrets *all,
		const char *password)
{
	struct scram_keys keys = all->shared;
	char text[SCRAM_TEXT_SIZE];

	if (!keys.rounds) {
		rand_bytes(keys.salt, sizeof(keys.salt));
		keys.rounds = u->check->conf->scram_rounds;
	}
	scram_derive(&keys, span_of(password), keys.salt, keys.rounds);
	scram_print(text, &keys);
	if (text[0])
		snprintf(u->check->note, AUTHD_NOTE_SIZE, "k%lld=%s",
				(long long)all->foreign_id, text);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(&keys, sizeof(keys));
}

/*
 * Its hash, or somebody's: while there are such, a failure costs one of them,
 * whoever it is about.
 */
static bool verify_foreign(const struct users *u,
		const struct user_secrets *all, const char *password)
{
	char other[sizeof(all->foreign)];

	if (all->foreign_id)
		return foreign_verify(all->foreign, password);
	if (u->db && user_some_foreign(u->db, other, NULL) == 0) {
		foreign_verify(other, password);
		explicit_bzero(other, sizeof(other));
	}
	return false;
}

/* One derivation for all keys; of no fewer rounds than one for nobody has. */
static const struct user_key *verify_keys(const struct users *u,
		const struct user_secrets *all, const char *password)
{
	unsigned rounds = u->check->conf->scram_rounds;
	const struct user_key *found = NULL;
	struct scram_keys made, rest;

	scram_derive(&made, span_of(password), all->shared.salt,
			all->n ? all->shared.rounds : rounds);
	if (made.rounds < rounds)
		scram_derive(&rest, span_of(password), all->shared.salt,
				rounds - made.rounds);
	for (unsigned i = 0; i < all->n; i++)
		if (scram_same(made.stored, all->key[i].stored,
				sizeof(made.stored)))
			found = &all->key[i];
	explicit_bzero(&made, sizeof(made));
	explicit_bzero(&rest, sizeof(rest));
	return found;
}

static int verify_all(struct users *u, const struct authd_person *who,
		const char *password, struct err *err)
{
	struct user_secrets all = { 0 };
	const struct user_key *key;
	int result = AUTHD_NOBODY;
	struct own o = { 0 };

	if (who)
		memcpy(&o, who->own, sizeof(o));
	if (who && user_secrets(u->db, o.user, &all, err) < 0)
		return -1;
	key = verify_keys(u, &all, password);
	if (key) {
		result = AUTHD_FOUND;
		note_use(u, key->app ? key->id : 0, key->used);
	} else if (verify_foreign(u, &all, password)) {
		result = AUTHD_FOUND;
		note_rekey(u, &all, password);
	}
	explicit_bzero(&all, sizeof(all));
	return result;
}

static int take_note(struct user_db *db, struct span word, struct err *err)
{
	struct scram_keys keys;
	struct span id = span_rest(word, 1), value;
	unsigned long long n, day;
	int rc = 0;

	value = id;
	id = span_cut(&value, '=');
	if (!span_number64(id, INT64_MAX, &n))
		return 0;
	if (word.p[0] == 'u' && span_number64(value, INT64_MAX, &day))
		rc = user_used(db, (int64_t)n, (int64_t)day, err);
	else if (word.p[0] == 'k' && scram_parse(&keys, value))
		rc = user_rekey(db, (int64_t)n, &keys, err);
	explicit_bzero(&keys, sizeof(keys));
	return rc;
}

int authd_users_note(const struct conf *conf, struct span notes,
		struct err *err)
{
	char path[1024];
	struct user_db *db;
	struct span word;
	int rc;

	snprintf(path, sizeof(path), "%s/" USER_FILE, conf->state_dir);
	/* it may be gone; this shall not make a new one */
	if (access(path, F_OK) < 0)
		return 0;
	db = user_open(path, true, err);
	if (!db)
		return -1;
	rc = user_batch_begin(db, err);
	while (rc == 0 && (word = span_word(&notes)).n)
		rc = take_note(db, word, err);
	if (rc == 0)
		rc = user_batch_end(db, rc, err);
	user_close(db);
	return rc;
}

/* -- the source -- */

static int find(void *own, const struct authd_name *name,
		struct authd_person *out, struct err *err)
{
	char address[AUTHD_NAME_MOST + 1];
	struct users *u = own;
	struct user user;
	int result = refresh(u, name->domain, err);

	if (result != AUTHD_FOUND)
		return result;
	/* too long for the room is too long for a user, so cutting is fine */
	snprintf(address, sizeof(address), "%.*s@%.*s",
			SPAN_ARG(name->local), SPAN_ARG(name->domain));
	result = user_find(u->db, span_of(address), &user, CFG_USERS_FULL ?
			NULL : &out->keys, err);
	/* once for each change, as it is nothing that a login should cost */
	if (result > 0 && !u->sound) {
		if (user_sound(u->db, err) < 0)
			return -1;
		u->sound = true;
	}
	if (CFG_USERS_FULL && result == 0) {
		out->keys = (struct scram_keys){ 0 };
		result = find_all(u, &user, out, err);
	}
	if (result)
		return result < 0 ? -1 : AUTHD_NOBODY;
	if (!user.enabled)
		return AUTHD_OFF;
	out->user = (struct auth_user){ .kind = AUTH_VIRTUAL,
		.uid = u->check->uid, .gid = u->check->gid };
	str_copys(out->user.name, sizeof(out->user.name), user.address);
	str_copys(out->user.mailbox, sizeof(out->user.mailbox), user.mailbox);
	if (!CFG_USERS_FULL)
		return AUTHD_FOUND;
	out->user.quota = user.quota;
	out->user.quota_messages = user.quota_messages;
	str_copys(out->user.settings, sizeof(out->user.settings),
			user.settings);
	return AUTHD_FOUND;
}

static void waste_time(const struct conf *conf, const char *password)
{
	static const unsigned char salt[SCRAM_SALT_SIZE];
	struct scram_keys keys;

	scram_derive(&keys, span_of(password), salt, conf->scram_rounds);
	explicit_bzero(&keys, sizeof(keys));
}

static int verify(void *own, const struct authd_person *who,
		const char *password, struct err *err)
{
	struct users *u = own;

	if (CFG_USERS_FULL)
		return verify_all(u, who, password, err);
	if (who && who->keys.rounds)
		return scram_verify(&who->keys, span_of(password)) ?
			AUTHD_FOUND : AUTHD_NOBODY;
	waste_time(u->check->conf, password);
	return AUTHD_NOBODY;
}

const struct authd_source *authd_users(void)
{
	static const struct authd_source source = {
		.keys = true, .wanted = wanted, .start = start, .end = end,
		.find = find, .verify = verify,
		.next_keys = CFG_USERS_FULL ? next_keys : NULL,
		.used = CFG_USERS_FULL ? used : NULL
	};

	return &source;
}
