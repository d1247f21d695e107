/* What hosts have said of a message's recipients. */
#include "config.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "mime/dsn.h"
#include "os/clock.h"
#include "os/log.h"

#define MOVED_MS 1100		/* until the file of aliases is looked at again */

static const struct smtp_result *keep(struct queue_message *m,
		const struct smtp_result *r)
{
	struct smtp_result *copy = arena_alloc(m->arena, sizeof(*copy));

	if (copy)
		*copy = *r;
	return copy;
}

void message_log(const struct queue_message *m, unsigned i,
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
	message_log(m, i, &why, "");
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
	message_log(m, i, &later, host);
	m->entry->again |= r->maybe;
	if (r->kind == ERR_NONE) {
		o->fate = FATE_SENT;
		if (is_last(j, i) && state_after(j, i) == SPOOL_DONE)
			leave_unmarked(m, i);
		else
			message_mark(m, i, state_after(j, i));
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

	return r && (message_waited(m, r->after) || (kept && message_is_old(m, r->after)));
}

void message_elsewhere(struct queue_job *j, const struct smtp_result *r)
{
	const struct queue_message *m = j->message;
	struct queue *q = m->entry->queue;
	struct queue_site *s = NULL;
	struct queue_route route;
	char key[QUEUE_KEY_SIZE];

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
