#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"
#include "smtpd/smtpd.h"

#define FAILURE_DELAY_MS 1000	/* guessing passwords gets slow */

/* -- AUTH -- */

static void on_failure_told(struct loop_timer *t)
{
	struct smtpd_session *x = container_of(t, struct smtpd_session, timer);

	if (CFG_SMTPD_LIMITS && smtpd_limit_failure(x->service->smtpd,
				conn_peer_addr(x->smtp->conn)))
		smtp_server_refuse(x->smtp, 421, "4.7.0",
				"Too many failures, come back later");
	else
		smtp_server_refuse(x->smtp, 535, "5.7.8",
				"Authentication credentials invalid");
}

static void auth_failed(struct smtpd_session *x)
{
	/* the name may hold anything, even " peer=": so it comes last */
	log_warn("authentication failed peer=%s service=%s user=%s",
			conn_peer(x->smtp->conn), x->service->name, x->login);
	x->timer.fire = on_failure_told;
	loop_timer_set(x->service->smtpd->daemon.loop, &x->timer,
			FAILURE_DELAY_MS);
}

static void auth_broken(struct smtpd_session *x)
{
	smtp_server_refuse(x->smtp, 454, "4.7.0",
			"Authentication is not possible now");
}

void smtpd_auth_answer(struct smtpd_session *x, enum auth_status status,
		const struct auth_user *user)
{
	if (status == AUTH_NO) {
		auth_failed(x);
		return;
	}
	if (status == AUTH_OK)
		smtp_server_auth_ok(x->smtp, user);
	else
		auth_broken(x);
}

static void on_auth(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct smtpd_session *x = arg;

	x->request = NULL;
	smtpd_auth_answer(x, status, user);
}

void smtpd_auth_check(struct smtp_session *s, const struct sasl *sasl)
{
	struct smtpd_session *x = s->owner;

	if (CFG_TLS_CLIENT_CERTS && sasl->question == SASL_ASK_EXTERNAL) {
		x->mechanism = "EXTERNAL";
		smtpd_cert_check(x, sasl);
		return;
	}
	x->login = sasl->user;
	x->mechanism = sasl_mechanism(sasl);
	x->request = auth_sasl(x->service->smtpd->auth, sasl,
			x->service->name, conn_peer(s->conn), on_auth, x);
	if (!x->request)
		auth_broken(x);
}

/* -- the transaction -- */

void smtpd_ok(struct smtpd_session *x, enum milter_stage stage)
{
	if (CFG_SMTPD_MILTER && smtpd_milter_asks(x, stage))
		return;
	smtp_server_ok(x->smtp, NULL);
}

void smtpd_mail(struct smtp_session *s)
{
	struct smtpd_session *x = s->owner;
	struct err err;

	if (x->service->smtpd->daemon.stopping) {
		smtp_server_refuse(s, 421, "4.3.2", "Service shutting down");
		return;
	}
	if (spool_room(x->service->smtpd->spool, s->declared_size, &err) < 0) {
		log_warn("%s: %s", conn_peer(s->conn), err.text);
		smtp_server_refuse(s, 452, "4.3.1",
				"Insufficient system storage");
		return;
	}
	if (CFG_SMTPD_LIMITS && smtpd_limit_reached(x, SMTPD_MESSAGES))
		return;
	if (CFG_SMTPD_ASK)
		smtpd_ask_start(x);
	smtpd_sender(x);
}

static const char *origin(const struct smtpd_session *x)
{
	const struct smtp_session *s = x->smtp;

	if (x->service->local)
		return arena_printf(s->arena, "uid %lu",
				(unsigned long)x->uid);
	if (s->auth_user)
		return arena_printf(s->arena, "user %s", s->auth_user);
	return conn_peer(s->conn);
}

int smtpd_envelope(struct smtpd_session *x, struct spool_envelope *e,
		struct err *err)
{
	struct smtp_session *s = x->smtp;
	unsigned i = 0;

	*e = (struct spool_envelope){
		.sender = s->sender, .origin = origin(x),
		.eight_bit = s->eight_bit, .utf8 = s->utf8, .dsn = s->dsn,
		.nrcpt = s->nrcpt
	};
	e->rcpt = arena_alloc(s->arena, s->nrcpt * sizeof(*e->rcpt));
	if (!e->rcpt || !e->origin)
		return err_set(err, ERR_NOMEM, "session-memory is used up");
	for (struct smtp_rcpt *r = s->rcpts; r; r = r->next)
		e->rcpt[i++] = (struct spool_rcpt){
			r->address, SPOOL_WAITING, r->dsn
		};
	return 0;
}

static int begin(struct smtpd_session *x, struct err *err)
{
	struct spool_envelope e;

	if (smtpd_envelope(x, &e, err) < 0)
		return -1;
	x->draft = spool_begin(x->service->smtpd->spool, &e, err);
	return x->draft ? 0 : -1;
}

static int write_received(struct smtpd_session *x, struct err *err)
{
	char text[SMTPD_RECEIVED_SIZE];
	struct span field = smtpd_received(x, spool_draft_id(x->draft), text);

	if (!field.n)
		return err_set(err, ERR_TEMP, "no room for Received:");
	x->received = field.n;
	return spool_write(x->draft, field, err);
}

void smtpd_refuse_for(struct smtp_session *s, const struct err *err)
{
	log_warn("%s: from=<%s> refused: %s", conn_peer(s->conn), s->sender,
			err->text);
	smtp_server_refuse(s, err_smtp(err->kind), err_enhanced(err->kind),
			err->kind == ERR_NOMEM ? "Insufficient system storage" :
			"The message cannot be stored");
}

void smtpd_data(struct smtp_session *s)
{
	struct smtpd_session *x = s->owner;
	struct err err;

	if (CFG_SMTPD_GREYLIST && smtpd_grey_data(x))
		return;
	smtpd_strip_init(&x->strip);
	smtpd_fields_init(&x->fields);
	x->fields.done = !x->service->submission;
	if (begin(x, &err) < 0 || write_received(x, &err) < 0)
		smtpd_refuse_for(s, &err);
	else
		smtpd_ok(x, MILTER_DATA);
}

/* RFC 6409 8.2, 8.3: what the message came without. */
static int add_fields(struct smtpd_session *x, struct err *err)
{
	struct str text;
	int rc;

	x->fields.done = true;
	str_init(&text, SMTPD_FIELDS_SIZE);
	smtpd_fields_add(&x->fields, x->smtp->sender, x->smtp->conf->hostname,
			&text);
	rc = text.bad ? err_nomem(err) :
		spool_write(x->draft, str_span(&text), err);
	str_free(&text);
	return rc;
}

/* What of a piece stays. */
struct stays {
	struct smtpd_session *x;
	struct err *err;
};

static int put(void *arg, struct span piece)
{
	struct stays *stays = arg;
	struct smtpd_session *x = stays->x;
	struct err *err = stays->err;
	size_t n;

	if (x->fields.done)
		return spool_write(x->draft, piece, err);
	n = smtpd_fields_scan(&x->fields, piece);
	if (spool_write(x->draft, span_sub(piece, 0, n), err) < 0)
		return -1;
	if (!x->fields.done)
		return 0;
	return add_fields(x, err) < 0 ? -1 :
		spool_write(x->draft, span_rest(piece, n), err);
}

int smtpd_piece(struct smtp_session *s, struct span piece, struct err *err)
{
	struct stays stays = { s->owner, err };

	return smtpd_strip(&stays.x->strip, piece, put, &stays);
}

/* The last piece was there. */
static int end_of_message(struct smtpd_session *x, struct err *err)
{
	struct stays stays = { x, err };

	if (smtpd_strip_end(&x->strip, put, &stays) < 0)
		return -1;
	/* nothing but a header section */
	return x->fields.done ? 0 : add_fields(x, err);
}

static void log_message(const struct smtpd_session *x, const char *id)
{
	const struct smtp_session *s = x->smtp;
	const char *user = s->auth_user ? s->auth_user : "";
	const char *tls = conn_tls_text(s->conn);

	if (x->service->local)
		log_info("%s: from=<%s> size=%" PRIu64 " nrcpt=%u client=local "
				"uid=%lu", id, s->sender, s->size, s->nrcpt,
				(unsigned long)x->uid);
	else
		log_info("%s: from=<%s> size=%" PRIu64 " nrcpt=%u client=%s"
				"%s%s%s%s", id, s->sender, s->size, s->nrcpt,
				conn_peer(s->conn), *user ? " user=" : "",
				user, *tls ? " tls=" : "", tls);
}

static void on_durable(void *arg, const char *id, const struct err *err)
{
	struct smtpd_session *x = arg;
	char text[SPOOL_ID_SIZE + 16];

	x->committing = false;
	if (err) {
		smtpd_refuse_for(x->smtp, err);
		return;
	}
	log_message(x, id);
	snprintf(text, sizeof(text), "queued as %s", id);
	smtp_server_ok(x->smtp, text);
}

void smtpd_commit(struct smtpd_session *x)
{
	struct spool_draft *draft = x->draft;

	x->draft = NULL;
	x->committing = true;
	spool_commit(draft, on_durable, x);
}

void smtpd_message(struct smtp_session *s)
{
	struct smtpd_session *x = s->owner;
	struct err err;

	if (end_of_message(x, &err) < 0) {
		smtpd_refuse_for(s, &err);
		return;
	}
	if (CFG_SMTPD_MILTER && smtpd_milter_asks(x, MILTER_END))
		return;
	smtpd_commit(x);
}

/* -- the end -- */

void smtpd_let_go(struct smtpd_session *x)
{
	struct smtpd *m = x->service->smtpd;

	if (x->request)
		auth_cancel(x->request);
	x->request = NULL;
	x->held = NULL;
	x->grey_counted = false;
	loop_timer_stop(m->daemon.loop, &x->timer);
	if (CFG_SMTPD_MILTER)
		smtpd_milter_reset(x);
	if (x->draft)
		spool_abort(x->draft);
	x->draft = NULL;
	/* it may become durable all the same: then it is delivered */
	if (x->committing)
		spool_forget(m->spool, x);
	x->committing = false;
}

static void on_leaving(struct loop_timer *t)
{
	struct smtpd_session *x = container_of(t, struct smtpd_session, timer);

	smtp_server_end(x->smtp, "Service shutting down");
}

void smtpd_reset(struct smtp_session *s)
{
	struct smtpd_session *x = s->owner;

	smtpd_let_go(x);
	if (!x->service->smtpd->daemon.stopping)
		return;
	x->timer.fire = on_leaving;
	loop_timer_set(x->service->smtpd->daemon.loop, &x->timer, 0);
}
