#include "smtpd/milter_header.h"

#include <stdlib.h>
#include <string.h>

#define READ_SIZE 4096
#define NAME_MOST 255

/* -- the table -- */

void milter_header_free(struct milter_header *h)
{
	for (unsigned i = 0; i < h->n; i++)
		free(h->fields[i].text);
	free(h->fields);
	*h = (struct milter_header){ .draft = NULL };
}

/* An empty row before row `at`; NULL with err. */
static struct milter_field *make_row(struct milter_header *h, unsigned at,
		struct err *err)
{
	struct milter_field *more;

	if (h->n == MILTER_FIELDS_MOST) {
		err_set(err, ERR_PERM, "too many header fields for the filters");
		return NULL;
	}
	if (h->n == h->size) {
		unsigned size = h->size ? h->size * 2 : 32;

		more = realloc(h->fields, size * sizeof(*more));
		if (!more) {
			err_nomem(err);
			return NULL;
		}
		h->fields = more;
		h->size = size;
	}
	if (at > h->n)
		at = h->n;
	more = &h->fields[at];
	memmove(more + 1, more, (h->n++ - at) * sizeof(*more));
	memset(more, 0, sizeof(*more));
	return more;
}

static void drop_row(struct milter_header *h, unsigned i)
{
	h->added -= h->fields[i].text ? h->fields[i].n : 0;
	free(h->fields[i].text);
	memmove(&h->fields[i], &h->fields[i + 1], (--h->n - i) *
			sizeof(*h->fields));
}

/* -- reading: where fields begin and end -- */

struct scan {
	struct milter_header *h;
	uint64_t at, line;		/* this octet, this line */
	bool start, name, blanks;	/* at a line's; before a colon */
	bool field;			/* the last row is not at its end */
	bool done;
};

static void close_field(struct scan *s, uint64_t end)
{
	struct milter_field *f = &s->h->fields[s->h->n - 1];

	if (s->field)
		f->n = (size_t)(end - f->at);
	s->field = false;
}

/* Whatever it is, it is no field: the body begins with this line. */
static void body_begins(struct scan *s, uint64_t at)
{
	close_field(s, s->line);
	s->h->body = at;
	s->done = true;
}

static void line_starts(struct scan *s, char c)
{
	s->start = false;
	s->line = s->at;
	if (c == '\r') {
		s->h->blank = true;
		body_begins(s, s->at + 2);
	} else if (c == ' ' || c == '\t') {
		if (!s->field)
			body_begins(s, s->at);
	} else {
		s->name = true;
		s->blanks = false;
	}
}

/* RFC 5322 2.2, and 4.5: blanks before the colon. */
static int in_name(struct scan *s, char c, struct err *err)
{
	struct milter_field *f;

	if (c == ':' && s->at > s->line) {
		close_field(s, s->line);
		s->name = false;
		f = make_row(s->h, s->h->n, err);
		if (!f)
			return -1;
		f->at = s->line;
		s->field = true;
	} else if (c == ' ' || c == '\t') {
		s->blanks = true;
	} else if (s->blanks || c <= ' ' || c > '~' || c == ':') {
		body_begins(s, s->line);
	}
	return 0;
}

static int scan_octet(struct scan *s, char c, struct err *err)
{
	if (s->start)
		line_starts(s, c);
	if (!s->done && s->name && in_name(s, c, err) < 0)
		return -1;
	s->start = c == '\n';
	s->at++;
	return 0;
}

static int scan_piece(struct scan *s, struct span piece, struct err *err)
{
	for (size_t i = 0; i < piece.n && !s->done; i++)
		if (scan_octet(s, piece.p[i], err) < 0)
			return -1;
	if (!s->done && s->at > MILTER_SECTION_MOST)
		return err_set(err, ERR_PERM, "too large a header section for "
				"the filters");
	return 0;
}

static int add_own(struct milter_header *h, size_t n, struct err *err)
{
	struct milter_field *f = n ? make_row(h, 0, err) : NULL;

	if (f) {
		f->n = n;
		f->own = true;
	}
	return f || !n ? 0 : -1;
}

int milter_header_read(struct milter_header *h, struct spool_draft *draft,
		size_t own, struct err *err)
{
	struct scan s = { .h = h, .at = own, .line = own, .start = true };
	char piece[READ_SIZE];
	ssize_t n;

	h->draft = draft;
	if (add_own(h, own, err) < 0)
		return -1;
	while (!s.done) {
		n = spool_draft_read(draft, piece, sizeof(piece), s.at, err);
		if (n < 0)
			return -1;
		if (!n)
			break;
		if (scan_piece(&s, span_make(piece, (size_t)n), err) < 0)
			return -1;
	}
	/* it ended within the header section */
	if (!s.done && s.name)
		body_begins(&s, s.line);
	else if (!s.done)
		close_field(&s, s.at), h->body = s.at;
	return 0;
}

int milter_header_get(const struct milter_header *h, unsigned i,
		struct str *out, struct err *err)
{
	const struct milter_field *f = &h->fields[i];
	char piece[READ_SIZE];
	size_t done = 0;
	ssize_t n;

	if (f->text)
		str_add(out, span_make(f->text, f->n));
	while (!f->text && done < f->n) {
		size_t want = f->n - done;

		n = spool_draft_read(h->draft, piece, want > sizeof(piece) ?
				sizeof(piece) : want, f->at + done, err);
		if (n < 0)
			return -1;
		if (!n)
			break;
		str_add(out, span_make(piece, (size_t)n));
		done += (size_t)n;
	}
	/* BDAT may end in the middle of a line */
	if (!out->bad && (!out->n || out->p[out->n - 1] != '\n'))
		str_adds(out, "\r\n");
	return out->bad ? err_nomem(err) : 0;
}

/* -- changes -- */

static int set_text(struct milter_header *h, struct milter_field *f,
		struct span text, struct err *err)
{
	char *copy = NULL;

	if (text.n > MILTER_ADDED_MOST - h->added)
		return err_set(err, ERR_NOMEM, "the filters add too much");
	copy = malloc(text.n + 1);
	if (!copy)
		return err_nomem(err);
	memcpy(copy, text.p, text.n);
	f->text = copy;
	f->n = text.n;
	h->added += text.n;
	return 0;
}

int milter_header_insert(struct milter_header *h, unsigned at,
		struct span field, struct err *err)
{
	unsigned i = at > h->n ? h->n : at;
	struct milter_field *f = make_row(h, i, err);

	if (!f)
		return -1;
	if (set_text(h, f, field, err) == 0)
		return 0;
	drop_row(h, i);
	return -1;
}

static bool has_name(const struct milter_header *h, unsigned i,
		struct span name)
{
	const struct milter_field *f = &h->fields[i];
	char room[NAME_MOST + 2];
	struct span text = span_make(f->text, f->n), own;

	if (!f->text) {
		size_t n = f->n < sizeof(room) ? f->n : sizeof(room);
		ssize_t got = spool_draft_read(h->draft, room, n, f->at, NULL);

		text = span_make(room, got > 0 ? (size_t)got : 0);
	}
	own = span_sub(text, 0, span_find(text, ':'));
	return own.n < text.n && span_caseeq(span_trim(own), name);
}

/* h->n when there is none. */
static unsigned find(const struct milter_header *h, struct span name,
		unsigned nth)
{
	unsigned i;

	for (i = 0; i < h->n; i++)
		if (!h->fields[i].own && has_name(h, i, name) && nth-- <= 1)
			break;
	return i;
}

int milter_header_change(struct milter_header *h, struct span name, unsigned nth,
		struct span field, struct err *err)
{
	unsigned i = find(h, name, nth);

	if (i == h->n)
		return field.n ? milter_header_insert(h, i, field, err) : 0;
	drop_row(h, i);
	return field.n ? milter_header_insert(h, i, field, err) : 0;
}
