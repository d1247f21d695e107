#include "applet.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/date.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"

#define BOUNCE_MOST (512 * 1024)
#define HEADER_MOST (64 * 1024)		/* of the original that goes back */

/* The header section of the message, with CRLF lines as it is in the spool. */
static void add_header(struct str *out, struct queue_message *m)
{
	int64_t start, most = HEADER_MOST;
	struct err err;
	int fd = spool_body(m->entry->queue->spool, m->envelope, &start, &err);
	char *text = malloc(HEADER_MOST);
	ssize_t n = 0;

	if ((uint64_t)most > m->envelope->size)
		most = (int64_t)m->envelope->size;
	if (fd >= 0 && text)
		n = file_pread(fd, text, (size_t)most, start);
	if (n > 0) {
		struct span s = span_make(text, (size_t)n);

		str_add(out, span_sub(s, 0, header_size(s)));
	}
	free(text);
	if (fd >= 0)
		close(fd);
}

static void add_top(struct str *out, const struct queue_message *m,
		const char *boundary)
{
	const char *host = m->entry->queue->daemon.conf->hostname;
	char date[DATE_SIZE];
	int64_t now = clock_now();

	date_mail(date, now, date_offset(now));
	str_addf(out, "Date: %s\r\n"
			"From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
			"To: <%s>\r\n"
			"Subject: Undelivered mail: returned to sender\r\n"
			"Message-ID: ", date, host, m->envelope->sender);
	compose_message_id(out, host);
	str_addf(out, "\r\nAuto-Submitted: auto-replied\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: multipart/report;"
			" report-type=delivery-status;\r\n"
			"\tboundary=\"%s\"\r\n\r\n", boundary);
}

static void add_why(struct str *out, const struct smtp_result *why)
{
	if (!why)
		str_adds(out, "no reason is known");
	else if (why->code)
		str_addf(out, "%d %s%s%s", why->code, why->enhanced,
				*why->enhanced ? " " : "", why->text);
	else
		str_adds(out, why->text);
}

/* For the human: RFC 3464 section 2, first part. */
static void add_human(struct str *out, const struct queue_message *m,
		const char *boundary)
{
	str_addf(out, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
			"\r\nThis is the mail system at %s.\r\n\r\n"
			"Your message could not be delivered to:\r\n\r\n",
			boundary, m->entry->queue->daemon.conf->hostname);
	for (unsigned i = 0; i < m->envelope->nrcpt; i++) {
		const struct queue_outcome *o = &m->outcome[i];

		if (o->fate != FATE_FAILED)
			continue;
		str_addf(out, "<%s>\r\n    ", m->envelope->rcpt[i].address);
		if (o->host && *o->host)
			str_addf(out, "%s said: ", o->host);
		add_why(out, o->why);
		str_adds(out, "\r\n\r\n");
	}
}

/*
 * RFC 3463: the status of the last try; where none was given, by its kind.
 * What was only put off until time ran out has failed for good: 4.x is 5.x
 * for the class, but its detail stays (RFC 3464 2.3.4 wants the cause).
 */
static void add_status(struct str *out, const struct smtp_result *why)
{
	if (why && *why->enhanced)
		str_addf(out, "Status: %s\r\n", why->enhanced);
	else if (why && why->kind == ERR_PERM)
		str_adds(out, "Status: 5.0.0\r\n");
	else
		str_adds(out, "Status: 4.4.7\r\n");
}

static void add_rcpt(struct str *out, const char *address,
		const struct queue_outcome *o)
{
	size_t host = o->host ? span_find(span_of(o->host), '[') : 0;

	str_addf(out, "\r\nFinal-Recipient: rfc822; %s\r\n"
			"Action: failed\r\n", address);
	add_status(out, o->why);
	if (host)
		str_addf(out, "Remote-MTA: dns; %.*s\r\n", (int)host, o->host);
	if (o->why && o->why->code) {
		str_adds(out, "Diagnostic-Code: smtp; ");
		add_why(out, o->why);
		str_adds(out, "\r\n");
	}
}

/* For programs: RFC 3464 section 2.1. */
static void add_machine(struct str *out, const struct queue_message *m,
		const char *boundary)
{
	char date[DATE_SIZE];

	date_mail(date, m->envelope->created,
			date_offset(m->envelope->created));
	str_addf(out, "--%s\r\nContent-Type: message/delivery-status\r\n\r\n"
			"Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n",
			boundary, m->entry->queue->daemon.conf->hostname, date);
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].fate == FATE_FAILED)
			add_rcpt(out, m->envelope->rcpt[i].address,
					&m->outcome[i]);
	str_adds(out, "\r\n");
}

static void compose(struct str *out, struct queue_message *m)
{
	char boundary[33];

	rand_word(boundary, sizeof(boundary) - 1);
	add_top(out, m, boundary);
	add_human(out, m, boundary);
	add_machine(out, m, boundary);
	str_addf(out, "--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n",
			boundary);
	add_header(out, m);
	str_addf(out, "\r\n--%s--\r\n", boundary);
}

int bounce_send(struct queue_message *m, spool_done_fn *done, struct err *err)
{
	struct spool_rcpt to = { m->envelope->sender, SPOOL_WAITING };
	struct spool_envelope e = { .sender = "", .origin = "bounce",
		.eight_bit = true, .nrcpt = 1, .rcpt = &to };
	struct spool_draft *d;
	struct str text;

	str_init(&text, BOUNCE_MOST);
	compose(&text, m);
	d = text.bad ? NULL : spool_begin(m->entry->queue->spool, &e, err);
	if (text.bad)
		err_set(err, ERR_NOMEM, "no memory for the bounce");
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
