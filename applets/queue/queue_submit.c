/*
 * SUBMIT: a program of this machine hands a message over without SMTP, where
 * there is no smtpd. SO_PEERCRED has told who it is. Lines come, ended by LF:
 *
 *	SUBMIT<TAB>SIZE<TAB>FLAGS<TAB>SENDER<TAB>PARAMETERS
 *	ADDRESS<TAB>PARAMETERS		each recipient
 *	(an empty line)
 *
 * FLAGS are the record's ("-", "8", with "u" behind it), PARAMETERS RFC 3461's or
 * nothing. The answer is "354 ..." or the end; then SIZE octets of the message
 * come, LF or CRLF lines, and when it is durable "250 2.0.0 ID". An answer of
 * another kind is a reply of SMTP, and nothing was taken.
 */
#include "config.h"
#include "queue_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/dsn.h"
#include "os/clock.h"
#include "os/log.h"

#define TRACE_MOST 2048
#define ENVELOPE_BASE 8192		/* octets of memory, */
#define ENVELOPE_RCPT 1024		/* and for each recipient */
#define MESSAGE_MS 60000		/* for the next octet of a message */

struct submit {
	struct arena *arena;
	struct spool_envelope envelope;
	uint64_t size, left;		/* octets as they come, LF lines */
	struct spool_draft *draft;
	bool body;			/* the message comes */
	bool committing;
	struct spool_lines lines;
	struct err err;			/* the first thing that went wrong */
};

static const char
	not_now[] = "451 4.3.2 not now",
	too_fast[] = "451 4.7.1 over rate-local",
	too_many[] = "452 4.5.3 over max-recipients",
	too_big[] = "552 5.3.4 over max-message-size",
	bad_line[] = "501 5.5.4 makes no sense",
	bad_address[] = "553 5.1.3 no address";

static void answer(struct control *c, const char *text)
{
	conn_printf(c->conn, "%s\n", text);
	control_end(c);
}

static void refuse(struct control *c, const char *why)
{
	log_warn("uid %lu: message refused: %s", c->uid, why);
	answer(c, why);
}

static void refuse_for(struct control *c, const struct err *err)
{
	char text[300];

	snprintf(text, sizeof(text), "%d %s %s", err_smtp(err->kind),
			err_enhanced(err->kind), err->text);
	refuse(c, text);
}

/* -- how often -- */

/* rate-local, in steps of its time. */
static bool is_too_fast(struct control *c)
{
	const struct conf_rate *rate = &c->queue->daemon.conf->rate_local;
	struct queue_user *u = c->queue->users, *end = u + QUEUE_USERS, *mine;
	unsigned now = (unsigned)(clock_ms() / 1000);

	/* or the one who began first */
	for (mine = u; u < end; u++) {
		if (u->count && u->uid == c->uid) {
			mine = u;
			break;
		}
		if (!u->count || (mine->count && u->since < mine->since))
			mine = u;
	}
	if (!mine->count || mine->uid != c->uid
			|| now - mine->since >= rate->seconds)
		*mine = (struct queue_user){ c->uid, now, 0 };
	return rate->n && ++mine->count > rate->n;
}

/* -- the envelope -- */

static bool is_good_param(struct span word, bool rcpt)
{
	static const struct {
		const char *name;
		bool (*good)(struct span value);
		bool rcpt;
	} known[] = {
		{ "RET", dsn_is_ret, false }, { "ENVID", dsn_is_envid, false },
		{ "NOTIFY", dsn_is_notify, true },
		{ "ORCPT", dsn_is_orcpt, true },
	};
	struct span name = span_cut(&word, '=');

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].rcpt == rcpt && span_eq(name,
					span_of(known[i].name)))
			return known[i].good(word);
	return false;
}

/* RFC 3461's parameters, kept as they are. False: they are none. */
static bool take_params(struct submit *t, struct span s, bool rcpt,
		const char **out)
{
	struct span rest = s, word;

	*out = NULL;
	if (!CFG_DSN || !s.n)
		return true;
	while ((word = span_word(&rest)).n)
		if (!is_good_param(word, rcpt))
			return false;
	*out = arena_dup(t->arena, s);
	return true;
}

static bool take_address(struct submit *t, struct span s, const char **out)
{
	struct addr a;

	if (!addr_parse(s, &a, CFG_SMTPUTF8 && t->envelope.utf8) || !a.domain.n)
		return false;
	*out = arena_dup(t->arena, s);
	return true;
}

/* What the line begins with is known to be wanted; NULL: go on. */
static const char *take_first(struct control *c, struct span line)
{
	const struct conf *conf = c->queue->daemon.conf;
	struct submit *t = c->submit;
	struct spool_envelope *e = &t->envelope;
	struct span size = span_cut(&line, '\t');
	struct span flags = span_cut(&line, '\t');
	struct span sender = span_cut(&line, '\t');
	unsigned long long n;

	if (!span_number64(size, UINT64_MAX, &n) || !flags.n)
		return bad_line;
	if (n > conf->max_message_size)
		return too_big;
	t->size = t->left = n;
	e->eight_bit = *flags.p == '8';
	e->utf8 = CFG_SMTPUTF8 && span_has(flags, 'u');
	e->sender = "";
	if (sender.n && !take_address(t, sender, &e->sender))
		return bad_address;
	if (!take_params(t, line, false, &e->dsn))
		return bad_line;
	e->rcpt = arena_alloc(t->arena,
			conf->max_recipients * sizeof(*e->rcpt));
	return e->rcpt && e->sender ? NULL : not_now;
}

static const char *take_rcpt(struct control *c, struct span line)
{
	struct submit *t = c->submit;
	struct spool_envelope *e = &t->envelope;
	struct span address = span_cut(&line, '\t');
	struct spool_rcpt *r = &e->rcpt[e->nrcpt];

	if (e->nrcpt >= c->queue->daemon.conf->max_recipients)
		return too_many;
	if (!take_address(t, address, &r->address))
		return bad_address;
	if (!take_params(t, line, true, &r->dsn))
		return bad_line;
	e->nrcpt++;
	return r->address ? NULL : not_now;
}

/* RFC 5321 4.4; a .forward that comes back to us is seen by counting these. */
static int put_trace(struct control *c, struct err *err)
{
	struct submit *t = c->submit;
	int64_t now = clock_now();
	char date[DATE_SIZE];
	struct str text;
	int rc;

	date_mail(date, now, date_offset(now));
	str_init(&text, TRACE_MOST);
	str_addf(&text, "Received: by %s (from uid %lu)\r\n\tid %s; %s\r\n",
			c->queue->daemon.conf->hostname, c->uid,
			spool_draft_id(t->draft), date);
	rc = text.bad ? err_nomem(err)
		: spool_write(t->draft, str_span(&text), err);
	str_free(&text);
	return rc;
}

static void end_message(struct control *c);

/* The envelope is there: is there room for the message, too? */
static void end_envelope(struct control *c)
{
	struct submit *t = c->submit;
	struct spool *spool = c->queue->spool;
	char origin[sizeof(c->origin)];
	struct err err;

	if (!t->envelope.nrcpt) {
		refuse(c, bad_line);
		return;
	}
	/* of an admin, too: mailq's "" stands for all */
	snprintf(origin, sizeof(origin), "uid %lu", c->uid);
	t->envelope.origin = origin;
	if (spool_room(spool, t->size, &err) < 0 || !(t->draft = spool_begin(
				spool, &t->envelope, &err))
			|| put_trace(c, &err) < 0) {
		refuse_for(c, &err);
		return;
	}
	t->body = true;
	t->lines.last = '\n';
	conn_puts(c->conn, "354 go on\n");
	conn_timeout(c->conn, MESSAGE_MS);
	if (!t->left)
		end_message(c);
}

/* -- the message -- */

static void on_durable(void *arg, const char *id, const struct err *err)
{
	struct control *c = arg;
	struct queue *q = c->queue;
	struct submit *t = c->submit;
	char text[SPOOL_ID_SIZE + 16];

	t->committing = false;
	q->committing--;
	if (err) {
		refuse_for(c, err);
		queue_message_ended(q);
		return;
	}
	log_info("%s: from=<%s> size=%" PRIu64 " nrcpt=%u client=local "
			"uid=%lu", id, t->envelope.sender, t->size,
			t->envelope.nrcpt, c->uid);
	queue_learn(q, id);
	snprintf(text, sizeof(text), "250 2.0.0 %s", id);
	answer(c, text);
	queue_message_ended(q);
}

/* What is wrong is told when the caller is done and listens (RFC 5321 2.3.8). */
static void end_message(struct control *c)
{
	struct submit *t = c->submit;
	struct spool_draft *draft = t->draft;

	if (t->err.kind != ERR_NONE)
		;
	else if (t->lines.lone_cr || t->lines.last == '\r')
		err_set(&t->err, ERR_PERM, "a CR without LF");
	else if (t->lines.eight_bit && !t->envelope.eight_bit)
		err_set(&t->err, ERR_PERM, "8-bit, and not said so");
	else if (t->lines.last != '\n')
		spool_write(draft, SPAN("\r\n"), &t->err);
	if (t->err.kind != ERR_NONE) {
		refuse_for(c, &t->err);
		return;
	}
	t->draft = NULL;
	t->committing = true;
	c->queue->committing++;
	conn_pause(c->conn);
	conn_timeout(c->conn, 0);
	spool_commit(draft, on_durable, c);
}

/* A buffer of input at a turn: a large message holds up nobody. */
static void on_body(struct control *c)
{
	struct submit *t = c->submit;
	struct span in = conn_peek(c->conn);

	if (in.n > t->left)
		in.n = (size_t)t->left;
	/* after a failure it goes on, as the draft does, to the end */
	spool_write_lines(t->draft, &t->lines, in, &t->err);
	t->left -= in.n;
	conn_skip(c->conn, in.n);
	if (!t->left)
		end_message(c);
}

/* -- the connection -- */

/* False: no whole line is there yet, or it is over. */
static bool on_line(struct control *c)
{
	const char *why = bad_line;
	enum conn_line how;
	struct span line;

	how = conn_line(c->conn, CONTROL_LINE_MOST, &line);
	if (how == CONN_LINE_NONE)
		return false;
	if (how != CONN_LINE_LONG && !line.n) {
		end_envelope(c);
		return false;
	}
	if (how != CONN_LINE_LONG)
		why = take_rcpt(c, line);
	if (why)
		refuse(c, why);
	return !why;
}

void submit_event(struct control *c, enum conn_event event)
{
	struct submit *t = c->submit;

	/* who has gone meanwhile: it is sent all the same */
	if (event == CONN_DRAINED || t->committing)
		return;
	if (event != CONN_INPUT) {
		control_end(c);
		return;
	}
	if (t->body) {
		on_body(c);
		return;
	}
	for (int i = 0; i < QUEUE_SLICE && on_line(c); i++)
		;
}

void submit_start(struct control *c, struct span line)
{
	const struct conf *conf = c->queue->daemon.conf;
	const char *why = not_now;

	c->submit = calloc(1, sizeof(*c->submit));
	if (c->submit)
		c->submit->arena = arena_new(ENVELOPE_BASE +
				conf->max_recipients * ENVELOPE_RCPT);
	if (is_too_fast(c))
		why = too_fast;
	else if (c->submit && c->submit->arena && !c->queue->daemon.stopping)
		why = take_first(c, line);
	if (why)
		refuse(c, why);
}

void submit_end(struct control *c)
{
	struct submit *t = c->submit;

	if (!t)
		return;
	spool_abort(t->draft);
	arena_free(t->arena);
	free(t);
	c->submit = NULL;
}
