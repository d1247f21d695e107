/* The message goes to one filter after the other, then into the spool. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "os/log.h"
#include "smtpd/milter.h"

#define FIELD_MOST 40960	/* octets; longer ones are shown to filters cut */
#define PIECE 4096
#define COPY_A_TURN (64 * 1024)	/* then other sessions have their turn */

void smtpd_milter_message_free(struct smtpd_milters *a)
{
	struct smtpd_milter_message *m = &a->message;

	loop_task_stop(&m->task);
	milter_header_free(&m->header);
	spool_abort(m->body);
	spool_abort(m->new_body);
	/* it has x->draft's name: first the one, then the other */
	spool_abort(m->copy);
	free(m->held);
	memset(m, 0, sizeof(*m));
	list_init(&m->task.link);
}

/* -- to one filter -- */

static void begin_filter(struct smtpd_milters *a)
{
	a->message.phase = MILTER_HEADER;
	a->message.field = 0;
	a->message.at = 0;
	a->message.chunk = 0;
	a->message.skip = false;
}

void smtpd_milter_next(struct smtpd_milters *a)
{
	spool_abort(a->message.new_body);
	a->message.new_body = NULL;
	a->at++;
	begin_filter(a);
}

static void phase_over(struct smtpd_milter_message *m,
		enum milter_stage next)
{
	m->phase = next;
	m->skip = false;
}

/* "Name: value" CRLF as name NUL value NUL; lines are parted by LF alone. */
static void put_field(struct str *out, struct span field, bool space)
{
	struct span value = field, name = span_cut(&value, ':');

	str_add(out, span_trim(name));
	str_addc(out, '\0');
	if (!space && value.n && value.p[0] == ' ')
		value = span_rest(value, 1);
	value = span_sub(value, 0, FIELD_MOST);
	while (value.n && (value.p[value.n - 1] == '\n' ||
				value.p[value.n - 1] == '\r'))
		value.n--;
	for (size_t i = 0; i < value.n; i++)
		/* a NUL would end it early */
		if (value.p[i] != '\r' && value.p[i])
			str_addc(out, value.p[i]);
	str_addc(out, '\0');
}

/* 0: go on; 1: an answer will come; -1 with err. */
static int feed_field(struct smtpd_filter *f, struct err *err)
{
	struct smtpd_milter_message *m = &f->all->message;
	unsigned i = m->field++;
	struct str field, data;
	int rc;

	if (m->header.fields[i].own)
		return 0;
	str_init(&field, MILTER_SECTION_MOST + MILTER_ADDED_MOST);
	str_init(&data, FIELD_MOST + 1024);
	rc = milter_header_get(&m->header, i, &field, err);
	if (rc == 0) {
		put_field(&data, str_span(&field),
				milter_leading_space(f->m));
		rc = data.bad ? err_nomem(err) :
			milter_send(f->m, MILTER_HEADER, str_span(&data));
	}
	str_free(&field);
	str_free(&data);
	return rc;
}

static uint64_t body_size(const struct smtpd_milter_message *m)
{
	return m->body ? spool_draft_size(m->body) :
		spool_draft_size(m->header.draft) - m->header.body;
}

/* -1 with err; otherwise how many octets. */
static ssize_t read_body(struct smtpd_milter_message *m, char *p, size_t n,
		struct err *err)
{
	ssize_t got = m->body ? spool_draft_read(m->body, p, n, m->at, err) :
		spool_draft_read(m->header.draft, p, n,
				m->header.body + m->at, err);

	if (got > 0)
		m->at += (uint64_t)got;
	return got ? got : err_set(err, ERR_TEMP, "the draft has shrunk");
}

static int feed_body(struct smtpd_filter *f, struct err *err)
{
	struct smtpd_milter_message *m = &f->all->message;
	uint64_t left = body_size(m) - m->at;
	char piece[PIECE];
	ssize_t n;

	if (!m->chunk) {
		m->chunk = left > MILTER_DATA_MOST ? MILTER_DATA_MOST :
			(size_t)left;
		milter_body(f->m, m->chunk);
	}
	n = read_body(m, piece, m->chunk < PIECE ? m->chunk : PIECE, err);
	if (n < 0)
		return -1;
	m->chunk -= (size_t)n;
	return milter_piece(f->m, span_make(piece, (size_t)n));
}

static bool tell(struct smtpd_filter *f, enum milter_stage stage)
{
	milter_macros(f->m, stage, smtpd_milter_macro, f->all->x);
	return milter_send(f->m, stage, span_make(NULL, 0));
}

/* The next packet, or a piece of it. */
static int feed_some(struct smtpd_filter *f, struct err *err)
{
	struct smtpd_milter_message *m = &f->all->message;

	switch (m->phase) {
	case MILTER_HEADER:
		if (milter_wants(f->m, MILTER_HEADER) && !m->skip &&
				m->field < m->header.n)
			return feed_field(f, err);
		phase_over(m, MILTER_EOH);
		return 0;
	case MILTER_EOH:
		phase_over(m, MILTER_BODY);
		return milter_wants(f->m, MILTER_EOH) && tell(f, MILTER_EOH);
	case MILTER_BODY:
		/* a chunk that has begun is sent to its end */
		if (m->chunk || (milter_wants(f->m, MILTER_BODY) && !m->skip &&
					m->at < body_size(m)))
			return feed_body(f, err);
		phase_over(m, MILTER_END);
		return 0;
	default:
		return tell(f, MILTER_END);
	}
}

static bool give_up(struct smtpd_milters *a, const struct err *err)
{
	smtpd_milter_stop(a);
	smtpd_refuse_for(a->x->smtp, err);
	return false;
}

static int read_header(struct smtpd_milters *a, struct err *err)
{
	struct smtpd_session *x = a->x;

	begin_filter(a);
	return milter_header_read(&a->message.header, x->draft, x->received,
			err);
}

void smtpd_milter_feed(struct smtpd_milters *a)
{
	struct err err;
	int rc = 0;

	if (!a->message.header.draft && !a->discard &&
			read_header(a, &err) < 0) {
		give_up(a, &err);
		return;
	}
	while (a->at < a->n && !a->discard) {
		struct smtpd_filter *f = &a->filters[a->at];

		if (f->refusal && !f->over) {
			smtpd_milter_refuse(f, f->refusal->code,
					f->refusal->enhanced, f->refusal->text);
			return;
		}
		if (!f->in_message) {
			smtpd_milter_next(a);
			continue;
		}
		if (a->late) {
			smtpd_milter_failed(f, "there is no time left for it");
			return;
		}
		if (!milter_ready(f->m))
			return;
		rc = feed_some(f, &err);
		if (rc < 0)
			give_up(a, &err);
		if (rc)
			return;
	}
	smtpd_milter_finish(a);
}

/* Only what is whole takes the place of the body. */
static void end_filter(struct smtpd_milters *a)
{
	struct smtpd_milter_message *m = &a->message;

	if (m->new_body) {
		spool_abort(m->body);
		m->body = m->new_body;
		m->new_body = NULL;
		m->changed = true;
	}
	a->filters[a->at].in_message = false;
	smtpd_milter_next(a);
}

void smtpd_milter_fed(struct smtpd_filter *f, const struct milter_reply *r)
{
	struct smtpd_milters *a = f->all;
	bool last = a->message.phase == MILTER_END;

	if (!smtpd_milter_judge(f, r))
		return;
	if (r->word == MILTER_IS_SKIP)
		a->message.skip = true;
	if (last || f->passed)
		end_filter(a);
	smtpd_milter_feed(a);
}

/* -- to the spool -- */

static void drop(struct smtpd_milters *a)
{
	struct smtpd_session *x = a->x;
	char text[SPOOL_ID_SIZE + 16] = "queued as ";

	log_info("%s: from=<%s> %s: dropped", spool_draft_id(x->draft),
			x->smtp->sender, a->discard ? "discarded by a filter" :
			"filters removed every recipient");
	memcpy(text + strlen(text), spool_draft_id(x->draft),
			strlen(spool_draft_id(x->draft)) + 1);
	smtp_server_ok(x->smtp, text);
}

/*
 * Without MAILQ_ADMIN nobody could release it: whoever sends it is told, and
 * nothing is lost in silence.
 */
static void refuse_held(struct smtpd_milters *a)
{
	struct smtp_session *s = a->x->smtp;

	log_info("%s: from=<%s> refused: a filter wants it in quarantine: %s",
			conn_peer(s->conn), s->sender, a->message.held);
	smtp_server_refuse(s, 550, "5.7.1", "Refused by a filter");
}

static void copied(struct smtpd_milters *a)
{
	struct smtpd_session *x = a->x;

	if (a->message.held)
		log_info("%s: held, a filter wants it in quarantine: %s",
				spool_draft_id(x->draft), a->message.held);
	spool_abort(x->draft);
	x->draft = a->message.copy;
	a->message.copy = NULL;
	smtpd_milter_message_free(a);
	smtpd_commit(x);
}

static void copy_some(struct loop_task *t)
{
	struct smtpd_milter_message *m = container_of(t,
			struct smtpd_milter_message, task);
	struct smtpd_milters *a = container_of(m, struct smtpd_milters,
			message);
	uint64_t end = body_size(m), stop = m->at + COPY_A_TURN;
	char piece[PIECE];
	struct err err;

	while (m->at < end && m->at < stop) {
		ssize_t n = read_body(m, piece, end - m->at < PIECE ?
				(size_t)(end - m->at) : PIECE, &err);

		if (n < 0 || spool_write(m->copy, span_make(piece, (size_t)n),
					&err) < 0) {
			smtpd_refuse_for(a->x->smtp, &err);
			return;
		}
	}
	if (m->at < end)
		loop_task_next(a->x->service->smtpd->daemon.loop, t);
	else
		copied(a);
}

static int copy_header(struct smtpd_milter_message *m, struct err *err)
{
	struct str field;
	int rc = 0;

	for (unsigned i = 0; i < m->header.n && rc == 0; i++) {
		str_init(&field, MILTER_SECTION_MOST + MILTER_ADDED_MOST);
		rc = milter_header_get(&m->header, i, &field, err);
		if (rc == 0)
			rc = spool_write(m->copy, str_span(&field), err);
		str_free(&field);
	}
	if (rc == 0 && (m->header.blank || body_size(m)))
		rc = spool_write(m->copy, SPAN("\r\n"), err);
	return rc;
}

static void copy(struct smtpd_milters *a)
{
	struct smtpd_milter_message *m = &a->message;
	struct spool_envelope e;
	struct err err;

	m->at = 0;
	if (smtpd_envelope(a->x, &e, &err) < 0) {
		smtpd_refuse_for(a->x->smtp, &err);
		return;
	}
	e.held = m->held;
	m->copy = spool_redraft(a->x->draft, &e, &err);
	if (!m->copy || copy_header(m, &err) < 0) {
		smtpd_refuse_for(a->x->smtp, &err);
		return;
	}
	m->task.run = copy_some;
	loop_task_next(a->x->service->smtpd->daemon.loop, &m->task);
}

void smtpd_milter_finish(struct smtpd_milters *a)
{
	struct smtpd_milter_message *m = &a->message;

	smtpd_milter_stop(a);
	if (a->discard)
		drop(a);
	else if (m->err.kind)
		smtpd_refuse_for(a->x->smtp, &m->err);
	else if (m->held && !CFG_MAILQ_ADMIN)
		refuse_held(a);
	else if (!a->x->smtp->nrcpt)
		drop(a);
	else if (m->changed || m->held)
		copy(a);
	else
		smtpd_commit(a->x);
}
