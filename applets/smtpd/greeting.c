/* A greeting that comes late: who talks before it is no mail server. */
#include <stdlib.h>

#include "os/log.h"
#include "smtpd/smtpd.h"

/* A connection that was not greeted yet. */
struct waiting {
	struct list link;
	struct smtpd_service *service;
	struct conn *conn;
	struct loop_timer timer;
};

/* The conn is left to the caller. */
static void forget(struct waiting *w)
{
	loop_timer_stop(w->service->smtpd->daemon.loop, &w->timer);
	list_del(&w->link);
	free(w);
}

static void turn_away(struct waiting *w, const char *reply)
{
	struct smtpd *m = w->service->smtpd;
	struct conn *c = w->conn;

	listen_count_out(m->daemon.count, conn_peer_addr(c));
	/* with input left unread the kernel would send a reset */
	conn_skip(c, conn_peek(c).n);
	if (reply)
		conn_puts(c, reply);
	conn_close(c);
	forget(w);
	smtpd_check_over(m);
}

static void on_event(struct conn *c, enum conn_event event, void *arg)
{
	struct waiting *w = arg;
	struct smtpd *m = w->service->smtpd;

	if (event != CONN_INPUT) {
		turn_away(w, NULL);
		return;
	}
	log_info("%s: talked before the greeting", conn_peer(c));
	if (CFG_SMTPD_LIMITS)
		smtpd_limit_failure(m, conn_peer_addr(c));
	turn_away(w, "554 5.5.1 You talk before the greeting\r\n");
}

static void on_time(struct loop_timer *t)
{
	struct waiting *w = container_of(t, struct waiting, timer);
	struct smtpd_service *v = w->service;
	struct conn *c = w->conn;

	forget(w);
	smtpd_start(v, c);
}

bool smtpd_greet_later(struct smtpd_service *v, struct conn *c)
{
	struct smtpd *m = v->smtpd;
	unsigned delay = m->daemon.conf->greeting_delay;
	struct waiting *w;

	if (!delay || !v->checks ||
			!smtpd_is_stranger(m, conn_peer_addr(c)))
		return false;
	w = calloc(1, sizeof(*w));
	if (!w)
		return false;
	w->service = v;
	w->conn = c;
	w->timer.fire = on_time;
	list_add_tail(&m->waiting, &w->link);
	loop_timer_set(m->daemon.loop, &w->timer, delay * INT64_C(1000));
	conn_owner(c, on_event, w);
	return true;
}

void smtpd_greet_nobody(struct smtpd *m)
{
	while (!list_empty(&m->waiting))
		turn_away(container_of(m->waiting.next, struct waiting, link),
				"421 4.3.2 Service shutting down\r\n");
}
