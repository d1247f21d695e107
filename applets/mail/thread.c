#include "mail/thread.h"

#include <stdlib.h>
#include <string.h>
#include "mail/order.h"
#include "mime/header.h"
#include "os/clock.h"

#define REFS 3			/* the last two, and the first */

struct link {
	uint64_t id;		/* 0: none */
	uint64_t refs[REFS];	/* the nearest first */
};

struct mail_thread {
	unsigned count, bits;
	uint64_t salt;		/* who sends mail cannot choose where ids collide */
	unsigned *table;	/* [1 << bits]: hash of an id -> message */
	struct link link[];	/* [count + 1] */
};

struct mail_thread *mail_thread_new(unsigned count)
{
	struct mail_thread *t = calloc(1, sizeof(*t) +
			((size_t)count + 1) * sizeof(t->link[0]));

	if (!t)
		return NULL;
	t->count = count;
	t->salt = (uint64_t)clock_now_us() << 1 | 1;
	/* half of it stays empty */
	while ((size_t)1 << t->bits <= 2 * (size_t)count)
		t->bits++;
	t->table = calloc((size_t)1 << t->bits, sizeof(*t->table));
	if (t->table)
		return t;
	free(t);
	return NULL;
}

void mail_thread_free(struct mail_thread *t)
{
	if (t)
		free(t->table);
	free(t);
}

/* ---- ids */

/* Takes "<id>" off *value; empty: there is none left. */
static struct span next_id(struct span *value)
{
	struct span at = span_rest(*value, span_find(*value, '<'));
	size_t n = span_find(at, '>');

	if (n == at.n) {
		value->n = 0;
		return SPAN("");
	}
	*value = span_rest(at, n + 1);
	return span_sub(at, 0, n + 1);
}

struct span mail_order_last_id(struct span value)
{
	struct span last = SPAN(""), id;

	while ((id = next_id(&value)).n)
		last = id;
	return last;
}

static uint64_t hash(struct span id)
{
	return span_hash(SPAN_HASH, id) | 1;
}

void mail_thread_add(struct mail_thread *t, unsigned n, struct span header)
{
	struct link *l = &t->link[n];
	struct header_field f;
	struct span id, last;

	if (header_find(header, "Message-ID", &f) &&
	    (id = mail_order_last_id(f.value)).n)
		l->id = hash(id);
	if (header_find(header, "References", &f))
		while ((id = next_id(&f.value)).n) {
			l->refs[1] = l->refs[0];
			l->refs[0] = hash(id);
			if (!l->refs[REFS - 1])
				l->refs[REFS - 1] = l->refs[0];
		}
	if (!l->refs[0] && header_find(header, "In-Reply-To", &f) &&
	    (last = mail_order_last_id(f.value)).n)
		l->refs[0] = l->refs[REFS - 1] = hash(last);
}

/* ---- the table of ids */

enum by { BY_ID, BY_FIRST };	/* BY_FIRST: the first message it refers to */

static uint64_t id_of(const struct link *l, enum by by)
{
	return by == BY_ID ? l->id : l->refs[REFS - 1];
}

/* Where the message stands that has this id, or where one would have to. */
static unsigned *find(const struct mail_thread *t, uint64_t id, enum by by)
{
	size_t mask = ((size_t)1 << t->bits) - 1;
	size_t at = t->bits ? (size_t)((id * t->salt) >> (64 - t->bits)) : 0;

	while (t->table[at] && id_of(&t->link[t->table[at]], by) != id)
		at = (at + 1) & mask;
	return &t->table[at];
}

static void link_by_id(struct mail_thread *t, unsigned *parent)
{
	for (unsigned n = 1; n <= t->count; n++)
		if (t->link[n].id) {
			unsigned *at = find(t, t->link[n].id, BY_ID);

			if (!*at)	/* of two alike the first one counts */
				*at = n;
		}
	for (unsigned n = 1; n <= t->count; n++)
		for (size_t i = 0; i < REFS && !parent[n]; i++) {
			uint64_t id = t->link[n].refs[i];

			if (id && id != t->link[n].id)
				parent[n] = *find(t, id, BY_ID);
		}
}

/* What refers to the same message, which is not here, stands together. */
static void link_orphans(struct mail_thread *t, unsigned *parent)
{
	memset(t->table, 0, sizeof(*t->table) << t->bits);
	for (unsigned n = 1; n <= t->count; n++) {
		uint64_t id = t->link[n].refs[REFS - 1];
		unsigned *at;

		if (!id || parent[n])
			continue;
		at = find(t, id, BY_FIRST);
		if (*at)
			parent[n] = *at;
		else
			*at = n;
	}
}

/* ---- the trees */

/* Whoever lies can answer his own answer: there it is cut. mark: all 0. */
static void cut_rings(unsigned count, unsigned *parent, unsigned *mark)
{
	for (unsigned n = 1; n <= count; n++) {
		unsigned i = n, last = 0;

		for (; i && !mark[i]; i = parent[i]) {
			mark[i] = n;
			last = i;
		}
		if (last && i && mark[i] == n)
			parent[last] = 0;
	}
}

/* Each behind what it answers. next: count + 1 of them, as at. */
static void walk(unsigned count, const unsigned *parent, unsigned *child,
		unsigned *next, unsigned *at)
{
	unsigned n;

	for (n = 0; n <= count; n++)
		child[n] = 0;
	for (n = count; n; n--) {
		next[n] = child[parent[n]];
		child[parent[n]] = n;
	}
	n = child[0];
	while (n) {
		*++at = n;
		if (child[n]) {
			n = child[n];
			continue;
		}
		while (n && !next[n])
			n = parent[n];
		n = n ? next[n] : 0;
	}
}

int mail_thread_make(struct mail_thread *t, unsigned *at, unsigned **parent,
		struct err *err)
{
	size_t size = (size_t)t->count + 1;
	unsigned *work;

	*parent = calloc(size, sizeof(**parent));
	if (!*parent)
		return err_nomem(err);
	link_by_id(t, *parent);
	link_orphans(t, *parent);
	work = calloc(2 * size, sizeof(*work));
	if (!work)
		return err_nomem(err);
	cut_rings(t->count, *parent, work);
	walk(t->count, *parent, work, work + size, at);
	free(work);
	return 0;
}
