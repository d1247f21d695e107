/* authd - checks passwords and knows the users, for all other daemons
 *
 * RFC 4616 (PLAIN), 5802, 7677 (SCRAM), 5321 4.5.1 (postmaster)
 *
 * applet authd daemon
 * file authd_system.c AUTHD_SYSTEM
 * file authd_scram.c SASL_SCRAM
 * file authd_saslauthd.c AUTHD_SASLAUTHD
 * file authd_note.c USERS_FULL
 * file authd_mux.c AUTHD_SASLAUTHD_SOCKET
 * file authd_cache.c AUTHD_CACHE
 * file authd_directory.c AUTHD_DIRECTORY
 * file authd_library.c AUTHD_DIRECTORY
 * file authd_ldap.c AUTHD_LDAP
 * file authd_ldap_talk.c AUTHD_LDAP
 * file authd_mysql.c AUTHD_MYSQL
 *
 * config AUTHD
 *	bool "authd (14 kB)"
 *	default y
 *	select LIB_SQLITE
 *	help
 *	  usage: authd [-fv] [-C FILE]
 *
 *	  Checks passwords and knows the users, for the other daemons.
 *
 *	  -f  log to stderr
 *	  -v  log more
 *	  -C  configuration
 *
 * config AUTHD_SYSTEM
 *	bool "Accounts of this machine are users, too (2 kB)"
 *	default y
 *	select LIB_CRYPT
 *	help
 *	  Users come from /etc/passwd and /etc/shadow, beside users.db, when
 *	  system-users is yes.
 *
 * config AUTHD_SASLAUTHD
 *	bool "saslauthd knows more passwords (3 kB)"
 *	select AUTHD_SLOW
 *	help
 *	  saslauthd: Cyrus saslauthd is asked about users that users.db does
 *	  not have: PAM, LDAP, IMAP.
 *
 * config AUTHD_SASLAUTHD_SOCKET
 *	bool "A socket as saslauthd's: our users for other programs (2 kB)"
 *	help
 *	  saslauthd-socket: Postfix, Cyrus and others that use libsasl ask us
 *	  as they ask saslauthd.
 *
 * config AUTHD_CACHE
 *	bool "Right passwords are remembered for a minute (1 kB)"
 *	default y
 *	help
 *	  auth-cache: a client that looks for mail every minute costs no
 *	  derivation each time.
 *
 * config AUTHD_LDAP
 *	bool "LDAP: users of a directory (7 kB)"
 *	select AUTHD_DIRECTORY
 *	help
 *	  ldap-server: users are searched for and log in there. Built with the
 *	  headers of OpenLDAP; its library is opened at run time, where the
 *	  directive is in use: not in static builds.
 *
 * config AUTHD_MYSQL
 *	bool "MySQL, MariaDB: users of a database (14 kB)"
 *	select AUTHD_DIRECTORY
 *	select LIB_CRYPT
 *	help
 *	  mysql-server, mysql-query: users and their hashes come from there.
 *	  Built with the headers of MariaDB's client; its library is opened as
 *	  that of LDAP.
 *
 * config AUTHD_VIRTUAL
 *	bool "Catch-all, domains that stand for others (3 kB)"
 *	help
 *	  virtual, recipient-delimiter: whose an address of ours is, where it
 *	  is not just the user's own name.
 */
#include "applet.h"
#include "authd/authd.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/door.h"
#include "os/log.h"
#include "os/priv.h"
#include "os/proc.h"

#define REQUESTS_MOST 32	/* of one client that are not answered yet */
#define CALLERS_MOST 3

struct authd {
	struct daemon daemon;
	struct authd_desk desk;
	struct authd_mux *mux;		/* NULL: not configured */
	struct authd_secret secret;
	struct listen *listen;
	struct list clients;
	struct door door;
	uid_t callers[CALLERS_MOST];	/* who may ask, beside root and us */
	int ncallers;
};

struct client {
	struct list link;
	struct authd *authd;
	struct conn *conn;
	struct list requests;		/* in the order of asking */
	unsigned waiting;
};

struct request {
	struct list link;
	struct client *client;
	struct authd_question question;
	bool answered;
	char answer[AUTHD_ANSWER_SIZE];
	size_t n;
	char line[];			/* wiped once it is answered */
};

static void request_free(struct request *r)
{
	list_del(&r->link);
	explicit_bzero(r->line, r->n);
	r->client->waiting--;
	free(r);
}

static void client_free(struct client *c)
{
	while (!list_empty(&c->requests)) {
		struct request *r = container_of(c->requests.next,
				struct request, link);

		authd_question_drop(&r->question);
		request_free(r);
	}
	listen_count_out(c->authd->daemon.count, conn_peer_addr(c->conn));
	conn_close(c->conn);
	list_del(&c->link);
	free(c);
}

/* -- answers -- */

/* Answers go out in the order of the requests. */
static void send_answers(struct client *c)
{
	bool full = c->waiting >= REQUESTS_MOST;

	while (!list_empty(&c->requests)) {
		struct request *r = container_of(c->requests.next,
				struct request, link);

		if (!r->answered)
			break;
		conn_printf(c->conn, "%s\n", r->answer);
		request_free(r);
	}
	if (full && c->waiting < REQUESTS_MOST)
		conn_resume(c->conn);
}

static void on_answer(struct authd_question *q, struct span answer)
{
	struct request *r = container_of(q, struct request, question);

	r->answered = true;
	str_copy(r->answer, sizeof(r->answer), answer);
	send_answers(r->client);
}

/* -- requests -- */

/* -1: the client breaks the protocol, or there is no memory. */
static int take(struct client *c, struct span line)
{
	struct request *r = calloc(1, sizeof(*r) + line.n);

	if (!r)
		return -1;
	r->client = c;
	r->n = line.n;
	memcpy(r->line, line.p, line.n);
	r->question.desk = &c->authd->desk;
	r->question.done = on_answer;
	list_add_tail(&c->requests, &r->link);
	c->waiting++;
	if (authd_question_ask(&r->question, span_make(r->line, r->n)) == 0)
		return 0;
	log_error("%s: not a request", conn_peer(c->conn));
	return -1;
}

static void take_lines(struct client *c)
{
	struct span line;
	enum conn_line how;

	while (c->waiting < REQUESTS_MOST) {
		how = conn_line(c->conn, AUTH_LINE_MAX, &line);
		if (how == CONN_LINE_NONE)
			return;
		/* BARE: a line of this protocol ends in LF alone */
		if (how == CONN_LINE_LONG || take(c, line) < 0) {
			client_free(c);
			return;
		}
	}
	conn_pause(c->conn);
}

static void on_conn(struct conn *conn, enum conn_event event, void *arg)
{
	struct client *c = arg;

	(void)conn;
	if (event == CONN_INPUT)
		take_lines(c);
	else if (event == CONN_EOF || event == CONN_ERROR)
		client_free(c);
}

/* -- clients -- */

static bool may_ask(const struct authd *a, int fd)
{
	uid_t uid;
	gid_t gid;

	if (priv_peer(fd, &uid, &gid) < 0)
		return false;
	if (uid == 0 || uid == geteuid())
		return true;
	for (int i = 0; i < a->ncallers; i++)
		if (a->callers[i] == uid)
			return true;
	log_warn("uid %lu may not ask", (unsigned long)uid);
	return false;
}

static void on_conn_in(void *arg, struct conn *conn)
{
	struct authd *a = arg;
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		listen_count_out(a->daemon.count, conn_peer_addr(conn));
		conn_abort(conn);
		return;
	}
	c->conn = conn;
	c->authd = a;
	list_init(&c->requests);
	list_add_tail(&a->clients, &c->link);
	conn_owner(c->conn, on_conn, c);
}

static void on_client(void *arg, int fd)
{
	struct authd *a = arg;

	if (may_ask(a, fd))
		door_open(&a->daemon, &a->door, fd, NULL, NULL, on_conn_in, a);
	else
		close(fd);
}

/* Once, not for each client. Where all run as one user there may be none. */
static void find_callers(struct authd *a)
{
	const struct conf *conf = a->daemon.conf;
	const char *names[CALLERS_MOST] = { conf->user_queue, conf->user_store,
		conf->user_auth };
	struct priv_user user;
	struct err err;

	for (int i = 0; i < CALLERS_MOST; i++)
		if (priv_find(names[i], &user, &err) == 0)
			a->callers[a->ncallers++] = user.uid;
		else
			log_debug("%s", err.text);
}

static int set_up_desk(struct authd *a, struct err *err)
{
	struct authd_desk *desk = &a->desk;

	desk->pool = authd_pool_new(a->daemon.loop, a->daemon.conf, &a->secret,
			err);
	if (!desk->pool)
		return -1;
	if (CFG_USERS_FULL && !(desk->notes = authd_notes_new(a->daemon.loop,
			a->daemon.conf, desk->pool)))
		return err_nomem(err);
	if (CFG_AUTHD_CACHE && !(desk->cache = authd_cache_new(a->daemon.loop,
			a->daemon.conf)))
		return err_nomem(err);
	if (CFG_AUTHD_SASLAUTHD_SOCKET && a->mux)
		return authd_mux_start(a->mux, desk, err);
	return 0;
}

static int set_up(struct authd *a, struct err *err)
{
	int fd;

	list_init(&a->clients);
	find_callers(a);
	fd = daemon_unix(&a->daemon, AUTH_SOCKET, SOCK_STREAM, 0666, NULL,
			err);
	if (fd < 0)
		return -1;
	a->listen = listen_start(a->daemon.loop, fd, on_client, a);
	if (!a->listen)
		return err_errno(err, "listening");
	proc_listen_done();
	if (CFG_AUTHD_SASLAUTHD_SOCKET && a->daemon.conf->saslauthd_socket &&
			!(a->mux = authd_mux_open(&a->daemon, err)))
		return -1;
	if (CFG_SASL_SCRAM)
		authd_secret_get(&a->secret, a->daemon.conf);
	/* no chroot: users.db may be replaced, and /etc/shadow is outside */
	if (priv_drop(a->daemon.conf->user_auth, (gid_t)-1, NULL, NULL,
			err) < 0)
		return -1;
	return set_up_desk(a, err);
}

/* What cannot be written there is told early; who is known can still log in. */
static void look_at_state_dir(const struct conf *conf)
{
	struct stat st;
	struct err err;
	int rc = daemon_dir(conf->state_dir, 0755, conf->user_auth, &err);

	/* queue finds users.aliases there; each file has its own mode */
	if (CFG_USERS_FULL && rc == 0 && stat(conf->state_dir, &st) == 0
			&& !(st.st_mode & S_IXOTH))
		rc = chmod(conf->state_dir, (st.st_mode | S_IXGRP | S_IXOTH)
				& 07777) < 0 ? err_errno(&err, "%s",
				conf->state_dir) : 0;
	if (rc == 0 && access(conf->state_dir, W_OK) < 0)
		rc = err_errno(&err, "%s", conf->state_dir);
	if (rc < 0)
		log_warn("no user can be added or changed: %s", err.text);
}

int authd_main(int argc, char **argv)
{
	struct authd a = { 0 };
	struct err err;
	int status;

	daemon_init(&a.daemon, "authd", argc, argv);
	look_at_state_dir(a.daemon.conf);
	if (set_up(&a, &err) < 0) {
		log_error("%s", err.text);
		return EX_OSERR;
	}
	status = daemon_run(&a.daemon);
	while (!list_empty(&a.clients))
		client_free(container_of(a.clients.next, struct client, link));
	listen_stop(a.listen);
	if (CFG_AUTHD_SASLAUTHD_SOCKET)
		authd_mux_free(a.mux);
	if (CFG_USERS_FULL)
		authd_notes_free(a.desk.notes);
	authd_pool_free(a.desk.pool);
	if (CFG_AUTHD_CACHE)
		authd_cache_free(a.desk.cache);
	return status;
}
