#include "net/dial.h"

#include <stdlib.h>

#include "os/clock.h"

struct attempt {
	struct dial *dial;
	struct conn *conn;		/* NULL: not in use */
	unsigned which;
	int64_t begun;
};

struct dial {
	struct loop *loop;
	const struct mx_target *targets;
	unsigned n, next;		/* next: to be tried */
	uint32_t skip;
	int64_t timeout;		/* ms */
	dial_fn *fn;
	void *arg;

	struct attempt attempts[DIAL_PENDING];
	unsigned pending;
	unsigned preference;		/* of the last that was begun, */
	int64_t begun;			/* and when */
	bool failed;			/* one has failed since */
	struct loop_timer timer;
};

static void on_conn(struct conn *c, enum conn_event event, void *arg);

void dial_cancel(struct dial *d)
{
	if (!d)
		return;
	loop_timer_stop(d->loop, &d->timer);
	for (unsigned i = 0; i < DIAL_PENDING; i++)
		if (d->attempts[i].conn)
			conn_abort(d->attempts[i].conn);
	free(d);
}

static void finish(struct dial *d, const struct mx_target *t,
		struct conn *conn)
{
	dial_fn *fn = d->fn;
	void *arg = d->arg;

	dial_cancel(d);
	fn(arg, t, conn, NULL);
}

static const struct mx_target *next_target(struct dial *d)
{
	while (d->next < d->n && d->skip >> d->next & 1)
		d->next++;
	return d->next < d->n ? &d->targets[d->next] : NULL;
}

/* ---- attempts */

static void failed(struct attempt *a, const struct err *why)
{
	struct dial *d = a->dial;

	conn_abort(a->conn);
	a->conn = NULL;
	d->pending--;
	d->failed = true;
	d->fn(d->arg, &d->targets[a->which], NULL, why);
}

/* There is a free one: see is_time. */
static void begin(struct dial *d, const struct mx_target *t)
{
	struct attempt *a = d->attempts;
	struct err err;

	while (a->conn)
		a++;
	*a = (struct attempt){ .dial = d, .which = d->next++,
		.begun = clock_ms() };
	d->begun = a->begun;
	d->preference = t->preference;
	d->failed = false;
	a->conn = conn_connect(d->loop, (const void *)&t->addr, t->addr_len,
			on_conn, a, &err);
	if (a->conn) {
		d->pending++;
		return;
	}
	d->failed = true;
	d->fn(d->arg, t, NULL, &err);
}

static int64_t patience(struct dial *d)
{
	return next_target(d) && d->timeout > DIAL_SHORT_MS ? DIAL_SHORT_MS :
		d->timeout;
}

/* ---- what comes next, and when */

/* Milliseconds until the next target may be begun. */
static int64_t wait_for_next(const struct dial *d, const struct mx_target *t,
		int64_t now)
{
	bool equal = t->preference == d->preference;
	int64_t gap = equal ? DIAL_STEP_MS : DIAL_SHORT_MS;

	if (!d->pending || (equal && d->failed))
		return 0;
	return d->begun + gap > now ? d->begun + gap - now : 0;
}

static int64_t end_old_ones(struct dial *d, int64_t now)
{
	int64_t most = patience(d), soonest = most;
	struct err why;

	for (unsigned i = 0; i < DIAL_PENDING; i++) {
		struct attempt *a = &d->attempts[i];
		int64_t left = a->begun + most - now;

		if (!a->conn)
			continue;
		if (left <= 0) {
			err_set(&why, ERR_TEMP, "timed out: connecting");
			failed(a, &why);
		} else if (left < soonest) {
			soonest = left;
		}
	}
	return soonest;
}

static void look(struct loop_timer *timer)
{
	struct dial *d = container_of(timer, struct dial, timer);
	int64_t now = clock_ms(), wait = end_old_ones(d, now), step;
	const struct mx_target *t;

	while ((t = next_target(d)) && d->pending < DIAL_PENDING) {
		step = wait_for_next(d, t, now);
		if (step > 0) {
			wait = step < wait ? step : wait;
			break;
		}
		begin(d, t);
	}
	if (!d->pending && !next_target(d)) {
		finish(d, NULL, NULL);
		return;
	}
	/* how long they have may be more now that none is left to be begun */
	loop_timer_set(d->loop, &d->timer, wait);
}

static void on_conn(struct conn *c, enum conn_event event, void *arg)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	struct err why;

	if (event == CONN_UP) {
		a->conn = NULL;		/* not to be aborted */
		finish(d, &d->targets[a->which], c);
	} else if (event == CONN_ERROR || event == CONN_EOF) {
		why = *conn_error(c);
		failed(a, &why);
		loop_timer_set(d->loop, &d->timer, 0);
	}
}

struct dial *dial_start(struct loop *l, const struct mx_target *targets,
		unsigned n, uint32_t skip, unsigned timeout, dial_fn *fn,
		void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	*d = (struct dial){ .loop = l, .targets = targets, .n = n,
		.skip = skip, .timeout = (int64_t)timeout * 1000, .fn = fn,
		.arg = arg, .timer.fire = look };
	loop_timer_set(l, &d->timer, 0);
	return d;
}
