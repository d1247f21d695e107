/* pop3d - POP3 server: a client fetches and deletes its mail
 *
 * RFC 1939, 2449 (CAPA), 2595 (STLS), 3206 (AUTH and SYS codes), 5034 (AUTH),
 * 6856 (UTF8, LANG), 8314 (TLS from the start)
 *
 * applet pop3d daemon
 * file pop3d_sasl.c POP3D_SASL
 * file pop3d_utf8.c POP3D_UTF8
 *
 * config POP3D
 *	bool "pop3d (11 kB)"
 *	default y
 *	select TLS_SERVER
 *	help
 *	  usage: pop3d [-fsv] [-C FILE]
 *
 *	  Lets clients fetch mail by POP3. maild starts it.
 *
 *	  -f  log to stderr
 *	  -s  one session on stdin, for inetd
 *	  -v  log more
 *	  -C  configuration
 *
 * config POP3D_SASL
 *	bool "The AUTH command (1 kB)"
 *	default y
 *	help
 *	  The AUTH command (RFC 5034), for clients that do not know USER and
 *	  PASS.
 *
 * config POP3D_UTF8
 *	bool "UTF8 and LANG, RFC 6856 (3 kB)"
 *	depends on SMTPUTF8
 *	help
 *	  Clients that say UTF8 get messages with UTF-8 in their header as
 *	  they are, others in ASCII: with encoded words. Without it all get
 *	  them as they are, as most servers do.
 */
#include "applet.h"
#include "config.h"
#include "pop3d/pop3d.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/tls_conf.h"
#include "os/log.h"

#define LINE_MOST 512		/* RFC 2449 4 asks for 255 */
#define REPLY_SIZE 512
#define GRACE_MS 10000		/* from SIGTERM, for who is logged in */
#define LAST_WORDS_MS 100	/* until the last replies are out */

/* -- the dialogue -- */

static void noop(struct dialog *d, void *session, struct span args)
{
	(void)d, (void)args;
	pop3d_reply(session, "+OK");
}

#define BOTH (POP3D_AUTHORIZATION | POP3D_TRANSACTION)

static const struct dialog_row rows[] = {
	{ "CAPA", pop3d_capa, BOTH, DIALOG_NO_ARG },
	{ "USER", pop3d_user, POP3D_AUTHORIZATION, DIALOG_NEED_ARG },
	{ "PASS", pop3d_pass, POP3D_AUTHORIZATION, DIALOG_AS_IS },
	USE_POP3D_SASL({ "AUTH", pop3d_auth, POP3D_AUTHORIZATION, 0 },)
	USE_POP3D_UTF8({ "UTF8", pop3d_utf8, POP3D_AUTHORIZATION,
			DIALOG_NO_ARG },)
	USE_POP3D_UTF8({ "LANG", pop3d_lang, BOTH, 0 },)
	{ "STLS", pop3d_stls, POP3D_AUTHORIZATION, DIALOG_NO_ARG },
	{ "STAT", pop3d_stat, POP3D_TRANSACTION, DIALOG_NO_ARG },
	{ "LIST", pop3d_list, POP3D_TRANSACTION, 0 },
	{ "UIDL", pop3d_uidl, POP3D_TRANSACTION, 0 },
	{ "RETR", pop3d_retr, POP3D_TRANSACTION, DIALOG_NEED_ARG },
	{ "TOP", pop3d_top, POP3D_TRANSACTION, DIALOG_NEED_ARG },
	{ "DELE", pop3d_dele, POP3D_TRANSACTION, DIALOG_NEED_ARG },
	{ "NOOP", noop, POP3D_TRANSACTION, DIALOG_NO_ARG },
	{ "RSET", pop3d_rset, POP3D_TRANSACTION, DIALOG_NO_ARG },
	{ "QUIT", pop3d_quit, BOTH, DIALOG_NO_ARG },
	{ 0 }
};

static void on_fault(struct dialog *d, void *session, enum dialog_fault fault,
		const struct dialog_row *row)
{
	static const char *const texts[] = {
		[DIALOG_UNKNOWN] = "unknown command",
		[DIALOG_STATE] = "not now",
		[DIALOG_ARG] = "wrong number of arguments",
		[DIALOG_LONG] = "line too long",
		[DIALOG_BARE] = "a line ends in CRLF",
		[DIALOG_BYTES] = "control characters are not allowed",
	};

	(void)d, (void)row;
	pop3d_error(session, texts[fault]);
}

static void on_event(void *session, enum conn_event event);

static const struct dialog_spec spec = {
	rows, LINE_MOST, on_fault, on_event, NULL, NULL
};

/* -- sessions -- */

void pop3d_reply(struct session *s, const char *fmt, ...)
{
	char text[REPLY_SIZE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, REPLY_SIZE - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if (n > REPLY_SIZE - 2)
		n = REPLY_SIZE - 2;
	memcpy(text + n, "\r\n", 2);
	conn_write(s->conn, text, (size_t)n + 2);
}

void pop3d_check_over(struct pop3d *p)
{
	if ((p->daemon.stopping || p->daemon.draining) && !p->updates &&
			list_empty(&p->sessions))
		loop_timer_set(p->daemon.loop, &p->grace, LAST_WORDS_MS);
}

/* An open mailbox loses nothing by that. */
void pop3d_end(struct session *s)
{
	struct pop3d *p = s->pop3d;

	if (s->mailbox)
		log_info("logout user=<%s> peer=%s retrieved=%u",
				s->name, conn_peer(s->conn), s->retrieved);
	pop3d_send_forget(s);
	pop3d_update_forget(s);
	mailbox_close(s->mailbox);
	pop3d_login_forget(s);
	free(s->name);
	listen_count_out(p->daemon.count, conn_peer_addr(s->conn));
	list_del(&s->link);
	dialog_end(&s->dialog);
	explicit_bzero(s, sizeof(*s));
	free(s);
	pop3d_check_over(p);
}

bool pop3d_error(struct session *s, const char *text)
{
	pop3d_reply(s, "-ERR %s", text);
	if (++s->errors < s->pop3d->daemon.conf->max_errors)
		return true;
	log_info("%s: too many errors", conn_peer(s->conn));
	pop3d_reply(s, "-ERR too many errors");
	pop3d_end(s);
	return false;
}

/* RFC 1939 3: an autologout deletes nothing. */
static void timed_out(struct session *s)
{
	if (s->mailbox && !s->more)
		pop3d_reply(s, "-ERR idle for too long; nothing was deleted");
	log_info("%s: timed out", conn_peer(s->conn));
	pop3d_end(s);
}

static void tls_is_up(struct session *s)
{
	log_debug("%s: %s", conn_peer(s->conn), conn_tls_text(s->conn));
	if (conn_had_injection(s->conn))
		log_warn("%s: commands sent in plain after STLS were dropped",
				conn_peer(s->conn));
	if (s->service->implicit_tls)
		pop3d_greet(s);
}

static void on_event(void *session, enum conn_event event)
{
	struct session *s = session;

	if (event == CONN_TLS) {
		tls_is_up(s);
	} else if (event == CONN_DRAINED) {
		pop3d_send_more(s);
	} else if (event == CONN_TIMEOUT) {
		timed_out(s);
	} else if (event == CONN_ERROR || event == CONN_EOF) {
		if (event == CONN_ERROR)
			log_info("%s: %s", conn_peer(s->conn),
					conn_error(s->conn)->text);
		pop3d_end(s);
	}
}

/* RFC 1939 3 grants who is logged in ten minutes; nobody else needs them. */
static void not_logged_in(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, deadline);

	pop3d_reply(s, "-ERR too slow");
	pop3d_end(s);
}

/* -- connections -- */

static int begin(struct session *s, struct err *err)
{
	struct pop3d *p = s->pop3d;

	s->deadline.fire = not_logged_in;
	loop_timer_set(p->daemon.loop, &s->deadline,
			(int64_t)p->daemon.conf->command_timeout * 1000);
	if (s->service->implicit_tls)
		return conn_starttls(s->conn, p->tls, NULL, false, err);
	pop3d_greet(s);
	return 0;
}

static void on_conn_in(void *arg, struct conn *c)
{
	struct pop3d_service *v = arg;
	struct pop3d *p = v->pop3d;
	struct session *s = calloc(1, sizeof(*s));
	struct err err;

	if (!s) {
		listen_count_out(p->daemon.count, conn_peer_addr(c));
		conn_abort(c);
		return;
	}
	s->service = v;
	s->pop3d = p;
	s->conn = c;
	conn_out_mark(c, POP3D_MARK);
	list_add_tail(&p->sessions, &s->link);
	dialog_init(&s->dialog, c, &spec, s, POP3D_AUTHORIZATION);
	if (begin(s, &err) == 0)
		return;
	log_error("%s: %s", conn_peer(c), err.text);
	pop3d_end(s);
}

static void on_connection(void *arg, int fd, const struct conf_listen *at)
{
	struct pop3d_service *v = arg;
	struct pop3d *p = v->pop3d;
	/* in TLS nothing can be said yet */
	const char *refusal = v->implicit_tls ? NULL : "-ERR [SYS/TEMP]";

	if (at && at->flags & CONF_LISTEN_PLAINAUTH)
		v = &p->services[POP3D_PLAIN_LOGIN];
	door_open(&p->daemon, &p->door, fd, refusal, refusal, on_conn_in, v);
}

/* -- starting and stopping -- */

static void set_up(struct pop3d *p)
{
	for (int i = 0; i < POP3D_SERVICES; i++)
		p->services[i] = (struct pop3d_service){
			.pop3d = p, .implicit_tls = i == POP3D_TLS,
			.name = daemon_service_name(i == POP3D_TLS ?
					CONF_POP3S : CONF_POP3),
			.plain_login = i == POP3D_PLAIN_LOGIN ||
				p->daemon.conf->auth_without_tls
		};
}

static int serve(struct pop3d *p, int which, enum conf_service service,
		struct err *err)
{
	struct pop3d_service *v = &p->services[which];

	/* without TLS in this build there is nothing to speak on 995 */
	if (v->implicit_tls && !p->tls)
		return 0;
	return daemon_serve(&p->daemon, service, on_connection, v, err) < 0
		? -1 : 0;
}

/* Readable for user-store by way of its group, or not at all. */
static gid_t open_mbox_dir(struct pop3d *p)
{
	struct stat st;

	p->mbox_dir = -1;
	if (!p->daemon.conf->system_users)
		return (gid_t)-1;
	p->mbox_dir = open(p->daemon.conf->mbox_dir,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->mbox_dir >= 0 && fstat(p->mbox_dir, &st) == 0)
		return st.st_gid;
	log_warn("%s: cannot be opened: no mail for this machine's users",
			p->daemon.conf->mbox_dir);
	return (gid_t)-1;
}

static int open_all(struct pop3d *p, struct err *err)
{
	const struct conf *conf = p->daemon.conf;

	if (tls_conf_server(conf, &p->tls, err) < 0 ||
			daemon_dir(conf->mail_dir, 0755, conf->user_store,
				err) < 0)
		return -1;
	p->mail_dir = open(conf->mail_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->mail_dir < 0)
		return err_errno(err, "%s", conf->mail_dir);
	pop3d_lock_open(p);
	set_up(p);
	if (p->daemon.on_stdin)
		return 0;
	if (serve(p, POP3D_PLAIN, CONF_POP3, err) < 0)
		return -1;
	return serve(p, POP3D_TLS, CONF_POP3S, err);
}

/* -s */
static int serve_stdin(struct pop3d *p, struct err *err)
{
	struct daemon_stdin how;
	int fd = daemon_stdin(&p->daemon, &how, err);

	if (fd < 0)
		return -1;
	on_connection(&p->services[how.at && how.at->service == CONF_POP3S ?
			POP3D_TLS : POP3D_PLAIN], fd, how.at);
	pop3d_check_over(p);
	return 0;
}

static void end_sessions(struct pop3d *p, bool logged_in_too)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &p->sessions) {
		struct session *s = container_of(pos, struct session, link);

		if (s->mailbox && !logged_in_too)
			continue;
		if (!s->more)
			pop3d_reply(s, "-ERR shutting down");
		pop3d_end(s);
	}
}

static void on_grace_over(struct loop_timer *t)
{
	struct pop3d *p = container_of(t, struct pop3d, grace);

	if (list_empty(&p->sessions))
		loop_stop(p->daemon.loop, 0);
	else
		end_sessions(p, true);	/* the last one sets the timer again */
}

static void on_drain(struct daemon *d)
{
	daemon_unlisten(d);
	pop3d_check_over(container_of(d, struct pop3d, daemon));
}

static void on_stop(struct daemon *d)
{
	struct pop3d *p = container_of(d, struct pop3d, daemon);

	daemon_unlisten(d);
	loop_timer_set(d->loop, &p->grace, GRACE_MS);
	end_sessions(p, false);
	pop3d_check_over(p);
}

int pop3d_main(int argc, char **argv)
{
	struct pop3d p = {
		.daemon.stop = on_stop, .daemon.drain = on_drain,
		.daemon.take_stdin = daemon_take_stdin,
		.grace.fire = on_grace_over
	};
	char path[256];
	struct err err;
	gid_t group;
	int status;

	daemon_init(&p.daemon, "pop3d", argc, argv);
	list_init(&p.sessions);
	if (open_all(&p, &err) < 0) {
		log_error("%s", err.text);
		return err.kind == ERR_PERM ? EX_CONFIG : EX_OSERR;
	}
	group = open_mbox_dir(&p);
	daemon_drop(&p.daemon, p.daemon.conf->user_store, group);
	umask(077);
	daemon_socket_path(&p.daemon, AUTH_SOCKET, path, sizeof(path));
	p.auth = auth_new(p.daemon.loop, path);
	if (CFG_AUTHD_SLOW && p.auth && conf_auth_is_slow(p.daemon.conf))
		auth_slow(p.auth);
	if (!p.auth)
		err_nomem(&err);
	if (!p.auth || (p.daemon.on_stdin && serve_stdin(&p, &err) < 0)) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	status = daemon_run(&p.daemon);
	end_sessions(&p, true);
	auth_free(p.auth);
	tls_ctx_free(p.tls);
	return status;
}
