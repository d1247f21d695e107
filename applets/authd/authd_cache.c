/*
 * authd_cache - passwords that were right a moment ago, so that a client which
 * asks for mail every minute costs no derivation each time. What is kept of one
 * is a hash under a key that is nowhere else, and it is wiped in time: it could
 * be tried against words faster than what users.db holds.
 */
#include "authd/authd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/rand.h"
#include "store/user.h"

#define ENTRIES 128

struct entry {
	struct authd_cache_key key;
	int64_t until;			/* clock_ms(); 0: none */
	char *answer;
};

struct authd_cache {
	struct loop *loop;
	const struct conf *conf;
	struct loop_timer timer;	/* looks for those that are over */
	unsigned char secret[SHA256_SIZE];
	struct entry entries[ENTRIES];
};

static void forget(struct entry *e)
{
	if (e->answer)
		explicit_bzero(e->answer, strlen(e->answer));
	free(e->answer);
	explicit_bzero(e, sizeof(*e));
}

static void on_time(struct loop_timer *t)
{
	struct authd_cache *c = container_of(t, struct authd_cache, timer);
	int64_t next = 0;

	for (struct entry *e = c->entries; e < c->entries + ENTRIES; e++) {
		if (e->until && e->until <= clock_ms())
			forget(e);
		if (e->until && (!next || e->until < next))
			next = e->until;
	}
	if (next)
		loop_timer_set(c->loop, t, next - clock_ms() + 1);
}

/*
 * Another number after each change of the users, where it can be seen here. 0:
 * a change within this second would not be.
 */
static uint64_t version(const struct conf *conf)
{
	const char *const paths[] = { NULL, "/etc/passwd", "/etc/shadow" };
	uint64_t hash = SPAN_HASH;
	int64_t now = clock_now();
	char path[1024];
	struct stat st;

	snprintf(path, sizeof(path), "%s/" USER_FILE, conf->state_dir);
	for (int i = 0; i < (conf->system_users ? 3 : 1); i++) {
		int64_t seen[5] = { 0 };

		if (stat(i ? paths[i] : path, &st) == 0) {
			seen[0] = (int64_t)st.st_dev;
			seen[1] = (int64_t)st.st_ino;
			seen[2] = st.st_size;
			seen[3] = st.st_mtim.tv_sec;
			seen[4] = st.st_mtim.tv_nsec;
		}
		if (seen[3] > now - 2)
			return 0;
		hash = span_hash(hash, span_make((const char *)seen,
				sizeof(seen)));
	}
	return hash ? hash : 1;
}

/* Of one service and name: what is right for pop3 may be wrong for smtp. */
static void make_key(const struct authd_cache *c, const struct authd_ask *ask,
		struct authd_cache_key *key)
{
	char text[sizeof(ask->service) + sizeof(ask->name) +
		sizeof(ask->password) + 3];
	int n = snprintf(text, sizeof(text), "%s%c%s%c%s", ask->service, '\0',
			ask->name, '\0', ask->password);

	sha256_hmac(key->hash, span_make((const char *)c->secret,
				sizeof(c->secret)), span_make(text, (size_t)n));
	explicit_bzero(text, sizeof(text));
}

const char *authd_cache_get(struct authd_cache *c, const struct authd_ask *ask,
		struct authd_cache_key *key)
{
	key->version = 0;
	if (ask->verb != AUTHD_PLAIN || ask->nobody || !c->conf->auth_cache)
		return NULL;
	key->version = version(c->conf);
	if (!key->version)
		return NULL;
	make_key(c, ask, key);
	for (struct entry *e = c->entries; e < c->entries + ENTRIES; e++)
		if (e->until > clock_ms() && e->key.version == key->version &&
				scram_same(e->key.hash, key->hash,
					sizeof(key->hash)))
			return e->answer;
	return NULL;
}

void authd_cache_put(struct authd_cache *c, const struct authd_cache_key *key,
		struct span answer)
{
	struct entry *at = c->entries;

	if (!key->version)
		return;
	/* its own, else a free one, else the oldest */
	for (struct entry *e = c->entries; e < c->entries + ENTRIES; e++) {
		if (scram_same(e->key.hash, key->hash, sizeof(key->hash))) {
			at = e;
			break;
		}
		if (e->until < at->until)
			at = e;
	}
	forget(at);
	at->answer = strndup(answer.p, answer.n);
	if (!at->answer)
		return;
	at->key = *key;
	at->until = clock_ms() + (int64_t)c->conf->auth_cache * 1000;
	if (!c->timer.armed)
		loop_timer_set(c->loop, &c->timer, at->until - clock_ms() + 1);
}

struct authd_cache *authd_cache_new(struct loop *loop, const struct conf *conf)
{
	struct authd_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = loop;
	c->conf = conf;
	c->timer.fire = on_time;
	rand_bytes(c->secret, sizeof(c->secret));
	return c;
}

void authd_cache_free(struct authd_cache *c)
{
	if (!c)
		return;
	loop_timer_stop(c->loop, &c->timer);
	for (struct entry *e = c->entries; e < c->entries + ENTRIES; e++)
		forget(e);
	explicit_bzero(c, sizeof(*c));
	free(c);
}
