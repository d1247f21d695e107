/* deliver - final delivery: Maildir of virtual users, mbox of system users
 *
 * RFC 2033 (LMTP), 5321 4.4 (Return-Path), 4155 (mbox), 2034 and 3463
 * (status codes)
 *
 * applet deliver daemon
 * file alias.c DELIVER_ALIASES
 * file run.c DELIVER_ALIASES
 * file recipient.c DELIVER_RECIPIENT
 * file forward.c DELIVER_FORWARD
 * file vacation.c DELIVER_VACATION
 * file vacation_judge.c DELIVER_VACATION
 * file vacation_seen.c DELIVER_VACATION
 * file hook.c DELIVER_COMMAND
 * file folder.c DELIVER_FOLDERS
 * file quota.c DELIVER_QUOTA
 * file mda.c DELIVER_MDA
 *
 * config DELIVER
 *	bool "deliver (18 kB)"
 *	default y
 *	help
 *	  usage: deliver [-f] [-v] [-C FILE]
 *	         deliver [-f SENDER] [-C FILE] -d USER < MESSAGE
 *
 *	  Takes mail by LMTP on a socket and puts it into mailboxes. maild
 *	  starts it. With -d it delivers one message from standard input.
 *
 *	  -f         stay in the foreground, log to stderr
 *	  -v         log more
 *	  -C FILE    configuration (default /etc/pillarbox.conf)
 *	  -d USER    address or account
 *	  -f SENDER  the sender's address, for Return-Path
 *
 * config DELIVER_ALIASES
 *	bool "Commands and files of aliases (5 kB)"
 *	default y
 *	depends on ALIASES
 *	help
 *	  "|COMMAND" and /FILE in /etc/aliases, run and written as alias-user.
 *
 * config DELIVER_RECIPIENT
 *	bool
 *
 * config DELIVER_FORWARD
 *	bool ".forward (9 kB)"
 *	depends on DELIVER_ALIASES
 *	select DELIVER_RECIPIENT
 *	help
 *	  ~/.forward: addresses, commands and files that get a user's mail.
 *
 * config DELIVER_VACATION
 *	bool "vacation (10 kB)"
 *	select DELIVER_RECIPIENT
 *	help
 *	  Answers senders, once a week each, while ~/.vacation is there (RFC
 *	  3834).
 *
 * config DELIVER_COMMAND
 *	bool "deliver-command (5 kB)"
 *	depends on DELIVER_ALIASES
 *	select DELIVER_RECIPIENT
 *	select DELIVER_FOLDERS
 *	help
 *	  A command that decides what becomes of each message.
 *
 * config DELIVER_FOLDERS
 *	bool "Folders for user+detail (3 kB)"
 *	select DELIVER_RECIPIENT
 *	help
 *	  Directive detail-folder.
 *
 * config DELIVER_QUOTA
 *	bool "Quotas of mailboxes (5 kB)"
 *	help
 *	  mailbox-quota and the quotas of users: a full mailbox takes no more,
 *	  and its owner is warned before.
 *
 * config DELIVER_MDA
 *	bool "deliver -d in the place of procmail or dovecot-lda (3 kB)"
 *	help
 *	  What Postfix's mailbox_command says by the environment, a From_ line
 *	  before the message, and with -d:
 *
 *	  -a ADDRESS  whom it was sent to at first, for X-Original-To; without
 *	              @ the detail of user+detail
 *	  -m FOLDER   a folder of the Maildir, made when missing
 *	  -t -Y -o -e accepted: so it always is
 *
 * config DELIVER_TCP
 *	bool "LMTP over TCP for other mail servers (400 bytes)"
 *	help
 *	  listen lmtp, lmtp-from, lmtp-user: Postfix or Exim keep the queue,
 *	  and our users get their mail here.
 */
#include "applet.h"
#include "config.h"
#include "deliver/deliver.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/conn.h"
#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"
#include "store/disk.h"
#include "store/maildir.h"

#define GRACE_MS 30000		/* from SIGTERM, for messages under way */
#define STAGED_AGE 600		/* seconds: a killed daemon's, then */
#define LAST_WORDS_MS 100	/* until the last replies are out */

/* -- sessions -- */

static void on_grace_over(struct loop_timer *t)
{
	struct deliver *m = container_of(t, struct deliver, grace);

	loop_stop(m->daemon.loop, 0);
}

static void check_over(struct deliver *m)
{
	if (m->daemon.stopping && list_empty(&m->sessions))
		loop_timer_set(m->daemon.loop, &m->grace, LAST_WORDS_MS);
}

/* Who is known to us counts in all only. */
static const struct sockaddr local_peer = { .sa_family = AF_UNIX };

static void session_closed(struct smtp_session *s)
{
	struct deliver_session *x = s->owner;
	struct deliver *m = x->deliver;

	deliver_let_go(x);
	listen_count_out(m->daemon.count, &local_peer);
	list_del(&x->link);
	free(x);
	check_over(m);
}

#define POLICY \
	.lmtp = true, .utf8 = CFG_SMTPUTF8, .banner = "LMTP Pillarbox", \
	.mail = deliver_mail, .rcpt = deliver_rcpt, .data = deliver_data, \
	.piece = deliver_piece, .message = deliver_message, \
	.reset = deliver_reset, .closed = session_closed

static const struct smtp_policy policy = { POLICY, .spool_param = true };
/* Who comes by TCP, or as lmtp-user, is no queue of ours. */
static const struct smtp_policy tcp_policy = { POLICY };

static void turn_away(struct conn *c, const char *why)
{
	log_warn("%s: connection refused: %s", conn_peer(c), why);
	conn_printf(c, "421 %s\r\n", why);
	conn_flush(c);
	conn_abort(c);
}

static void open_session(struct deliver *m, struct conn *c,
		const struct smtp_policy *how)
{
	struct deliver_session *x;

	if (listen_count_in(m->daemon.count, &local_peer)) {
		turn_away(c, "4.3.2 Too many connections, try again later");
		return;
	}
	x = calloc(1, sizeof(*x));
	if (!x) {
		listen_count_out(m->daemon.count, &local_peer);
		turn_away(c, "4.3.2 Out of memory");
		return;
	}
	x->deliver = m;
	list_init(&x->pending);
	stage_none(&x->stage);
	list_add_tail(&m->sessions, &x->link);
	x->smtp = smtp_server_new(c, m->daemon.conf, NULL, false, how, x);
	if (!x->smtp) {
		listen_count_out(m->daemon.count, &local_peer);
		list_del(&x->link);
		free(x);
	}
}

/* Queue, root, and whoever we are ourselves; NULL: nobody to us. */
static const struct smtp_policy *policy_for(const struct deliver *m, int fd)
{
	uid_t uid;
	gid_t gid;

	if (priv_peer(fd, &uid, &gid) < 0)
		return NULL;
	if (uid == 0 || uid == m->queue_uid || uid == geteuid())
		return &policy;
	return CFG_DELIVER_TCP && uid == m->lmtp_uid ? &tcp_policy : NULL;
}

static void on_connection(void *arg, int fd)
{
	struct deliver *m = arg;
	const struct smtp_policy *how = policy_for(m, fd);
	struct conn *c = conn_new(m->daemon.loop, fd, NULL, NULL);

	if (!c)
		return;
	if (how)
		open_session(m, c, how);
	else
		turn_away(c, "4.7.0 Not for this user");
}

static void on_tcp(void *arg, int fd, const struct conf_listen *at)
{
	struct deliver *m = arg;
	struct conn *c = conn_new(m->daemon.loop, fd, NULL, NULL);

	(void)at;
	if (!c)
		return;
	if (conf_net_has(m->daemon.conf->lmtp_from, conn_peer_addr(c))) {
		open_session(m, c, &tcp_policy);
		return;
	}
	door_tell(&m->door, conn_peer(c), "not in lmtp-from");
	conn_printf(c, "421 4.7.0 Not for this address\r\n");
	conn_flush(c);
	conn_abort(c);
}

/* -- starting -- */

/* Before the drop: folders, and the helpers that need root. */
static int open_folders(struct deliver *m, struct err *err)
{
	const struct conf *conf = m->daemon.conf;
	struct priv_user store;

	if (daemon_dir(conf->mail_dir, 0700, conf->user_store, err) < 0)
		return -1;
	m->mail_dir = disk_folder(AT_FDCWD, conf->mail_dir);
	if (m->mail_dir < 0)
		return disk_err(err, conf->mail_dir);
	if (file_mkdirs(m->mail_dir, DELIVER_STAGING, 0700, err) < 0)
		return -1;
	m->staging = openat(m->mail_dir, DELIVER_STAGING,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (m->staging < 0)
		return disk_err(err, DELIVER_STAGING);
	if (geteuid() == 0 && (priv_find(conf->user_store, &store, err) < 0
			|| fchown(m->staging, store.uid, store.gid) < 0))
		return disk_err(err, DELIVER_STAGING);
	disk_sweep(m->staging, ".", STAGED_AGE);
	if (!maildir_takes_colons(m->staging))
		log_warn("%s: no colon in file names there (FAT?): flags are "
				"written as ;2,", conf->mail_dir);
	return 0;
}

static int open_all(struct deliver *m, struct err *err)
{
	const struct conf *conf = m->daemon.conf;
	struct priv_user queue, other;
	int fd;

	m->queue_uid = geteuid();
	if (priv_find(conf->user_queue, &queue, err) == 0)
		m->queue_uid = queue.uid;
	else if (geteuid() == 0)
		return -1;
	m->lmtp_uid = 0;
	if (CFG_DELIVER_TCP && priv_find(conf->lmtp_user, &other, NULL) == 0)
		m->lmtp_uid = other.uid;
	else if (CFG_DELIVER_TCP)
		log_warn("lmtp-user %s: no such account", conf->lmtp_user);
	if (open_folders(m, err) < 0)
		return -1;
	m->sync = sync_open(m->daemon.loop, m->mail_dir, false, err);
	if (!m->sync)
		return -1;
	/* virtual users may decide about their mail, too */
	if (conf->system_users || CFG_DELIVER_RECIPIENT ||
			(CFG_DELIVER_ALIASES && conf->aliases[0] == '/')) {
		m->system = system_open(m->daemon.loop, conf, err);
		if (!m->system)
			return -1;
	}
	if (CFG_DELIVER_QUOTA && conf->system_users)
		m->mbox_dir = disk_folder(AT_FDCWD, conf->mbox_dir);
	fd = daemon_unix(&m->daemon, DELIVER_SOCKET, SOCK_STREAM, 0666, NULL,
			err);
	if (fd < 0)
		return -1;
	m->listen = listen_start(m->daemon.loop, fd, on_connection, m);
	if (!m->listen)
		return disk_err(err, "listening");
	if (CFG_DELIVER_TCP && daemon_serve(&m->daemon, CONF_LMTP, on_tcp, m,
				err) < 0)
		return -1;
	return 0;
}

/* -- stopping -- */

static void on_stop(struct daemon *d)
{
	struct deliver *m = container_of(d, struct deliver, daemon);
	struct list *pos, *tmp;

	listen_stop(m->listen);
	m->listen = NULL;
	if (CFG_DELIVER_TCP)
		daemon_unlisten(d);
	loop_timer_set(d->loop, &m->grace, GRACE_MS);
	list_each(pos, tmp, &m->sessions) {
		struct deliver_session *x = container_of(pos,
				struct deliver_session, link);

		if (x->stage.out.fd < 0)
			smtp_server_end(x->smtp, "Service shutting down");
	}
	check_over(m);
}

static void end_all(struct deliver *m)
{
	while (!list_empty(&m->sessions)) {
		struct deliver_session *x = container_of(m->sessions.next,
				struct deliver_session, link);

		/* closed may come later, from the loop that runs no more */
		list_del(&x->link);
		deliver_let_go(x);
		smtp_server_end(x->smtp, "Service shutting down");
	}
	auth_free(m->auth);
	system_close(m->system);
	sync_close(m->sync);
}

static int serve(struct deliver *m)
{
	char path[256];
	int status;

	daemon_socket_path(&m->daemon, AUTH_SOCKET, path, sizeof(path));
	m->auth = auth_new(m->daemon.loop, path);
	if (!m->auth) {
		log_error("out of memory");
		return EX_OSERR;
	}
	status = daemon_run(&m->daemon);
	end_all(m);
	return status;
}

int deliver_main(int argc, char **argv)
{
	struct deliver m = {
		.daemon.stop = on_stop, .grace.fire = on_grace_over
	};
	struct err err;

	if (command_wanted(argc, argv))
		return command_main(argc, argv);
	daemon_init(&m.daemon, "deliver", argc, argv);
	list_init(&m.sessions);
	if (open_all(&m, &err) < 0) {
		log_error("%s", err.text);
		return err.kind == ERR_PERM ? EX_CONFIG : EX_OSERR;
	}
	daemon_drop(&m.daemon, m.daemon.conf->user_store, (gid_t)-1);
	return serve(&m);
}
