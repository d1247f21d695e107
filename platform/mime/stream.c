#include "mime/stream.h"

#include "mime/param.h"
#include "mime/part.h"

#define VALUE_MOST 8192		/* of Content-Type and Content-Disposition */
#define START 512		/* octets of a line that tell what it is */

/* ---- what is open: boundary, its size, kind; the innermost is the last */

enum { MULTIPART = 'm', DIGEST = 'd', MESSAGE = 'e' };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void push(struct stream *s, struct span boundary, char kind)
{
	str_add(&s->levels, boundary);
	str_addc(&s->levels, (char)boundary.n);
	str_addc(&s->levels, kind);
	s->depth++;
	/* out of memory: what comes has no structure any more */
	s->stop |= s->levels.bad;
}

/* One that is `end` octets from the start of levels; gives where it begins. */
static size_t level_at(const struct stream *s, size_t end, struct span *boundary,
		char *kind)
{
	size_t n = (unsigned char)s->levels.p[end - 2];

	*kind = s->levels.p[end - 1];
	*boundary = span_make(s->levels.p + end - 2 - n, n);
	return end - 2 - n;
}

/* A delimiter line (RFC 2046 5.1.1)? *last: the closing one. */
static bool is_delimiter(struct span line, struct span boundary, bool *last)
{
	if (!span_eq(span_sub(line, 2, boundary.n), boundary))
		return false;
	line = span_trim(span_rest(line, 2 + boundary.n));
	*last = span_starts(line, "--");
	return *last || !line.n;
}

/* ---- handing out */

static void give_held(struct stream *s);

static void give(struct stream *s, struct span text)
{
	size_t room = s->held.cap - s->held.n;

	if (s->stop || !text.n)
		return;
	if (s->state == STREAM_FIRST) {
		str_add(&s->held, span_sub(text, 0, room));
		if (text.n <= room)
			return;
		give_held(s);
		text = span_rest(text, room);
	}
	if (s->state == STREAM_BODY && !s->stop)
		s->body(s->arg, text);
}

static void give_eol(struct stream *s)
{
	size_t n = s->eol_n;

	s->eol_n = 0;
	give(s, span_make(s->eol, n));
}

/* What was taken for a preamble is all there is. */
static void give_held(struct stream *s)
{
	struct stream_part p = {
		.number = ++s->number, .depth = s->depth,
		.type = SPAN("text"), .subtype = SPAN("plain")
	};

	s->state = STREAM_BODY;
	s->open = true;
	s->begin(s->arg, &p);
	give(s, str_span(&s->held));
	str_clear(&s->held);
}

static void end_part(struct stream *s)
{
	if (s->state == STREAM_FIRST && span_trim(str_span(&s->held)).n)
		give_held(s);
	if (s->open && !s->stop)
		s->end(s->arg);
	s->open = false;
	s->state = STREAM_SKIP;
	str_clear(&s->held);
}

/* ---- a part's header is there */

static void begin_header(struct stream *s, bool message, bool digest)
{
	s->state = STREAM_HEADER;
	s->message = message;
	s->digest = digest;
	s->field_n = 0;
	s->decided = false;
	s->fresh = true;
	str_clear(&s->type);
	str_clear(&s->place);
	str_clear(&s->encoding);
}

/* A type that is no type: it stays what it is for none (RFC 2045 5.2). */
static void set_type(struct stream_part *p, struct span type)
{
	if (!span_has(type, '/'))
		return;
	p->type = span_cut(&type, '/');
	p->subtype = type;
}

/* One that is encoded in spite of RFC 2046 5.2.1 is not walked into. */
static bool is_enclosed(const struct stream_part *p)
{
	return span_is(p->type, "message") && !span_is(p->encoding, "base64") &&
			!span_is(p->encoding, "quoted-printable") &&
			(span_is(p->subtype, "rfc822") ||
			 span_is(p->subtype, "global") ||
			 span_is(p->subtype, "news"));
}

static void read_part(const struct stream *s, struct stream_part *p)
{
	struct span encoding = str_span(&s->encoding);

	/* quotes are none of its grammar, but are written */
	encoding = span_rest(encoding, span_starts(encoding, "\""));
	*p = (struct stream_part){
		.depth = s->depth,
		.type_value = str_span(&s->type),
		.place_value = str_span(&s->place),
		.encoding = part_token(encoding)
	};
	set_type(p, s->digest ? SPAN("message/rfc822") : SPAN("text/plain"));
	set_type(p, part_token(p->type_value));
	/* RFC 2183 2.8: what is not "inline" is one, unknown words too */
	p->attachment = p->place_value.n &&
			!span_is(part_token(p->place_value), "inline");
	p->enclosed = is_enclosed(p) && s->depth < STREAM_DEPTH;
}

static void begin_body(struct stream *s)
{
	struct stream_part p;
	struct span boundary;
	struct str pieces;
	bool multipart;

	read_part(s, &p);
	s->inside = false;
	s->eol_n = 0;
	str_init(&pieces, STREAM_BOUNDARY);
	boundary = part_param(p.type_value, "boundary");
	/* RFC 2231 3: boundary*0=..., boundary*1=... */
	if (!boundary.n && param_text(&pieces, p.type_value, "boundary"))
		boundary = str_span(&pieces);
	boundary = span_trim(boundary);
	multipart = span_is(p.type, "multipart") && boundary.n &&
			boundary.n <= STREAM_BOUNDARY &&
			s->depth < STREAM_DEPTH;
	if (multipart) {
		s->begin(s->arg, &p);
		push(s, boundary, span_is(p.subtype, "digest") ? DIGEST :
				MULTIPART);
		s->state = STREAM_FIRST;
	}
	str_free(&pieces);
	if (multipart)
		return;
	p.number = ++s->number;
	if (s->begin(s->arg, &p) && p.enclosed) {
		push(s, SPAN(""), MESSAGE);
		begin_header(s, true, false);
	} else {
		s->state = STREAM_BODY;
		s->open = true;
	}
}

/* ---- fields */

static void keep(struct str *to, const struct header_field *f, const char *name)
{
	if (!to->n && span_is(f->name, name))
		str_add(to, span_sub(f->value, 0, to->cap));
}

/* The field in s->line is whole: a line follows that does not go on with it. */
static void end_field(struct stream *s)
{
	struct span text = span_sub(str_span(&s->line), 0, s->field_n);
	struct header_field f;

	if (header_next(&text, &f)) {
		keep(&s->type, &f, "Content-Type");
		keep(&s->place, &f, "Content-Disposition");
		keep(&s->encoding, &f, "Content-Transfer-Encoding");
		if (s->message && !s->stop)
			s->field(s->arg, &f);
	}
	str_cut(&s->line, s->field_n);
	s->field_n = 0;
}

static void end_header(struct stream *s)
{
	end_field(s);
	if (s->message && !s->stop)
		s->field(s->arg, NULL);
	if (!s->stop)
		begin_body(s);
}

/* ---- lines: one is in s->line, from field_n on */

/* All that is inside the level ends with it; a next part may begin. */
static void on_delimiter(struct stream *s, size_t start, size_t end,
		unsigned depth, char kind, bool last)
{
	while (s->state == STREAM_HEADER && !s->stop)
		end_header(s);
	/* its first delimiter: what stood before it was a preamble */
	if (!last && s->state == STREAM_FIRST && end == s->levels.n)
		s->state = STREAM_SKIP;
	end_part(s);
	s->eol_n = 0;
	s->levels.n = last ? start : end;
	s->depth = last ? depth - 1 : depth;
	s->inside = false;
	if (!last)
		begin_header(s, false, kind == DIGEST);
	str_clear(&s->line);
}

static bool try_delimiter(struct stream *s)
{
	struct span line = span_rest(str_span(&s->line), s->field_n), boundary;
	unsigned depth = s->depth;
	bool last = false;
	char kind;

	if (!span_starts(line, "--"))
		return false;
	for (size_t end = s->levels.n, start; end; end = start, depth--) {
		start = level_at(s, end, &boundary, &kind);
		if (kind == MESSAGE || !is_delimiter(line, boundary, &last))
			continue;
		on_delimiter(s, start, end, depth, kind, last);
		return true;
	}
	return false;
}

/* Text up to where a line begins that may be a delimiter, or all of it. */
static void run(struct stream *s, struct span *in)
{
	size_t lf = 0, next = 0;
	struct span text;

	if (in->p[0] != '\n')	/* the CR before it was no line's end */
		give_eol(s);
	while (next < in->n) {
		lf = next + span_find(span_rest(*in, next), '\n');
		next = lf + 1;
		if (s->eol_n || (next < in->n && in->p[next] == '-'))
			break;
	}
	text = span_sub(*in, 0, lf);
	if (text.n && text.p[text.n - 1] == '\r') {
		text.n--;
		s->eol[s->eol_n++] = '\r';
	}
	if (lf < in->n)
		s->eol[s->eol_n++] = '\n';
	s->inside = lf == in->n;
	*in = span_rest(*in, next);
	give(s, text);
}

/* It is no delimiter. */
static void give_line(struct stream *s)
{
	struct span line = str_span(&s->line);

	give_eol(s);
	run(s, &line);
	str_clear(&s->line);
}

/* "From x Tue Nov 24 ..." of an mbox that got into the message. */
static bool is_from_line(struct span line)
{
	return span_starts(line, "From ") || span_starts(line, ">From ");
}

static void on_line(struct stream *s, bool whole);

/* The line in s->line is no field: the header is over. */
static void on_no_field(struct stream *s, bool whole)
{
	struct span line = str_span(&s->line);
	bool empty = !span_trim(line).n && !is_blank(line.p[0]);

	if (whole && s->message && is_from_line(line)) {
		str_clear(&s->line);
		return;
	}
	end_header(s);
	if (empty)
		str_clear(&s->line);
	else if (!s->stop)
		on_line(s, whole);
}

static bool is_field(struct span line)
{
	struct header_field f;

	return header_next(&line, &f);
}

/* whole: it has its end; else it is START octets so far. */
static void on_header_line(struct stream *s, bool whole)
{
	char first = s->line.p[s->field_n];

	if (!s->field_n || !is_blank(first)) {
		end_field(s);
		if (!s->stop && !is_field(str_span(&s->line))) {
			on_no_field(s, whole);
			return;
		}
	}
	s->decided = !whole;
	if (!whole)
		return;
	if (s->line.n > STREAM_FIELD)
		s->line.n = STREAM_FIELD;
	s->field_n = s->line.n;
}

static void on_line(struct stream *s, bool whole)
{
	if (whole && s->depth && try_delimiter(s))
		return;
	if (s->state == STREAM_HEADER)
		on_header_line(s, whole);
	else
		give_line(s);
}

/* ---- octets */

static void take_line(struct stream *s, struct span *in)
{
	size_t lf = span_find(*in, '\n'), n = lf < in->n ? lf + 1 : lf;
	size_t had = s->line.n - s->field_n;
	bool whole;

	if (!s->decided && n > START - had)
		n = START - had;
	whole = n > lf;
	str_add(&s->line, span_sub(*in, 0, n < s->line.cap - s->line.n ? n :
			s->line.cap - s->line.n));
	*in = span_rest(*in, n);
	s->fresh = false;
	if (s->line.bad)
		s->stop = true;
	else if (whole || (!s->decided && had + n >= START))
		on_line(s, whole);
}

void stream_begin(struct stream *s)
{
	s->stop = s->open = s->inside = false;
	s->number = s->depth = s->eol_n = 0;
	str_init(&s->line, STREAM_FIELD + START);
	str_init(&s->held, STREAM_PREAMBLE);
	str_init(&s->type, VALUE_MOST);
	str_init(&s->place, VALUE_MOST);
	str_init(&s->encoding, VALUE_MOST);
	str_init(&s->levels, STREAM_DEPTH * (STREAM_BOUNDARY + 2));
	begin_header(s, true, false);
}

void stream_put(struct stream *s, struct span piece)
{
	while (piece.n && !s->stop) {
		if (s->state == STREAM_HEADER || (s->depth && !s->inside &&
				(s->line.n || piece.p[0] == '-'))) {
			take_line(s, &piece);
		} else if (s->depth) {
			if (!s->inside)
				give_eol(s);
			run(s, &piece);
		} else {
			give_eol(s);
			give(s, piece);
			piece.n = 0;
		}
	}
}

static void finish(struct stream *s)
{
	/* a delimiter that nothing follows begins no part */
	if (s->state == STREAM_HEADER && s->fresh && !s->message)
		return;
	if (s->line.n > s->field_n)
		on_line(s, true);
	while (s->state == STREAM_HEADER && !s->stop)
		end_header(s);
	give_eol(s);
	end_part(s);
}

void stream_end(struct stream *s)
{
	if (!s->stop)
		finish(s);
	str_free(&s->line);
	str_free(&s->held);
	str_free(&s->type);
	str_free(&s->place);
	str_free(&s->encoding);
	str_free(&s->levels);
}
