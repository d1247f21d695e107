#include "net/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include "net/conn_private.h"
#include "os/clock.h"

#define CONN_HANDSHAKE_MS 60000

void conn_begin_handshake(struct conn *c)
{
	c->state = CONN_HANDSHAKE;
	c->tls_want = LOOP_READ | LOOP_WRITE;	/* the first step at once */
	c->out_blocked = false;
	loop_task_stop(&c->flush);
}

static const char *peer_text(const struct tls_peer *p)
{
	if (!p)
		return "";
	if (p->verified)
		return ", client certificate verified";
	return p->known ? ", client certificate known" :
		", client certificate not verified";
}

void conn_handshake(struct conn *c)
{
	struct err err;
	int r = tls_handshake(c->tls, &err);

	if (r == TLS_WANT_READ || r == TLS_WANT_WRITE) {
		c->tls_want = r == TLS_WANT_READ ? LOOP_READ : LOOP_WRITE;
		return;
	}
	if (r == TLS_ERROR) {
		conn_break(c, &err);
		return;
	}
	if (asprintf(&c->tls_text, "%s with %s%s", tls_version(c->tls),
				tls_cipher(c->tls),
				peer_text(tls_peer(c->tls))) < 0) {
		c->tls_text = NULL;
		conn_break(c, NULL);
		return;
	}
	c->state = CONN_OPEN;
	loop_timer_stop(c->loop, &c->timer);
	conn_note_traffic(c);
	if (c->out_n)
		loop_task_add(c->loop, &c->flush);
	conn_tell(c, CONN_TLS);
}

int conn_starttls(struct conn *c, struct tls_ctx *ctx, const char *name,
		unsigned verify, struct err *err)
{
	int64_t ms = CONN_HANDSHAKE_MS;

	if (c->state != CONN_OPEN || c->tls || c->out_broken)
		return err_set(err, ERR_PERM, "TLS cannot start here");
	c->tls = tls_new(ctx, c->watch.fd, name, verify, err);
	if (!c->tls)
		return -1;
	/* RFC 3207 6: what came in plain must not count as said under TLS */
	c->injection = c->in_n > 0;
	c->in_n = 0;
	c->skipping = false;
	if (c->timeout && c->timeout < ms)
		ms = c->timeout;
	c->deadline = clock_ms() + ms;
	loop_timer_set(c->loop, &c->timer, ms);
	c->plain_left = c->out_n;
	if (c->out_n) {
		c->state = CONN_BEFORE_TLS;
		conn_write_some(c);
	} else {
		conn_begin_handshake(c);
	}
	conn_settle(c);
	return 0;
}

void conn_expect(struct conn *c, const struct tls_expect *e)
{
	tls_expect(c->tls, e);
}

enum tls_fault conn_tls_fault(const struct conn *c)
{
	return c->tls ? tls_fault(c->tls) : TLS_FAULT_NONE;
}

bool conn_is_tls(const struct conn *c)
{
	return c->tls_text;
}

bool conn_had_injection(const struct conn *c)
{
	return c->injection;
}

const char *conn_tls_text(const struct conn *c)
{
	return c->tls_text ? c->tls_text : "";
}

const struct tls_peer *conn_tls_peer(const struct conn *c)
{
	return conn_is_tls(c) ? tls_peer(c->tls) : NULL;
}

size_t conn_binding(const struct conn *c, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	return conn_is_tls(c) ? tls_binding(c->tls, type, out) : 0;
}
