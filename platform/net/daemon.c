#include "net/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/list.h"
#include "os/file.h"
#include "os/log.h"
#include "os/opt.h"
#include "os/priv.h"
#include "os/proc.h"

static const struct opt_row rows[] = {
	{ 'f', "foreground", OPT_FLAG, OPT_AT(struct daemon, foreground) },
	{ 'v', "verbose", OPT_FLAG, OPT_AT(struct daemon, verbose) },
	{ 's', "stdin", OPT_FLAG, OPT_AT(struct daemon, on_stdin) },
	{ 0, "once", OPT_FLAG, OPT_AT(struct daemon, once) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct daemon, conf_path) },
	{ 0 }
};

#define DRAIN_MS 600000

/* A socket that daemon_serve listens on, so that daemon_unlisten finds it. */
struct daemon_listener {
	struct list link;
	struct listen *listen;
	daemon_got *got;
	void *arg;
	const struct conf_listen *at;
};

_Noreturn static void fail(int status, const struct err *err)
{
	log_error("%s", err->text);
	exit(status);
}

static void stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	if (d->stop)
		d->stop(d);
	else
		loop_stop(d->loop, 0);
}

static void on_signal(void *arg, int signo)
{
	(void)signo;
	stop(arg);
}

/*
 * maild is gone without a word: its successor will open the sockets again
 * and start a new us.
 */
static void on_lifeline(struct loop_watch *w, unsigned events)
{
	struct daemon *d = container_of(w, struct daemon, lifeline);

	(void)events;
	loop_unwatch(d->loop, w);
	log_warn("maild is gone; ending");
	stop(d);
}

static void on_patience(struct loop_timer *t)
{
	stop(container_of(t, struct daemon, patience));
}

static void on_hup(void *arg, int signo)
{
	struct daemon *d = arg;

	(void)signo;
	if (d->hup)
		d->hup(d);
	if (!d->drain || d->draining || d->stopping)
		return;
	d->draining = true;
	d->patience.fire = on_patience;
	loop_timer_set(d->loop, &d->patience, DRAIN_MS);
	d->drain(d);
}

/* The next inherited descriptor of that name, from the next-th on; or -1. */
static int inherited(const char *want, int *next)
{
	const char *name;
	int fd;

	while ((fd = proc_listen_fd((*next)++, &name)) >= 0)
		if (strcmp(name, want) == 0)
			return fd;
	return -1;
}

int daemon_inherited(const char *name)
{
	int next = 0;

	return inherited(name, &next);
}

static int watch_lifeline(struct daemon *d)
{
	int fd = daemon_inherited(DAEMON_LIFELINE);

	d->lifeline.fd = fd;
	d->lifeline.ready = on_lifeline;
	return fd < 0 ? 0 : loop_watch(d->loop, &d->lifeline, LOOP_READ);
}

void daemon_init(struct daemon *d, const char *name, int argc, char **argv)
{
	struct err err;
	int operand = opt_parse(argc, argv, rows, d, &err);

	if (operand >= 0 && operand < argc)
		operand = err_set(&err, ERR_PERM, "%s: no operand is taken",
				argv[operand]);
	if (operand >= 0 && d->on_stdin && !d->take_stdin)
		operand = err_set(&err, ERR_PERM, "-s: not for this daemon");
	if (operand >= 0 && d->once && !d->can_once)
		operand = err_set(&err, ERR_PERM,
				"--once: not for this daemon");
	d->name = name;
	list_init(&d->listeners);
	log_open(name, true);
	if (operand < 0)
		fail(EX_USAGE, &err);
	if (d->on_stdin && d->take_stdin(&err) < 0)
		fail(EX_OSERR, &err);
	d->conf_path = conf_path(d->conf_path);
	d->conf = conf_read_or_exit(d->conf_path);
	log_open(name, d->foreground);
	log_level(d->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	d->loop = loop_new(&err);
	if (!d->loop)
		fail(EX_OSERR, &err);
	d->count = listen_count_new(d->conf->max_sessions,
			d->conf->max_sessions_per_address);
	if (!d->count || loop_signal(d->loop, SIGTERM, on_signal, d) < 0
			|| loop_signal(d->loop, SIGINT, on_signal, d) < 0
			|| loop_signal(d->loop, SIGHUP, on_hup, d) < 0
			|| watch_lifeline(d) < 0) {
		err_errno(&err, "starting");
		fail(EX_OSERR, &err);
	}
}

static void on_connection(void *arg, int fd)
{
	struct daemon_listener *l = arg;

	l->got(l->arg, fd, l->at);
}

/* Takes fd, and adds it to how. */
static int start(struct daemon *d, int fd, const struct daemon_listener *how,
		struct err *err)
{
	struct daemon_listener *l = malloc(sizeof(*l));

	if (l) {
		*l = *how;
		l->listen = listen_start(d->loop, fd, on_connection, l);
	}
	if (!l || !l->listen) {
		free(l);
		close(fd);
		return err_errno(err, "listening");
	}
	list_add_tail(&d->listeners, &l->link);
	return 0;
}

/* The line that this socket was made for. */
static const struct conf_listen *line_of(const struct daemon *d,
		enum conf_service service, int fd)
{
	struct sockaddr_storage here = { 0 };
	socklen_t len = sizeof(here);

	if (getsockname(fd, (struct sockaddr *)&here, &len) == 0)
		for (const struct conf_listen *l = d->conf->listen; l;
				l = l->next)
			if (l->service == service && listen_is_at(
					(const void *)&here,
					(const void *)&l->addr))
				return l;
	return NULL;
}

int daemon_serve(struct daemon *d, enum conf_service service,
		daemon_got *got, void *arg, struct err *err)
{
	struct daemon_listener how = { .got = got, .arg = arg };
	const struct conf_listen *l;
	int n = 0, next = 0, fd;

	while ((fd = inherited(conf_service_name(service), &next)) >= 0) {
		how.at = line_of(d, service, fd);
		if (start(d, fd, &how, err) < 0)
			return -1;
		n++;
	}
	/* Who is handed any socket is handed all: none here means "none". */
	if (proc_listen_fd(0, NULL) >= 0)
		return n;
	for (l = d->conf->listen; l; l = l->next) {
		if (l->service != service)
			continue;
		how.at = l;
		fd = listen_open((const void *)&l->addr, l->addr_len, err);
		if (fd < 0 || start(d, fd, &how, err) < 0)
			return -1;
		n++;
	}
	return n;
}

static int give_to(const char *path, const char *owner, struct err *err)
{
	struct priv_user user;

	if (!owner || geteuid() != 0)
		return 0;
	if (priv_find(owner, &user, err) < 0)
		return -1;
	if (fchownat(AT_FDCWD, path, user.uid, user.gid,
			AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

int daemon_unix(struct daemon *d, const char *name, int type, unsigned mode,
		const char *owner, struct err *err)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int next = 0, fd = inherited(name, &next);

	if (fd >= 0)
		return fd;
	if (file_mkdirs(AT_FDCWD, d->conf->run_dir, 0755, err) < 0)
		return -1;
	daemon_socket_path(d, name, path, sizeof(path));
	fd = listen_open_unix(path, type, mode, err);
	if (fd >= 0 && give_to(path, owner, err) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int daemon_dir(const char *path, unsigned mode, const char *owner,
		struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return 0;
	/* what it is in may be others', too, as state-dir is */
	if (file_mkdir_last(path, mode, err) < 0)
		return -1;
	return give_to(path, owner, err);
}

void daemon_unlisten(struct daemon *d)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &d->listeners) {
		struct daemon_listener *l = container_of(pos,
				struct daemon_listener, link);

		list_del(pos);
		listen_stop(l->listen);
		free(l);
	}
}

void daemon_drop(struct daemon *d, const char *user, gid_t group)
{
	struct err err;

	proc_listen_done();
	if (file_mkdirs(AT_FDCWD, d->conf->run_dir, 0755, &err) < 0
			|| priv_drop(user, group, d->conf->run_dir,
				&d->chrooted, &err) < 0)
		fail(EX_OSERR, &err);
}

void daemon_become(struct daemon *d, const char *user)
{
	struct err err;

	proc_listen_done();
	if (priv_drop(user, (gid_t)-1, NULL, &d->chrooted, &err) < 0)
		fail(EX_OSERR, &err);
}

void daemon_socket_path(const struct daemon *d, const char *name, char *out,
		size_t size)
{
	snprintf(out, size, "%s/%s", d->chrooted ? "" : d->conf->run_dir, name);
}

int daemon_run(struct daemon *d)
{
	int code;

	if (!d->on_stdin && !d->once)
		log_info("ready");
	code = loop_run(d->loop);
	daemon_unlisten(d);
	if (!d->on_stdin && !d->once)
		log_info("stopped");
	return code;
}
