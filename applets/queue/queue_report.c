/* Delivery reports: RFC 3464, in UTF-8 RFC 6533, asked for as RFC 3461 says. */
#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/alias.h"
#include "mime/compose.h"
#include "mime/dsn.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"

#define REPORT_MOST (512 * 1024)
#define ORIGIN_MOST (1024 * 1024)
#define REPORT_RCPT_MOST 2048	/* octets more for each recipient */

/* How each is told. status: where the other side gave none (RFC 3463 3.1). */
static const struct {
	const char *action, *status, *subject, *text;
} kinds[REPORT_KINDS] = {
	[REPORT_FAILED] = { "failed", "5.0.0",
		"Undelivered mail: returned to sender",
		"Your message could not be delivered to:" },
	[REPORT_DELAYED] = { "delayed", "4.0.0",
		"Delayed mail: still being tried",
		"Your message still waits and will be tried again; there is"
		" no need to\r\nsend it once more:" },
	USE_DSN([REPORT_RELAYED] = { "relayed", "2.0.0", "Mail passed on",
		"Your message was passed on to a host that does not report"
		" on delivery, for:" },
	[REPORT_DELIVERED] = { "delivered", "2.0.0", "Mail delivered",
		"Your message was delivered to:" },
	[REPORT_EXPANDED] = { "expanded", "2.0.0", "Mail passed on to several",
		"Your message was passed on to all who get mail for:" },)
};

static void add_why(struct str *out, const struct smtp_result *why)
{
	char text[QUEUE_REASON] = "no reason is known";

	if (why)
		queue_reply(text, why);
	str_adds(out, text);
}

/* The name in "name[address]:port"; empty for a socket of this machine. */
static struct span host_name(const struct queue_outcome *o)
{
	struct span host = span_of(o->host);

	return span_sub(host, 0, span_has(host, '[') ? span_find(host, '[') : 0);
}

/* Where it went; an alias by its name, when it was a command or file of it. */
static const char *final_address(const struct queue_message *m, unsigned i)
{
	struct span a = span_of(message_address(m, i));
	size_t at = span_rfind(a, '@'), name = span_rfind(a, '#');
	const char *made = NULL;

	if (CFG_ALIASES && alias_is_target(a) && name < at)
		made = arena_printf(m->arena, "%.*s%.*s",
				SPAN_ARG(span_sub(a, 1, name - 1)),
				SPAN_ARG(span_rest(a, at)));
	return made ? made : a.p;
}

/* For the human: RFC 3464 section 2, first part. */
static void add_human(struct str *out, const struct queue_message *m, unsigned i)
{
	const struct queue_outcome *o = &m->outcome[i];
	const char *address = final_address(m, i);
	const char *old = m->envelope->rcpt[i].address;

	str_addf(out, "<%s>", address);
	if (CFG_ALIASES && message_address(m, i) != old
			&& strcmp(address, old) != 0)
		str_addf(out, " (who gets mail for <%s>)", old);
	str_adds(out, "\r\n");
	if (o->why) {
		str_adds(out, "    ");
		if (host_name(o).n)
			str_addf(out, "%s said: ", o->host);
		add_why(out, o->why);
		str_adds(out, "\r\n");
	}
	str_adds(out, "\r\n");
}

static void add_date(struct str *out, const char *field, int64_t when)
{
	char date[DATE_SIZE];

	date_mail(date, when, date_offset(when));
	str_addf(out, "%s: %s\r\n", field, date);
}

/* As it was before anybody changed it (RFC 3464 2.3.1). */
static void add_original(struct str *out, const char *dsn, bool global)
{
	struct span address = dsn_param(dsn, "ORCPT");

	if (!CFG_DSN || !address.n)
		return;
	str_adds(out, "Original-Recipient: ");
	dsn_put_orcpt(out, address, !global);
	str_adds(out, "\r\n");
}

/* RFC 3464 2.3.2, RFC 6533 3 */
static void add_final(struct str *out, const char *address, bool global)
{
	bool ascii = !CFG_SMTPUTF8 || utf8_ascii(span_of(address));

	str_addf(out, "Final-Recipient: %s; ", ascii ? "rfc822" : "utf-8");
	dsn_put_utf8(out, span_of(address), !global);
	str_adds(out, "\r\n");
}

/* RFC 3464 2.3.9; a message from before the clock was set has no such time. */
static void add_retry_until(struct str *out, const struct queue_message *m)
{
	int64_t created = m->envelope->created;

	if (created >= CLOCK_EPOCH)
		add_date(out, "Will-Retry-Until", created +
				m->entry->queue->daemon.conf->bounce_after);
}

/*
 * For programs: RFC 3464 section 2.3. The status is that of the last try: what
 * was put off until time ran out has failed with 4.x, which tells the cause.
 */
static void add_rcpt(struct str *out, const struct queue_message *m, unsigned i)
{
	const struct spool_rcpt *r = &m->envelope->rcpt[i];
	const struct queue_outcome *o = &m->outcome[i];
	const struct smtp_result *why = o->why;
	struct span host = host_name(o);

	str_adds(out, "\r\n");
	add_original(out, CFG_ALIASES ? alias_dsn(m, i) : r->dsn, m->global);
	add_final(out, final_address(m, i), m->global);
	str_addf(out, "Action: %s\r\nStatus: %s\r\n",
			kinds[o->report].action,
			why && *why->enhanced ? why->enhanced
			: why && why->kind == ERR_TEMP
				&& o->report == REPORT_FAILED ? "4.4.7"
			: kinds[o->report].status);
	if (host.n)
		str_addf(out, "Remote-MTA: dns; %.*s\r\n", SPAN_ARG(host));
	if (why && why->code) {
		str_adds(out, "Diagnostic-Code: smtp; ");
		add_why(out, why);
		str_adds(out, "\r\n");
	}
	if (o->report == REPORT_DELAYED)
		add_retry_until(out, m);
}

/* Those of one kind, or of each (REPORT_NONE); gives how many. */
static unsigned add_each(struct str *out, const struct queue_message *m,
		enum queue_report kind, void (*add)(struct str *out,
			const struct queue_message *m, unsigned i))
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->envelope->nrcpt; i++) {
		enum queue_report r = m->outcome[i].report;

		if (!r || (kind && r != kind))
			continue;
		n++;
		if (add)
			add(out, m, i);
	}
	return n;
}

static bool has(const struct queue_message *m, enum queue_report kind)
{
	return add_each(NULL, m, kind, NULL);
}

static void add_part(struct str *out, const char *boundary, const char *type)
{
	str_addf(out, "\r\n--%s\r\nContent-Type: %s\r\n", boundary, type);
}

/* RFC 3461 4.3: all of it only when asked for, and only when it failed. */
static bool is_whole(const struct queue_message *m)
{
	return m->envelope->size <= QUEUE_RETURN_MOST && has(m, REPORT_FAILED)
		&& span_is(dsn_param(m->envelope->dsn, "RET"), "FULL");
}

static void add_message(struct str *out, struct queue_message *m,
		const char *boundary)
{
	bool whole = is_whole(m);
	int64_t start;
	struct err err;
	int fd = spool_body(m->entry->queue->spool, m->envelope, &start, &err);

	if (CFG_SMTPUTF8 && m->global)
		add_part(out, boundary, whole ? "message/global" :
				"message/global-headers");
	else
		add_part(out, boundary, whole ? "message/rfc822" :
				"text/rfc822-headers");
	str_adds(out, "Content-Transfer-Encoding: 8bit\r\n\r\n");
	if (fd < 0)
		return;
	queue_text(out, m->envelope, fd, start, whole);
	close(fd);
}

static void add_header(struct str *out, const struct queue_message *m,
		const char *to, const char *boundary)
{
	const char *host = m->entry->queue->daemon.conf->hostname;
	enum queue_report worst = REPORT_FAILED;

	while (!has(m, worst))
		worst++;
	str_adds(out, "Message-ID: ");
	compose_message_id(out, host);
	str_adds(out, "\r\n");
	add_date(out, "Date", clock_now());
	str_addf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
			"To: <%s>\r\n"
			"Subject: %s\r\n"
			"Auto-Submitted: auto-replied\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: multipart/report;"
			" report-type=delivery-status;\r\n"
			"\tboundary=\"%s\"\r\n"
			"Content-Transfer-Encoding: 8bit\r\n",
			host, to, kinds[worst].subject,
			boundary);
}

/* Text in UTF-8 for who has sent such: all it needs on its way is 8BITMIME. */
static void add_text_part(struct str *out, const char *boundary,
		const char *type, bool global)
{
	add_part(out, boundary, type);
	if (global)
		str_adds(out, "Content-Transfer-Encoding: 8bit\r\n");
	str_adds(out, "\r\n");
}

static void compose(struct str *out, struct queue_message *m, const char *to)
{
	bool global = CFG_SMTPUTF8 && m->global;
	const char *host = m->entry->queue->daemon.conf->hostname;
	struct span envid = dsn_param(m->envelope->dsn, "ENVID");
	char boundary[33];

	rand_word(boundary, sizeof(boundary) - 1);
	add_header(out, m, to, boundary);
	add_text_part(out, boundary, global ? "text/plain; charset=utf-8" :
			"text/plain; charset=us-ascii", global);
	str_addf(out, "This is the mail system at %s.\r\n\r\n", host);
	for (enum queue_report k = REPORT_FAILED; k < REPORT_KINDS; k++) {
		if (!has(m, k))
			continue;
		str_addf(out, "%s\r\n\r\n", kinds[k].text);
		add_each(out, m, k, add_human);
	}
	add_text_part(out, boundary, global ? "message/global-delivery-status" :
			"message/delivery-status", global);
	if (CFG_DSN && envid.n) {
		str_adds(out, "Original-Envelope-Id: ");
		dsn_decode(out, envid);
		str_adds(out, "\r\n");
	}
	str_addf(out, "Reporting-MTA: dns; %s\r\n", host);
	add_date(out, "Arrival-Date", m->envelope->created);
	add_each(out, m, REPORT_NONE, add_rcpt);
	add_message(out, m, boundary);
	str_addf(out, "\r\n--%s--\r\n", boundary);
}

/* Is there something that ASCII cannot say? Only for who said SMTPUTF8. */
static bool is_global(const struct queue_message *m)
{
	const struct spool_envelope *e = m->envelope;
	bool need = !utf8_ascii(span_of(e->sender));
	int64_t start;
	int fd;

	if (!CFG_SMTPUTF8 || !e->utf8)
		return false;
	for (unsigned i = 0; i < e->nrcpt; i++)
		need |= !utf8_ascii(span_of(e->rcpt[i].address));
	if (need)
		return true;
	fd = spool_body(m->entry->queue->spool, e, &start, NULL);
	if (fd < 0)
		return false;
	need = queue_utf8_header(e, fd, start);
	close(fd);
	return need;
}

/* Back to the sender, by hosts without SMTPUTF8, too, if that can be. */
static const char *return_path(struct queue_message *m)
{
	struct addr a = addr_split(span_of(m->envelope->sender));
	const char *path;
	struct str text;

	if (!CFG_SMTPUTF8)
		return m->envelope->sender;
	str_init(&text, 2 * ADDR_MAX);
	addr_put_ascii(&text, &a);
	path = !text.bad && utf8_ascii(str_span(&text)) ?
		arena_dup(m->arena, str_span(&text)) : NULL;
	str_free(&text);
	return path ? path : m->envelope->sender;
}

/* What the report makes of a recipient, in the end. */
static char state_of(const struct queue_outcome *o)
{
	return !o->report ? PARENT_NOTHING : o->fate == FATE_FAILED ?
		SPOOL_FAILED : o->report == REPORT_DELAYED ? PARENT_WARNED
		: SPOOL_DONE;
}

/* Which parent, and what becomes of it; made for its first recipient. */
static void identify(const struct queue_message *m, struct str *origin,
		char id[SPOOL_ID_SIZE])
{
	unsigned n = 0, nrcpt = m->envelope->nrcpt, first = 0;

	str_addf(origin, PARENT_REPORT "%s ", m->entry->id);
	for (unsigned i = 0; i < nrcpt; i++) {
		char state = state_of(&m->outcome[i]);

		n++;
		if (i + 1 < nrcpt && state_of(&m->outcome[i + 1]) == state)
			continue;
		parent_run(origin, state, n);
		n = 0;
	}
	while (!m->outcome[first].report)
		first++;
	parent_made_id(id, m->entry->id, first, m->outcome[first].report
			== REPORT_DELAYED ? PARENT_WARNED : PARENT_FINAL);
}

int report_send(struct queue_message *m, spool_done_fn *done, struct err *err)
{
	struct spool_rcpt to = { return_path(m), SPOOL_WAITING, NULL };
	struct spool_envelope e = { .sender = "", .eight_bit = true,
		.utf8 = !utf8_ascii(span_of(to.address)),
		.nrcpt = 1, .rcpt = &to };
	struct str text, origin;
	char id[SPOOL_ID_SIZE];
	struct spool_draft *d;

	str_init(&origin, ORIGIN_MOST);
	identify(m, &origin, id);
	e.origin = str_c(&origin);
	m->global = is_global(m);
	str_init(&text, REPORT_MOST + (size_t)m->envelope->nrcpt *
			REPORT_RCPT_MOST);
	compose(&text, m, to.address);
	text.bad |= origin.bad;
	d = text.bad ? NULL : spool_begin_as(m->entry->queue->spool, id, &e,
			err);
	str_free(&origin);
	if (text.bad)
		err_set(err, ERR_NOMEM, "no memory for the report");
	if (d && spool_write(d, str_span(&text), err) < 0) {
		spool_abort(d);
		d = NULL;
	}
	str_free(&text);
	if (!d)
		return -1;
	spool_commit(d, done, m);
	return 0;
}
