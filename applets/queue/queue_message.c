#include "applet.h"
#include "config.h"
#include "queue.h"
#include "queue_alert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/alias.h"
#include "mime/dsn.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"

#define KEY_SIZE 600			/* of a site */
#define MOVED_MS 1100		/* until the file of aliases is looked at again */
#define LATER_MS 1000

static void message_free(struct queue_message *m)
{
	struct queue *q = m->entry->queue;

	m->entry->active = NULL;
	arena_free(m->arena);
	free(m);
	q->active--;
	queue_message_ended(q);
}

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

/* ---- the end */

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

static void mark(struct queue_message *m, unsigned i, enum spool_state state)
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
			mark(m, m->last, SPOOL_DONE);
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
		mark(m, i, SPOOL_FAILED);
	else if (state == SPOOL_DELIVERED || state == SPOOL_RELAYED
			|| state == SPOOL_EXPANDED)
		mark(m, i, SPOOL_DONE);
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

/*
 * Has it waited that many seconds? The clock alone does not tell: the message
 * may have come before it was set. Where it cannot be right, only the tries do.
 */
static bool waited(const struct queue_message *m, int64_t most)
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

/* By the clock alone: what is kept has no tries to show for its age. */
static bool is_old(const struct queue_message *m, int64_t most)
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
		&& (waited(m, after) || (m->kept && is_old(m, after)));
}

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
		&& (waited(m, after) || is_old(m, after));
}

static void finish(struct queue_message *m)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	bool over = !m->entry->queue->daemon.stopping && !m->envelope->held
			&& waited(m, conf->bounce_after);
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

/* ---- results */

static const struct smtp_result *keep(struct queue_message *m,
		const struct smtp_result *r)
{
	struct smtp_result *copy = arena_alloc(m->arena, sizeof(*copy));

	if (copy)
		*copy = *r;
	return copy;
}

static void log_result(const struct queue_message *m, unsigned i,
		const struct smtp_result *r, const char *host)
{
	const char *status = r->kind == ERR_NONE ? "sent"
			: r->kind == ERR_PERM ? "bounced" : "deferred";

	const char *address = message_address(m, i);
	const char *old = m->envelope->rcpt[i].address;
	bool same = strcmp(address, old) == 0;
	char text[QUEUE_REASON];

	queue_advice(text, r);
	log_info("%s: to=<%s>%s%s%s relay=%s status=%s (%s)", m->entry->id,
			address, same ? "" : " orig_to=<", same ? "" : old,
			same ? "" : ">", *host ? host : "none", status, text);
}

static void fate_of(struct queue_message *m, unsigned i,
		const struct smtp_result *r, const char *host)
{
	struct queue_outcome *o = &m->outcome[i];

	o->fate = r->kind == ERR_PERM ? FATE_FAILED : FATE_LATER;
	o->why = keep(m, r);
	o->host = arena_dup(m->arena, span_of(host));
}

void message_fail(struct queue_message *m, unsigned i, enum err_kind kind,
		const char *enhanced, const char *text)
{
	struct smtp_result why = {
		.kind = kind == ERR_PERM ? ERR_PERM : ERR_TEMP
	};

	str_copys(why.enhanced, sizeof(why.enhanced), enhanced);
	str_copys(why.text, sizeof(why.text), text);
	log_result(m, i, &why, "");
	fate_of(m, i, &why, "");
}

void message_sent(struct queue_message *m, unsigned i)
{
	m->outcome[i].fate = FATE_SENT;
	m->outcome[i].host = "";
}

static bool is_deliver(const struct queue_job *j)
{
	const char *path = j->site->route.unix_path;

	return path && strcmp(path, j->message->entry->queue->deliver_path)
		== 0;
}

/* deliver has said to whom it goes. */
static bool is_forwarded(const struct queue_job *j, const struct smtp_result *r)
{
	return CFG_DELIVER_FORWARD && r->code == 551 && j->moved.n
		&& is_deliver(j);
}

bool entry_has_moved(const struct queue_entry *e, unsigned rcpt)
{
	return e->moved && e->moved[rcpt / 8] >> rcpt % 8 & 1;
}

/*
 * deliver says 551 (RFC 5321 3.4) to a name that is an alias: one of a moment
 * ago, postmaster without a mailbox, or a name that a catch-all gets. It is
 * looked up once more.
 */
static bool has_moved(struct queue_job *j, unsigned i,
		const struct smtp_result *r)
{
	struct queue_message *m = j->message;
	struct queue_entry *e = m->entry;

	if (!CFG_ALIASES || r->code != 551 || entry_has_moved(e, i)
			|| !is_deliver(j))
		return false;
	if (!e->moved)
		e->moved = calloc(m->envelope->nrcpt / 8 + 1, 1);
	if (e->moved)
		e->moved[i / 8] |= (unsigned char)(1 << i % 8);
	m->wait = MOVED_MS;
	return true;
}

/*
 * Who takes it and offers DSN sees to the rest (RFC 3461 5.2.1). Else a report
 * of success is ours: LMTP is final delivery, anything else is not (5.2.2, 6.2).
 */
static enum spool_state state_after(const struct queue_job *j, unsigned i)
{
	const struct spool_envelope *e = j->message->envelope;

	if (!CFG_DSN || j->told || !*e->sender
			|| !dsn_wants(e->rcpt[i].dsn, DSN_SUCCESS))
		return SPOOL_DONE;
	return j->site->route.lmtp ? SPOOL_DELIVERED : SPOOL_RELAYED;
}

/* Is everybody else done with, so that the file goes next, at once? */
static bool is_last(const struct queue_job *j, unsigned rcpt)
{
	const struct queue_message *m = j->message;
	const struct spool_envelope *e = m->envelope;

	if (j->left || m->jobs > 1)
		return false;
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (i != rcpt && e->rcpt[i].state != SPOOL_DONE
				&& e->rcpt[i].state != SPOOL_FAILED)
			return false;
	return true;
}

/* Removing the file says it as well, and nothing happens in between. */
static void leave_unmarked(struct queue_message *m, unsigned rcpt)
{
	m->envelope->rcpt[rcpt].state = SPOOL_DONE;
	m->unmarked = true;
	m->last = rcpt;
}

void message_result(struct queue_job *j, unsigned rcpt,
		const struct smtp_result *r, const char *host)
{
	struct queue_message *m = j->message;
	unsigned i = j->index[rcpt];
	struct queue_outcome *o = &m->outcome[i];
	struct smtp_result later = *r;

	if (o->fate != FATE_NONE)
		return;
	j->left--;
	if (is_forwarded(j, r) && alias_forward(m, i, j->moved) == 0) {
		o->fate = FATE_SENT;	/* until that has ended */
		return;
	}
	if (is_forwarded(j, r) || has_moved(j, i, r))
		later.kind = ERR_TEMP;
	log_result(m, i, &later, host);
	m->entry->again |= r->maybe;
	if (r->kind == ERR_NONE) {
		o->fate = FATE_SENT;
		if (is_last(j, i) && state_after(j, i) == SPOOL_DONE)
			leave_unmarked(m, i);
		else
			mark(m, i, state_after(j, i));
		if (m->envelope->rcpt[i].state == SPOOL_DONE)
			return;
		o->why = keep(m, r);
		o->host = arena_dup(m->arena, span_of(host));
	} else {
		fate_of(m, i, &later, host);
		/* nobody has said it: that the link went is reason enough */
		if (CFG_QUEUE_LINK && o->fate == FATE_LATER && !r->code
				&& uplink_down(m->entry->queue,
					&j->site->route))
			o->kept = m->kept = true;
	}
}

void message_part_ended(struct queue_message *m)
{
	if (--m->jobs == 0)
		finish(m);
}

/* What is left of the job: when may it be tried again? */
static void note_hold(const struct queue_job *j)
{
	struct queue_message *m = j->message;
	int64_t until = j->site->held_until, held = until - clock_ms();
	unsigned i = 0;

	while (i < j->smtp.nrcpt && m->outcome[j->index[i]].fate != FATE_LATER)
		i++;
	if (i == j->smtp.nrcpt)
		return;
	if (held <= 0)
		m->tried = true;
	else if (j->site->route.unix_path)
		m->wait = held;
	else if (!m->held || until < m->held)
		m->held = until;
}

/* Until a human does something, or that time has gone by, it would be no try. */
static void keep_for_site(const struct queue_job *j, unsigned rcpt)
{
	struct queue_message *m = j->message;
	struct queue_outcome *o = &m->outcome[j->index[rcpt]];
	int64_t left = j->site->held_until - clock_ms();

	if (left <= 0 || o->fate != FATE_LATER)
		return;
	o->kept = KEPT_WARNED;
	m->kept = true;
	m->keep_ms = left;
}

void message_job_end(struct queue_job *j, const struct smtp_result *r,
		const char *host)
{
	struct queue_message *m = j->message;

	for (unsigned i = 0; i < j->smtp.nrcpt; i++) {
		message_result(j, i, r, host);
		if (j->site->kept)
			keep_for_site(j, i);
	}
	note_hold(j);
	message_part_ended(m);
}

/* Has it waited for so long that fallback-route may have it? */
static bool is_fallen(const struct queue_message *m, bool kept)
{
	const struct conf_route *r = m->entry->queue->daemon.conf->fallback;

	return r && (waited(m, r->after) || (kept && is_old(m, r->after)));
}

void message_elsewhere(struct queue_job *j, const struct smtp_result *r)
{
	const struct queue_message *m = j->message;
	struct queue *q = m->entry->queue;
	struct queue_site *s = NULL;
	struct queue_route route;
	char key[KEY_SIZE];

	if (r->kind == ERR_TEMP && route_next(q, m->envelope->sender,
			&j->site->route, is_fallen(m, j->site->kept), &route,
			key, sizeof(key)))
		s = site_get(q, &route, key);
	if (!s) {
		message_job_end(j, r, "");
		return;
	}
	log_info("%s: not by %s (%s), but by %s", m->entry->id, j->site->key,
			r->text, s->key);
	j->site = s;
	if (m->entry->flushed)
		site_flush(s, m->entry->flushed);
	site_add(s, j);
}

/* ---- the beginning */

static struct span domain_of(const char *address)
{
	return span_behind(span_of(address), '@');
}

const char *message_address(const struct queue_message *m, unsigned rcpt)
{
	const char *other = m->outcome[rcpt].address;

	if (!other && m->address)
		other = m->address[rcpt];
	return other && *other ? other : m->envelope->rcpt[rcpt].address;
}

/* Is it to be sent, and not seen to already? */
static bool is_due(const struct queue_message *m, unsigned i)
{
	return m->envelope->rcpt[i].state == SPOOL_WAITING
		&& m->outcome[i].fate == FATE_NONE
		&& !(m->address && m->address[i] && !*m->address[i]);
}

static unsigned job_most(const struct queue_message *m)
{
	unsigned most = m->entry->queue->daemon.conf->max_recipients;

	return most < QUEUE_JOB_MOST ? most : QUEUE_JOB_MOST;
}

/* The job for the site of recipient `first` and others that go there. */
static int add_job(struct queue_message *m, struct list *jobs,
		struct queue_site **sites, unsigned first)
{
	const struct spool_envelope *e = m->envelope;
	struct queue_job *j = arena_alloc(m->arena, sizeof(*j));
	struct queue_site *s = sites[first];
	unsigned n = 0;

	for (unsigned i = first; i < e->nrcpt && n < job_most(m); i++)
		n += sites[i] == s;
	if (!j || !(j->index = arena_alloc(m->arena, n * sizeof(*j->index)))
			|| !(j->rcpt = arena_alloc(m->arena,
				n * sizeof(*j->rcpt)))
			|| !(j->dsn = arena_alloc(m->arena,
				n * sizeof(*j->dsn))))
		return -1;
	for (unsigned i = first; j->left < n; i++) {
		if (sites[i] != s)
			continue;
		sites[i] = NULL;
		j->index[j->left] = i;
		j->dsn[j->left] = rewrite_dsn(m, i);
		j->rcpt[j->left++] = message_address(m, i);
	}
	j->message = m;
	j->site = s;
	j->smtp = (struct smtp_message){
		.sender = e->sender, .rcpt = j->rcpt, .nrcpt = n,
		.size = e->size, .eight_bit = e->eight_bit,
		.dsn = e->dsn, .rcpt_dsn = j->dsn,
		.spool_id = e->id, .again = m->entry->again,
	};
	list_add_tail(jobs, &j->link);
	j->next = m->first;
	m->first = j;
	m->jobs++;
	return 0;
}

/* Alerts and caps decide on a message as a whole, once it goes beyond deliver. */
static const struct smtp_result *holds_all(struct queue_message *m,
		const struct queue_route *route)
{
	if (route->unix_path == m->entry->queue->deliver_path)
		return NULL;
	if (!m->weighed && CFG_QUEUE_ALERTS)
		m->holds = alert_holds(m);
	if (!m->weighed && CFG_QUEUE_CAPS && !m->holds)
		m->capped = (m->holds = cap_holds(m)) != NULL;
	m->weighed = true;
	return m->holds;
}

/* True: it does not go now, and that is no try. */
static bool hold(struct queue_message *m, unsigned i,
		const struct queue_route *route)
{
	const struct smtp_result *why = CFG_QUEUE_LINK ?
		uplink_holds(m, route) : NULL;
	struct queue_outcome *o = &m->outcome[i];

	if (!why)
		why = holds_all(m, route);
	if (!why)
		return false;
	log_result(m, i, why, "");
	*o = (struct queue_outcome){
		.fate = FATE_LATER, .why = why, .host = "",
		.kept = m->capped ? KEPT_WARNED : KEPT
	};
	m->kept = true;
	return true;
}

/* A line `route ... error:`, as if a host had said so. */
static void refuse(struct queue_message *m, unsigned i,
		const struct conf_route *r)
{
	message_fail(m, i, *r->status == '4' ? ERR_TEMP : ERR_PERM,
			r->status, r->host);
}

/* A job for each site. -1: no memory. */
static int gather(struct queue_message *m, struct list *jobs)
{
	struct queue *q = m->entry->queue;
	const struct spool_envelope *e = m->envelope;
	struct queue_site **sites = arena_alloc(m->arena,
			e->nrcpt * sizeof(*sites));
	struct queue_route route;
	char key[KEY_SIZE];

	for (unsigned i = 0; sites && i < e->nrcpt; i++) {
		const char *address;

		if (!is_due(m, i))
			continue;
		if (CFG_MASQUERADE && rewrite_rcpt(m, i) < 0)
			return -1;
		address = message_address(m, i);
		route_find(q, e->sender, domain_of(address), &route, key,
				sizeof(key));
		if (CFG_ROUTE_ERROR && route.error) {
			refuse(m, i, route.error);
			continue;
		}
		if (hold(m, i, &route))
			continue;
		/* a slow command holds up others of its kind alone */
		if (CFG_ALIASES && alias_is_target(span_of(address)))
			str_copys(key, sizeof(key), "deliver |");
		sites[i] = site_get(q, &route, key);
		if (!sites[i])
			return -1;
		if (m->entry->flushed)
			site_flush(sites[i], m->entry->flushed);
	}
	for (unsigned i = 0; sites && i < e->nrcpt; i++)
		if (sites[i] && add_job(m, jobs, sites, i) < 0)
			return -1;
	return sites ? 0 : -1;
}

static bool is_full(const struct queue_site *s)
{
	return site_waiting(s) >= site_room(s);
}

/* What goes elsewhere does not wait for this site: its own part is for later. */
static void put_off(struct queue_job *j)
{
	struct queue_message *m = j->message;

	for (unsigned i = 0; i < j->smtp.nrcpt; i++)
		m->outcome[j->index[i]].fate = FATE_LATER;
	j->left = 0;
	m->jobs--;
	m->crowded = true;
}

/*
 * Hands the jobs out. A site that has enough to do shall not take the room of
 * others: then the message waits there without being in memory.
 */
static void hand_out(struct queue_message *m, struct list *jobs)
{
	struct queue_job *j, *full = NULL;
	unsigned nfull = 0;

	for (j = m->first; j; j = j->next)
		if (is_full(j->site)) {
			full = j;
			nfull++;
		}
	if (nfull == m->jobs) {
		list_add_tail(&full->site->parked, &m->entry->ready);
		message_free(m);
		return;
	}
	while (!list_empty(jobs)) {
		j = container_of(jobs->next, struct queue_job, link);
		list_del(&j->link);
		if (is_full(j->site))
			put_off(j);
		else
			site_add(j->site, j);
	}
}

/* When a file found by a scan says that it is not due yet. */
static bool not_yet(struct queue_message *m)
{
	struct queue_entry *e = m->entry;
	int64_t wait = m->envelope->next_try - clock_now();
	int64_t most = e->queue->daemon.conf->retry_most;

	e->held = m->envelope->held;
	if (e->held)
		return true;
	if (!e->unread || e->flushed || !m->envelope->attempts)
		return false;
	e->unread = false;
	if (wait <= 0)
		return false;
	/* the clock may have jumped: never longer than the longest pause */
	queue_due_in(e, (wait < most ? wait : most) * 1000);
	return true;
}

/* Is the file what was acknowledged? -1: no, or not now. */
static int read_message(struct queue_message *m, struct err *err)
{
	struct queue_entry *e = m->entry;
	struct spool *spool = e->queue->spool;

	m->arena = arena_new(QUEUE_ENVELOPE_MOST);
	if (!m->arena)
		return err_nomem(err);
	if (spool_load(spool, e->id, m->arena, &m->envelope, err) < 0)
		return -1;
	m->outcome = arena_alloc(m->arena,
			m->envelope->nrcpt * sizeof(*m->outcome));
	if (!m->outcome)
		return err_nomem(err);
	return 0;
}

/* Once, and not before it is sent: a queue that starts reads envelopes alone. */
static int check_message(struct queue_message *m, struct err *err)
{
	struct queue_entry *e = m->entry;

	if (e->check && spool_check(e->queue->spool, m->envelope, err) < 0)
		return -1;
	e->check = false;
	return 0;
}

bool message_recall(struct queue_entry *e)
{
	struct queue_message *m = e->active;
	struct queue_job *j;

	if (!m)
		return true;
	if (!m->jobs || m->expanding)
		return false;
	for (j = m->first; j; j = j->next)
		if (j->left && list_empty(&j->link))
			return false;
	for (j = m->first; j; j = j->next) {
		/* the site of one that has ended may be gone */
		if (list_empty(&j->link))
			continue;
		list_del(&j->link);
		site_wake(j->site);
	}
	message_free(m);
	return true;
}

static void retry(struct queue_entry *e)
{
	const struct conf *conf = e->queue->daemon.conf;

	queue_due_in(e, message_backoff(conf, conf->retry_first, 0));
}

static void cannot_start(struct queue_message *m, const struct err *err)
{
	struct queue_entry *e = m->entry;

	log_warn("%s: %s", e->id, err->text);
	if (CFG_QUEUE_ALERTS && m->envelope && err->kind == ERR_PERM)
		alert_unmerge(m);
	message_free(m);
	if (err->kind == ERR_PERM)
		queue_drop(e);
	else
		retry(e);
}

void message_start(struct queue_entry *e)
{
	struct queue_message *m = calloc(1, sizeof(*m));
	struct err err;

	if (!m) {
		retry(e);
		return;
	}
	m->entry = e;
	e->active = m;
	e->crowded = false;
	e->queue->active++;
	if (read_message(m, &err) < 0) {
		cannot_start(m, &err);
		return;
	}
	e->unsure = parent_unsure(m);
	if (!e->unsure && not_yet(m))
		message_free(m);
	else if (check_message(m, &err) < 0)
		cannot_start(m, &err);
	else if (e->unsure)
		parent_settle(m);
	else
		message_go(m);
}

void message_later(struct queue_message *m)
{
	struct queue_entry *e = m->entry;

	message_free(m);
	queue_due_in(e, LATER_MS);
}

void message_go(struct queue_message *m)
{
	struct list jobs;
	struct err err;

	if (m->entry->queue->daemon.stopping || not_yet(m)) {
		message_free(m);
		return;
	}
	if (parent_waits(m)) {
		message_later(m);
		return;
	}
	list_init(&jobs);
	if ((CFG_ALIASES && alias_resolve(m) < 0) || gather(m, &jobs) < 0) {
		err_nomem(&err);
		cannot_start(m, &err);
		return;
	}
	if (CFG_ALIASES)
		alias_begin(m);
	if (!m->jobs)
		/* all done before the crash, but not told or not removed */
		finish(m);
	else
		hand_out(m, &jobs);
}
