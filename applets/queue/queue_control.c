#include "applet.h"
#include "config.h"
#include "queue_control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/listen.h"
#include "os/clock.h"
#include "os/priv.h"

#define REQUEST_MS 10000		/* for the line */
#define READ_MS 60000			/* for a caller to go on reading */
#define LISTERS_MOST 16			/* who are not admins, at a time */
#define SHARE 4				/* one user has a part of max-sessions */

void control_end(struct control *c)
{
	if (CFG_MAILQ_ADMIN)
		admin_end(c);
	if (CFG_QUEUE_SUBMIT)
		submit_end(c);
	loop_task_stop(&c->walk);
	list_del(&c->link);
	arena_free(c->arena);
	conn_close(c->conn);
	free(c);
}

static void end(struct control *c)
{
	if (CFG_MAILQ_ADMIN && c->batch && c->batch->error)
		conn_printf(c->conn, "ERROR done, but perhaps not on the disk:"
				" %s\n", strerror(c->batch->error));
	else
		conn_printf(c->conn, "OK %u %u %u %u\n",
				c->count[CHANGE_DONE], c->count[CHANGE_SAME],
				c->count[CHANGE_BUSY], c->count[CHANGE_FAILED]);
	control_end(c);
}

/* -- LIST -- */

static const char *state_of(const struct queue_entry *q,
		const struct spool_envelope *e)
{
	return e->held ? "held" : q->active ? "sending"
		: q->due.armed ? "waiting" : "due";
}

static void put_message(struct control *c, const struct queue_entry *q)
{
	const struct spool_envelope *e = c->envelope;
	int64_t left = q->due.armed ? q->due.due - clock_ms() : 0;

	conn_printf(c->conn, "M\t%s\t%llu\t%lld\t%lld\t%u\t%s\t%s\n", e->id,
			(unsigned long long)e->size, (long long)e->created,
			(long long)(clock_now() + (left > 0 ? left : 0) / 1000),
			e->attempts, state_of(q, e), e->sender);
}

static void put_rcpts(struct control *c)
{
	const struct spool_envelope *e = c->envelope;
	const struct queue_entry *q = queue_find(c->queue, e->id);

	for (; c->rcpt < e->nrcpt && conn_out_ready(c->conn); c->rcpt++) {
		if (e->rcpt[c->rcpt].state != SPOOL_WAITING)
			continue;
		conn_printf(c->conn, "R\t%s\t%s\n", e->rcpt[c->rcpt].address,
				q ? reason_text(q, c->rcpt) : "");
	}
	if (c->rcpt < e->nrcpt)
		return;
	arena_free(c->arena);
	c->arena = NULL;
	c->envelope = NULL;
	c->rcpt = 0;
}

/* -- the walk -- */

static void change(struct control *c, struct queue_entry *q)
{
	enum change how;
	struct err err;

	how = c->verb->change(c, q, c->envelope, &err);
	c->count[how]++;
	/* not named are those that the caller does not read */
	if (!CFG_MAILQ_ADMIN || !conn_out_ready(c->conn))
		return;
	if (how == CHANGE_BUSY)
		conn_printf(c->conn, "B\t%s\n", c->last);
	if (how == CHANGE_FAILED)
		conn_printf(c->conn, "F\t%s\t%s\n", c->last, err.text);
}

static bool is_wanted(const struct control *c)
{
	const struct spool_envelope *e = c->envelope;

	return (!*c->origin || strcmp(c->origin, e->origin) == 0)
		&& (!CFG_MAILQ_ADMIN || select_match(&c->select, e));
}

static void visit(struct control *c, struct queue_entry *q)
{
	struct err err;

	memcpy(c->last, q->id, sizeof(c->last));
	c->arena = arena_new(QUEUE_ENVELOPE_MOST);
	if (c->arena && spool_load(c->queue->spool, q->id, c->arena,
				&c->envelope, &err) == 0 && is_wanted(c)) {
		if (!c->verb->change) {
			c->count[CHANGE_DONE]++;
			put_message(c, q);
			return;
		}
		change(c, q);
	}
	arena_free(c->arena);
	c->arena = NULL;
	c->envelope = NULL;
}

/* The tally, in place of messages; root's: it tells where all write to. */
static const struct control_verb tls = { "TLS", true, NULL };

static struct queue_entry *next(struct control *c)
{
	if (!c->select.id)
		return queue_next(c->queue, &c->bucket, c->last);
	return *c->last ? NULL : queue_find(c->queue, c->select.id);
}

/* False: that was the last. */
static bool step(struct control *c)
{
	struct queue_entry *q;

	if (CFG_TLS_REPORT && c->verb == &tls)
		return tally_put(c->queue, c->bucket++, c->conn);
	if (c->envelope) {
		put_rcpts(c);
		return true;
	}
	q = next(c);
	if (q)
		visit(c, q);
	return q;
}

/* In slices, as all that looks at many messages. */
static void walk(struct loop_task *t)
{
	struct control *c = container_of(t, struct control, walk);

	for (int i = 0; i < QUEUE_SLICE; i++) {
		if (!c->verb->change && !conn_out_ready(c->conn)) {
			conn_timeout(c->conn, READ_MS);
			return;		/* until CONN_DRAINED */
		}
		if (CFG_MAILQ_ADMIN && admin_flush(c, false))
			return;
		if (step(c))
			continue;
		if (!CFG_MAILQ_ADMIN || !admin_flush(c, true))
			end(c);
		return;
	}
	control_walk(c);
}

void control_walk(struct control *c)
{
	conn_timeout(c->conn, 0);
	loop_task_next(c->queue->daemon.loop, &c->walk);
}

/* -- the request -- */

static enum change flush(struct control *c, struct queue_entry *q,
		struct spool_envelope *e, struct err *err)
{
	(void)err;
	if (e->held)
		return CHANGE_SAME;
	queue_flush(q, c->request);
	return CHANGE_DONE;
}

static const struct control_verb list = { "LIST", false, NULL };
static const struct control_verb flushes = { "FLUSH", true, flush };

static const struct control_verb *find_verb(struct span name)
{
	if (span_eq(name, span_of(list.name)))
		return &list;
	if (span_eq(name, span_of(flushes.name)))
		return &flushes;
	if (CFG_TLS_REPORT && span_eq(name, span_of(tls.name)))
		return &tls;
	return CFG_MAILQ_ADMIN ? admin_verb(name) : NULL;
}

/* NULL: go on; else what is wrong. */
static const char *parse(struct control *c, struct span line)
{
	struct span rest = line, name = span_cut(&rest, '\t');
	const struct control_verb *verb = find_verb(name);

	if (!verb || str_copy(c->line, sizeof(c->line), rest) < 0)
		return "ERROR unknown request";
	if (span_has(line, '\t') && (!CFG_MAILQ_ADMIN
				|| select_parse(&c->select, c->line) < 0))
		return "ERROR unknown selection";
	if (verb->changes && *c->origin)
		return "DENIED only root may do that";
	c->verb = verb;
	return NULL;
}

static bool too_many(const struct control *c)
{
	unsigned n = 0;

	for (struct list *l = c->queue->callers.next; *c->origin &&
			l != &c->queue->callers; l = l->next) {
		const struct control *o = container_of(l, struct control, link);

		n += *o->origin && o->verb == &list;
	}
	return n > LISTERS_MOST;
}

static void request(struct control *c, struct span line)
{
	const char *wrong;

	if (CFG_QUEUE_SUBMIT && span_starts(line, "SUBMIT\t")) {
		submit_start(c, span_rest(line, 7));
		return;
	}
	if (CFG_QUEUE_LINK && span_starts(line, "LINK\t")) {
		wrong = *c->origin ? "DENIED only root may do that"
			: uplink_say(c->queue, span_rest(line, 5));
		conn_printf(c->conn, "%s\n", wrong ? wrong : "OK 1 0 0 0");
		control_end(c);
		return;
	}
	wrong = parse(c, line);
	if (!wrong && too_many(c))
		wrong = "ERROR too many ask at the same time";
	if (wrong) {
		conn_printf(c->conn, "%s\n", wrong);
		control_end(c);
		return;
	}
	if (c->verb->changes && c->verb != &tls) {
		c->request = ++c->queue->flushes;
		/* what root put there while nobody was told */
		if (!c->select.id || !queue_find(c->queue, c->select.id))
			queue_look(c->queue);
	}
	control_walk(c);
}

static void on_conn(struct conn *conn, enum conn_event event, void *arg)
{
	struct control *c = arg;
	enum conn_line how;
	struct span line;

	if (CFG_QUEUE_SUBMIT && c->submit) {
		submit_event(c, event);
		return;
	}
	if (event == CONN_DRAINED || (event == CONN_EOF && c->verb)) {
		/* who has hung up is seen by what is written */
		if (c->verb && !c->verb->change)
			control_walk(c);
		return;
	}
	if (event != CONN_INPUT) {
		control_end(c);
		return;
	}
	if (c->verb)
		return;
	how = conn_line(conn, CONTROL_LINE_MOST, &line);
	if (how == CONN_LINE_LONG) {
		conn_puts(conn, "ERROR request too long\n");
		control_end(c);
	} else if (how != CONN_LINE_NONE) {
		request(c, line);
	}
}

static struct control *control_new(struct queue *q, int fd)
{
	struct control *c = calloc(1, sizeof(*c));
	uid_t uid;
	gid_t gid;

	if (!c || priv_peer(fd, &uid, &gid) < 0) {
		free(c);
		return NULL;
	}
	c->queue = q;
	c->uid = uid;
	c->walk.run = walk;
	list_init(&c->walk.link);
	if (uid != 0 && uid != geteuid())
		snprintf(c->origin, sizeof(c->origin), "uid %lu", c->uid);
	return c;
}

/* An admin always gets in; of the others none can keep the rest out. */
static bool is_crowded(const struct control *c)
{
	unsigned most = c->queue->daemon.conf->max_sessions, all = 0, own = 0;

	for (struct list *l = c->queue->callers.next; l != &c->queue->callers;
			l = l->next) {
		const struct control *o = container_of(l, struct control, link);

		all += *o->origin != '\0';
		own += o->uid == c->uid;
	}
	return *c->origin && (all >= most || own > most / SHARE);
}

static void got(void *arg, int fd)
{
	struct queue *q = arg;
	struct control *c = control_new(q, fd);

	if (!c || is_crowded(c)) {
		free(c);
		close(fd);
		return;
	}
	c->conn = conn_new(q->daemon.loop, fd, on_conn, c);
	if (!c->conn) {
		free(c);
		return;
	}
	list_add_tail(&q->callers, &c->link);
	conn_timeout(c->conn, REQUEST_MS);
}

int control_start(struct queue *q, int fd, struct err *err)
{
	q->control = listen_start(q->daemon.loop, fd, got, q);
	if (!q->control) {
		close(fd);
		return err_errno(err, "queue.ctl");
	}
	return 0;
}
