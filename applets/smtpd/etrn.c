/* ETRN (RFC 1985): a client whose mail waits here asks for it now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"
#include "smtpd/smtpd.h"

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir; applets/queue/queue_control.h */
#define WAIT_MS 10000
#define LINE_MOST 512

/* While queue is asked. */
struct smtpd_etrn {
	struct smtpd_session *x;
	struct conn *conn;
	char node[256];
};

void smtpd_etrn_end(struct smtpd_session *x)
{
	if (!x->etrn)
		return;
	conn_abort(x->etrn->conn);
	free(x->etrn);
	x->etrn = NULL;
}

/* RFC 1985 5.2: what came of it. */
static void answer(struct smtpd_session *x, bool asked, unsigned n)
{
	struct smtp_session *s = x->smtp;
	char text[400];

	if (!asked) {
		snprintf(text, sizeof(text), "Unable to queue messages for "
				"node %s", x->etrn->node);
	} else if (n) {
		log_info("%s: ETRN %s: %u messages", conn_peer(s->conn),
				x->etrn->node, n);
		snprintf(text, sizeof(text), "OK, %u pending messages for "
				"node %s started", n, x->etrn->node);
	} else {
		snprintf(text, sizeof(text), "OK, no messages waiting for "
				"node %s", x->etrn->node);
	}
	smtpd_etrn_end(x);
	if (asked)
		smtp_server_reply(s, n ? 253 : 251, "2.0.0", text);
	else
		smtp_server_refuse(s, 458, "4.3.0", text);
}

/* "OK DONE ..."; queue has no more to say. */
static void on_queue(struct conn *c, enum conn_event event, void *arg)
{
	struct smtpd_session *x = arg;
	struct span line, word;
	unsigned long n = 0;
	bool asked;

	if (event == CONN_UP || event == CONN_DRAINED || event == CONN_TLS)
		return;
	if (event == CONN_INPUT &&
			conn_line(c, LINE_MOST, &line) == CONN_LINE_NONE)
		return;
	word = event == CONN_INPUT ? span_word(&line) : SPAN("");
	asked = span_eq(word, SPAN("OK")) &&
		span_number(span_word(&line), ~0UL >> 1, &n);
	answer(x, asked, (unsigned)n);
}

static bool ask(struct smtpd_session *x, struct span node)
{
	struct smtpd *m = x->service->smtpd;
	char path[sizeof(m->queue_path)];
	struct smtpd_etrn *e = calloc(1, sizeof(*e));
	struct err err;

	if (!e || str_copy(e->node, sizeof(e->node), node) < 0) {
		free(e);
		return false;
	}
	daemon_socket_path(&m->daemon, QUEUE_SOCKET, path, sizeof(path));
	e->conn = conn_connect_unix(m->daemon.loop, path, on_queue, x, &err);
	if (!e->conn) {
		log_warn("ETRN: %s", err.text);
		free(e);
		return false;
	}
	x->etrn = e;
	conn_timeout(e->conn, WAIT_MS);
	conn_printf(e->conn, "FLUSH\tdomain=%s\n", e->node);
	return true;
}

/*
 * Those who may relay may ask. "@domain" (subdomains) and "#queue" are names
 * that we have none of (RFC 1985 5.3 lets a server say so).
 */
void smtpd_etrn(struct smtp_session *s, struct span node)
{
	if (!addr_domain(node))
		smtp_server_refuse(s, 501, "5.5.4", "Syntax: ETRN domain");
	else if (!smtpd_may_relay(s))
		smtp_server_refuse(s, 459, "4.7.1",
				"You may not ask for a node's mail");
	else if (!ask(s->owner, node))
		smtp_server_refuse(s, 458, "4.3.0",
				"Unable to queue messages now");
}
