/*
 * smtpd has neither root nor a way to a command: it tells maild, which runs
 * one command at a time with root's rights: add ADDRESS/BITS SECONDS at a ban
 * and del with the same words at its end.
 */
#include "maild/ban.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "net/ban.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"

#define BANS_MOST 512		/* that are known at a time, 32 bytes each */
#define READ_MOST 20		/* packets in CALM_MS; the others wait */
#define CALM_MS 1000
#define PATIENCE_MS 5000	/* of one command */
#define TELL_MS 60000

struct maild_ban {
	struct ban ban;
	bool added;			/* the command knows of it */
	int64_t until;			/* clock_ms() */
};

static void next(struct maild_bans *b);

static void on_hanging(struct loop_timer *t)
{
	struct maild_bans *b = container_of(t, struct maild_bans, timer);

	log_error("ban-command does not end; killed");
	/* with all that it has started */
	kill(-b->pid, SIGKILL);
}

static void on_end(struct loop_timer *t)
{
	next(container_of(t, struct maild_bans, timer));
}

static void set_timer(struct maild_bans *b, int64_t ms,
		void (*fire)(struct loop_timer *t))
{
	b->timer.fire = fire;
	loop_timer_set(b->daemon->loop, &b->timer, ms);
}

static void forget(struct maild_bans *b, struct maild_ban *e)
{
	b->n--;
	memmove(e, e + 1, (size_t)(b->all + b->n - e) * sizeof(*e));
}

static struct maild_ban *find(struct maild_bans *b,
		const unsigned char key[16])
{
	for (unsigned i = 0; i < b->n; i++)
		if (memcmp(b->all[i].ban.key, key, 16) == 0)
			return &b->all[i];
	return NULL;
}

/* -- the command -- */

/* Starts it; false: there is none, or it cannot be started. */
static bool run(struct maild_bans *b, const struct ban *ban, bool add)
{
	const char *command = b->daemon->conf->ban_command;
	char address[BAN_TEXT_SIZE], seconds[12];
	char *argv[] = { (char *)command, add ? "add" : "del", address,
		seconds, NULL };
	struct err err;
	pid_t pid;

	if (!command)
		return false;
	ban_text(ban, address);
	snprintf(seconds, sizeof(seconds), "%lu",
			(unsigned long)ban->seconds);
	pid = proc_command(command, argv, &err);
	if (pid < 0) {
		log_error("ban-command: %s", err.text);
		return false;
	}
	log_debug("ban-command %s %s %s", argv[1], address, seconds);
	b->pid = pid;
	b->is_add = add;
	memcpy(b->key, ban->key, 16);
	set_timer(b, PATIENCE_MS, on_hanging);
	return true;
}

/* The first that is to be told; NULL: none yet, *wait is how long. */
static struct maild_ban *due(struct maild_bans *b, int64_t *wait)
{
	int64_t now = clock_ms();

	*wait = -1;
	for (unsigned i = 0; i < b->n; i++) {
		struct maild_ban *e = &b->all[i];
		int64_t left = e->until - now;

		if (!e->added || left <= 0)
			return e;
		if (*wait < 0 || left < *wait)
			*wait = left;
	}
	return NULL;
}

static void next(struct maild_bans *b)
{
	struct maild_ban *e;
	int64_t wait;

	if (b->pid)
		return;
	loop_timer_stop(b->daemon->loop, &b->timer);
	while ((e = due(b, &wait)) != NULL) {
		struct ban ban = e->ban;
		bool add = !e->added;

		if (add)
			e->added = true;
		else
			forget(b, e);
		if (run(b, &ban, add))
			return;
		if (add)
			forget(b, e);
	}
	if (wait >= 0)
		set_timer(b, wait, on_end);
}

bool maild_bans_ended(struct maild_bans *b, pid_t pid, int status)
{
	struct maild_ban *e;

	if (!b->pid || pid != b->pid)
		return false;
	b->pid = 0;
	if (status) {
		log_error("ban-command: it failed (%s %d)", WIFSIGNALED(status)
				? "signal" : "status", WIFSIGNALED(status) ?
				WTERMSIG(status) : WEXITSTATUS(status));
		e = b->is_add ? find(b, b->key) : NULL;
		/* unless it has come once more meanwhile */
		if (e && e->added)
			forget(b, e);
	}
	if (b->daemon->stopping)
		loop_timer_stop(b->daemon->loop, &b->timer);
	else
		next(b);
	return true;
}

/* -- what smtpd says -- */

static bool is_trusted(const struct maild_bans *b, const struct ban *ban)
{
	struct sockaddr_in6 peer = { .sin6_family = AF_INET6 };

	memcpy(&peer.sin6_addr, ban->key, 16);
	return conf_net_has(b->daemon->conf->relay_from, (void *)&peer);
}

static void tell(struct maild_bans *b, const char *what)
{
	int64_t now = clock_ms();

	if (b->told && now - b->told < TELL_MS)
		return;
	log_warn("ban-command: %s", what);
	b->told = now;
}

static void take(struct maild_bans *b, const struct ban *ban)
{
	struct maild_ban *e = find(b, ban->key);

	if (!b->all)
		b->all = calloc(BANS_MOST, sizeof(*b->all));
	if (!e && (!b->all || b->n == BANS_MOST)) {
		tell(b, "there are too many bans");
		return;
	}
	if (!e)
		e = &b->all[b->n++];
	*e = (struct maild_ban){ *ban, false,
		clock_ms() + (int64_t)ban->seconds * 1000 };
	next(b);
}

static void on_calm(struct loop_timer *t)
{
	struct maild_bans *b = container_of(t, struct maild_bans, calm);

	if (b->read >= READ_MOST &&
			loop_watch(b->daemon->loop, &b->watch, LOOP_READ) < 0)
		log_error("ban-command: %s", strerror(errno));
	b->read = 0;
}

static void on_packet(struct loop_watch *w, unsigned events)
{
	struct maild_bans *b = container_of(w, struct maild_bans, watch);
	char packet[BAN_PACKET + 1];
	ssize_t n = proc_recv(w->fd, packet, sizeof(packet), NULL);
	struct ban ban;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (!b->calm.armed)
		loop_timer_set(b->daemon->loop, &b->calm, CALM_MS);
	if (++b->read >= READ_MOST)
		loop_unwatch(b->daemon->loop, w);
	if (n < 0 || !ban_read(&ban, span_make(packet, (size_t)n)) ||
			is_trusted(b, &ban))
		tell(b, "smtpd wants to ban what must not be");
	else if (!b->daemon->stopping && b->daemon->conf->ban_command)
		take(b, &ban);
}

int maild_bans_open(struct maild_bans *b, struct daemon *d)
{
	int pair[2];

	b->daemon = d;
	b->smtpd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
				0, pair) < 0)
		return -1;
	b->smtpd = pair[1];
	b->watch.fd = pair[0];
	b->watch.ready = on_packet;
	b->calm.fire = on_calm;
	return loop_watch(d->loop, &b->watch, LOOP_READ);
}

void maild_bans_stop(struct maild_bans *b)
{
	loop_timer_stop(b->daemon->loop, &b->timer);
	if (b->pid)
		kill(-b->pid, SIGKILL);
}
