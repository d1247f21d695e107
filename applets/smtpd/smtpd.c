/* smtpd - ESMTP server: takes mail from other servers, phones and programs
 *
 * RFC 5321, 1870 (SIZE), 1652/6152 (8BITMIME), 2034 and 3463 (status codes),
 * 2920 (PIPELINING), 3207 (STARTTLS), 4954 (AUTH), 6409 (submission),
 * 8314 (TLS from the start), 6531 (SMTPUTF8)
 *
 * applet smtpd daemon
 * file limit.c SMTPD_LIMITS
 * file greeting.c SMTPD_GREETING
 * file device.c SMTPD_DEVICE
 * file etrn.c SMTPD_ETRN
 * file ask.c SMTPD_ASK
 * file dnsbl.c SMTPD_DNSBL
 * file check.c SMTPD_CHECKS
 * file cert.c TLS_CLIENT_CERTS
 * file milter.c SMTPD_MILTER
 * file milter_change.c SMTPD_MILTER
 * file milter_header.c SMTPD_MILTER
 * file milter_macro.c SMTPD_MILTER
 * file milter_message.c SMTPD_MILTER
 * file greylist.c SMTPD_GREYLIST
 *
 * config SMTPD
 *	bool "smtpd (11 kB)"
 *	default y
 *	select LIB_ZLIB
 *	select TLS_SERVER
 *	help
 *	  usage: smtpd [-fsv] [-C FILE]
 *
 *	  Takes mail by SMTP for the queue. maild starts it.
 *
 *	  -f  log to stderr
 *	  -s  one session on stdin, for inetd
 *	  -v  log more
 *	  -C  configuration
 *
 * config SMTPD_LIMITS
 *	bool "Rates for addresses and users, bans, tarpit (2 kB)"
 *	default y
 *	help
 *	  rate-..., ban-after, tarpit: how many connections, messages and
 *	  recipients one address or user may have in a time, and who gets too
 *	  much wrong is shut out for a while. Kept in RAM.
 *
 * config SMTPD_GREETING
 *	bool "Greeting delay (650 bytes)"
 *	help
 *	  greeting-delay: a client that talks before the greeting is refused.
 *
 * config SMTPD_DEVICE
 *	bool "A socket for printers and scanners (2000 bytes)"
 *	select SMTPD_LIMITS
 *	help
 *	  device: takes mail of a LAN's old machines, for listed recipients.
 *
 * config SMTPD_ETRN
 *	bool "ETRN, RFC 1985 (1 kB)"
 *	depends on MAILQ_ADMIN
 *	help
 *	  Who may relay may have a domain's waiting mail sent now.
 *
 * config SMTPD_ASK
 *	bool
 *
 * config SMTPD_DNSBL
 *	bool "DNS block and allow lists (5 kB)"
 *	select SMTPD_ASK
 *	help
 *	  dnsbl: asks lists of addresses as zen.spamhaus.org about clients.
 *
 * config SMTPD_CHECKS
 *	bool "HELO and reverse DNS checks (3 kB)"
 *	select SMTPD_ASK
 *	help
 *	  check-hello, check-reverse: has the client a name in DNS, and is it
 *	  its own?
 *
 * config SMTPD_MILTER
 *	bool "Mail filters by the milter protocol (20 kB)"
 *	help
 *	  milter: asks opendkim, rspamd, spamass-milter, clamav-milter and
 *	  others of Sendmail's and Postfix's filters about mail.
 *
 * config SMTPD_GREYLIST
 *	bool "Greylisting (4 kB)"
 *	select LIB_SQLITE
 *	help
 *	  greylist-delay: strangers have to come again before their mail is
 *	  taken. Kept in a database in run-dir.
 */
#include "applet.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/date.h"
#include "net/ban.h"
#include "net/tls_conf.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/priv.h"
#include "smtpd/smtpd.h"
#include "store/srs_secret.h"
#include "store/submit.h"

#define GRACE_MS 30000		/* from SIGTERM, for messages under way */
#define LAST_WORDS_MS 100	/* until the last replies are out */

/* -- sessions -- */

static void on_grace_over(struct loop_timer *t)
{
	struct smtpd *m = container_of(t, struct smtpd, grace);

	loop_stop(m->daemon.loop, 0);
}

void smtpd_check_over(struct smtpd *m)
{
	if ((m->daemon.stopping || m->daemon.draining) &&
			list_empty(&m->sessions) && list_empty(&m->waiting))
		loop_timer_set(m->daemon.loop, &m->grace, LAST_WORDS_MS);
}

static void session_closed(struct smtp_session *s)
{
	struct smtpd_session *x = s->owner;
	struct smtpd *m = x->service->smtpd;

	smtpd_let_go(x);
	if (CFG_SMTPD_ETRN)
		smtpd_etrn_end(x);
	if (CFG_SMTPD_ASK)
		smtpd_ask_end(x);
	if (CFG_SMTPD_MILTER)
		smtpd_milter_end(x);
	listen_count_out(m->daemon.count, conn_peer_addr(s->conn));
	list_del(&x->link);
	free(x);
	smtpd_check_over(m);
}

static const char *session_moved(struct smtp_session *s,
		const struct sockaddr *to)
{
	struct smtpd_session *x = s->owner;
	struct smtpd *m = x->service->smtpd;

	if (CFG_SMTPD_MILTER)
		smtpd_milter_end(x);
	if (CFG_SMTPD_ASK) {
		smtpd_ask_end(x);
		x->asked = false;
		x->refusal = NULL;
	}
	return door_move(&m->daemon, &m->door, s->conn, to);
}

static struct smtpd_session *session_new(struct smtpd_service *v,
		struct conn *c)
{
	struct smtpd_session *x = calloc(1, sizeof(*x));
	struct smtpd *m = v->smtpd;
	gid_t gid;

	if (!x)
		return NULL;
	x->service = v;
	if (v->local && priv_peer(conn_fd(c), &x->uid, &gid) < 0) {
		log_error("local client: SO_PEERCRED failed");
		free(x);
		return NULL;
	}
	x->smtp = smtp_server_new(c, m->daemon.conf, m->tls, v->implicit_tls,
			&v->policy, x);
	if (!x->smtp) {
		free(x);
		return NULL;
	}
	list_add_tail(&m->sessions, &x->link);
	return x;
}

void smtpd_start(struct smtpd_service *v, struct conn *c)
{
	struct sockaddr_storage peer;

	memcpy(&peer, conn_peer_addr(c), conn_peer_addr(c)->sa_family ==
			AF_INET6 ? sizeof(struct sockaddr_in6) :
			sizeof(struct sockaddr_in));
	if (session_new(v, c))
		return;
	listen_count_out(v->smtpd->daemon.count, (const void *)&peer);
	smtpd_check_over(v->smtpd);
}

static void on_conn_in(void *arg, struct conn *c)
{
	struct smtpd_service *v = arg;

	if (CFG_SMTPD_DEVICE && v->device && !smtpd_device_in(v, c))
		return;
	if (!(CFG_SMTPD_GREETING && smtpd_greet_later(v, c)))
		smtpd_start(v, c);
}

static void on_connection(void *arg, int fd, const struct conf_listen *at)
{
	struct smtpd_service *base = arg, *v = base;

	while (v && v->at != at)
		v = v->variants;
	if (!v)
		v = base;
	/* in TLS nothing can be said yet */
	door_open(&v->smtpd->daemon, &v->smtpd->door, fd,
			v->implicit_tls ? NULL : "421 4.3.2",
			v->implicit_tls ? NULL : "421 4.7.0", on_conn_in, v);
}

static void on_local(void *arg, int fd)
{
	on_connection(arg, fd, NULL);
}

/* -- starting -- */

static void ask_for_cert(struct smtpd_service *v, unsigned char mode)
{
	static const unsigned char asks[] = {
		[CONF_CLIENT_REQUEST] = TLS_VERIFY,
		[CONF_CLIENT_REQUIRE] = TLS_REQUIRE
	};

	v->policy.tls_client = asks[mode];
	v->policy.auth_external = smtpd_cert_logs_in;
}

static void set_up(struct smtpd *m)
{
	for (size_t i = 0; i < SMTPD_SERVICES; i++) {
		struct smtpd_service *v = &m->services[i];

		v->smtpd = m;
		v->kind = (unsigned char)i;
		v->local = i == SMTPD_LOCAL;
		v->implicit_tls = i == SMTPD_SMTPS;
		v->submission = i != SMTPD_SMTP;
		v->relays = true;
		v->checks = i == SMTPD_SMTP;
		v->name = v->local ? "local"
			: daemon_service_name((enum conf_service)i);
		v->policy = (struct smtp_policy){
			.tls = m->tls && !v->local,
			.auth = !v->local,
			.auth_required = i == SMTPD_SUBMISSION ||
				i == SMTPD_SMTPS,
			.auth_plain_ok = m->daemon.conf->auth_without_tls,
			.dsn = CFG_DSN, .utf8 = CFG_SMTPUTF8,
			.banner = "ESMTP Pillarbox",
			.auth_check = smtpd_auth_check,
			.mail = smtpd_mail, .rcpt = smtpd_rcpt,
			.data = smtpd_data, .piece = smtpd_piece,
			.message = smtpd_message, .reset = smtpd_reset,
			.closed = session_closed,
			.moved = CFG_FRONT_ENDS ? session_moved : NULL,
			USE_SMTPD_ETRN(.etrn = smtpd_etrn,)
			USE_SMTPD_LIMITS(.wrong = smtpd_limit_wrong,)
		};
		if (CFG_TLS_CLIENT_CERTS && !v->local)
			ask_for_cert(v, m->daemon.conf->tls_client[i]);
	}
}

/* Neither TLS nor AUTH: what knows of them comes in elsewhere. */
static void make_device(struct smtpd_service *v, const struct conf_device *d)
{
	v->device = d;
	v->name = "device";
	v->kind = SMTPD_SUBMISSION;	/* for filters */
	v->submission = true;
	v->relays = v->checks = false;
	v->policy.tls = v->policy.auth = false;
	v->policy.repair = v->policy.any_hello = true;
}

/* A service for each line of `listen` that has options. */
static int set_up_variants(struct smtpd *m)
{
	for (const struct conf_listen *l = m->daemon.conf->listen; l;
			l = l->next) {
		struct smtpd_service *v, *base;

		/* pop3d's */
		if ((!l->flags && !l->device) || l->service > CONF_SMTPS)
			continue;
		base = &m->services[l->service];
		v = malloc(sizeof(*v));
		if (!v)
			return -1;
		*v = *base;
		v->at = l;
		v->policy.auth &= !(l->flags & CONF_LISTEN_NOAUTH);
		v->policy.auth_plain_ok |= l->flags & CONF_LISTEN_PLAINAUTH;
		v->policy.repair = l->flags & CONF_LISTEN_REPAIR;
		v->policy.tls_required = l->flags & CONF_LISTEN_NEEDTLS;
		v->relays = !(l->flags & CONF_LISTEN_NORELAY);
		v->checks &= !(l->flags & CONF_LISTEN_NOCHECKS);
		if (l->device)
			make_device(v, l->device);
		base->variants = v;
	}
	return 0;
}

static void free_variants(struct smtpd *m)
{
	for (size_t i = 0; i < SMTPD_SERVICES; i++)
		while (m->services[i].variants) {
			struct smtpd_service *v = m->services[i].variants;

			m->services[i].variants = v->variants;
			free(v);
		}
}

static int serve_local(struct smtpd *m, struct err *err)
{
	int fd = daemon_unix(&m->daemon, SUBMIT_SOCKET, SOCK_STREAM, 0666,
			NULL, err);

	if (fd < 0)
		return -1;
	m->local = listen_start(m->daemon.loop, fd, on_local,
			&m->services[SMTPD_LOCAL]);
	return m->local ? 0 : err_errno(err, "listening");
}

static int serve_all(struct smtpd *m, struct err *err)
{
	for (size_t i = 0; i < SMTPD_LOCAL; i++)
		/* without TLS in this build there is nothing to speak on 465 */
		if ((m->tls || i != SMTPD_SMTPS) && daemon_serve(&m->daemon,
				(enum conf_service)i, on_connection,
				&m->services[i], err) < 0)
			return -1;
	return serve_local(m, err);
}

/* -s */
static int serve_stdin(struct smtpd *m, struct err *err)
{
	struct daemon_stdin how;
	size_t service = SMTPD_SMTP;
	int fd = daemon_stdin(&m->daemon, &how, err);

	if (fd < 0)
		return -1;
	if (how.local)
		service = SMTPD_LOCAL;
	else if (how.at && how.at->service <= CONF_SMTPS)
		service = how.at->service;
	on_connection(&m->services[service], fd, how.at);
	smtpd_check_over(m);
	return 0;
}

static int open_all(struct smtpd *m, struct err *err)
{
	const struct conf *conf = m->daemon.conf;

	if (tls_conf_server(conf, &m->tls, err) < 0 ||
			daemon_dir(conf->spool_dir, 0700, conf->user_queue,
				err) < 0)
		return -1;
	/* the limit is for what clients send, not for our fields */
	m->spool_conf = *conf;
	if (conf->max_message_size)
		m->spool_conf.max_message_size += SMTPD_RECEIVED_SIZE +
			SMTPD_FIELDS_SIZE +
			(CFG_SMTPD_MILTER && conf->milters ?
			 SMTPD_MILTER_ADDS : 0);
	m->spool = spool_open(&m->spool_conf, m->daemon.loop, err);
	if (!m->spool)
		return -1;
	set_up(m);
	if (set_up_variants(m) < 0)
		return err_nomem(err);
	if (CFG_SRS && conf->srs) {
		m->srs = calloc(1, sizeof(*m->srs));
		if (!m->srs)
			return err_nomem(err);
		if (srs_secret_load(m->srs, conf, err) < 0)
			return -1;
	}
	if (CFG_SMTPD_GREYLIST)
		smtpd_grey_prepare(m);
	if (CFG_SMTPD_ASK && smtpd_ask_open(m, err) < 0)
		return -1;
	if (CFG_SMTPD_MILTER && smtpd_milter_open(m, err) < 0)
		return -1;
	return m->daemon.on_stdin ? 0 : serve_all(m, err);
}

/* Behind the chroot: the sockets of the others. */
static int find_others(struct smtpd *m, struct err *err)
{
	struct daemon *d = &m->daemon;

	daemon_socket_path(d, SPOOL_SOCKET, m->queue_path,
			sizeof(m->queue_path));
	spool_notify(m->spool, m->queue_path);
	daemon_socket_path(d, AUTH_SOCKET, m->auth_path, sizeof(m->auth_path));
	m->auth = auth_new(d->loop, m->auth_path);
	if (CFG_AUTHD_SLOW && m->auth && conf_auth_is_slow(d->conf))
		auth_slow(m->auth);
	if (CFG_SMTPD_GREYLIST)
		smtpd_grey_open(m);
	return m->auth ? 0 : err_nomem(err);
}

/* -- stopping -- */

static void on_drain(struct daemon *d)
{
	struct smtpd *m = container_of(d, struct smtpd, daemon);

	daemon_unlisten(d);
	listen_stop(m->local);
	m->local = NULL;
	smtpd_check_over(m);
}

static void on_stop(struct daemon *d)
{
	struct smtpd *m = container_of(d, struct smtpd, daemon);
	struct list *pos, *tmp;

	on_drain(d);
	if (CFG_SMTPD_GREETING)
		smtpd_greet_nobody(m);
	loop_timer_set(d->loop, &m->grace, GRACE_MS);
	list_each(pos, tmp, &m->sessions) {
		struct smtpd_session *x = container_of(pos,
				struct smtpd_session, link);

		if (!x->draft && !x->committing)
			smtp_server_end(x->smtp, "Service shutting down");
	}
	smtpd_check_over(m);
}

static void end_sessions(struct smtpd *m)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &m->sessions)
		smtp_server_end(container_of(pos, struct smtpd_session,
				link)->smtp, "Service shutting down");
}

int smtpd_main(int argc, char **argv)
{
	struct smtpd m = {
		.daemon.stop = on_stop, .daemon.drain = on_drain,
		.daemon.take_stdin = daemon_take_stdin,
		.grace.fire = on_grace_over,
		USE_SMTPD_LIMITS(.door.check = smtpd_limit_door,)
	};
	struct err err;
	int status;

	daemon_init(&m.daemon, "smtpd", argc, argv);
	list_init(&m.sessions);
	list_init(&m.waiting);
	if (open_all(&m, &err) < 0) {
		log_error("%s", err.text);
		return err.kind == ERR_PERM ? EX_CONFIG : EX_OSERR;
	}
	if (CFG_MAILD_BAN_COMMAND) {
		m.ban_fd = ban_socket();
		if (m.ban_fd < 0 && m.daemon.conf->ban_command)
			log_warn("ban-command: only maild runs it, and it did "
					"not start me");
	}
	date_offset(clock_now());	/* zone files are out of the chroot */
	daemon_drop(&m.daemon, m.daemon.conf->user_queue, (gid_t)-1);
	if (find_others(&m, &err) < 0 ||
			(m.daemon.on_stdin && serve_stdin(&m, &err) < 0)) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	status = daemon_run(&m.daemon);
	end_sessions(&m);
	if (CFG_SMTPD_ASK)
		smtpd_ask_close(&m);
	free_variants(&m);
	if (CFG_SMTPD_MILTER)
		smtpd_milter_close(&m);
	if (CFG_SMTPD_GREYLIST)
		grey_close(m.grey);
	free(m.tracked);
	auth_free(m.auth);
	spool_close(m.spool);
	tls_ctx_free(m.tls);
	return status;
}
