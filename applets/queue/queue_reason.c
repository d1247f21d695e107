/*
 * Why messages wait: each text once, however many wait for the same cause. A
 * hundred thousand messages for a host that is down cost one text.
 */
#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

struct queue_reason {
	struct queue_reason *next;	/* of its hash bucket */
	unsigned refs;
	char text[];
};

/* Recipients from this one on wait for the same cause. */
struct queue_run {
	unsigned from;
	struct queue_reason *why;
};

struct queue_runs {
	unsigned n;
	struct queue_run run[];
};

static struct queue_reason **reason_find(struct queue *q, struct span text)
{
	struct queue_reason **at = &q->reasons[span_hash(SPAN_HASH, text)
		% QUEUE_REASON_BUCKETS];

	while (*at && !span_eq(span_of((*at)->text), text))
		at = &(*at)->next;
	return at;
}

static struct queue_reason *reason_get(struct queue *q, struct span text)
{
	struct queue_reason **at = reason_find(q, text), *r = *at;

	/* hosts that tell each message something else: the code says enough */
	if (!r && q->reason_bytes > QUEUE_REASONS_MOST) {
		text = span_sub(text, 0, 3);
		if (!span_isalnum(text, "") || !ascii_isdigit(*text.p))
			return NULL;
		at = reason_find(q, text);
		r = *at;
	}
	if (!r) {
		r = calloc(1, sizeof(*r) + text.n + 1);
		if (!r)
			return NULL;
		memcpy(r->text, text.p, text.n);
		q->reason_bytes += sizeof(*r) + text.n + 1;
		*at = r;
	}
	r->refs++;
	return r;
}

static void reason_put(struct queue *q, struct queue_reason *r)
{
	struct queue_reason **at;

	if (!r || --r->refs)
		return;
	at = reason_find(q, span_of(r->text));
	*at = r->next;
	q->reason_bytes -= sizeof(*r) + strlen(r->text) + 1;
	free(r);
}

static size_t runs_size(unsigned n)
{
	return sizeof(struct queue_runs) + n * sizeof(struct queue_run);
}

void reason_forget(struct queue_entry *e)
{
	struct queue *q = e->queue;

	reason_put(q, e->reason);
	e->reason = NULL;
	if (!CFG_MAILQ_ADMIN || !e->runs)
		return;
	for (unsigned i = 0; i < e->runs->n; i++)
		reason_put(q, e->runs->run[i].why);
	q->reason_bytes -= runs_size(e->runs->n);
	free(e->runs);
	e->runs = NULL;
}

static bool waits(const struct queue_message *m, unsigned i)
{
	return m->envelope->rcpt[i].state == SPOOL_WAITING
		&& m->outcome[i].why;
}

static struct queue_reason *reason_of(const struct queue_message *m, unsigned i)
{
	char text[QUEUE_REASON];

	queue_advice(text, m->outcome[i].why);
	/* LIST is made of lines */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return reason_get(m->entry->queue, span_of(text));
}

/* Where the reasons change, QUEUE_RUNS_MOST at most; gives how many. */
static unsigned find_runs(const struct queue_message *m, struct queue_run *run)
{
	struct queue *q = m->entry->queue;
	unsigned n = 0;

	for (unsigned i = 0; i < m->envelope->nrcpt && (CFG_MAILQ_ADMIN || !n);
			i++) {
		struct queue_reason *why;

		if (!waits(m, i))
			continue;
		why = reason_of(m, i);
		if (n == QUEUE_RUNS_MOST || (n && run[n - 1].why == why))
			reason_put(q, why);
		else
			run[n++] = (struct queue_run){ i, why };
	}
	return n;
}

void reason_keep(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	struct queue *q = e->queue;
	struct queue_run run[QUEUE_RUNS_MOST];
	unsigned n = find_runs(m, run);

	/* not even tried now: what was known stays true */
	if (!n)
		return;
	reason_forget(e);
	e->reason = run[0].why;
	/* that of the first must do where each has none of its own */
	if (!CFG_MAILQ_ADMIN || n == 1)
		return;
	if (q->reason_bytes <= QUEUE_REASONS_MOST)
		e->runs = malloc(runs_size(n));
	if (!e->runs) {
		while (--n)
			reason_put(q, run[n].why);
		return;
	}
	e->reason = NULL;
	e->runs->n = n;
	memcpy(e->runs->run, run, n * sizeof(*run));
	q->reason_bytes += runs_size(n);
}

static const struct queue_reason *find_run(const struct queue_runs *runs,
		unsigned rcpt)
{
	unsigned i = runs->n;

	while (i && runs->run[i - 1].from > rcpt)
		i--;
	return i ? runs->run[i - 1].why : NULL;
}

const char *reason_text(const struct queue_entry *e, unsigned rcpt)
{
	const struct queue_reason *r = e->reason;

	if (CFG_MAILQ_ADMIN && e->runs)
		r = find_run(e->runs, rcpt);
	return r ? r->text : "";
}
