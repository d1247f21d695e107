/* Messages that have waited in memory for spill-after go to flash. */
#include "queue.h"

#include <string.h>

#include "os/clock.h"
#include "os/log.h"

#define AGAIN_MS 60000		/* when the flash takes nothing */

static void look_again(struct queue *q, int64_t ms)
{
	if (!q->spill.armed || q->spill.due - clock_ms() > ms)
		loop_timer_set(q->daemon.loop, &q->spill, ms);
}

static void moved(void *arg, const char *id, const struct err *err)
{
	struct queue *q = arg;
	struct queue_entry *e = queue_find(q, id);

	q->spilling--;
	if (!err) {
		log_debug("%s: moved to spill-dir", id);
		look_again(q, 0);
		return;
	}
	log_warn("spill-dir: %s", err->text);
	if (e)
		e->flash = false;
	look_again(q, AGAIN_MS);
}

/* False: the flash takes nothing now. */
static bool start(struct queue *q, struct queue_entry *e)
{
	struct err err;
	int rc = spool_spill(q->spool, e->id, moved, q, &err);

	if (rc < 0) {
		log_warn("spill-dir: %s", err.text);
		return false;
	}
	/* else it was found there at our start */
	e->flash = true;
	q->spilling += rc == 0;
	return true;
}

/* A few at a time, so that they share flushes and the loop goes on. */
static void spill(struct loop_timer *t)
{
	struct queue *q = container_of(t, struct queue, spill);
	unsigned after = q->daemon.conf->spill_after, at = 0;
	unsigned now = (unsigned)(clock_ms() / 1000), next = after;
	struct queue_entry *e = NULL;
	bool any = false;

	while (q->spilling < QUEUE_SPILLS
			&& (e = queue_next(q, &at, e ? e->id : ""))) {
		unsigned age = now - e->since;

		if (e->flash)
			continue;
		if (age < after) {
			any = true;
			if (after - age < next)
				next = after - age;
		} else if (!start(q, e)) {
			look_again(q, AGAIN_MS);
			return;
		}
	}
	/* with all places taken, the first that ends looks again */
	if (any && q->spilling < QUEUE_SPILLS)
		look_again(q, (int64_t)next * 1000);
}

void spill_learn(struct queue_entry *e)
{
	struct queue *q = e->queue;

	e->since = (unsigned)(clock_ms() / 1000);
	if (!q->spill.armed)
		look_again(q, (int64_t)q->daemon.conf->spill_after * 1000);
}

void spill_init(struct queue *q)
{
	q->spill.fire = spill;
}
