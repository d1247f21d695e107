#include "store/grey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/span.h"
#include "store/db.h"

#define TEXT_SIZE 1024		/* of a key before it is hashed */

/* Version 1. good: 0 for who waits; how often a network has come again. */
static const char *const steps[] = {
	"CREATE TABLE seen (key INTEGER PRIMARY KEY,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL,"
	" good INTEGER NOT NULL)",
	NULL
};

static const char find_sql[] =
	"SELECT key, first, last, good FROM seen WHERE key IN (?1, ?2)";
static const char put_sql[] =
	"REPLACE INTO seen (key, first, last, good) VALUES (?1, ?2, ?3, ?4)";
static const char count_sql[] = "SELECT count(*) FROM seen";
static const char drop_sql[] =
	"DELETE FROM seen WHERE key IN"
	" (SELECT key FROM seen ORDER BY last LIMIT ?1)";

struct grey {
	struct db *db;
	const struct grey_rules *rules;
	unsigned rows;			/* about: another smtpd may add some */
};

struct row {
	bool found;			/* in the file, be it expired */
	int64_t key, first, last, good;
};

/* -- rows -- */

static int64_t hash(const char *text, size_t n)
{
	unsigned char all[SHA256_SIZE];
	int64_t key;

	sha256(all, span_make(text, n));
	memcpy(&key, all, sizeof(key));
	return key;
}

/* RFC 5321 2.4: a domain's case does not count, a local part's may. */
static size_t put_address(char *out, size_t size, const char *address)
{
	struct span a = span_of(address);
	size_t at = span_rfind(a, '@'), n = 0;

	for (; n < a.n && n < size; n++)
		out[n] = n > at ? ascii_lower(a.p[n]) : a.p[n];
	return n;
}

static void make_keys(const struct grey_try *t, struct row *net,
		struct row *mail)
{
	char text[TEXT_SIZE];
	size_t n = GREY_NET_SIZE;

	memcpy(text, t->net, GREY_NET_SIZE);
	net->key = hash(text, n);
	n += put_address(text + n, TEXT_SIZE / 2 - n, t->sender);
	text[n++] = '\0';
	n += put_address(text + n, TEXT_SIZE - n, t->rcpt);
	mail->key = hash(text, n);
}

static int find(struct grey *g, struct row *net, struct row *mail,
		struct err *err)
{
	struct db_query *q = db_query(g->db, find_sql, err);
	int more = q ? 1 : -1;

	if (!q)
		return -1;
	db_bind_number(q, 1, net->key);
	db_bind_number(q, 2, mail->key);
	while ((more = db_step(q, err)) > 0) {
		struct row *r = db_number(q, 0) == net->key ? net : mail;

		r->found = true;
		r->first = db_number(q, 1);
		r->last = db_number(q, 2);
		r->good = db_number(q, 3);
	}
	return more;
}

static int count(struct grey *g, struct err *err)
{
	struct db_query *q = db_query(g->db, count_sql, err);

	if (!q || db_step(q, err) < 0)
		return -1;
	g->rows = (unsigned)db_number(q, 0);
	db_done(q);
	return 0;
}

/* Some at a time, as finding the oldest ones reads all. */
static int make_room(struct grey *g, struct err *err)
{
	unsigned most = g->rules->conf->greylist_most, n;
	struct db_query *q;

	if (g->rows < most)
		return 0;
	if (count(g, err) < 0)
		return -1;
	if (g->rows < most)
		return 0;
	n = g->rows - most + 1 + most / 32;
	q = db_query(g->db, drop_sql, err);
	if (!q)
		return -1;
	db_bind_number(q, 1, n);
	if (db_step(q, err) < 0)
		return -1;
	g->rows -= n;
	return 0;
}

static int put(struct grey *g, struct row *r, int64_t now, struct err *err)
{
	struct db_query *q;

	if (!r->found && make_room(g, err) < 0)
		return -1;
	q = db_query(g->db, put_sql, err);
	if (!q)
		return -1;
	r->last = now;
	db_bind_number(q, 1, r->key);
	db_bind_number(q, 2, r->first);
	db_bind_number(q, 3, r->last);
	db_bind_number(q, 4, r->good);
	if (db_step(q, err) < 0)
		return -1;
	g->rows += !r->found;
	r->found = true;
	return 0;
}

/* -- what they mean -- */

static int64_t ms(unsigned seconds)
{
	return (int64_t)seconds * 1000;
}

/* Known, and seen within greylist-keep. */
static bool is_good(const struct grey *g, const struct row *r, int64_t now)
{
	return r->good > 0 &&
		now - r->last <= ms(g->rules->conf->greylist_keep);
}

/* RFC 6647 5: a range of time within which a retry counts. */
static int wait_more(struct grey *g, struct row *mail, int64_t now,
		struct err *err)
{
	const struct conf *c = g->rules->conf;
	int64_t age = now - mail->first;

	if (!mail->found || mail->good || age < 0 ||
			age > ms(c->greylist_delay) + ms(c->greylist_retry)) {
		mail->first = now;
		mail->good = 0;
		age = 0;
	}
	if (age >= ms(c->greylist_delay))
		return 0;
	if (put(g, mail, now, err) < 0)
		return -1;
	return (int)((ms(c->greylist_delay) - age + 999) / 1000);
}

/* It has come again. */
static int pass(struct grey *g, struct grey_try *t, struct row *net,
		struct row *mail, int64_t now, struct err *err)
{
	mail->good = 1;
	if (put(g, mail, now, err) < 0)
		return -1;
	if (t->counted || !g->rules->conf->greylist_successes)
		return 0;
	t->counted = true;
	net->good = is_good(g, net, now) ? net->good + 1 : 1;
	net->first = now;
	return put(g, net, now, err);
}

int grey_ask(struct grey *g, struct grey_try *t, int64_t now, struct err *err)
{
	unsigned enough = g->rules->conf->greylist_successes;
	struct row net = { 0 }, mail = { 0 };
	int wait;

	make_keys(t, &net, &mail);
	if (find(g, &net, &mail, err) < 0)
		return -1;
	if (enough && net.good >= enough && is_good(g, &net, now))
		return put(g, &net, now, err);
	if (is_good(g, &mail, now))
		return put(g, &mail, now, err);
	wait = wait_more(g, &mail, now, err);
	return wait ? wait : pass(g, t, &net, &mail, now, err);
}

/* -- opening -- */

/* Times of before a boot say nothing now. */
static int forget_old_boot(struct grey *g, struct err *err)
{
	struct db_query *q = db_query(g->db, "PRAGMA application_id", err);
	char text[48];
	int64_t boot;

	if (!q || db_step(q, err) < 0)
		return -1;
	boot = db_number(q, 0);
	db_done(q);
	if (boot == g->rules->boot)
		return 0;
	snprintf(text, sizeof(text), "PRAGMA application_id=%lu",
			(unsigned long)g->rules->boot);
	if (db_run(g->db, "DELETE FROM seen", err) < 0)
		return -1;
	return db_run(g->db, text, err);
}

struct grey *grey_open(const char *path, const struct grey_rules *rules,
		struct err *err)
{
	struct grey *g = calloc(1, sizeof(*g));

	if (!g) {
		err_nomem(err);
		return NULL;
	}
	g->rules = rules;
	g->db = db_open_scratch(path, steps, err);
	if (g->db && forget_old_boot(g, err) == 0 && count(g, err) == 0)
		return g;
	grey_close(g);
	return NULL;
}

void grey_close(struct grey *g)
{
	if (!g)
		return;
	db_close(g->db);
	free(g);
}
