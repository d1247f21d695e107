#include "applet.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/date.h"
#include "mime/compose.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"

#define BOUNCE_MOST (512 * 1024)

/* The header section of the original goes back. */
static void add_header(struct str *out, struct queue_message *m)
{
	int64_t start;
	struct err err;
	int fd = spool_body(m->entry->queue->spool, m->envelope, &start, &err);

	if (fd < 0)
		return;
	queue_header(out, fd, start);
	close(fd);
}

static void add_why(struct str *out, const struct smtp_result *why)
{
	char text[QUEUE_REASON] = "no reason is known";

	if (why)
		queue_reply(text, why);
	str_adds(out, text);
}

/* For the human: RFC 3464 section 2, first part. */
static void add_human(struct str *out, const char *address,
		const struct queue_outcome *o)
{
	str_addf(out, "<%s>\r\n    ", address);
	if (o->host && *o->host)
		str_addf(out, "%s said: ", o->host);
	add_why(out, o->why);
	str_adds(out, "\r\n\r\n");
}

/*
 * RFC 3463: the status of the last try; where none was given, by its kind.
 * What was only put off until time ran out has failed for good: 4.x is 5.x
 * for the class, but its detail stays (RFC 3464 2.3.4 wants the cause).
 */
static void add_status(struct str *out, const struct smtp_result *why)
{
	str_addf(out, "Status: %s\r\n", why && *why->enhanced ? why->enhanced
			: why && why->kind == ERR_PERM ? "5.0.0" : "4.4.7");
}

/* For programs: RFC 3464 section 2.3. */
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

static void add_failed(struct str *out, const struct queue_message *m,
		void (*add)(struct str *out, const char *address,
			const struct queue_outcome *o))
{
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->outcome[i].fate == FATE_FAILED)
			add(out, m->envelope->rcpt[i].address, &m->outcome[i]);
}

static void add_part(struct str *out, const char *boundary, const char *type)
{
	str_addf(out, "\r\n--%s\r\nContent-Type: %s\r\n\r\n", boundary, type);
}

static void compose(struct str *out, struct queue_message *m)
{
	const char *host = m->entry->queue->daemon.conf->hostname;
	char boundary[33], now[DATE_SIZE], created[DATE_SIZE];
	int64_t t = clock_now();

	rand_word(boundary, sizeof(boundary) - 1);
	date_mail(now, t, date_offset(t));
	t = m->envelope->created;
	date_mail(created, t, date_offset(t));
	str_adds(out, "Message-ID: ");
	compose_message_id(out, host);
	str_addf(out, "\r\nDate: %s\r\n"
			"From: Mail Delivery System <MAILER-DAEMON@%s>\r\n"
			"To: <%s>\r\n"
			"Subject: Undelivered mail: returned to sender\r\n"
			"Auto-Submitted: auto-replied\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: multipart/report;"
			" report-type=delivery-status;\r\n"
			"\tboundary=\"%s\"\r\n", now, host,
			m->envelope->sender, boundary);
	add_part(out, boundary, "text/plain; charset=us-ascii");
	str_addf(out, "This is the mail system at %s.\r\n\r\n"
			"Your message could not be delivered to:\r\n\r\n",
			host);
	add_failed(out, m, add_human);
	add_part(out, boundary, "message/delivery-status");
	str_addf(out, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", host,
			created);
	add_failed(out, m, add_rcpt);
	add_part(out, boundary, "text/rfc822-headers");
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
