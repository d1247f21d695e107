/* Which alerts are kept, and how long (queue_alert.h). */
#include "queue_alert.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mime/header.h"
#include "os/clock.h"
#include "os/log.h"

#define SHAPE_MOST 200
#define AGAIN_MS 60000		/* when a digest could not be written */
#define LATE_MS 300000		/* a message looks for its group itself then */

static const struct smtp_result is_like_others = {
	.kind = ERR_TEMP, .enhanced = "4.7.1",
	.text = "an alert like one before: goes with others in a digest"
}, is_quiet = {
	.kind = ERR_TEMP, .enhanced = "4.7.1",
	.text = "an alert in quiet-hours: goes when they end"
};

/* ---- quiet hours */

/* Milliseconds until their end; 0: it is none of them, or nobody knows. */
static int64_t quiet_left(const struct conf *conf)
{
	const struct conf_hours *h = &conf->quiet_hours;
	time_t now = (time_t)clock_now();
	struct tm tm;
	int past;

	if (!h->minutes || !clock_plausible() || !localtime_r(&now, &tm))
		return 0;
	past = tm.tm_hour * 60 + tm.tm_min - (int)h->from;
	if (past < 0)
		past += 24 * 60;
	if (past >= (int)h->minutes)
		return 0;
	return (((int64_t)h->minutes - past) * 60 - tm.tm_sec) * 1000;
}

/* ---- groups */

static void on_end(struct loop_timer *t);

static uint64_t hash(uint64_t h, struct span s)
{
	/* the octet between two words is in neither */
	return span_hash(span_hash(h, s), SPAN("\xff"));
}

static uint64_t key_of(const struct queue_message *m, struct span subject)
{
	const struct spool_envelope *e = m->envelope;
	uint64_t h = hash(SPAN_HASH, span_of(e->sender));
	struct str shape;

	str_init(&shape, SHAPE_MOST);
	digest_shape(&shape, subject);
	h = hash(h, str_span(&shape));
	str_free(&shape);
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (e->rcpt[i].state == SPOOL_WAITING)
			h = hash(h, span_of(e->rcpt[i].address));
	return h;
}

static struct alert_group *find(const struct queue *q, uint64_t key)
{
	struct alert_group *g = q->alerts;

	while (g && g->key != key)
		g = g->next;
	return g;
}

static void end_in(struct alert_group *g, int64_t ms)
{
	g->until = clock_ms() + ms;
	loop_timer_set(g->queue->daemon.loop, &g->end, ms);
}

/* NULL: there are enough, or no memory. */
static struct alert_group *add_group(struct queue *q, uint64_t key, int64_t ms)
{
	struct alert_group *g = NULL;

	if (q->nalerts < ALERT_GROUPS)
		g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->queue = q;
	g->key = key;
	g->end.fire = on_end;
	g->next = q->alerts;
	q->alerts = g;
	q->nalerts++;
	end_in(g, ms);
	return g;
}

static void drop(struct alert_group *g)
{
	struct alert_group **at = &g->queue->alerts;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	g->queue->nalerts--;
	loop_timer_stop(g->queue->daemon.loop, &g->end);
	free(g->ids);
	free(g);
}

static bool has(const struct alert_group *g, const char *id)
{
	for (unsigned i = 0; i < g->n; i++)
		if (strcmp(g->ids[i], id) == 0)
			return true;
	return false;
}

/* False: no memory, it goes by itself. A full group goes at once. */
static bool add(struct alert_group *g, const struct queue_message *m)
{
	unsigned room = g->room ? g->room * 2 : 16;
	void *more;

	if (g->n == g->room) {
		more = realloc(g->ids, room * sizeof(*g->ids));
		if (!more)
			return false;
		g->ids = more;
		g->room = room;
	}
	str_copys(g->ids[g->n++], SPOOL_ID_SIZE, m->entry->id);
	g->size += m->envelope->size;
	if (g->n == ALERT_GROUP_MOST || g->size >= ALERT_DIGEST_MOST)
		end_in(g, 0);
	return true;
}

/* ---- their end */

/* The next ones of the kind make another digest, or go by themselves. */
static void start_anew(struct alert_group *g)
{
	unsigned window = g->queue->daemon.conf->alert_merge;

	g->n = 0;
	g->size = 0;
	g->writing = false;
	if (window)
		end_in(g, (int64_t)window * 1000);
	else
		drop(g);
}

static void drop_merged(struct queue_entry *e)
{
	struct queue *q = e->queue;
	struct err err;

	if (spool_remove(q->spool, e->id, &err) < 0) {
		log_error("%s: %s", e->id, err.text);
		return;
	}
	log_info("%s: is in a digest", e->id);
	queue_drop(e);
}

/* What is in it is gone for good: it may go. */
static void on_gone(struct sync_request *r, int error)
{
	struct alert_group *g = container_of(r, struct alert_group, flush);
	struct queue *q = g->queue;

	if (error)
		log_error("%s: %s", g->digest, strerror(error));
	q->committing--;
	queue_learn(q, g->digest);
	start_anew(g);
	queue_message_ended(q);
}

static void written(void *arg, const char *id, const struct err *err)
{
	struct alert_group *g = arg;
	struct queue *q = g->queue;

	if (err) {
		log_error("digest of alerts: %s", err->text);
		q->committing--;
		g->writing = false;
		end_in(g, AGAIN_MS);
	}
	for (unsigned i = 0; i < g->n; i++) {
		struct queue_entry *e = queue_find(q, g->ids[i]);

		/* "": it was not to be had, and is not in the digest */
		if (!*g->ids[i] || !e)
			continue;
		e->merged = false;
		if (!err)
			drop_merged(e);
	}
	if (err) {
		queue_message_ended(q);
		return;
	}
	str_copys(g->digest, sizeof(g->digest), id);
	g->flush = (struct sync_request){ .name = "./", .done = on_gone };
	spool_flush(q->spool, &g->flush);
}

static void on_end(struct loop_timer *t)
{
	struct alert_group *g = container_of(t, struct alert_group, end);
	struct queue_entry *e = g->n ? queue_find(g->queue, g->ids[0]) : NULL;
	int64_t quiet = quiet_left(g->queue->daemon.conf);
	struct err err;

	if (quiet && g->n) {
		end_in(g, quiet);
		return;
	}
	if (g->n > 1) {
		g->writing = true;
		g->queue->committing++;
		if (digest_send(g, written, &err) < 0)
			written(g, NULL, &err);
		return;
	}
	drop(g);
	/* alone: it is the first of its kind again */
	if (e && !e->active)
		queue_due_in(e, 0);
}

/* ---- digests that a scan has found */

static struct queue_entry *next_merged(struct queue *q, struct span *ids)
{
	char id[SPOOL_ID_SIZE];

	return str_copy(id, sizeof(id), span_word(ids)) == 0 ?
		queue_find(q, id) : NULL;
}

static void claim(struct queue_entry *digest)
{
	struct queue *q = digest->queue;
	struct arena *a = arena_new(QUEUE_ENVELOPE_MOST);
	struct spool_envelope *e;
	struct queue_entry *part;
	struct err err;
	struct span ids;

	if (!a || spool_load(q->spool, digest->id, a, &e, &err) < 0) {
		arena_free(a);
		return;
	}
	ids = span_of(e->origin);
	/* what was tried before is without its parts */
	while (ids.n && !e->attempts) {
		part = next_merged(q, &ids);
		if (!part || part->active)
			continue;
		part->merged = true;
		queue_rest(part);
	}
	arena_free(a);
}

void alert_claim(struct queue *q)
{
	struct queue_entry *e = NULL;
	unsigned at = 0;

	while ((e = queue_next(q, &at, e ? e->id : "")))
		if (e->unsure && !e->active && strchr(e->id, PARENT_DIGEST))
			claim(e);
}

void alert_merged(struct queue *q, struct span ids)
{
	while (ids.n) {
		struct queue_entry *e = next_merged(q, &ids);

		if (e && e->merged)
			drop_merged(e);
	}
}

void alert_unmerge(const struct queue_message *m)
{
	struct span ids = span_of(m->envelope->origin);

	while (span_starts(span_of(m->envelope->origin), ALERT_ORIGIN)
			&& ids.n) {
		struct queue_entry *e = next_merged(m->entry->queue, &ids);

		if (!e || !e->merged)
			continue;
		e->merged = false;
		queue_due_in(e, 0);
	}
}

void alert_stop(struct queue *q)
{
	while (q->alerts) {
		spool_forget(q->spool, q->alerts);
		drop(q->alerts);
	}
}

/* ---- who is kept */

/* One that the digest could not speak for goes as it is. */
static bool is_mergeable(const struct queue_message *m)
{
	const struct spool_envelope *e = m->envelope;
	bool plain = !e->utf8 && !e->dsn && e->size <= ALERT_SIZE_MOST;

	for (unsigned i = 0; i < e->nrcpt; i++)
		plain &= !e->rcpt[i].dsn;
	return plain;
}

static const struct smtp_result *keep(struct queue_message *m,
		const struct alert_group *g, int64_t quiet)
{
	m->keep_ms = g ? g->until - clock_ms() + LATE_MS : quiet;
	return quiet ? &is_quiet : &is_like_others;
}

static const struct smtp_result *decide(struct queue_message *m,
		struct span subject)
{
	struct queue *q = m->entry->queue;
	const struct conf *conf = q->daemon.conf;
	int64_t quiet = quiet_left(conf);
	int64_t window = quiet ? quiet : (int64_t)conf->alert_merge * 1000;
	struct alert_group *g;
	uint64_t key;

	if (!window)
		return NULL;
	/* a run of --once ends before a group does */
	if (!conf->alert_merge || q->daemon.once || !is_mergeable(m))
		return quiet ? keep(m, NULL, quiet) : NULL;
	key = key_of(m, subject);
	g = find(q, key);
	if (!g) {
		g = add_group(q, key, window);
		if (!g || !quiet)
			return quiet ? keep(m, NULL, quiet) : NULL;
	}
	if (g->writing ? !has(g, m->entry->id)
			: !has(g, m->entry->id) && !add(g, m))
		return quiet ? keep(m, NULL, quiet) : NULL;
	return keep(m, g, quiet);
}

const struct smtp_result *alert_holds(struct queue_message *m)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	const struct smtp_result *why = NULL;
	struct header_field subject = { .value = SPAN("") };
	struct str header;

	/* what was tried before is on its way */
	if (!conf_is_alert(conf, m->envelope->sender) || m->envelope->attempts
			|| span_starts(span_of(m->envelope->origin),
				ALERT_ORIGIN))
		return NULL;
	str_init(&header, QUEUE_RETURN_MOST + 1);
	if (queue_header(&header, m) == 0
			&& !queue_is_urgent(str_span(&header))) {
		header_find(str_span(&header), "Subject", &subject);
		why = decide(m, subject.value);
	}
	str_free(&header);
	return why;
}
