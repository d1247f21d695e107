/* One message in place of many alike (queue_alert.h). */
#include "queue_alert.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"

#define TEXT_MOST (2 * ALERT_DIGEST_MOST + 256 * 1024)
#define LINE_MOST 200		/* octets of a subject in the list */

void digest_shape(struct str *out, struct span subject)
{
	bool number = false;

	for (size_t i = 0; i < subject.n && out->n < out->cap; i++) {
		char c = subject.p[i];
		bool digit = ascii_isdigit(c);

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (digit)
			c = '#';
		if (!digit || !number)
			str_add(out, span_make(&c, 1));
		number = digit;
	}
}

/* What is written so far, and what is the same in all. */
struct digest {
	struct alert_group *group;
	struct arena *arena;
	struct spool_envelope *last;	/* of the last one */
	struct str head;		/* From and To of the last one, */
	struct str subject;		/* its subject, */
	struct str origin;		/* their ids */
	struct str list, parts;		/* a line, and all, of each */
	char inner[33];			/* the boundary of the parts */
	int64_t first, latest;		/* when they came */
	unsigned n;
	bool eight_bit;
};

static void add_line(struct digest *d, const struct spool_envelope *e,
		struct span subject)
{
	time_t when = (time_t)e->created;
	struct str plain, words;
	char clock[20] = "";
	struct tm tm;

	str_init(&plain, 4 * LINE_MOST);
	str_init(&words, 4 * LINE_MOST);
	header_unfold(&plain, span_sub(subject, 0, LINE_MOST));
	word_decode(&words, str_span(&plain));
	if (e->created >= CLOCK_EPOCH && localtime_r(&when, &tm))
		strftime(clock, sizeof(clock), "%m-%d %H:%M:%S  ", &tm);
	str_addf(&d->list, "%s", clock);
	if (!words.bad && utf8_clean(str_span(&words)))
		str_add(&d->list, str_span(&words));
	str_adds(&d->list, "\r\n");
	str_free(&plain);
	str_free(&words);
}

/* Those of the last one count: what differs in a number is the latest. */
static void take_head(struct digest *d, struct span message)
{
	static const char *const names[] = { "From", "To" };
	struct header_field f;

	d->head.n = d->subject.n = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (header_find(message, names[i], &f)) {
			str_add(&d->head, f.whole);
			if (!span_ends(f.whole, "\n"))
				str_adds(&d->head, "\r\n");
		}
	if (header_find(message, "Subject", &f))
		header_unfold(&d->subject, f.value);
}

static void add_message(struct digest *d, const struct spool_envelope *e,
		struct span message)
{
	struct header_field subject = { .value = SPAN("") };

	if (!d->n++)
		d->first = e->created;
	d->latest = e->created;
	d->eight_bit |= e->eight_bit;
	header_find(message, "Subject", &subject);
	add_line(d, e, subject.value);
	take_head(d, message);
	/* RFC 2046 5.1.5: message/rfc822 without saying so */
	str_addf(&d->parts, "\r\n--%s\r\n\r\n", d->inner);
	str_add(&d->parts, message);
}

/* False: it is not to be had now, and stays. */
static bool take(struct digest *d, const char *id)
{
	struct queue *q = d->group->queue;
	struct queue_entry *entry = queue_find(q, id);
	struct spool_envelope *e;
	struct str text;
	int64_t start;
	bool good;
	int fd;

	if (!entry || entry->active || entry->held
			|| spool_load(q->spool, id, d->arena, &e, NULL) < 0)
		return false;
	fd = spool_body(q->spool, e, &start, NULL);
	if (fd < 0)
		return false;
	str_init(&text, QUEUE_RETURN_MOST + 1);
	queue_text(&text, e, fd, start, true);
	close(fd);
	good = !text.bad && text.n == e->size;
	if (good) {
		add_message(d, e, str_span(&text));
		str_addf(&d->origin, " %s", id);
		d->last = e;
	}
	str_free(&text);
	return good;
}

static void add_when(struct str *out, const char *before, int64_t when)
{
	char date[DATE_SIZE];

	if (when < CLOCK_EPOCH)
		return;
	date_mail(date, when, date_offset(when));
	str_addf(out, "%s%s", before, date);
}

static void compose(struct digest *d, struct str *out)
{
	const char *host = d->group->queue->daemon.conf->hostname;
	char outer[33];

	rand_word(outer, sizeof(outer) - 1);
	str_add(out, str_span(&d->head));
	str_addf(out, "Subject: [%u] %.*s\r\nMessage-ID: ", d->n,
			SPAN_ARG(str_span(&d->subject)));
	compose_message_id(out, host);
	if (clock_plausible())
		add_when(out, "\r\nDate: ", clock_now());
	str_addf(out, "\r\nAuto-Submitted: auto-generated\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: multipart/mixed; boundary=\"%s\"\r\n"
			"\r\n--%s\r\n"
			"Content-Type: text/plain; charset=utf-8\r\n"
			"Content-Transfer-Encoding: 8bit\r\n\r\n"
			"%u messages that are much alike came", outer, outer,
			d->n);
	add_when(out, "\r\nfrom ", d->first);
	add_when(out, "\r\nto   ", d->latest);
	str_adds(out, ":\r\n\r\n");
	str_add(out, str_span(&d->list));
	str_addf(out, "\r\n--%s\r\nContent-Type: multipart/digest; "
			"boundary=\"%s\"\r\n", outer, d->inner);
	str_add(out, str_span(&d->parts));
	str_addf(out, "\r\n--%s--\r\n\r\n--%s--\r\n", d->inner, outer);
}

static int write_out(struct digest *d, spool_done_fn *done, struct err *err)
{
	struct queue *q = d->group->queue;
	struct spool_envelope e = *d->last;
	struct spool_draft *draft;
	struct str text;
	unsigned n = 0;
	char id[SPOOL_ID_SIZE];

	parent_made_id(id, d->last->id, 0, PARENT_DIGEST);
	e.origin = str_c(&d->origin);
	e.eight_bit = true;
	for (unsigned i = 0; i < e.nrcpt; i++)
		if (e.rcpt[i].state == SPOOL_WAITING)
			e.rcpt[n++] = e.rcpt[i];
	e.nrcpt = n;
	str_init(&text, TEXT_MOST);
	compose(d, &text);
	if (text.bad || d->parts.bad || d->list.bad || d->origin.bad) {
		str_free(&text);
		return err_nomem(err);
	}
	draft = spool_begin_as(q->spool, id, &e, err);
	if (draft && spool_write(draft, str_span(&text), err) < 0) {
		spool_abort(draft);
		draft = NULL;
	}
	str_free(&text);
	if (!draft)
		return -1;
	spool_commit(draft, done, d->group);
	return 0;
}

int digest_send(struct alert_group *g, spool_done_fn *done, struct err *err)
{
	struct digest d = { .group = g, .arena = arena_new(QUEUE_ENVELOPE_MOST) };
	int rc = -1;

	if (!d.arena)
		return err_nomem(err);
	rand_word(d.inner, sizeof(d.inner) - 1);
	str_init(&d.head, 2 * QUEUE_RETURN_MOST + 8);
	str_init(&d.subject, QUEUE_RETURN_MOST);
	str_init(&d.origin, 16 + ALERT_GROUP_MOST * SPOOL_ID_SIZE);
	str_adds(&d.origin, "digest");
	str_init(&d.list, ALERT_GROUP_MOST * 2 * LINE_MOST);
	str_init(&d.parts, TEXT_MOST);
	for (unsigned i = 0; i < g->n; i++)
		if (!take(&d, g->ids[i]))
			*g->ids[i] = '\0';
	if (d.n)
		rc = write_out(&d, done, err);
	else
		err_set(err, ERR_TEMP, "none of the messages is to be had");
	str_free(&d.head);
	str_free(&d.subject);
	str_free(&d.origin);
	str_free(&d.list);
	str_free(&d.parts);
	arena_free(d.arena);
	return rc;
}
