/* maild - supervisor: opens the sockets, starts the daemons, keeps them running
 *
 * RFC 5321 (ports), systemd's LISTEN_FDS for handing down sockets
 *
 * applet maild daemon
 * file ban.c MAILD_BAN_COMMAND
 *
 * config MAILD
 *	bool "maild (5 kB)"
 *	default y
 *	help
 *	  usage: maild [-fv] [-C FILE]
 *
 *	  Starts and watches the mail daemons.
 *
 *	  -f  log to stderr
 *	  -v  log more
 *	  -C  configuration
 *
 *	  SIGHUP reads the configuration again, SIGTERM ends all.
 *
 * config MAILD_BAN_COMMAND
 *	bool "ban-command: bans are told to the firewall (3 kB)"
 *	depends on SMTPD_LIMITS
 *	help
 *	  ban-command: maild runs a program at each ban of smtpd's.
 */
#include "applet.h"
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "maild/ban.h"
#include "maild/maild.h"
#include "net/ban.h"
#include "net/daemon.h"
#include "net/tls_conf.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"

#define SOCKETS_MOST 16			/* per daemon */
#define LOCALS_MOST 2
#define DRAINING_MOST 4			/* then one is told to end now */
#define LOOK_MS 15000			/* at the certificate's files */
#define BACKOFF_FIRST 500		/* ms before a dead daemon is started */
#define BACKOFF_MOST 60000
#define STEADY 10000			/* ms of life after which back-off is forgotten */
#define STOP_PATIENCE 35000		/* ms from SIGTERM to SIGKILL */
#define LAST_PATIENCE 15000		/* ... and again for who ends last */

/* A daemon and the sockets it is handed. */
struct maild_program {
	char applet[8];
	bool overlaps;	/* old and new may run side by side: sessions drain */
	struct maild_unix {
		char name[10];		/* below run-dir */
		unsigned char type;
		bool queue_owns;	/* given to user-queue */
		unsigned short mode;
	} locals[LOCALS_MOST];
	unsigned char services;		/* a bit for each enum conf_service */
};

#define LOCAL(name, mode) { name, SOCK_STREAM, false, mode }

/* In the order of starting: who is asked comes before who asks. */
static const struct maild_program programs[] = {
	USE_AUTHD({ "authd", false, { LOCAL("authd", 0666) }, 0 },)
	USE_DELIVER({ "deliver", false, { LOCAL("deliver", 0666) },
		CFG_DELIVER_TCP << CONF_LMTP },)
	USE_QUEUE({ "queue", false, { { "queue", SOCK_DGRAM, true, 0660 },
		LOCAL("queue.ctl", 0666) }, 0 },)
	USE_SMTPD({ "smtpd", true, { LOCAL("submit", 0666) },
		1 << CONF_SMTP | 1 << CONF_SUBMISSION | 1 << CONF_SMTPS },)
	USE_POP3D({ "pop3d", true, { { "", 0, false, 0 } },
		1 << CONF_POP3 | 1 << CONF_POP3S },)
	{ "", false, { { "", 0, false, 0 } }, 0 }
};

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

struct maild;

struct maild_socket {
	struct proc_fd proc;
	struct sockaddr_storage addr;	/* of a service; ss_family 0: local */
};

struct maild_child {
	struct maild *maild;
	const struct maild_program *program;
	pid_t pid;			/* 0: not running */
	pid_t draining[DRAINING_MOST];	/* those before, ending their sessions */
	int64_t started;
	int64_t backoff;
	struct loop_timer restart;
	struct maild_socket sockets[SOCKETS_MOST];
	int nsockets;
};

struct maild {
	struct daemon daemon;
	const char *self;		/* this binary */
	int lifeline[2];		/* a pipe: the daemons see EOF when we die */
	struct loop_timer patience;
	struct loop_timer look;
	struct maild_look files;
	bool renewed;			/* they had changed then */
	int secrets;			/* of TLS tickets; -1: none */
	int64_t secrets_ms;		/* when they are renewed */
	bool last_told;			/* who ends last shall end */
	struct maild_bans bans;
	struct maild_child children[PROGRAMS];
};

/* Where pid stands among those that drain, 0: a free place; NULL: nowhere. */
static pid_t *draining(struct maild_child *c, pid_t pid)
{
	for (int i = 0; i < DRAINING_MOST; i++)
		if (c->draining[i] == pid)
			return &c->draining[i];
	return NULL;
}

static void child_start(struct maild_child *c)
{
	struct maild *m = c->maild;
	char *argv[6] = { (char *)c->program->applet, "-C",
		(char *)m->daemon.conf_path };
	struct proc_fd fds[SOCKETS_MOST + 2];
	int n = 3, nfds = c->nsockets;
	struct err err;

	for (int i = 0; i < c->nsockets; i++)
		fds[i] = c->sockets[i].proc;
	fds[nfds++] = (struct proc_fd){ m->lifeline[0], DAEMON_LIFELINE };
	if (c->program->services & ~(1 << CONF_LMTP) && m->secrets >= 0)
		fds[nfds++] = (struct proc_fd){ m->secrets, TLS_CONF_SECRETS };
	if (CFG_MAILD_BAN_COMMAND && c->program->services >> CONF_SMTP & 1)
		fds[nfds++] = (struct proc_fd){ m->bans.smtpd, BAN_SOCKET };
	if (m->daemon.foreground)
		argv[n++] = "-f";
	if (m->daemon.verbose)
		argv[n++] = "-v";
	argv[n] = NULL;
	c->started = clock_ms();
	c->pid = proc_start(m->self, argv, fds, nfds, &err);
	if (c->pid > 0)
		return;
	c->pid = 0;
	log_error("%s: %s", c->program->applet, err.text);
	loop_timer_set(m->daemon.loop, &c->restart, BACKOFF_MOST);
}

static void on_restart(struct loop_timer *t)
{
	struct maild_child *c = container_of(t, struct maild_child, restart);

	if (!c->pid && !c->maild->daemon.stopping)
		child_start(c);
}

static bool is_ended(const struct maild_child *c)
{
	pid_t any = c->pid;

	for (int i = 0; i < DRAINING_MOST; i++)
		any |= c->draining[i];
	return !any;
}

static bool all_ended(const struct maild *m)
{
	for (const struct maild_child *c = m->children; c->program; c++)
		if (!is_ended(c))
			return false;
	return true;
}

static void log_end(const struct maild_child *c, pid_t pid, int status)
{
	const char *name = c->program->applet;

	if (WIFSIGNALED(status))
		log_error("%s[%d] was killed by signal %d", name, (int)pid,
				WTERMSIG(status));
	else if (WEXITSTATUS(status))
		log_error("%s[%d] ended with status %d", name, (int)pid,
				WEXITSTATUS(status));
	else
		log_info("%s[%d] ended", name, (int)pid);
}

/* A daemon that keeps dying is started ever more rarely. */
static void child_ended(struct maild_child *c)
{
	int64_t lived = clock_ms() - c->started;

	c->pid = 0;
	if (c->maild->daemon.stopping)
		return;
	if (lived > STEADY)
		c->backoff = 0;
	loop_timer_set(c->maild->daemon.loop, &c->restart, c->backoff);
	c->backoff = c->backoff ? c->backoff * 2 : BACKOFF_FIRST;
	if (c->backoff > BACKOFF_MOST)
		c->backoff = BACKOFF_MOST;
}

/* What others still take goes from memory to flash when queue ends. */
static bool ends_last(const struct maild_child *c)
{
	return CFG_QUEUE_SPILL && c->maild->daemon.conf->spill_dir
		&& strcmp(c->program->applet, "queue") == 0;
}

/* Only who ends last is left. */
static void stop_queue(struct maild *m)
{
	struct maild_child *last = NULL;

	for (struct maild_child *c = m->children; c->program; c++)
		if (ends_last(c))
			last = c;
		else if (!is_ended(c))
			return;
	if (last && last->pid && !m->last_told)
		kill(last->pid, SIGTERM);
	m->last_told = true;
}

static void on_child(void *arg, int signo)
{
	struct maild *m = arg;
	int status;
	pid_t pid;

	(void)signo;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (CFG_MAILD_BAN_COMMAND &&
				maild_bans_ended(&m->bans, pid, status))
			continue;
		for (struct maild_child *c = m->children; c->program; c++) {
			pid_t *old = draining(c, pid);

			if (pid != c->pid && !old)
				continue;
			log_end(c, pid, status);
			if (old)
				*old = 0;
			else
				child_ended(c);
		}
	}
	if (m->daemon.stopping)
		stop_queue(m);
	if (m->daemon.stopping && all_ended(m))
		loop_stop(m->daemon.loop, 0);
}

static void signal_all(struct maild *m, int signo, bool (*spare)(
			const struct maild_child *c))
{
	for (struct maild_child *c = m->children; c->program; c++) {
		if (c->pid && !(spare && spare(c)))
			kill(c->pid, signo);
		for (int i = 0; i < DRAINING_MOST; i++)
			if (c->draining[i])
				kill(c->draining[i], signo);
	}
}

static void on_patience(struct loop_timer *t)
{
	struct maild *m = container_of(t, struct maild, patience);

	log_warn("daemons did not end in time; killing them");
	signal_all(m, SIGKILL, m->last_told ? NULL : ends_last);
	if (!m->last_told)
		loop_timer_set(m->daemon.loop, t, LAST_PATIENCE);
}

static void on_stop(struct daemon *d)
{
	struct maild *m = container_of(d, struct maild, daemon);

	if (CFG_MAILD_BAN_COMMAND)
		maild_bans_stop(&m->bans);
	signal_all(m, SIGTERM, ends_last);
	stop_queue(m);
	loop_timer_set(d->loop, &m->patience, STOP_PATIENCE);
	if (all_ended(m))
		loop_stop(d->loop, 0);
}

static int add_socket(struct maild_child *c, int fd, const char *name,
		const struct sockaddr_storage *addr, struct err *err)
{
	struct maild_socket *s = &c->sockets[c->nsockets];

	if (fd < 0)
		return -1;
	if (c->nsockets == SOCKETS_MOST) {
		close(fd);
		return err_set(err, ERR_PERM, "%s: over %d sockets",
				c->program->applet, SOCKETS_MOST);
	}
	*s = (struct maild_socket){ .proc = { fd, name } };
	if (addr)
		s->addr = *addr;
	c->nsockets++;
	return 0;
}

static int open_locals(struct maild_child *c, struct err *err)
{
	struct daemon *d = &c->maild->daemon;
	const struct maild_unix *u = c->program->locals;

	for (int i = 0; i < LOCALS_MOST && u->name[0]; i++, u++)
		if (add_socket(c, daemon_unix(d, u->name, u->type, u->mode,
				u->queue_owns ? d->conf->user_queue : NULL,
				err), u->name, NULL, err) < 0)
			return -1;
	return 0;
}

/*
 * The socket of before, where there is one: the daemon that drains still
 * holds it, so the address could not be bound a second time.
 */
static int take_or_open(struct maild_child *old,
		const struct conf_listen *l, struct err *err)
{
	const char *name = daemon_service_name(l->service);

	for (int i = 0; i < old->nsockets; i++) {
		struct maild_socket *s = &old->sockets[i];
		int fd = s->proc.fd;

		if (fd < 0 || s->proc.name != name || memcmp(&s->addr,
				&l->addr, sizeof(l->addr)) != 0)
			continue;
		s->proc.fd = -1;
		return fd;
	}
	return listen_open((const void *)&l->addr, l->addr_len, err);
}

static int open_services(struct maild_child *c, struct maild_child *old,
		const struct conf *conf, struct err *err)
{
	int result = 0;

	for (const struct conf_listen *l = conf->listen; l; l = l->next)
		if (c->program->services >> l->service & 1 && add_socket(c,
				take_or_open(old, l, err),
				daemon_service_name(l->service), &l->addr,
				err) < 0)
			result = -1;
	return result;
}

/* Keeps the local sockets and those that the new configuration has too. */
static void child_relisten(struct maild_child *c, const struct conf *conf)
{
	struct maild_child old = *c;
	struct err err;

	c->nsockets = 0;
	for (int i = 0; i < old.nsockets; i++)
		if (old.sockets[i].addr.ss_family == 0) {
			c->sockets[c->nsockets++] = old.sockets[i];
			old.sockets[i].proc.fd = -1;
		}
	if (open_services(c, &old, conf, &err) < 0)
		log_error("%s: %s", c->program->applet, err.text);
	for (int i = 0; i < old.nsockets; i++)
		if (old.sockets[i].proc.fd >= 0)
			close(old.sockets[i].proc.fd);
}

/* The new settings reach a daemon by starting it again; no socket is lost. */
static void child_renew(struct maild_child *c)
{
	pid_t *place = draining(c, 0);

	c->backoff = 0;
	if (!c->pid) {
		child_start(c);
	} else if (!c->program->overlaps) {
		kill(c->pid, SIGTERM);
	} else if (place) {
		kill(c->pid, SIGHUP);
		*place = c->pid;
		child_start(c);
	} else {
		/* many changes in a short time: the new one waits for a place */
		kill(c->pid, SIGTERM);
		kill(c->draining[0], SIGTERM);
	}
}

static void on_hup(struct daemon *d)
{
	struct maild *m = container_of(d, struct maild, daemon);
	struct err err;
	struct conf *conf = conf_read(d->conf_path, false, &err);
	struct maild_child *c;

	if (!conf) {
		log_error("%s; the old configuration stays", err.text);
		return;
	}
	if (CFG_TLS_SERVER && maild_try_tls(conf) < 0) {
		log_error("the old configuration and certificates stay");
		conf_free(conf);
		return;
	}
	for (c = m->children; c->program; c++) {
		child_relisten(c, conf);
		child_renew(c);
	}
	conf_free(d->conf);
	d->conf = conf;
	maild_look_again(&m->files);
	log_info("configuration read again");
}

/*
 * Who renews a certificate (ACME) replaces two files, one after the other: a
 * look later, when nothing changes any more, both are there.
 */
static void on_look(struct loop_timer *t)
{
	struct maild *m = container_of(t, struct maild, look);
	bool now = CFG_TLS_SERVER && maild_look(&m->files, m->daemon.conf);

	/* it is never half-written */
	if (CFG_USERS_FULL && maild_look_at_domains(&m->files,
				m->daemon.conf))
		m->renewed = true, now = false;
	loop_timer_set(m->daemon.loop, &m->look, LOOK_MS);
	if (m->secrets >= 0 && clock_ms() >= m->secrets_ms) {
		m->secrets_ms = clock_ms() + TLS_TICKET_LIFE * INT64_C(1000);
		tls_conf_secrets(m->secrets);
	}
	if (m->renewed && !now && !m->daemon.stopping)
		on_hup(&m->daemon);
	m->renewed = now;
}

static int start_all(struct maild *m, struct err *err)
{
	struct maild_child none = { 0 };
	struct maild_child *c;

	for (size_t i = 0; programs[i].applet[0]; i++) {
		c = &m->children[i];
		c->maild = m;
		c->program = &programs[i];
		c->restart.fire = on_restart;
		if (open_locals(c, err) < 0 || open_services(c, &none,
				m->daemon.conf, err) < 0)
			return -1;
	}
	for (c = m->children; c->program; c++)
		child_start(c);
	return 0;
}

int maild_main(int argc, char **argv)
{
	struct maild m = { .daemon.stop = on_stop, .daemon.hup = on_hup,
		.patience.fire = on_patience, .look.fire = on_look };
	struct err err;

	daemon_init(&m.daemon, "maild", argc, argv);
	m.secrets = CFG_TLS_SERVER ? tls_conf_secrets_open() : -1;
	m.secrets_ms = clock_ms() + TLS_TICKET_LIFE * INT64_C(1000);
	m.self = proc_self(argv[0]);
	err_set(&err, ERR_TEMP, "starting");
	if (pipe2(m.lifeline, O_CLOEXEC) < 0
			|| loop_signal(m.daemon.loop, SIGCHLD, on_child, &m) < 0
			|| (CFG_MAILD_BAN_COMMAND &&
				maild_bans_open(&m.bans, &m.daemon) < 0)
			|| start_all(&m, &err) < 0) {
		log_error("%s", err.text);
		return EX_UNAVAILABLE;
	}
	if (CFG_TLS_SERVER || CFG_USERS_FULL)
		on_look(&m.look);
	return daemon_run(&m.daemon);
}
