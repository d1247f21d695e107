/* What one address or user may do in a time, and bans; in RAM only. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/ban.h"
#include "os/log.h"
#include "smtpd/smtpd.h"

#define TARPIT_MOST 60		/* seconds */
#define FIRST_SIZE 16
#define PER_SECOND 1000000

/* Times are loop_now() in microseconds. */
struct smtpd_tracked {
	unsigned char key[16];
	int64_t used;			/* last */
	int64_t banned;			/* until then */
	int64_t next[SMTPD_LIMITS_COUNT];	/* when a bucket is full */
};

static int64_t now_us(const struct smtpd *m)
{
	return loop_now(m->daemon.loop) * 1000;
}

/* -- the table -- */

static struct smtpd_tracked *find(struct smtpd *m, const unsigned char *key)
{
	for (unsigned i = 0; i < m->ntracked; i++)
		if (!memcmp(m->tracked[i].key, key, sizeof(m->tracked->key)))
			return &m->tracked[i];
	return NULL;
}

/* Who is banned stays as long as others can go. */
static struct smtpd_tracked *quietest(struct smtpd *m)
{
	struct smtpd_tracked *best = NULL;
	int64_t rank = INT64_MAX, now = now_us(m);

	for (unsigned i = 0; i < m->ntracked; i++) {
		struct smtpd_tracked *t = &m->tracked[i];
		int64_t mine = t->banned > now ? t->banned + now : t->used;

		if (mine < rank) {
			rank = mine;
			best = t;
		}
	}
	return best;
}

static struct smtpd_tracked *room(struct smtpd *m)
{
	unsigned size = m->tracked_size ? m->tracked_size * 2 : FIRST_SIZE;
	struct smtpd_tracked *more;

	if (m->ntracked < m->tracked_size)
		return &m->tracked[m->ntracked++];
	if (size > m->daemon.conf->max_tracked)
		size = m->daemon.conf->max_tracked;
	if (size == m->tracked_size)
		return quietest(m);
	more = realloc(m->tracked, size * sizeof(*more));
	if (!more)
		return quietest(m);
	m->tracked = more;
	m->tracked_size = size;
	return &m->tracked[m->ntracked++];
}

/* NULL: no memory, and then nobody is refused. */
static struct smtpd_tracked *track(struct smtpd *m, const unsigned char *key)
{
	struct smtpd_tracked *t = find(m, key);

	if (!t) {
		t = room(m);
		if (!t)
			return NULL;
		memset(t, 0, sizeof(*t));
		memcpy(t->key, key, sizeof(t->key));
	}
	t->used = now_us(m);
	return t;
}

/* An address does not begin with ff: that is multicast. */
static void user_key(unsigned char key[16], const char *user)
{
	uint64_t hash = span_hash(SPAN_HASH, span_of(user));

	memset(key, 0xff, 16);
	memcpy(key, &hash, sizeof(hash));
	key[0] = key[1] = 0xff;
}

/* -- rates -- */

/* Of MAIL and RCPT. */
static const struct conf_rate *rate_of(const struct conf *c,
		enum smtpd_limit what, bool user)
{
	const struct conf_rate *const rates[][2] = {
		[SMTPD_MESSAGES] = { &c->rate_messages,
			&c->rate_user_messages },
		[SMTPD_RECIPIENTS] = { &c->rate_recipients,
			&c->rate_user_recipients },
	};

	return rates[what][user];
}

/* A token bucket, kept as the moment at which it will be full again. */
static bool take(struct smtpd *m, struct smtpd_tracked *t,
		enum smtpd_limit what, const struct conf_rate *rate)
{
	int64_t now = now_us(m), period = (int64_t)rate->seconds * PER_SECOND;
	int64_t *next = &t->next[what];
	int64_t full = (*next > now ? *next : now) + period / rate->n;

	if (full - now > period)
		return false;
	*next = full;
	return true;
}

/* True: this one is too many. key NULL: what has no key of its own. */
static bool too_many(struct smtpd *m, const unsigned char *key,
		enum smtpd_limit what, const struct conf_rate *rate)
{
	struct smtpd_tracked *t = rate->n ? track(m, key) : NULL;

	return t && !take(m, t, what, rate);
}

enum door_answer smtpd_limit_door(struct door *door,
		const struct sockaddr *peer)
{
	struct smtpd *m = container_of(door, struct smtpd, door);
	const struct smtpd_tracked *t;
	unsigned char key[16];

	if (!smtpd_is_stranger(m, peer) || !listen_key(key, peer))
		return DOOR_OPEN;
	t = find(m, key);
	if (t && t->banned > now_us(m))
		return DOOR_BANNED;
	return too_many(m, key, SMTPD_CONNECTIONS,
			&m->daemon.conf->rate_connections) ? DOOR_TOO_FAST :
		DOOR_OPEN;
}

bool smtpd_limit_reached(struct smtpd_session *x, enum smtpd_limit what)
{
	static const char *const why[SMTPD_LIMITS_COUNT] = {
		[SMTPD_MESSAGES] = "Too many messages, try again later",
		[SMTPD_RECIPIENTS] = "Too many recipients, try again later",
	};
	struct smtp_session *s = x->smtp;
	struct smtpd *m = x->service->smtpd;
	const struct conf_device *device = x->service->device;
	unsigned char key[16];

	if (x->service->local)
		return false;
	if (s->auth_user)
		user_key(key, s->auth_user);
	else if ((!device && !smtpd_is_stranger(m, conn_peer_addr(s->conn))) ||
			!listen_key(key, conn_peer_addr(s->conn)))
		return false;
	if (!too_many(m, key, what, device && what == SMTPD_MESSAGES ?
				&device->rate : rate_of(m->daemon.conf, what,
					s->auth_user)))
		return false;
	door_tell(&m->limit, s->auth_user ? s->auth_user : conn_peer(s->conn),
			why[what]);
	smtp_server_refuse(s, what == SMTPD_MESSAGES ? 451 : 452, "4.7.1",
			why[what]);
	return true;
}

/* -- failures -- */

/* In full: banIP does not see the short forms of IPv6. */
static void put_address(char *out, size_t size, const struct sockaddr *peer)
{
	const struct sockaddr_in *v4 = (const void *)peer;
	const struct sockaddr_in6 *v6 = (const void *)peer;
	const unsigned char *a = (const void *)&v4->sin_addr;
	size_t n = 0;

	if (peer->sa_family == AF_INET) {
		snprintf(out, size, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
		return;
	}
	a = v6->sin6_addr.s6_addr;
	for (unsigned i = 0; i < 16 && n < size; i += 2)
		n += (size_t)snprintf(out + n, size - n, "%s%x", i ? ":" : "",
				(unsigned)(a[i] << 8 | a[i + 1]));
}

/* maild runs ban-command: we have no rights to. */
static void tell_maild(struct smtpd *m, const unsigned char key[16])
{
	struct ban ban = { .seconds = m->daemon.conf->ban_time };

	if (!m->daemon.conf->ban_command)
		return;
	memcpy(ban.key, key, sizeof(ban.key));
	if (ban_send(m->ban_fd, &ban) < 0)
		log_warn("ban-command: maild does not take it: %s",
				strerror(errno));
}

bool smtpd_limit_failure(struct smtpd *m, const struct sockaddr *peer)
{
	unsigned char key[16];
	struct smtpd_tracked *t;
	char text[INET6_ADDRSTRLEN];

	if (!smtpd_is_stranger(m, peer) || !listen_key(key, peer) ||
			!too_many(m, key, SMTPD_FAILURES,
				&m->daemon.conf->ban_after))
		return false;
	t = find(m, key);
	if (t->banned > now_us(m))
		return true;
	t->banned = now_us(m) + (int64_t)m->daemon.conf->ban_time * PER_SECOND;
	t->next[SMTPD_FAILURES] = 0;
	put_address(text, sizeof(text), peer);
	/* docs/abuse.md: fail2ban and banIP know this line */
	log_warn("ban address=%s bits=%d seconds=%u", text,
			peer->sa_family == AF_INET ? 32 : 64,
			m->daemon.conf->ban_time);
	if (CFG_MAILD_BAN_COMMAND)
		tell_maild(m, key);
	return true;
}

static void on_patience(struct loop_timer *t)
{
	smtp_server_go(container_of(t, struct smtpd_session, timer)->smtp);
}

bool smtpd_limit_wrong(struct smtp_session *s, unsigned errors, bool last)
{
	struct smtpd_session *x = s->owner;
	struct smtpd *m = x->service->smtpd;
	const struct conf *c = m->daemon.conf;
	const struct sockaddr *peer = conn_peer_addr(s->conn);
	uint64_t wait = (uint64_t)c->tarpit * errors;

	if (last)
		smtpd_limit_failure(m, peer);
	if (last || !wait || m->daemon.stopping || x->service->local ||
			!smtpd_is_stranger(m, peer))
		return false;
	x->timer.fire = on_patience;
	loop_timer_set(m->daemon.loop, &x->timer,
			(wait < TARPIT_MOST ? (int64_t)wait : TARPIT_MOST) *
			1000);
	return true;
}
