#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/http_reply.h"
#include "net/mx.h"

#define HTTPS_PORT 443
#define URL_MOST 2048
#define HOST_SIZE 256
#define HANDSHAKE_MS 15000

struct http {
	struct loop *loop;
	struct tls_ctx *tls;
	http_done_fn *done;
	void *arg;

	char host[HOST_SIZE];		/* without brackets */
	unsigned port;
	struct mx *find;		/* under way, or NULL */
	struct mx_target targets[MX_TARGETS];
	unsigned ntargets, timeout;
	bool asked;			/* it may have been heard: no second
					 * address any more */
	uint32_t tried;			/* bits of targets */
	struct dial *dial;		/* under way, or NULL */
	struct conn *conn;
	struct loop_timer timer;	/* for all of it */
	struct str request;		/* wiped: there may be a secret in it */
	struct http_reply_in in;
	struct err err;			/* of the last address */
};

/* -- the URL (RFC 3986, RFC 9110 4.2.2) -- */

struct url {
	struct span host, authority, path;
	unsigned port;
};

static int bad_url(struct err *err, const char *what)
{
	return err_set(err, ERR_PERM, "the URL %s", what);
}

static bool is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

/* HOST, HOST:PORT, [V6] or [V6]:PORT */
static int split_authority(struct url *u, struct err *err)
{
	struct span rest = u->authority;
	unsigned long port = u->port;

	if (rest.n && *rest.p == '[' && span_has(rest, ']')) {
		rest = span_rest(rest, 1);
		u->host = span_cut(&rest, ']');
	} else {
		u->host = span_sub(rest, 0, span_find(rest, ':'));
		rest = span_rest(rest, u->host.n);
	}
	if (!u->host.n || u->host.n >= HOST_SIZE
			|| !span_isalnum(u->host, "-.:_"))
		return bad_url(err, "has no host");
	if (rest.n && (*rest.p != ':' || !span_number(span_rest(rest, 1),
					65535, &port) || !port))
		return bad_url(err, "has no good port");
	u->port = (unsigned)port;
	return 0;
}

static int split_url(struct url *u, const char *text, struct err *err)
{
	struct span s = span_of(text);
	size_t n = 0;

	if (s.n > URL_MOST || !is_printable(s) || span_has(s, '#'))
		return bad_url(err, "is too long or has odd characters");
	if (!span_starts(s, "https://"))
		return bad_url(err, "does not begin with https://");
	s = span_rest(s, 8);
	while (n < s.n && s.p[n] != '/' && s.p[n] != '?')
		n++;
	u->authority = span_sub(s, 0, n);
	u->path = span_rest(s, n);
	return split_authority(u, err);
}

/* -- the request (RFC 9112 3) -- */

static void put_request(struct str *out, const struct url *u,
		const struct http_request *q)
{
	str_addf(out, "%s %s%.*s HTTP/1.1\r\nHost: %.*s\r\n", q->method,
			u->path.n && *u->path.p == '/' ? "" : "/",
			SPAN_ARG(u->path), SPAN_ARG(u->authority));
	str_adds(out, "User-Agent: pillarbox\r\nAccept: */*\r\n"
			"Accept-Encoding: identity\r\nConnection: close\r\n");
	if (q->type)
		str_addf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
				q->type, q->body.n);
	str_adds(out, "\r\n");
	if (q->type)
		str_add(out, q->body);
}

/* -- the end -- */

void http_cancel(struct http *h)
{
	if (!h)
		return;
	mx_cancel(h->find);
	dial_cancel(h->dial);
	loop_timer_stop(h->loop, &h->timer);
	if (h->conn)
		conn_abort(h->conn);
	http_reply_free(&h->in);
	str_wipe(&h->request);
	free(h);
}

static void fail(struct http *h)
{
	h->done(h->arg, NULL, &h->err);
	http_cancel(h);
}

static void succeed(struct http *h)
{
	struct http_reply r = { h->in.status, span_of(h->in.type),
		str_span(&h->in.body) };

	h->done(h->arg, &r, NULL);
	http_cancel(h);
}

static void on_time(struct loop_timer *t)
{
	struct http *h = container_of(t, struct http, timer);

	err_set(&h->err, ERR_TEMP, "%s: no answer in time", h->host);
	fail(h);
}

/* -- one connection -- */

static void dial(struct http *h);

/* Nothing was asked yet: another address may do. */
static void next(struct http *h, const struct err *why)
{
	err_set(&h->err, why->kind, "%s: %s", h->host, why->text);
	conn_abort(h->conn);
	h->conn = NULL;
	dial(h);
}

static void take(struct http *h)
{
	struct span octets = conn_peek(h->conn);
	struct err err;
	int rc = http_reply_take(&h->in, octets, &err);

	conn_skip(h->conn, octets.n);
	if (rc > 0) {
		succeed(h);
	} else if (rc < 0) {
		err_set(&h->err, err.kind, "%s: %s", h->host, err.text);
		fail(h);
	}
}

static void end(struct http *h)
{
	struct err err;

	if (http_reply_end(&h->in, &err) > 0) {
		succeed(h);
		return;
	}
	err_set(&h->err, err.kind, "%s: %s", h->host, err.text);
	fail(h);
}

static void secure(struct http *h)
{
	struct err err;

	if (conn_starttls(h->conn, h->tls, h->host, TLS_VERIFY, &err) < 0)
		next(h, &err);
}

static void ask(struct http *h)
{
	conn_timeout(h->conn, 0);
	conn_write(h->conn, h->request.p, h->request.n);
	h->asked = true;
}

static void broke(struct http *h, const struct err *why)
{
	if (!h->asked) {
		next(h, why);
		return;
	}
	err_set(&h->err, why->kind, "%s: %s", h->host, why->text);
	fail(h);
}

static void on_conn(struct conn *c, enum conn_event event, void *arg)
{
	struct err slow = { ERR_TEMP, "it does not answer" };
	struct http *h = arg;

	switch (event) {
	case CONN_TLS:
		ask(h);
		break;
	case CONN_INPUT:
		take(h);
		break;
	case CONN_EOF:
		end(h);
		break;
	case CONN_TIMEOUT:
		broke(h, &slow);
		break;
	case CONN_ERROR:
		broke(h, conn_error(c));
		break;
	case CONN_UP:
	case CONN_DRAINED:
		break;
	}
}

static void dialled(void *arg, const struct mx_target *t, struct conn *conn,
		const struct err *why)
{
	struct http *h = arg;

	if (t)
		h->tried |= UINT32_C(1) << (t - h->targets);
	if (!t || conn)
		h->dial = NULL;
	if (conn) {
		h->conn = conn;
		conn_owner(conn, on_conn, h);
		conn_timeout(conn, HANDSHAKE_MS);
		secure(h);
	} else if (t) {
		err_set(&h->err, ERR_TEMP, "%s: %s", h->host, why->text);
	} else {
		fail(h);
	}
}

static void dial(struct http *h)
{
	h->dial = dial_start(h->loop, h->targets, h->ntargets, h->tried,
			h->timeout, dialled, h);
	if (h->dial)
		return;
	err_nomem(&h->err);
	fail(h);
}

static void found(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct http *h = arg;

	h->find = NULL;
	h->ntargets = n;
	if (n) {
		memcpy(h->targets, targets, n * sizeof(*targets));
		dial(h);
	} else {
		err_set(&h->err, ERR_TEMP, "%s", why->text);
		fail(h);
	}
}

/* -- the beginning -- */

static struct http *make(const struct url *u, const struct http_request *q)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	str_copy(h->host, sizeof(h->host), u->host);
	h->port = u->port;
	http_reply_start(&h->in, q->most);
	str_init_secret(&h->request, URL_MOST + 1024 + q->body.n);
	put_request(&h->request, u, q);
	if (!h->request.bad && !h->in.body.bad)
		return h;
	http_reply_free(&h->in);
	str_wipe(&h->request);
	free(h);
	return NULL;
}

struct http *http_start(struct loop *l, struct dns *d,
		struct tls_ctx *verifying, const struct http_request *q,
		http_done_fn *done, void *arg, struct err *err)
{
	struct mx_question question = { .self = "" };
	struct url u = { .port = HTTPS_PORT };
	struct http *h;

	if (split_url(&u, q->url, err) < 0)
		return NULL;
	h = make(&u, q);
	if (!h) {
		err_nomem(err);
		return NULL;
	}
	h->loop = l;
	h->tls = verifying;
	h->timeout = q->timeout;
	h->done = done;
	h->arg = arg;
	question.name = h->host;
	question.port = h->port;
	h->find = mx_find(l, d, &question, found, h);
	if (!h->find) {
		http_cancel(h);
		err_nomem(err);
		return NULL;
	}
	h->timer.fire = on_time;
	loop_timer_set(l, &h->timer, (int64_t)q->timeout * 1000);
	return h;
}
