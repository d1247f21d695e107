#include "pop3d/pop3d.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/log.h"
#include "os/proc.h"

/*
 * UPDATE (RFC 1939 6): removing, and waiting for the disk, takes its time; a
 * child does it, so that nobody else waits. It goes on when the client is gone
 * meanwhile: QUIT was said.
 */
#define UPDATES_MOST 8			/* children at a time */
#define UPDATE_WAIT 50			/* ms before it is tried again */

struct update {
	struct pop3d *pop3d;
	struct session *session;	/* NULL: gone */
	struct loop_watch answer;
	pid_t child;
};

/* What the child says. */
struct result {
	int rc;
	struct err err;
};

static void update(struct loop_timer *t);

static void removed(struct session *s)
{
	if (s->deleted)
		log_info("deleted user=<%s> messages=%u", s->name,
				s->deleted);
	pop3d_reply(s, "+OK bye");
	pop3d_end(s);
}

/* RFC 1939 6: who is told that all went well has lost what it deleted. */
static void over(struct session *s, int rc, const struct err *err)
{
	if (rc == 0) {
		removed(s);
	} else if (err->kind == ERR_TEMP && s->locks && pop3d_again(s,
				update)) {
		return;
	} else {
		log_error("mailbox of %s: %s", s->name, err->text);
		pop3d_reply(s, "-ERR [SYS/TEMP] not all that was deleted "
				"is gone");
		pop3d_end(s);
	}
}

static void told(struct loop_watch *w, unsigned events)
{
	struct update *u = container_of(w, struct update, answer);
	struct session *s = u->session;
	struct pop3d *p = u->pop3d;
	struct result r;

	(void)events;
	memset(&r, 0, sizeof(r));
	if (proc_recv(w->fd, &r, sizeof(r), NULL) != sizeof(r))
		r.rc = err_set(&r.err, ERR_PERM, "the update was cut");
	loop_unwatch(p->daemon.loop, w);
	close(w->fd);
	while (waitpid(u->child, NULL, 0) < 0 && errno == EINTR)
		;
	p->updates--;
	free(u);
	if (s) {
		s->update = NULL;
		over(s, r.rc, &r.err);
	} else {
		pop3d_check_over(p);
	}
}

/* It must not hold the other sessions' connections open. */
_Noreturn static void child(struct session *s, int fd)
{
	struct result r;
	struct list *pos, *tmp;

	memset(&r, 0, sizeof(r));
	list_each(pos, tmp, &s->pop3d->sessions)
		close(conn_fd(container_of(pos, struct session, link)->conn));
	r.rc = mailbox_save(s->mailbox, &r.err);
	proc_send(fd, &r, sizeof(r), -1);
	_exit(0);
}

static bool start(struct session *s)
{
	struct update *u = calloc(1, sizeof(*u));

	if (!u)
		return false;
	u->pop3d = s->pop3d;
	u->session = s;
	u->answer.ready = told;
	u->child = proc_helper(&u->answer.fd, NULL);
	if (u->child == 0)
		child(s, u->answer.fd);
	if (u->child < 0) {
		free(u);
		return false;
	}
	s->pop3d->updates++;
	s->update = u;
	if (loop_watch(s->pop3d->daemon.loop, &u->answer, LOOP_READ) < 0)
		told(&u->answer, 0);	/* what came of it nobody knows */
	return true;
}

static void update(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, later);
	struct err err;
	int rc;

	if (!s->deleted) {
		removed(s);
		return;
	}
	if (s->pop3d->updates >= UPDATES_MOST) {
		s->later.fire = update;
		loop_timer_set(s->pop3d->daemon.loop, t, UPDATE_WAIT);
		return;
	}
	if (start(s))
		return;
	rc = mailbox_save(s->mailbox, &err);
	over(s, rc, &err);
}

void pop3d_quit(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)args;
	dialog_hold(d);
	update(&s->later);
}

void pop3d_update_forget(struct session *s)
{
	if (s->update)
		s->update->session = NULL;
}
