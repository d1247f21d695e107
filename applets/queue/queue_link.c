#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/dial.h"
#include "net/tls_pins.h"
#include "os/clock.h"
#include "os/log.h"

#define SMTP_PORT 25
#define IDLE_MS 5000			/* kept open for the next message */
#define SILENT_MOST 3			/* sites in a row: it is port 25 */

struct queue_link {
	struct list link;		/* in site->links */
	struct list rest;		/* in queue->idle or queue->slow */
	struct queue_site *site;
	struct dial *dial;		/* until connected, */
	struct smtp_client *client;	/* and then */
	struct queue_job *job;		/* under way */
	int fd;				/* its body */
	struct queue_targets *targets;	/* as they were when it began */
	uint32_t tried;			/* a bit each */
	const struct mx_target *target;	/* the one at hand */
	struct proof proof;	/* what its certificate has to be */
	bool may_go_plain;		/* TLS is only opportunistic there, */
	bool plain;			/* and has failed */
	bool up;			/* was ready once */
	bool idle, slow;		/* in the list of these */
	bool leaving;			/* to make room for another site */
	unsigned carried;		/* jobs sent over it before */
	int64_t begun;			/* connecting; then of its turn */
	struct smtp_result said;	/* by the last address that was reached */
	bool redo;			/* the job has not even begun: elsewhere again */
	struct loop_timer timeout;
	struct str head;		/* fields that this message goes with */
	/* of the recipient who is answered next */
	struct str moved;
	char host[320];			/* for the log: name[address]:port */
};

static const struct smtp_client_events events;

/* ---- its life, and whose share it counts for */

static bool is_local(const struct queue_link *l)
{
	return l->site->route.unix_path;
}

static void set_slow(struct queue_link *l, bool slow)
{
	struct queue *q = l->site->queue;

	if (l->slow == slow)
		return;
	l->slow = slow;
	list_del(&l->rest);
	if (slow)
		list_add_tail(&q->slow, &l->rest);
	q->nslow += slow ? 1u : -1u;
	q->links -= slow ? 1u : -1u;
}

static void set_idle(struct queue_link *l, bool idle)
{
	if (l->idle == idle)
		return;
	l->idle = idle;
	list_del(&l->rest);
	if (idle && !is_local(l))
		list_add_tail(&l->site->queue->idle, &l->rest);
}

static void link_free(struct queue_link *l)
{
	struct queue_site *s = l->site;
	struct queue *q = s->queue;

	dial_cancel(l->dial);
	loop_timer_stop(q->daemon.loop, &l->timeout);
	set_slow(l, false);
	set_idle(l, false);
	list_del(&l->link);
	s->nlinks--;
	q->links -= !is_local(l);
	q->leaving -= l->leaving;
	if (!l->up)
		s->connecting--;
	str_free(&l->head);
	str_free(&l->moved);
	if (l->fd >= 0)
		close(l->fd);
	if (CFG_TLS_POLICY)
		proof_drop(&l->proof);
	targets_drop(l->targets);
	free(l);
	site_wake(s);
	site_feed(q);
}

/* Between two messages, or never up: what is under way is never left. */
static void leave(struct queue_link *l)
{
	l->leaving = true;
	l->site->queue->leaving++;
	smtp_client_quit(l->client);
}

/* ---- to the first of the site's addresses that lets us in */

static void describe(struct queue_link *l)
{
	const char *peer = smtp_client_peer(l->client);

	if (is_local(l) || !*peer)
		snprintf(l->host, sizeof(l->host), "%s", l->target->name);
	else
		snprintf(l->host, sizeof(l->host), "%s%s:%u", l->target->name,
				peer, l->site->route.port);
}

static bool smarthost_pins(struct queue_link *l, struct smtp_target *t)
{
	const struct conf_smarthost *h = l->site->route.smarthost;

	if (!h->pins)
		return true;
	l->proof.pins = tls_pins_of(h->pins);
	if (!l->proof.pins)
		return false;
	t->expect = &l->proof.pins->expect;
	return true;
}

/* False: without what it has to be sure of, this host must not be tried. */
static bool set_security(struct queue_link *l, struct smtp_target *t)
{
	const struct conf_smarthost *h = l->site->route.smarthost;

	if (CFG_TLS_POLICY)
		proof_drop(&l->proof);
	if (h) {
		t->tls = h->tls;
		t->verify = h->verify;
		t->user = h->user;
		t->password = queue_secret_text(l->site->queue, h);
		t->bearer = secret_is_token(h);
		t->mechanism = h->mechanism;
		if (CFG_TLS_POLICY && !smarthost_pins(l, t))
			return false;
	} else {
		/* RFC 7435: some protection where none can be asked for */
		t->tls = t->lmtp ? CONF_TLS_NONE : CONF_TLS_MAY;
		if (CFG_TLS_POLICY && !proof_of(l->site, l->targets,
				l->target, t, &l->proof, &l->said))
			return false;
	}
	/* the password is never risked: with one, TLS is no mere wish */
	l->may_go_plain = t->tls == CONF_TLS_MAY && !t->user;
	if (l->plain)
		t->tls = CONF_TLS_NONE;
	return true;
}

/* conn: NULL for a unix socket, which need not be dialled. */
static int talk(struct queue_link *l, struct conn *conn)
{
	struct queue_site *s = l->site;
	struct queue *q = s->queue;
	struct smtp_target t = {
		.addr = l->target->addr, .addr_len = l->target->addr_len,
		.conn = conn, .unix_path = s->route.unix_path,
		.name = l->target->name,
		.lmtp = s->route.lmtp, .hello = q->daemon.conf->hostname,
		.connect_timeout = q->daemon.conf->connect_timeout,
	};

	if (!set_security(l, &t))
		return -1;
	l->client = smtp_client_new(q->daemon.loop, &t, q->tls, &events, l);
	if (!l->client)
		return -1;
	describe(l);
	return 0;
}

static void link_failed(struct queue_link *l)
{
	struct smtp_result why = l->said;

	if (why.about & SMTP_ABOUT_CONNECT && why.about & SMTP_ABOUT_PORT25
			&& ++l->site->queue->silent >= SILENT_MOST)
		why.about |= SMTP_ABOUT_SILENT;
	/* a host that is not for us today may be tomorrow */
	why.kind = ERR_TEMP;
	if (!*why.enhanced || *why.enhanced == '5')
		str_copy(why.enhanced, sizeof(why.enhanced), SPAN("4.4.1"));
	site_refused(l->site, &why);
	link_free(l);
}

static void set_said(struct queue_link *l, const char *text)
{
	/* what a host said tells more than that another cannot be reached */
	if (l->said.code || l->said.tls_fault)
		return;
	l->said = (struct smtp_result){ .kind = ERR_TEMP,
		.about = SMTP_ABOUT_CONNECT };
	if (l->site->route.port == SMTP_PORT)
		l->said.about |= SMTP_ABOUT_PORT25;
	str_copys(l->said.enhanced, sizeof(l->said.enhanced), "4.4.1");
	str_copys(l->said.text, sizeof(l->said.text), text);
}

static void dialled(void *arg, const struct mx_target *t, struct conn *conn,
		const struct err *why)
{
	struct queue_link *l = arg;

	if (!t || conn)
		l->dial = NULL;
	if (t)
		l->tried |= (uint32_t)1 << (t - l->targets->v);
	if (conn) {
		l->plain &= t == l->target;
		l->target = t;
		if (talk(l, conn) == 0)
			return;
		conn_abort(conn);
		set_said(l, "out of memory");
		link_failed(l);
	} else if (t) {
		log_info("%s:%u: %s", t->name, l->site->route.port, why->text);
		set_said(l, why->text);
	} else {
		link_failed(l);
	}
}

/* What is left of the addresses, or once more the one at hand; -1: nothing. */
static int dial(struct queue_link *l, bool again)
{
	const struct queue_targets *t = l->targets;
	struct queue *q = l->site->queue;
	uint32_t skip = again ? ~((uint32_t)1 << (l->target - t->v)) : l->tried;

	if (!again && l->tried == ((uint64_t)1 << t->n) - 1)
		return -1;
	l->dial = dial_start(q->daemon.loop, t->v, t->n, skip,
			q->daemon.conf->connect_timeout, dialled, l);
	return l->dial ? 0 : -1;
}

static void give_up(struct queue_link *l)
{
	if (l->client)
		smtp_client_abort(l->client);
	l->client = NULL;
	set_said(l, "timed out: others are waiting");
	link_failed(l);
}

/*
 * Hosts that are dead or slow to greet must not take the connections of those
 * that would answer: they do not count, up to as many again; then the one that
 * has had most patience goes, if somebody waits.
 */
static void became_slow(struct loop_timer *t)
{
	struct queue_link *l = container_of(t, struct queue_link, timeout);
	struct queue *q = l->site->queue;
	struct queue_link *oldest = container_of(q->slow.next,
			struct queue_link, rest);
	bool full = q->nslow >= q->daemon.conf->queue_sessions;

	if (full && q->nwaits[QUEUE_WAIT_LINK] &&
			clock_ms() - oldest->begun > QUEUE_PATIENCE_MS) {
		give_up(oldest);
		full = false;
	}
	if (full) {
		loop_timer_set(q->daemon.loop, t, QUEUE_SLOW_MS);
		return;
	}
	set_slow(l, true);
	site_feed(q);
}

static void idle_over(struct loop_timer *t)
{
	struct queue_link *l = container_of(t, struct queue_link, timeout);

	set_idle(l, false);
	smtp_client_quit(l->client);
}

/* Hosts that we must not trust with the mail are not even tried. */
static void skip_unsure(struct queue_link *l)
{
	if (l->site->route.smarthost)
		return;
	for (unsigned i = 0; i < l->targets->n; i++) {
		struct smtp_target t = { .lmtp = l->site->route.lmtp };

		l->target = &l->targets->v[i];
		t.name = l->target->name;
		if (set_security(l, &t))
			continue;
		l->tried |= (uint32_t)1 << i;
		log_info("%s", l->said.text);
	}
	l->target = l->targets->v;
}

static int link_begin(struct queue_link *l)
{
	struct queue *q = l->site->queue;

	l->target = l->targets->v;
	if (is_local(l)) {
		l->tried = 1;
		return talk(l, NULL);
	}
	l->timeout.fire = became_slow;
	loop_timer_set(q->daemon.loop, &l->timeout, QUEUE_SLOW_MS);
	if (CFG_TLS_POLICY)
		skip_unsure(l);
	return dial(l, false);
}

int link_start(struct queue_site *s)
{
	struct queue_link *l = calloc(1, sizeof(*l));

	if (!l) {
		site_cannot(s, "4.3.0", "out of memory");
		return -1;
	}
	l->site = s;
	l->fd = -1;
	str_init(&l->head, QUEUE_HEAD_MOST);
	str_init(&l->moved, QUEUE_MOVED_MOST);
	l->targets = targets_use(s->targets);
	l->begun = clock_ms();
	list_init(&l->rest);
	list_add_tail(&s->links, &l->link);
	s->nlinks++;
	s->queue->links += !is_local(l);
	s->connecting++;
	if (link_begin(l) == 0)
		return 0;
	if (*l->said.text) {
		link_failed(l);
		return -1;
	}
	site_cannot(s, "4.3.0", "out of memory");
	link_free(l);
	return -1;
}

/* ---- jobs */

static void end_job(struct queue_link *l, const struct smtp_result *why)
{
	struct queue_job *j = l->job;

	l->job = NULL;
	str_free(&l->head);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (j)
		message_job_end(j, why, l->host);
}

/* What goes before what is in the file, and instead of some of it. */
static int make_head(struct queue_link *l, struct queue_job *j)
{
	char date[QUEUE_LATE_DATE];

	j->smtp.fd = l->fd;
	j->smtp.head = NULL;
	if (queue_late_date(date, j->message->envelope, l->fd,
			j->smtp.start))
		str_adds(&l->head, date);
	if ((CFG_MASQUERADE || CFG_SRS) && rewrite_message(j, &l->head) < 0)
		return -1;
	if (l->head.n)
		j->smtp.head = str_c(&l->head);
	return l->head.bad ? -1 : 0;
}

/* Not for anything that the other side said: later again. */
static bool cannot_send(struct queue_link *l, const char *text)
{
	struct smtp_result why = { .kind = ERR_TEMP, .enhanced = "4.3.0" };

	snprintf(why.text, sizeof(why.text), "%.250s", text);
	end_job(l, &why);
	return false;
}

static bool send_job(struct queue_link *l, struct queue_job *j)
{
	struct spool *spool = l->site->queue->spool;
	struct err err;

	list_del(&j->link);
	site_wake(l->site);		/* room for who is parked */
	l->job = j;
	l->fd = spool_body(spool, j->message->envelope, &j->smtp.start, &err);
	if (l->fd < 0)
		return cannot_send(l, err.text);
	j->smtp.utf8_header = queue_utf8_header(j->message->envelope, l->fd,
			j->smtp.start);
	if (make_head(l, j) < 0)
		return cannot_send(l, "out of memory");
	set_idle(l, false);
	loop_timer_stop(l->site->queue->daemon.loop, &l->timeout);
	smtp_client_send(l->client, &j->smtp);
	return true;
}

bool link_offer(struct queue_site *s, struct queue_job *j)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &s->links) {
		struct queue_link *l = container_of(pos, struct queue_link,
				link);

		if (l->idle) {
			send_job(l, j);
			return true;
		}
	}
	return false;
}

/* ---- what the client says */

/* Once a connection: what goes on in plain was noted when TLS broke. */
static void note_tls(struct queue_link *l, unsigned fault)
{
	if (CFG_TLS_REPORT && !l->plain)
		proof_note(l->site, &l->proof, fault);
}

static void is_up(struct queue_link *l)
{
	struct queue_site *s = l->site;

	note_tls(l, *smtp_client_tls(l->client) ?
			smtp_client_tls_fault(l->client) : TLS_FAULT_NO_TLS);
	loop_timer_stop(s->queue->daemon.loop, &l->timeout);
	set_slow(l, false);
	l->timeout.fire = idle_over;
	l->begun = loop_now(s->queue->daemon.loop);
	l->up = true;
	s->connecting--;
	s->failures = 0;
	s->held_until = 0;
	if (!is_local(l) && s->route.port == SMTP_PORT)
		s->queue->silent = 0;
	queue_secret_taken(s);
}

/* Another site waits for its first link: may it have this one's place? */
static bool must_leave(const struct queue_link *l)
{
	const struct queue_site *s = l->site;
	const struct queue *q = s->queue;

	if (is_local(l) || q->leaving >= q->nwaits[QUEUE_WAIT_LINK])
		return false;
	return s->nlinks > 1 || list_empty(&s->jobs) ||
		loop_now(q->daemon.loop) - l->begun > QUEUE_TURN_MS;
}

static void on_ready(void *arg)
{
	struct queue_link *l = arg;
	struct queue_site *s = l->site;

	if (!l->up)
		is_up(l);
	if (s->queue->daemon.stopping) {
		smtp_client_quit(l->client);
		return;
	}
	if (must_leave(l)) {
		leave(l);
		return;
	}
	while (!list_empty(&s->jobs))
		if (send_job(l, container_of(s->jobs.next, struct queue_job,
				link)))
			return;
	set_idle(l, true);
	loop_timer_set(s->queue->daemon.loop, &l->timeout, IDLE_MS);
}

/*
 * The peer had closed the idle connection, or is gone, when we took it up
 * again: that says nothing about this message.
 */
static bool was_stale(const struct queue_link *l, const struct smtp_result *r)
{
	return l->carried && r->kind == ERR_TEMP && !r->maybe
			&& (!r->code || r->code == 421)
			&& l->job->left == l->job->smtp.nrcpt;
}

/*
 * deliver says to whom it goes, "551-5.1.6 ADDRESS"; it is not asked elsewhere.
 */
static void on_moved(void *arg, struct span line)
{
	struct queue_link *l = arg;

	if (!is_local(l))
		return;
	span_cut(&line, ' ');
	str_add(&l->moved, line);
	str_addc(&l->moved, '\n');
}

/* A list that is not whole is none: some of them would get nothing. */
static void take_result(struct queue_link *l, unsigned rcpt,
		const struct smtp_result *r)
{
	struct smtp_result later = *r;

	if (CFG_DELIVER_FORWARD && l->moved.bad) {
		later.kind = ERR_TEMP;
		later.code = 452;
		str_clear(&l->moved);
	}
	l->job->moved = str_span(&l->moved);
	message_result(l->job, rcpt, &later, l->host);
	str_free(&l->moved);
}

static void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	struct queue_link *l = arg;

	if (l->redo || was_stale(l, r)) {
		l->redo = true;
		return;
	}
	l->job->told = smtp_client_dsn(l->client);
	take_result(l, rcpt, r);
	if (l->job->left)
		return;
	l->carried++;
	if (r->kind == ERR_TEMP && (!r->code || r->code == 421))
		site_broke(l->site);
	else
		site_took(l->site);
	end_job(l, r);
}

/* Another try at a host that has not even greeted us; false: none is left. */
static bool try_more(struct queue_link *l, const struct smtp_result *r)
{
	log_info("%s: %s", l->host, r->text);
	if (is_local(l))
		return false;
	if (r->tls_fault)
		note_tls(l, r->tls_fault);
	if (r->tls_failed && l->may_go_plain && !l->plain) {
		l->plain = true;
		if (dial(l, true) == 0)
			return true;
	}
	return dial(l, false) == 0;
}

static void give_back(struct queue_link *l)
{
	list_add_head(&l->site->jobs, &l->job->link);
	l->job = NULL;
	str_free(&l->head);
	l->redo = false;
	close(l->fd);
	l->fd = -1;
}

static void on_gone(void *arg, const struct smtp_result *r)
{
	struct queue_link *l = arg;

	l->client = NULL;
	set_idle(l, false);
	if (l->redo)
		give_back(l);
	else if (l->job)
		end_job(l, r);
	if (l->up) {
		link_free(l);
		return;
	}
	/* tells more than that the next one cannot be reached */
	if (r->code || r->tls_fault || !*l->said.text)
		l->said = *r;
	/* a new token or password, and the same way again: once */
	if (r->kind == ERR_AUTH && queue_secret_anew(l->site)) {
		log_info("%s: %s; another try with a new secret", l->host,
				r->text);
		link_free(l);
	} else if (l->site->queue->daemon.stopping || !try_more(l, r)) {
		link_failed(l);
	}
}

static const struct smtp_client_events events = {
	on_ready, on_result, on_gone,
	CFG_DELIVER_FORWARD ? on_moved : NULL
};

void link_make_room(struct queue *q)
{
	struct queue_link *l = container_of(q->idle.next, struct queue_link,
			rest);

	if (list_empty(&q->idle) || q->leaving >= q->nwaits[QUEUE_WAIT_LINK])
		return;
	loop_timer_stop(q->daemon.loop, &l->timeout);
	set_idle(l, false);
	leave(l);
}

void link_stop_idle(struct queue_site *s)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &s->links) {
		struct queue_link *l = container_of(pos, struct queue_link,
				link);

		if (l->idle) {
			loop_timer_stop(s->queue->daemon.loop, &l->timeout);
			idle_over(&l->timeout);
		}
	}
}

void link_abort_all(struct queue_site *s)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &s->links) {
		struct queue_link *l = container_of(pos, struct queue_link,
				link);

		if (l->client)
			smtp_client_abort(l->client);
		link_free(l);
	}
}
