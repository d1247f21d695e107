/*
 * What becomes of a message once nothing of it is under way: a report, another
 * try, or its removal.
 */
#include "config.h"
#include "queue.h"
#include "queue_alert.h"

#include "mime/dsn.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"

int64_t message_backoff(const struct conf *conf, unsigned first,
		unsigned attempts)
{
	int64_t ms = (int64_t)first * 1000;
	int64_t most = (int64_t)conf->retry_most * 1000;

	while (attempts-- && ms < most)
		ms *= 2;
	if (ms > most)
		ms = most;
	/* a tenth up or down, so that what failed together comes back apart */
	return ms - ms / 10 + rand_below((uint32_t)(ms / 5 + 1));
}

/* ---- when it is tried again */

/* Was anything of what waits tried, or did all only find no room? */
static bool was_tried(const struct queue_message *m)
{
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].fate == FATE_LATER && m->outcome[i].why
				&& !m->outcome[i].kept)
			return true;
	return false;
}

/*
 * Where all that is left of it goes to hosts that are held until then, nobody
 * would try it before: a little later, each a little else.
 */
static int64_t pause_of(const struct queue_message *m)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	int64_t ms = message_backoff(conf, conf->retry_first,
			m->envelope->attempts);
	bool all = m->held && !m->tried && !m->crowded;
	int64_t held = all ? m->held - clock_ms() : 0;

	if (m->wait)
		return m->wait;
	if (m->crowded && !was_tried(m))
		return QUEUE_ROOM_MS;
	/* it is tried when the link comes back; in case nobody tells of it */
	if (m->kept && !was_tried(m))
		return m->keep_ms ? m->keep_ms
			: (int64_t)conf->retry_most * 1000;
	return ms > held ? ms : held + rand_below((uint32_t)(held / 10 + 1));
}

static void reschedule(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	const struct conf *conf = e->queue->daemon.conf;
	bool tried = !m->kept || was_tried(m);
	int64_t ms = pause_of(m);
	struct err err;

	/* a shorter pause, for what is on this machine, counts as none */
	if (tried && ms >= (int64_t)conf->retry_first * 900)
		m->envelope->attempts++;
	m->envelope->next_try = clock_now() + ms / 1000;
	if (tried && spool_defer(e->queue->spool, m->envelope, &err) < 0)
		log_warn("%s: %s", e->id, err.text);
	reason_keep(m);
	e->crowded = m->crowded && !was_tried(m);
	e->flushed = 0;
	message_free(m);
	queue_due_in(e, ms);
}

/* For a try, or for the report of one that went well. */
static bool some_wait(const struct spool_envelope *e)
{
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (e->rcpt[i].state != SPOOL_DONE
				&& e->rcpt[i].state != SPOOL_FAILED)
			return true;
	return false;
}

void message_mark(struct queue_message *m, unsigned i, enum spool_state state)
{
	struct err err;

	if (spool_mark(m->entry->queue->spool, m->envelope, i, state,
			&err) < 0)
		log_error("%s: %s", m->entry->id, err.text);
}

static void settle(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	struct err err;

	if (some_wait(m->envelope)) {
		reschedule(m);
		return;
	}
	if (spool_remove(e->queue->spool, e->id, &err) < 0) {
		log_error("%s: %s", e->id, err.text);
		if (m->unmarked)
			message_mark(m, m->last, SPOOL_DONE);
		reschedule(m);
		return;
	}
	log_info("%s: removed", e->id);
	message_free(m);
	queue_drop(e);
}

/* The sender has been told of it, or need not be. */
static void told(struct queue_message *m, unsigned i)
{
	enum spool_state state = m->envelope->rcpt[i].state;

	if (m->outcome[i].fate == FATE_FAILED)
		message_mark(m, i, SPOOL_FAILED);
	else if (state == SPOOL_DELIVERED || state == SPOOL_RELAYED
			|| state == SPOOL_EXPANDED)
		message_mark(m, i, SPOOL_DONE);
	else if (m->outcome[i].report == REPORT_DELAYED)
		m->envelope->warned = true;
}

/* Whatever happens now, nobody is told twice: the report may go. */
static void on_told(struct queue_message *m)
{
	queue_learn(m->entry->queue, m->report);
	settle(m);
}

/* The report is on stable storage: only now are its recipients done with. */
static void reported(void *arg, const char *id, const struct err *err)
{
	struct queue_message *m = arg;
	struct err why;

	if (err) {
		log_error("%s: report: %s", m->entry->id, err->text);
		settle(m);
		return;
	}
	log_info("%s: report is %s", m->entry->id, id);
	str_copys(m->report, sizeof(m->report), id);
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].report)
			told(m, i);
	if (m->envelope->warned && spool_defer(m->entry->queue->spool,
				m->envelope, &why) < 0)
		log_error("%s: %s", m->entry->id, why.text);
	if (parent_flush(m, m->entry->id, on_told) < 0)
		on_told(m);
}

/* ---- how old it is */

/* Seconds that the pauses between the tries so far have taken, or most. */
static int64_t paused(const struct conf *conf, unsigned attempts, int64_t most)
{
	int64_t pause = conf->retry_first, sum = 0;

	for (; attempts && sum < most; attempts--) {
		sum += pause;
		pause = pause * 2 < conf->retry_most ? pause * 2
				: conf->retry_most;
	}
	return sum;
}

bool message_waited(const struct queue_message *m, int64_t most)
{
	const struct spool_envelope *e = m->envelope;
	const struct conf *conf = m->entry->queue->daemon.conf;
	int64_t now = clock_now();

	if (clock_plausible() && e->created >= CLOCK_EPOCH
			&& now >= e->created) {
		if (now - e->created < most)
			return false;
		most /= 2;
	}
	return paused(conf, e->attempts, most) >= most;
}

bool message_is_old(const struct queue_message *m, int64_t most)
{
	int64_t created = m->envelope->created;

	return clock_plausible() && created >= CLOCK_EPOCH
		&& clock_now() - created >= most;
}

/* Once a message, and not when the clock may be wrong. */
static bool is_late(const struct queue_message *m)
{
	unsigned after = m->entry->queue->daemon.conf->warn_after;

	return after && !m->envelope->warned && clock_plausible()
		&& (message_waited(m, after)
			|| (m->kept && message_is_old(m, after)));
}

/* ---- reports, and the end */

/* What its sender is to be told of a recipient now. */
static enum queue_report due_report(const struct queue_message *m, unsigned i,
		bool late)
{
	const struct spool_rcpt *r = &m->envelope->rcpt[i];
	enum queue_fate fate = m->outcome[i].fate;

	/* RFC 5321 6.1, RFC 3461 6.1: never a report about a report */
	if (!*m->envelope->sender)
		return REPORT_NONE;
	if (CFG_DSN && r->state == SPOOL_DELIVERED)
		return REPORT_DELIVERED;
	if (CFG_DSN && r->state == SPOOL_RELAYED)
		return REPORT_RELAYED;
	if (CFG_DSN && r->state == SPOOL_EXPANDED)
		return REPORT_EXPANDED;
	if (fate == FATE_FAILED && dsn_wants(r->dsn, DSN_FAILURE))
		return REPORT_FAILED;
	if (fate == FATE_LATER && late && m->outcome[i].kept != KEPT
			&& dsn_wants(r->dsn, DSN_DELAY))
		return REPORT_DELAYED;
	return REPORT_NONE;
}

/* Is something tried in vain for so long that alert-command has to know? */
static bool is_stuck(const struct queue_message *m)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	unsigned after = conf->alert_command_after;
	bool any = false;

	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		any |= m->outcome[i].fate == FATE_LATER
			&& m->outcome[i].kept != KEPT;
	return any && conf->alert_command
		&& (message_waited(m, after) || message_is_old(m, after));
}

void message_end(struct queue_message *m)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	bool over = !m->entry->queue->daemon.stopping && !m->envelope->held
			&& message_waited(m, conf->bounce_after);
	bool late = is_late(m), any = false;
	struct err err;

	for (unsigned i = 0; i < m->envelope->nrcpt; i++) {
		struct queue_outcome *o = &m->outcome[i];

		if (over && o->fate == FATE_LATER && !o->kept)
			o->fate = FATE_FAILED;
		o->report = due_report(m, i, late);
		any |= o->report;
		if (o->report)
			continue;
		if (o->fate == FATE_FAILED)
			log_warn("%s: to=<%s> has failed, nobody is told",
					m->entry->id,
					m->envelope->rcpt[i].address);
		told(m, i);
	}
	if (CFG_QUEUE_ALERTS && is_stuck(m))
		alert_tell(m);
	if (!any)
		settle(m);
	else if (report_send(m, reported, &err) < 0)
		reported(m, NULL, &err);
}

void message_part_ended(struct queue_message *m)
{
	if (--m->jobs == 0)
		message_end(m);
}
