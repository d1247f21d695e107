#include "smtp.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "mime/header.h"
#include "mime/outgoing.h"
#include "os/clock.h"
#include "os/file.h"

#define MEMORY_MOST (8 * 1024 * 1024)

/* The start of the message, in which the header section has to end. */
static void read_start(const struct smtp_message *m, struct str *text)
{
	size_t most = OUTGOING_HEADER_MOST, n;
	char piece[4096];
	ssize_t got;

	while (text->n < most) {
		n = most - text->n < sizeof(piece) ? most - text->n :
			sizeof(piece);
		got = file_pread(m->fd, piece, n, m->start + (int64_t)text->n);
		if (got < 0)
			smtp_stop(EX_IOERR, "reading the message");
		if (!got)
			break;
		str_add(text, span_make(piece, (size_t)got));
	}
}

/* How much of it are fields; *blank: an empty line follows, which stays. */
static size_t fields_size(struct span text, bool *blank)
{
	struct span rest = text;
	struct header_field f;
	size_t n = 0;

	while (header_next(&rest, &f))
		n = (size_t)(f.whole.p - text.p) + f.whole.n;
	rest = span_rest(text, n);
	*blank = span_starts(rest, "\n") || span_starts(rest, "\r\n");
	return n;
}

/* `head` goes out before what is left of the file. */
static void replace(struct smtp_message *m, const struct str *head, size_t old)
{
	if (head->bad || strlen(str_c(head)) != head->n)
		smtp_stop(EX_DATAERR, head->bad ? "out of memory" :
				"a NUL in the header section");
	m->head = str_c(head);
	m->start += (int64_t)old;
	m->size -= old;
}

static void take_recipients(struct smtp_job *job, const struct outgoing *out)
{
	if (!out->nrcpt)
		smtp_stop(EX_DATAERR, "no recipients");
	if (out->broken)
		smtp_stop(EX_DATAERR, "an address is not valid");
	job->message.rcpt = out->rcpt;
	job->message.nrcpt = out->nrcpt;
	job->message.utf8_header = out->utf8;
}

/* What it makes is the room's. */
void smtp_header(struct smtp_job *job, const struct smtp_options *o,
		struct smtp_room *room)
{
	struct str *head = &room->head;
	const struct conf *conf = job->conf;
	struct smtp_message *m = &job->message;
	struct outgoing out = {
		.arena = arena_new(MEMORY_MOST), .domain = conf->domains ?
			conf->domains->text : conf->hostname,
		.host = conf->hostname, .full_name = o->name,
		.now = clock_plausible() ? clock_now() : 0, .from_header = true
	};
	struct str text;
	size_t old;
	bool blank;

	room->arena = out.arena;
	if (!out.arena)
		smtp_stop(EX_TEMPFAIL, "out of memory");
	str_init(&text, OUTGOING_HEADER_MOST);
	str_init(head, 4 * OUTGOING_HEADER_MOST);
	read_start(m, &text);
	old = fields_size(str_span(&text), &blank);
	if (old == OUTGOING_HEADER_MOST)
		smtp_stop(EX_DATAERR, "the header section is too long");
	out.from = *m->sender ? m->sender : "postmaster";
	for (unsigned i = 0; i < m->nrcpt; i++)
		outgoing_recipients(&out, span_of(m->rcpt[i]));
	outgoing_header(&out, span_sub(str_span(&text), 0, old), head);
	if (!blank)
		str_addc(head, '\n');
	replace(m, head, old);
	take_recipients(job, &out);
	str_free(&text);
}
