#include "applet.h"
#include "queue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/listen.h"
#include "os/clock.h"
#include "os/priv.h"

#define LINE_MOST 64
#define REQUEST_MS 10000
#define RCPT_SHOWN 50			/* recipients listed of one message */

/* One caller of queue.ctl: a line in, lines out. */
struct control {
	struct queue *queue;
	struct conn *conn;
	char origin[32];		/* whose messages it may see; "": all */
	int bucket;			/* LIST: where it is; -1 not listing */
	unsigned skip;			/* entries of that bucket already shown */
};

static void finish(struct control *c)
{
	conn_close(c->conn);
	free(c);
}

/* Tabs and line ends would break the table; there are none in the fields. */
static void put_entry(struct control *c, struct queue_entry *q,
		const struct spool_envelope *e)
{
	int64_t left = q->due.armed ? q->due.due - clock_ms() : 0;
	unsigned shown = 0;

	conn_printf(c->conn, "%s\t%llu\t%lld\t%s\t%lld\t%u\t%s\t", e->id,
			(unsigned long long)e->size, (long long)e->created,
			e->sender,
			(long long)(clock_now() + (left > 0 ? left : 0) / 1000),
			e->attempts, q->reason ? q->reason : "");
	for (unsigned i = 0; i < e->nrcpt && shown < RCPT_SHOWN; i++)
		if (e->rcpt[i].state == SPOOL_WAITING)
			conn_printf(c->conn, "%s%s", shown++ ? " " : "",
					e->rcpt[i].address);
	conn_puts(c->conn, "\n");
}

static void show(struct control *c, struct queue_entry *q)
{
	struct arena *a = arena_new(QUEUE_ENVELOPE_MOST);
	struct spool_envelope *e;
	struct err err;

	if (a && spool_load(q->queue->spool, q->id, a, &e, &err) == 0
			&& (!*c->origin || strcmp(c->origin, e->origin) == 0))
		put_entry(c, q, e);
	arena_free(a);
}

/* As much as the caller takes; the rest when it has read that. */
static void list_more(struct control *c)
{
	while (c->bucket < QUEUE_BUCKETS) {
		struct queue_entry *e = c->queue->buckets[c->bucket];

		for (unsigned i = 0; e && i < c->skip; i++)
			e = e->next;
		for (; e && conn_out_ready(c->conn); e = e->next) {
			show(c, e);
			c->skip++;
		}
		if (e)
			return;
		c->skip = 0;
		c->bucket++;
	}
	finish(c);
}

static void request(struct control *c, struct span line)
{
	if (span_is(line, "LIST")) {
		c->bucket = 0;
		conn_timeout(c->conn, 6 * REQUEST_MS);
		list_more(c);
		return;
	}
	if (!span_is(line, "FLUSH"))
		conn_puts(c->conn, "ERROR unknown request\n");
	else if (*c->origin)
		conn_puts(c->conn, "ERROR only root may do that\n");
	else
		conn_printf(c->conn, "OK %u\n", queue_flush(c->queue));
	finish(c);
}

static void on_conn(struct conn *conn, enum conn_event event, void *arg)
{
	struct control *c = arg;
	enum conn_line how;
	struct span line;

	if (event == CONN_DRAINED && c->bucket >= 0) {
		list_more(c);
		return;
	}
	if (event != CONN_INPUT) {
		if (event != CONN_DRAINED && (event != CONN_EOF
				|| c->bucket < 0))
			finish(c);
		return;
	}
	if (c->bucket >= 0)
		return;
	how = conn_line(conn, LINE_MOST, &line);
	if (how == CONN_LINE_LONG)
		finish(c);
	else if (how != CONN_LINE_NONE)
		request(c, line);
}

static void got(void *arg, int fd)
{
	struct control *c = calloc(1, sizeof(*c));
	uid_t uid;
	gid_t gid;

	if (!c || priv_peer(fd, &uid, &gid) < 0) {
		free(c);
		close(fd);
		return;
	}
	c->queue = arg;
	c->bucket = -1;
	if (uid != 0 && uid != geteuid())
		snprintf(c->origin, sizeof(c->origin), "uid %lu",
				(unsigned long)uid);
	c->conn = conn_new(c->queue->daemon.loop, fd, on_conn, c);
	if (!c->conn) {
		free(c);
		return;
	}
	conn_timeout(c->conn, REQUEST_MS);
}

int control_start(struct queue *q, int fd, struct err *err)
{
	if (!listen_start(q->daemon.loop, fd, got, q)) {
		close(fd);
		return err_errno(err, "queue.ctl");
	}
	return 0;
}
