#include "applet.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/log.h"

#define IDLE_MS 5000			/* kept open for the next message */

struct queue_link {
	struct list link;		/* in site->links */
	struct queue_site *site;
	struct smtp_client *client;
	struct queue_job *job;		/* under way */
	int fd;				/* its body */
	unsigned at;			/* which of the site's targets */
	struct mx_target target;	/* a copy: the site may look up anew */
	bool plain;			/* opportunistic TLS has failed here */
	bool up;			/* was ready once */
	bool idle;
	unsigned carried;		/* jobs sent over it before */
	struct smtp_result said;	/* by the last address that was reached */
	bool redo;			/* the job has not even begun: elsewhere again */
	struct loop_timer timeout;
	char date[QUEUE_LATE_DATE];	/* that this message came without */
	char host[320];			/* for the log: name[address]:port */
};

static const struct smtp_client_events events;

static void describe(struct queue_link *l)
{
	const char *peer = smtp_client_peer(l->client);

	if (l->site->route.unix_path || !*peer)
		snprintf(l->host, sizeof(l->host), "%s", l->target.name);
	else
		snprintf(l->host, sizeof(l->host), "%s%s:%u", l->target.name,
				peer, l->site->route.port);
}

static void set_security(const struct queue_link *l, struct smtp_target *t)
{
	const struct conf_smarthost *h = l->site->route.smarthost;

	if (h) {
		t->tls = h->tls;
		t->verify = h->verify;
		t->user = h->user;
		t->password = queue_secret_text(l->site->queue, h);
		t->bearer = secret_is_token(h);
		t->mechanism = h->mechanism;
	} else {
		/* RFC 7435: some protection where none can be asked for */
		t->tls = t->lmtp ? CONF_TLS_NONE : CONF_TLS_MAY;
	}
	if (l->plain)
		t->tls = CONF_TLS_NONE;
}

static int dial(struct queue_link *l)
{
	struct queue_site *s = l->site;
	struct queue *q = s->queue;
	struct smtp_target t = {
		.addr = l->target.addr, .addr_len = l->target.addr_len,
		.unix_path = s->route.unix_path, .name = l->target.name,
		.lmtp = s->route.lmtp, .hello = q->daemon.conf->hostname,
		.connect_timeout = q->daemon.conf->connect_timeout,
	};

	set_security(l, &t);
	l->client = smtp_client_new(q->daemon.loop, &t, q->tls, &events, l);
	if (!l->client)
		return -1;
	describe(l);
	return 0;
}

/* The next address that the site has; -1: there is none. */
static int next_target(struct queue_link *l)
{
	struct queue_site *s = l->site;

	while (l->at < s->ntargets) {
		l->target = s->targets[l->at++];
		l->plain = false;
		if (dial(l) == 0)
			return 0;
	}
	return -1;
}

static void idle_over(struct loop_timer *t)
{
	struct queue_link *l = container_of(t, struct queue_link, timeout);

	l->idle = false;
	smtp_client_quit(l->client);
}

static void link_free(struct queue_link *l)
{
	struct queue_site *s = l->site;

	loop_timer_stop(s->queue->daemon.loop, &l->timeout);
	list_del(&l->link);
	s->nlinks--;
	s->queue->links -= !s->route.unix_path;
	if (!l->up)
		s->connecting--;
	if (l->fd >= 0)
		close(l->fd);
	free(l);
	site_wake_all(s->queue);
}

int link_start(struct queue_site *s)
{
	struct queue_link *l = calloc(1, sizeof(*l));

	if (!l)
		return -1;
	l->site = s;
	l->fd = -1;
	l->timeout.fire = idle_over;
	list_add_tail(&s->links, &l->link);
	s->nlinks++;
	s->queue->links += !s->route.unix_path;
	s->connecting++;
	if (next_target(l) == 0)
		return 0;
	site_cannot(s, "4.4.1", "cannot connect");
	link_free(l);
	return -1;
}

static void end_job(struct queue_link *l, const struct smtp_result *why)
{
	struct queue_job *j = l->job;

	l->job = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (j)
		message_job_end(j, why, l->host);
}

static bool send_job(struct queue_link *l, struct queue_job *j)
{
	struct spool *spool = l->site->queue->spool;
	struct smtp_result why = { .kind = ERR_TEMP, .enhanced = "4.3.0" };
	struct err err;

	list_del(&j->link);
	site_wake(l->site);		/* room for who is parked */
	l->job = j;
	l->fd = spool_body(spool, j->message->envelope, &j->smtp.start, &err);
	if (l->fd < 0) {
		snprintf(why.text, sizeof(why.text), "%.250s", err.text);
		end_job(l, &why);
		return false;
	}
	j->smtp.fd = l->fd;
	j->smtp.utf8_header = queue_utf8_header(j->message->envelope, l->fd,
			j->smtp.start);
	j->smtp.head = queue_late_date(l->date, j->message->envelope->created,
			l->fd, j->smtp.start);
	l->idle = false;
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

static void on_ready(void *arg)
{
	struct queue_link *l = arg;
	struct queue_site *s = l->site;

	if (!l->up) {
		l->up = true;
		s->connecting--;
		s->failures = 0;
		s->held_until = 0;
		queue_secret_taken(s);
	}
	if (s->queue->daemon.stopping) {
		smtp_client_quit(l->client);
		return;
	}
	while (!list_empty(&s->jobs))
		if (send_job(l, container_of(s->jobs.next, struct queue_job,
				link)))
			return;
	l->idle = true;
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

static void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	struct queue_link *l = arg;

	if (l->redo || was_stale(l, r)) {
		l->redo = true;
		return;
	}
	l->job->told = smtp_client_dsn(l->client);
	message_result(l->job, rcpt, r, l->host);
	if (l->job->left)
		return;
	l->carried++;
	end_job(l, r);
}

/* The password is never risked: with one, TLS was no mere wish. */
static bool may_go_plain(const struct queue_link *l)
{
	const struct conf_smarthost *h = l->site->route.smarthost;

	return !l->plain && (h ? h->tls == CONF_TLS_MAY && !h->user :
			!l->site->route.lmtp);
}

/* Another try at a host that has not even greeted us; false: none is left. */
static bool try_more(struct queue_link *l, const struct smtp_result *r)
{
	if (l->up || l->site->queue->daemon.stopping)
		return false;
	log_info("%s: %s", l->host, r->text);
	if (r->tls_failed && may_go_plain(l)) {
		l->plain = true;
		if (dial(l) == 0)
			return true;
	}
	return next_target(l) == 0;
}

static void give_back(struct queue_link *l)
{
	list_add_head(&l->site->jobs, &l->job->link);
	l->job = NULL;
	l->redo = false;
	close(l->fd);
	l->fd = -1;
}

static void on_gone(void *arg, const struct smtp_result *r)
{
	struct queue_link *l = arg;

	l->client = NULL;
	l->idle = false;
	if (l->redo)
		give_back(l);
	else if (l->job)
		end_job(l, r);
	/* tells more than that the next one cannot be reached */
	if (r->code || r->tls_failed || !*l->said.text)
		l->said = *r;
	/* a new token or password, and the same way again: once */
	if (!l->up && r->kind == ERR_AUTH && queue_secret_anew(l->site)) {
		log_info("%s: %s; another try with a new secret", l->host,
				r->text);
		link_free(l);
		return;
	}
	if (try_more(l, r))
		return;
	if (!l->up) {
		struct smtp_result why = l->said;

		/* a host that is not for us today may be tomorrow */
		why.kind = ERR_TEMP;
		if (!*why.enhanced || *why.enhanced == '5')
			str_copy(why.enhanced, sizeof(why.enhanced),
					SPAN("4.4.1"));
		site_failed(l->site, &why);
	}
	link_free(l);
}

static const struct smtp_client_events events = {
	on_ready, on_result, on_gone
};

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
