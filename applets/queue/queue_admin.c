/*
 * What an admin does to messages. Each change is one write of a line or one
 * unlink: killed in the middle, a message is as it was or as it is to be. The
 * answer comes when the changes are on the disk.
 */
#include "queue_control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

/* -- until it is on the disk -- */

static void batch_free(struct control_batch *b)
{
	if (b->control)
		b->control->batch = NULL;
	free(b);
}

static void flushed(struct sync_request *r, int error)
{
	struct control_batch *b = container_of(r, struct control_change,
			request)->batch;

	if (error)
		b->error = error;
	if (--b->left)
		return;
	b->n = 0;
	b->removed = false;
	if (b->control)
		control_walk(b->control);
	else
		batch_free(b);
}

bool admin_flush(struct control *c, bool all)
{
	struct control_batch *b = c->batch;

	if (!b || !b->n || (b->n < CONTROL_BATCH && !all))
		return false;
	b->left = b->n;
	for (unsigned i = 0; i < b->n; i++)
		spool_flush(c->queue->spool, &b->change[i].request);
	return true;
}

void admin_end(struct control *c)
{
	if (!c->batch)
		return;
	c->batch->control = NULL;
	if (!c->batch->left)
		batch_free(c->batch);
	c->batch = NULL;
}

/* Room for one more before anything is changed: what is done is flushed, too. */
static int prepare(struct control *c, struct err *err)
{
	if (!c->batch)
		c->batch = calloc(1, sizeof(*c->batch));
	if (!c->batch)
		return err_nomem(err);
	c->batch->control = c;
	return 0;
}

static enum change changed(struct control *c, const struct queue_entry *q,
		const char *what, bool removed)
{
	struct control_batch *b = c->batch;
	struct control_change *change = &b->change[b->n];

	log_info("%s: %s by uid %lu", q->id, what, c->uid);
	if (removed && b->removed)
		return CHANGE_DONE;
	b->removed |= removed;
	snprintf(change->name, sizeof(change->name), "./%s",
			removed ? "" : q->id);
	change->batch = b;
	change->request.name = change->name;
	change->request.done = flushed;
	b->n++;
	return CHANGE_DONE;
}

/* -- the verbs -- */

/*
 * Of a message that is just being sent, too: that try goes on, there is no
 * other.
 */
static enum change hold(struct control *c, struct queue_entry *q,
		struct spool_envelope *e, struct err *err)
{
	bool idle;

	if (e->held)
		return CHANGE_SAME;
	if (prepare(c, err) < 0)
		return CHANGE_FAILED;
	idle = message_recall(q);
	if (!idle)
		e = q->active->envelope;
	e->held = true;
	if (spool_defer(c->queue->spool, e, err) < 0) {
		e->held = false;
		if (idle)
			queue_due_in(q, 0);
		return CHANGE_FAILED;
	}
	q->held = true;
	queue_rest(q);
	return changed(c, q, "held", false);
}

static enum change release(struct control *c, struct queue_entry *q,
		struct spool_envelope *e, struct err *err)
{
	if (!e->held)
		return CHANGE_SAME;
	if (prepare(c, err) < 0)
		return CHANGE_FAILED;
	if (q->active)
		e = q->active->envelope;
	e->held = false;
	if (spool_defer(c->queue->spool, e, err) < 0) {
		e->held = true;
		return CHANGE_FAILED;
	}
	q->held = false;
	if (!q->active)
		queue_flush(q, c->request);
	return changed(c, q, "released", false);
}

static enum change requeue(struct control *c, struct queue_entry *q,
		struct spool_envelope *e, struct err *err)
{
	int rc;

	if (prepare(c, err) < 0)
		return CHANGE_FAILED;
	if (!message_recall(q))
		return CHANGE_BUSY;
	e->attempts = 0;
	e->next_try = 0;
	rc = spool_defer(c->queue->spool, e, err);
	if (rc == 0)
		reason_forget(q);
	queue_flush(q, c->request);
	return rc < 0 ? CHANGE_FAILED : changed(c, q, "requeued", false);
}

/* Some have it, and its sender still has to be told so: that stays. */
static int keep_reports(struct control *c, struct queue_entry *q,
		struct spool_envelope *e, struct err *err)
{
	struct spool *spool = c->queue->spool;

	for (unsigned i = 0; i < e->nrcpt; i++)
		if (e->rcpt[i].state == SPOOL_WAITING && spool_mark(spool, e,
					i, SPOOL_FAILED, err) < 0)
			return -1;
	e->held = false;
	if (spool_defer(spool, e, err) < 0)
		return -1;
	q->held = false;
	queue_flush(q, c->request);
	return 0;
}

static bool has_reports(const struct spool_envelope *e)
{
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (e->rcpt[i].state == SPOOL_DELIVERED
				|| e->rcpt[i].state == SPOOL_RELAYED)
			return true;
	return false;
}

static enum change delete(struct control *c, struct queue_entry *q,
		struct spool_envelope *e, struct err *err)
{
	bool stays = has_reports(e);

	if (prepare(c, err) < 0)
		return CHANGE_FAILED;
	if (!message_recall(q))
		return CHANGE_BUSY;
	if ((stays ? keep_reports(c, q, e, err)
			: spool_remove(c->queue->spool, q->id, err)) < 0) {
		queue_due_in(q, 0);
		return CHANGE_FAILED;
	}
	changed(c, q, "deleted", !stays);
	if (!stays)
		queue_drop(q);
	return CHANGE_DONE;
}

static const struct control_verb verbs[] = {
	{ "HOLD", true, hold },
	{ "RELEASE", true, release },
	{ "REQUEUE", true, requeue },
	{ "DELETE", true, delete },
};

const struct control_verb *admin_verb(struct span name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (span_eq(name, span_of(verbs[i].name)))
			return &verbs[i];
	return NULL;
}
