/* The other end of SUBMIT: applets/queue/queue_submit.c has its grammar. */
#include "store/submit_private.h"

#include <inttypes.h>
#include <stdio.h>
#include "net/conn.h"

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir */
#define REPLY_MOST 600
#define BEGIN_MS 20000
#define ANSWER_MS 120000		/* queue waits for nobody but the disk */

struct handover {
	const struct smtp_message *m;
	struct loop *loop;
	struct conn *conn;
	unsigned rcpt;			/* the next one to be named */
	bool up, utf8, body, over;
	uint64_t at;			/* octets of the message that have gone */
	enum submit_way way;
	struct err *err;
};

static void end(struct handover *h, enum submit_way way)
{
	h->way = way;
	h->over = true;
	loop_stop(h->loop, 0);
}

static const char *text_of(const char *params)
{
	return params ? params : "";
}

/* The lines in front of the message, as there is room for them. */
static void put_envelope(struct handover *h)
{
	const struct smtp_message *m = h->m;

	while (h->rcpt < m->nrcpt && conn_out_ready(h->conn)) {
		conn_printf(h->conn, "%s\t%s\n", m->rcpt[h->rcpt],
				text_of(m->rcpt_dsn[h->rcpt]));
		if (++h->rcpt == m->nrcpt)
			conn_puts(h->conn, "\n");
	}
}

static void begin(struct handover *h)
{
	const struct smtp_message *m = h->m;

	h->up = true;
	conn_timeout(h->conn, BEGIN_MS);
	conn_printf(h->conn, "SUBMIT\t%" PRIu64 "\t%s%s\t%s\t%s\n", m->size,
			m->eight_bit ? "8" : "-", h->utf8 ? "u" : "",
			m->sender, text_of(m->dsn));
	put_envelope(h);
}

static void put_message(struct handover *h)
{
	char piece[SUBMIT_PIECE];

	while (h->at < h->m->size && conn_out_ready(h->conn)) {
		ssize_t n = submit_read(h->m, h->at, piece);

		if (n <= 0) {
			err_set(h->err, ERR_TEMP, "message cut");
			end(h, WAY_REFUSED);
			return;
		}
		conn_write(h->conn, piece, (size_t)n);
		h->at += (uint64_t)n;
	}
}

static void on_reply(struct handover *h, struct span line)
{
	if (span_starts(line, "354") && !h->body) {
		h->body = true;
		conn_timeout(h->conn, ANSWER_MS);
		put_message(h);
	} else if (span_starts(line, "250")) {
		end(h, WAY_TAKEN);
	} else {
		err_set(h->err, span_starts(line, "5") ? ERR_PERM : ERR_TEMP,
				"queue: %.*s", SPAN_ARG(line));
		end(h, WAY_REFUSED);
	}
}

static void on_input(struct handover *h)
{
	struct span line;

	while (!h->over && conn_line(h->conn, REPLY_MOST, &line)
			!= CONN_LINE_NONE)
		on_reply(h, line);
}

static void on_event(struct conn *c, enum conn_event event, void *arg)
{
	struct handover *h = arg;

	(void)c;
	if (h->over)
		return;
	if (event == CONN_UP) {
		begin(h);
	} else if (event == CONN_INPUT) {
		on_input(h);
	} else if (event == CONN_DRAINED) {
		if (h->body)
			put_message(h);
		else
			put_envelope(h);
	} else {
		err_set(h->err, ERR_TEMP, event == CONN_TIMEOUT
				? "queue does not answer"
				: h->up ? "queue has hung up"
				: "queue does not run");
		end(h, h->up ? WAY_REFUSED : WAY_ABSENT);
	}
}

enum submit_way submit_by_queue(const struct conf *conf, struct loop *loop,
		const struct smtp_message *m, const bool *interrupted,
		struct err *err)
{
	struct handover h = {
		.m = m, .loop = loop, .utf8 = submit_is_utf8(m),
		.way = WAY_REFUSED, .err = err
	};
	char path[108];			/* sizeof(sockaddr_un.sun_path) */
	int n = snprintf(path, sizeof(path), "%s/" QUEUE_SOCKET,
			conf->run_dir);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		err_set(err, ERR_PERM, "run-dir: path too long");
		return WAY_ABSENT;
	}
	h.conn = conn_connect_unix(loop, path, on_event, &h, err);
	if (!h.conn) {
		err_set(err, ERR_TEMP, "queue does not run");
		return WAY_ABSENT;
	}
	loop_run(loop);
	if (*interrupted)
		err_set(err, ERR_TEMP, "queue: interrupted");
	conn_abort(h.conn);
	return h.way;
}
