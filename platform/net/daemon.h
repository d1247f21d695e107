/* daemon - what every daemon's main does: options, conf, log, loop, sockets, rights
 *
 * Order in a main: daemon_init, sockets and folders opened, daemon_drop,
 * sessions set up, daemon_run.
 */
#ifndef NET_DAEMON_H
#define NET_DAEMON_H

#include <stdbool.h>
#include "net/listen.h"
#include "net/loop.h"
#include "os/conf.h"

struct daemon {
	const char *name;
	const char *conf_path;
	bool foreground, verbose;	/* -f, -v */
	/* daemon_take_stdin in those that know -s, set before daemon_init */
	int (*take_stdin)(struct err *err);
	bool on_stdin;			/* -s: one session, on stdin and stdout */
	bool can_once;			/* set before daemon_init */
	bool once;			/* --once: does what there is, and ends */
	struct conf *conf;
	struct loop *loop;
	struct listen_count *count;	/* max-sessions, max-sessions-per-address */
	bool chrooted;			/* to run-dir: sockets are then "/NAME" */
	bool stopping;			/* SIGTERM or SIGINT came */
	void (*stop)(struct daemon *d);	/* called once then: close listeners, let sessions
					 * end; loop_stop when they have. NULL: loop_stop at once. */
	void (*hup)(struct daemon *d);	/* SIGHUP; NULL: ignored */
	/*
	 * SIGHUP from maild, which has started a successor: close listeners, let
	 * sessions go on; loop_stop when none is left. After 10 min comes stop.
	 */
	void (*drain)(struct daemon *d);
	bool draining;
	struct list listeners;		/* private from here */
	struct loop_timer patience;	/* of drain */
	struct loop_watch lifeline;	/* ends with maild, were it killed */
};

/* The inherited pipe whose other end only maild holds. */
#define DAEMON_LIFELINE "maild"

/* "smtp", "submission", ...: in `listen` and as the name of a handed-down socket. */
static inline const char *daemon_service_name(enum conf_service service)
{
	return conf_service_name(service);
}

/*
 * Options -f (log to stderr), -v (debug log), -C FILE; --help is done before.
 * Exits with 64 (usage) or 78 (configuration) on errors; the loop and signals are set up.
 */
void daemon_init(struct daemon *d, const char *name, int argc, char **argv);

/* The inherited descriptor of this name, which stays the process's; or -1. */
int daemon_inherited(const char *name);

/*
 * The sockets of one service: those handed down by maild or systemd under
 * its name, else those that `listen` names, opened here. got as listen_start;
 * at: the line of `listen`, or NULL. Gives how many, or -1 with err.
 */
typedef void daemon_got(void *arg, int fd, const struct conf_listen *at);
int daemon_serve(struct daemon *d, enum conf_service service,
		daemon_got *got, void *arg, struct err *err);
/*
 * A unix socket below run-dir: handed down under `name`, else made (type
 * SOCK_STREAM listening, or SOCK_DGRAM) with mode; as root given to `owner`
 * (NULL: stays root's). fd or -1.
 */
int daemon_unix(struct daemon *d, const char *name, int type, unsigned mode,
		const char *owner, struct err *err);
/* For struct daemon alone. */
int daemon_take_stdin(struct err *err);
/* -s: what stdin is. */
struct daemon_stdin {
	bool local;			/* a pipe, a terminal, a unix socket */
	const struct conf_listen *at;	/* the first line with its port, or NULL */
};
/*
 * The descriptor for the one session; for pipes and terminals it is a socket
 * that a process between copies to and from. Call it before daemon_drop; with
 * that session's end the daemon is to end (draining is set). -1 with err.
 */
int daemon_stdin(struct daemon *d, struct daemon_stdin *how, struct err *err);
/* Stops all that daemon_serve started; daemon_unix sockets are the caller's. */
void daemon_unlisten(struct daemon *d);

/*
 * Makes a folder where it is missing; one newly made by root is given to
 * owner. For spool-dir, state-dir, mail-dir before the drop. 0 or -1.
 */
int daemon_dir(const char *path, unsigned mode, const char *owner,
		struct err *err);

/* priv_drop into run-dir as chroot. Exits with 71 (EX_OSERR) when it cannot. group: extra, or (gid_t)-1 */
void daemon_drop(struct daemon *d, const char *user, gid_t group);
/* The same without the chroot, for who reads /etc while it runs (passwd, resolv.conf). */
void daemon_become(struct daemon *d, const char *user);

/* Path of a socket below run-dir as it is to be written now (before or after the drop). Own memory, size bytes. */
void daemon_socket_path(const struct daemon *d, const char *name, char *out, size_t size);

int daemon_run(struct daemon *d);	/* the exit status */

#endif
