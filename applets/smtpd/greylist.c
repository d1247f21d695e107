/* Greylisting (RFC 6647): a stranger that is a mail server comes again. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/log.h"
#include "smtpd/smtpd.h"

/* Below run-dir, the queue user's own: the database's home. */
#define FOLDER "greylist"
#define REST_MS 10000		/* a database that fails is left alone */

/* -- the database; mail passes without it -- */

static void give_up(struct smtpd *m, const struct err *err)
{
	grey_close(m->grey);
	m->grey = NULL;
	m->grey_rest = loop_now(m->daemon.loop) + REST_MS;
	if (!m->grey_told)
		log_warn("greylist: %s; mail passes without it", err->text);
	m->grey_told = true;
}

void smtpd_grey_prepare(struct smtpd *m)
{
	const struct conf *c = m->daemon.conf;
	char path[sizeof(m->grey_path)];
	struct err err;

	m->grey_rules = (struct grey_rules){ c, clock_boot() };
	if (!c->greylist_delay)
		return;
	daemon_socket_path(&m->daemon, FOLDER, path, sizeof(path));
	if (daemon_dir(path, 0700, c->user_queue, &err) < 0)
		give_up(m, &err);
}

void smtpd_grey_open(struct smtpd *m)
{
	struct err err;

	if (!m->daemon.conf->greylist_delay)
		return;
	daemon_socket_path(&m->daemon, FOLDER "/seen.db", m->grey_path,
			sizeof(m->grey_path));
	m->grey = grey_open(m->grey_path, &m->grey_rules, &err);
	if (!m->grey) {
		give_up(m, &err);
		return;
	}
	if (m->grey_told)
		log_info("greylist: works again");
	m->grey_told = false;
}

/* -- one try -- */

/* RFC 6647 5: senders with many machines have them in one network. */
static bool make_net(unsigned char net[GREY_NET_SIZE],
		const struct sockaddr *peer)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!listen_key(net, peer))
		return false;
	if (!memcmp(net, mapped, sizeof(mapped)))
		net[15] = 0;
	return true;
}

/* Submission is never greylisted (RFC 6647 5). */
static bool is_concerned(const struct smtpd_session *x)
{
	const struct smtpd *m = x->service->smtpd;
	const struct sockaddr *peer = conn_peer_addr(x->smtp->conn);

	return m->daemon.conf->greylist_delay && !x->smtp->auth_user &&
		x->service->checks && !x->allowed &&
		smtpd_is_stranger(m, peer) &&
		!conf_net_has(m->daemon.conf->greylist_exempt, peer);
}

/* Seconds; 0: it may come in, or nobody knows. */
static int ask(struct smtpd_session *x, const char *rcpt)
{
	struct smtpd *m = x->service->smtpd;
	struct grey_try t = { .sender = x->smtp->sender, .rcpt = rcpt,
		.counted = x->grey_counted };
	struct err err;
	int wait;

	if (smtpd_is_postmaster(x->smtp, rcpt) ||
			!make_net(t.net, conn_peer_addr(x->smtp->conn)))
		return 0;
	if (!m->grey && loop_now(m->daemon.loop) >= m->grey_rest)
		smtpd_grey_open(m);
	if (!m->grey)
		return 0;
	wait = grey_ask(m->grey, &t, clock_ms(), &err);
	x->grey_counted = t.counted;
	if (wait < 0)
		give_up(m, &err);
	return wait > 0 ? wait : 0;
}

static void refuse(struct smtpd_session *x, const char *rcpt, int wait)
{
	struct smtp_session *s = x->smtp;
	char text[80];

	log_info("%s: from=<%s> to=<%s> greylisted: seconds=%d",
			conn_peer(s->conn), s->sender, rcpt, wait);
	snprintf(text, sizeof(text), "Greylisted, try again in %d seconds",
			wait);
	smtp_server_refuse(s, 451, "4.7.1", text);
}

bool smtpd_grey_rcpt(struct smtpd_session *x)
{
	int wait;

	/* of it: smtpd_grey_data */
	if (!*x->smtp->sender || !is_concerned(x))
		return false;
	wait = ask(x, x->rcpt->address);
	if (wait)
		refuse(x, x->rcpt->address, wait);
	return wait;
}

/*
 * Who asks whether an address exists before he takes mail from it (a callback)
 * says MAIL FROM:<> and RCPT, and never comes to DATA: refused at RCPT, he would
 * refuse our users' mail meanwhile. So the null sender waits here.
 */
bool smtpd_grey_data(struct smtpd_session *x)
{
	const char *slowest = NULL;
	int wait, most = 0;

	if (*x->smtp->sender || !is_concerned(x))
		return false;
	for (const struct smtp_rcpt *r = x->smtp->rcpts; r; r = r->next) {
		wait = ask(x, r->address);
		if (wait > most) {
			most = wait;
			slowest = r->address;
		}
	}
	if (most)
		refuse(x, slowest, most);
	return most;
}
