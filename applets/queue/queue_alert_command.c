/*
 * Another way to tell of an alert that does not get out: a command of the
 * owner's, which has a light, a siren or a web service. The mail goes on trying.
 */
#include "queue_alert.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/log.h"
#include "os/proc.h"

#define COMMAND_MS 60000	/* then it is killed, with all it has started */
#define LOOK_MS 200
#define RCPTS_MOST 100		/* that it is told of */

struct alert_command {
	struct queue *queue;
	struct loop_timer look;
	pid_t pid;
	int64_t deadline;		/* clock_ms */
	char id[SPOOL_ID_SIZE];
};

static void end(struct alert_command *c, int status)
{
	struct queue_entry *e = queue_find(c->queue, c->id);

	if (!status)
		log_info("%s: alert-command has been told", c->id);
	else
		log_warn("%s: alert-command has failed; once more after the "
				"next try", c->id);
	if (e && status)
		e->commanded = false;
	c->queue->command = NULL;
	free(c);
}

/* All that it has left behind goes before its number is free. */
static void look(struct loop_timer *t)
{
	struct alert_command *c = container_of(t, struct alert_command, look);
	bool late = clock_ms() >= c->deadline;
	siginfo_t info = { .si_pid = 0 };
	int status = 1;

	if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0
			&& !info.si_pid && !late) {
		loop_timer_set(c->queue->daemon.loop, t, LOOK_MS);
		return;
	}
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	end(c, status);
}

static const struct smtp_result *reason(const struct queue_message *m)
{
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].fate == FATE_LATER && m->outcome[i].why)
			return m->outcome[i].why;
	return NULL;
}

/* COMMAND REASON SENDER RCPT..., the message on its 0. -1: not started. */
static pid_t start(const struct queue_message *m, const struct smtp_result *why,
		struct err *err)
{
	const struct queue *q = m->entry->queue;
	const struct spool_envelope *e = m->envelope;
	char *argv[RCPTS_MOST + 4], text[QUEUE_REASON];
	unsigned n = 3;
	int64_t at;
	pid_t pid = -1;
	int fd;

	if (spool_trim(q->spool, e, err) < 0)
		return -1;
	fd = spool_body(q->spool, e, &at, err);
	if (fd < 0)
		return -1;
	queue_reply(text, why);
	argv[0] = (char *)q->daemon.conf->alert_command;
	argv[1] = text;
	argv[2] = (char *)e->sender;
	for (unsigned i = 0; i < e->nrcpt && n < RCPTS_MOST + 3; i++)
		if (e->rcpt[i].state == SPOOL_WAITING)
			argv[n++] = (char *)e->rcpt[i].address;
	argv[n] = NULL;
	if (lseek(fd, at, SEEK_SET) < 0)
		err_errno(err, "seek");
	else
		pid = proc_command_io(argv[0], argv, fd, -1, err);
	close(fd);
	return pid;
}

void alert_tell(struct queue_message *m)
{
	struct queue *q = m->entry->queue;
	const struct smtp_result *why = reason(m);
	struct alert_command *c;
	struct err err;

	/* one at a time: the others have their turn after their next try */
	if (!why || q->command || m->entry->commanded
			|| !conf_is_alert(q->daemon.conf, m->envelope->sender))
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->pid = start(m, why, &err);
	if (c->pid < 0) {
		log_error("alert-command: %s", err.text);
		free(c);
		return;
	}
	c->queue = q;
	c->look.fire = look;
	c->deadline = clock_ms() + COMMAND_MS;
	str_copys(c->id, sizeof(c->id), m->entry->id);
	m->entry->commanded = true;
	q->command = c;
	loop_timer_set(q->daemon.loop, &c->look, LOOK_MS);
}

void alert_command_stop(struct queue *q)
{
	struct alert_command *c = q->command;

	if (!c)
		return;
	loop_timer_stop(q->daemon.loop, &c->look);
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(c);
	q->command = NULL;
}
