/*
 * What the queue makes of messages: of an alias's recipient (queue_alias.c), a
 * report, a digest. Its envelope says of which, and what becomes of them then;
 * nothing goes before that is done and durable. So a queue that was killed in
 * between finds what it had made and makes nothing twice (docs/queue.md).
 */
#include "config.h"
#include "queue.h"
#include "queue_alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

#define PREFIX 11			/* digits of time */
#define HASHED 8

struct making {
	struct sync_request flush;
	struct queue_message *message;
	void (*done)(struct queue_message *m);
	char name[SPOOL_ID_SIZE + 2];	/* "./ID" */
};

void parent_made_id(char out[SPOOL_ID_SIZE], const char *parent,
		unsigned number, char kind)
{
	char text[SPOOL_ID_SIZE + 16];
	uint64_t hash;
	size_t n = span_sub(span_of(parent), 0, PREFIX).n;

	snprintf(text, sizeof(text), "%s %u%c", parent, number, kind);
	hash = span_hash(SPAN_HASH, span_of(text));
	memcpy(out, parent, n);
	spool_id_put(out + n, HASHED, hash);
	out[n + HASHED] = '\0';
	if (kind == PARENT_DIGEST)
		out[n] = kind;
}

/* ---- flushes */

static void flushed(struct sync_request *r, int error)
{
	struct making *k = container_of(r, struct making, flush);

	if (error)
		log_error("%s: %s", k->name + 2, strerror(error));
	k->done(k->message);
}

int parent_flush(struct queue_message *m, const char *id,
		void (*done)(struct queue_message *m))
{
	struct making *k = arena_alloc(m->arena, sizeof(*k));

	if (!k)
		return -1;
	k->message = m;
	k->done = done;
	snprintf(k->name, sizeof(k->name), "./%s", id);
	k->flush = (struct sync_request){ .name = k->name, .done = flushed };
	spool_flush(m->entry->queue->spool, &k->flush);
	return 0;
}

/* ---- the parent's marks */

void parent_run(struct str *out, char state, unsigned n)
{
	if (n)
		str_addf(out, "%c%u", state, n);
}

static bool is_report(const struct queue_message *m)
{
	return span_starts(span_of(m->envelope->origin), PARENT_REPORT);
}

static bool is_digest(const struct queue_message *m)
{
	return CFG_QUEUE_ALERTS && span_starts(span_of(m->envelope->origin),
			ALERT_ORIGIN);
}

/* The words behind the first: the parent's id and the runs, or all ids. */
static struct span origin_of(const struct queue_message *m)
{
	struct span origin = span_of(m->envelope->origin);

	if (!span_starts(origin, PARENT_ALIAS) &&
			!span_starts(origin, PARENT_FORWARD) &&
			!is_report(m) && !is_digest(m))
		return SPAN("");
	span_word(&origin);
	return origin;
}

/* The next id of an origin, if there is such a message. */
static struct queue_entry *next_parent(struct queue *q, struct span *origin)
{
	char id[SPOOL_ID_SIZE];

	return str_copy(id, sizeof(id), span_word(origin)) == 0 ?
		queue_find(q, id) : NULL;
}

/* What a recipient's state has to become; 0: it is further on. */
static char missing(const struct spool_envelope *parent, unsigned i, char state)
{
	enum spool_state now = parent->rcpt[i].state;

	if (state == PARENT_WARNED)
		return parent->warned ? 0 : state;
	if (state == PARENT_NOTHING || now == SPOOL_DONE
			|| now == SPOOL_FAILED)
		return 0;
	return now == SPOOL_WAITING || state == SPOOL_DONE ? state : 0;
}

/* 0 or -1: not now. */
static int mark(struct queue_entry *e, struct spool_envelope *parent,
		unsigned i, char state)
{
	struct spool *spool = e->queue->spool;
	struct err err;
	int rc;

	if (!missing(parent, i, state))
		return 0;
	if (e->active)
		return -1;
	if (state == PARENT_WARNED) {
		parent->warned = true;
		rc = spool_defer(spool, parent, &err);
	} else {
		rc = spool_mark(spool, parent, i, (enum spool_state)state,
				&err);
	}
	if (rc < 0)
		log_warn("%s: %s", e->id, err.text);
	return rc;
}

static int mark_runs(struct queue_entry *e, struct spool_envelope *parent,
		const char *runs)
{
	unsigned i = 0;
	char *end;

	for (; *runs; runs = end) {
		unsigned long n = strtoul(runs + 1, &end, 10);

		for (; n && i < parent->nrcpt; n--)
			if (mark(e, parent, i++, *runs) < 0)
				return -1;
	}
	return 0;
}

/* 0, -1: not now. */
static int mark_parent(struct queue_message *m, struct queue_entry *e,
		struct span runs)
{
	struct spool_envelope *parent;
	char alias[32];
	struct err err;

	if (e->active)
		parent = e->active->envelope;
	else if (spool_load(e->queue->spool, e->id, m->arena, &parent,
				&err) < 0)
		return err.kind == ERR_PERM ? 0 : -1;
	if (CFG_ALIASES && !is_report(m)) {
		alias_runs(m, parent, alias, sizeof(alias));
		return mark_runs(e, parent, alias);
	}
	/* the last word of a line: a NUL ends it */
	return mark_runs(e, parent, runs.n ? runs.p : "");
}

/* ---- before it goes */

bool parent_unsure(const struct queue_message *m)
{
	struct span origin = origin_of(m);
	bool any = false;

	while (m->entry->unsure && !m->envelope->attempts && origin.n && !any)
		any = next_parent(m->entry->queue, &origin);
	return any;
}

static void on_marked(struct queue_message *m)
{
	m->entry->unsure = false;
	message_go(m);
}

/* It is safe itself: now the parent may rely on it. */
static void on_safe(struct queue_message *m)
{
	struct queue *q = m->entry->queue;
	struct span origin = origin_of(m);
	struct queue_entry *e;
	const char *id = "";

	if (is_digest(m)) {
		alert_merged(q, origin);
	} else if ((e = next_parent(q, &origin))) {
		id = e->id;
		if (mark_parent(m, e, span_trim(origin)) < 0) {
			message_later(m);
			return;
		}
		log_info("%s: is marked as %s has it", id, m->entry->id);
	}
	if (parent_flush(m, id, on_marked) < 0)
		message_later(m);
}

void parent_settle(struct queue_message *m)
{
	if (parent_flush(m, m->entry->id, on_safe) < 0)
		message_later(m);
}

/* ---- before the parent goes */

static bool is_unsure(const struct queue_message *m, unsigned i, char kind)
{
	char id[SPOOL_ID_SIZE];
	struct queue_entry *e;

	parent_made_id(id, m->entry->id, i, kind);
	e = queue_find(m->entry->queue, id);
	return e && e->unsure;
}

bool parent_waits(const struct queue_message *m)
{
	const struct spool_envelope *e = m->envelope;
	bool unsure = false;

	/* who is done with, too: the marks of its first may be all there are */
	for (unsigned i = 0; m->entry->again && i < e->nrcpt && !unsure; i++)
		unsure = is_unsure(m, i, PARENT_FINAL)
			|| is_unsure(m, i, PARENT_WARNED);
	return unsure;
}
