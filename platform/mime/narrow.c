#include "mime/narrow_private.h"

#include <stdlib.h>
#include <string.h>
#include "mime/header.h"
#include "mime/part.h"

/* -- the fast look -- */

void narrow_scan_init(struct narrow_scan *s)
{
	*s = (struct narrow_scan){ .ends = true };
}

static bool has_eight_bit(struct span s)
{
	const unsigned long high = ~0UL / 255 * 128;	/* 0x8080... */
	unsigned long all = 0, word;
	size_t i = 0;

	for (; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		all |= word;
	}
	for (; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all & high;
}

void narrow_scan(struct narrow_scan *s, struct span piece)
{
	struct span rest = piece;

	if (!piece.n)
		return;
	s->ends = piece.p[piece.n - 1] == '\n';
	if (!s->eight_bit)
		s->eight_bit = has_eight_bit(piece);
	if (!s->nul)
		s->nul = span_has(piece, '\0');
	while (rest.n && !s->long_line) {
		size_t n = span_find(rest, '\n');

		/* a CR counts for one: 999 are let through, and none is 1000 */
		s->long_line = n > NARROW_LINE_MOST + 1 - s->column;
		s->column = n < rest.n ? 0 : s->column + (unsigned)n;
		rest = span_rest(rest, n + 1);
	}
}

/* -- life -- */

/* A header begins: of the message, of a part, of a message in a message. */
static void begin_header(struct narrow *n, bool is_message, bool in_digest)
{
	n->state = NARROW_HEADER;
	n->field = NARROW_OTHER;
	n->is_message = is_message;
	n->in_digest = in_digest;
	n->has_type = n->has_version = false;
	str_clear(&n->type);
	str_clear(&n->encoding);
	str_clear(&n->held);
}

static void begin(struct narrow *n)
{
	n->line_n = n->part = n->depth = n->nested = 0;
	n->begun = false;
	begin_header(n, true, false);
}

struct narrow *narrow_new(bool seven)
{
	struct narrow *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->seven = seven;
	str_init(&n->type, NARROW_FIELD_MOST);
	str_init(&n->encoding, NARROW_FIELD_MOST);
	str_init(&n->held, NARROW_FIELD_MOST);
	begin(n);
	return n;
}

void narrow_free(struct narrow *n)
{
	if (!n)
		return;
	str_free(&n->type);
	str_free(&n->encoding);
	str_free(&n->held);
	free(n);
}

/* -- the end of a header: what follows it -- */

static struct span subtype_of(struct span *type)
{
	struct span rest = *type;

	*type = span_cut(&rest, '/');
	return rest;
}

/* Where readers would look for the parts, as far as we go down. */
static bool open_level(struct narrow *n, bool digest)
{
	struct span boundary = part_param(str_span(&n->type), "boundary");
	struct narrow_level *l = &n->levels[n->depth];

	if (!boundary.n || boundary.n > NARROW_BOUNDARY_MOST)
		return false;
	n->too_deep = n->depth + n->nested >= NARROW_DEPTH_MOST;
	if (n->too_deep)
		return false;
	memcpy(l->boundary, boundary.p, boundary.n);
	l->n = (unsigned char)boundary.n;
	l->digest = digest;
	l->nested = n->nested;
	n->depth++;
	return true;
}

enum encoding { IDENTITY, QUOTED, CODED, UNKNOWN };

static enum encoding encoding_of(const struct narrow *n)
{
	static const char *const identity[] = { "7bit", "8bit", "binary" };
	struct span word = part_token(str_span(&n->encoding));

	if (span_is(word, "quoted-printable"))
		return QUOTED;
	if (span_is(word, "base64"))
		return CODED;
	for (size_t i = 0; i < 3; i++)
		if (span_is(word, identity[i]))
			return IDENTITY;
	return word.n ? UNKNOWN : IDENTITY;
}

enum content { LEAF, OPENED, MESSAGE };

/*
 * What the body is, and in n->could how its text goes out if it must be
 * changed.
 */
static enum content classify(struct narrow *n)
{
	struct span type = n->has_type ? part_token(str_span(&n->type)) :
		n->in_digest ? SPAN("message/rfc822") : SPAN("text/plain");
	enum encoding encoding = encoding_of(n);
	struct span sub;

	n->too_deep = false;
	/* RFC 2045 5.2: a type that is no type */
	if (!span_has(type, '/'))
		type = SPAN("text/plain");
	sub = subtype_of(&type);
	n->could = encoding == QUOTED ? NARROW_QP_MEND :
		encoding == CODED ? NARROW_BASE64_MEND :
		encoding == UNKNOWN ? NARROW_FOLD :
		span_is(type, "text") || span_is(type, "message") ?
		NARROW_QP : NARROW_BASE64;
	if (span_is(type, "multipart")) {
		n->could = NARROW_FOLD;
		return open_level(n, span_is(sub, "digest")) ? OPENED : LEAF;
	}
	if (!span_is(type, "message") || encoding != IDENTITY)
		return LEAF;
	/* RFC 2046 5.2: these may not be encoded */
	if (span_is(sub, "partial") || span_is(sub, "external-body"))
		n->could = NARROW_FOLD;
	if (!span_is(sub, "rfc822"))
		return LEAF;
	n->could = NARROW_FOLD;
	n->too_deep = n->depth + n->nested >= NARROW_DEPTH_MOST;
	return n->too_deep ? LEAF : MESSAGE;
}

/* What the first look has seen; of too many parts the worst. */
static unsigned seen(const struct narrow *n)
{
	return n->part < NARROW_PARTS_MOST ? n->seen[n->part] :
		NARROW_BAD | NARROW_EIGHT_BIT | NARROW_NOT_UTF8;
}

/* RFC 2045 6.4: around parts the encoding can only say what they are. */
static bool is_wide(const struct narrow *n)
{
	struct span word = part_token(str_span(&n->encoding));

	return n->seven && (span_is(word, "8bit") || span_is(word, "binary"));
}

/*
 * The fields that the body needs now. A text that says nothing of itself is
 * said to be UTF-8 if it is; RFC 1428 3 has a name for what it else is.
 */
static void put_encoding(struct narrow *n, enum content content)
{
	bool qp = n->way == NARROW_QP;

	if (content != LEAF && is_wide(n)) {
		narrow_put(n, SPAN("Content-Transfer-Encoding: 7bit\r\n"));
		return;
	}
	if (content != LEAF || (!qp && n->way != NARROW_BASE64)) {
		/* if it is endless it is none */
		narrow_put(n, n->held.bad ? SPAN("") : str_span(&n->held));
		return;
	}
	if (n->is_message && !n->has_version)
		narrow_put(n, SPAN("MIME-Version: 1.0\r\n"));
	if (n->implied && seen(n) & NARROW_EIGHT_BIT)
		narrow_put(n, seen(n) & NARROW_NOT_UTF8 ?
			SPAN("Content-Type: text/plain; charset=unknown-8bit"
				"\r\n") :
			SPAN("Content-Type: text/plain; charset=utf-8\r\n"));
	narrow_put(n, qp ?
		SPAN("Content-Transfer-Encoding: quoted-printable\r\n") :
		SPAN("Content-Transfer-Encoding: base64\r\n"));
}

static void begin_body(struct narrow *n, enum narrow_way way)
{
	n->state = NARROW_BODY;
	n->way = way;
	narrow_text_begin(n);
}

static void end_header(struct narrow *n)
{
	enum content content = classify(n);

	n->implied = !n->has_type && !n->in_digest;
	n->way = !n->writing || seen(n) & NARROW_BAD ? n->could : NARROW_COPY;
	put_encoding(n, content);
	narrow_put(n, SPAN("\r\n"));
	if (content == MESSAGE) {
		n->nested++;
		n->part++;
		begin_header(n, true, false);
	} else {
		begin_body(n, content == OPENED ? NARROW_FILLER : n->way);
	}
}

/* -- the lines of a header -- */

static struct str *value_of(struct narrow *n)
{
	return n->field == NARROW_TYPE ? &n->type :
		n->field == NARROW_ENCODING ? &n->encoding : NULL;
}

/* Of several fields of a name the first one counts, as in mime/header.c. */
static bool begin_field(struct narrow *n, struct span *line)
{
	struct span rest = *line, name = span_trim(span_cut(&rest, ':'));

	if (!span_has(*line, ':') || !header_name_valid(name))
		return false;
	n->field = NARROW_OTHER;
	if (span_is(name, "Content-Type") && !n->has_type)
		n->field = NARROW_TYPE;
	else if (span_is(name, "Content-Transfer-Encoding"))
		n->field = NARROW_ENCODING;
	n->has_type |= n->field == NARROW_TYPE;
	n->has_version |= span_is(name, "MIME-Version");
	/* a second one goes or stays with the first */
	if (n->field == NARROW_ENCODING && n->encoding.n)
		n->field = NARROW_AGAIN;
	*line = rest;
	return true;
}

static void put_field(struct narrow *n, const struct narrow_text *t)
{
	if (n->field == NARROW_ENCODING || n->field == NARROW_AGAIN) {
		if (!t->first)
			str_adds(&n->held, "\r\n ");
		str_add(&n->held, t->s);
		if (t->last)
			str_adds(&n->held, "\r\n");
		return;
	}
	narrow_fold(n, t);
	if (t->last)
		narrow_put(n, SPAN("\r\n"));
}

/* False: this line is not of the header. */
static bool header_line(struct narrow *n, const struct narrow_text *t)
{
	struct span value = t->s;
	struct str *keep;

	if (t->first && (!t->s.n || (!strchr(" \t", t->s.p[0]) &&
					!begin_field(n, &value))))
		return false;
	n->needed |= !t->last;
	keep = value_of(n);
	if (keep) {
		str_add(keep, value);
		str_addc(keep, ' ');
	}
	put_field(n, t);
	return true;
}

/* -- delimiters (RFC 2046 5.1.1) -- */

static bool is_delimiter(struct span line, const struct narrow_level *l,
		bool *closes)
{
	struct span rest = span_rest(line, 2 + (size_t)l->n);

	if (!span_eq(span_sub(line, 2, l->n), span_make(l->boundary, l->n)))
		return false;
	*closes = span_starts(rest, "--");
	return !span_trim(span_rest(rest, *closes ? 2 : 0)).n;
}

/* Of an outer one, too: the inner ones have then lost theirs. */
static bool delimiter(struct narrow *n, const struct narrow_text *t)
{
	unsigned at = n->depth;
	bool closes = false;

	if (!t->first || !t->last || !span_starts(t->s, "--"))
		return false;
	do
		if (!at--)
			return false;
	while (!is_delimiter(t->s, &n->levels[at], &closes));
	if (n->state == NARROW_HEADER)
		end_header(n);
	if (n->state == NARROW_BODY)
		narrow_text_end(n, false);
	narrow_put(n, t->s);
	narrow_put(n, SPAN("\r\n"));
	n->depth = at + !closes;
	n->nested = n->levels[at].nested;
	n->part++;
	if (closes)
		begin_body(n, NARROW_FILLER);
	else
		begin_header(n, false, n->levels[at].digest);
	return true;
}

/* -- lines out of pieces -- */

static void take_text(struct narrow *n, const struct narrow_text *t)
{
	if (delimiter(n, t))
		return;
	if (n->state == NARROW_HEADER) {
		if (header_line(n, t))
			return;
		end_header(n);
		/* a message in it begins with its own header, behind a blank line */
		if (!t->s.n && t->eol)
			return;
		if (n->state == NARROW_HEADER) {
			take_text(n, t);
			return;
		}
	}
	narrow_text(n, t);
}

/* What is gathered of the line; last: it ends here. */
static void take_line(struct narrow *n, bool last, bool eol)
{
	struct narrow_text t = {
		.s = span_make(n->line, n->line_n), .first = !n->begun,
		.last = last, .eol = eol
	};

	if (eol && t.s.n && t.s.p[t.s.n - 1] == '\r')
		t.s.n--;
	n->begun = !last;
	take_text(n, &t);
	n->line_n = 0;
}

/*
 * A line is long when it is not ended by then; its other pieces get a blank in
 * front. Only the next octet shows whether a CR was a line's end.
 */
static void feed(struct narrow *n, struct span in)
{
	while (in.n) {
		size_t most = NARROW_LINE_MOST - n->begun;
		struct span some = span_sub(in, 0, most + 1 - n->line_n);
		size_t lf = span_find(some, '\n');
		char last;

		memcpy(n->line + n->line_n, some.p, lf);
		n->line_n += lf;
		in = span_rest(in, lf);
		if (!in.n)
			return;
		last = n->line_n ? n->line[n->line_n - 1] : '\0';
		if (in.p[0] == '\n' && (n->line_n <= most || last == '\r')) {
			in = span_rest(in, 1);
			take_line(n, true, true);
		} else {
			n->line_n--;
			take_line(n, false, false);
			n->line[n->line_n++] = last;
		}
	}
}

static void feed_end(struct narrow *n)
{
	if (n->line_n)
		take_line(n, true, false);
	n->way = n->state == NARROW_HEADER ? NARROW_COPY : n->way;
	if (n->state == NARROW_HEADER)
		put_encoding(n, classify(n));
	else
		narrow_text_end(n, true);
}

/* -- the two passes -- */

void narrow_look(struct narrow *n, struct span piece)
{
	feed(n, piece);
}

void narrow_look_end(struct narrow *n)
{
	feed_end(n);
	begin(n);
}

bool narrow_needed(const struct narrow *n)
{
	return n->needed;
}

uint64_t narrow_growth(const struct narrow *n)
{
	return n->growth;
}

bool narrow_impossible(const struct narrow *n)
{
	return n->impossible;
}

static void output(struct narrow *n,
		void (*put)(void *arg, struct span piece), void *arg)
{
	n->writing = true;
	n->put = put;
	n->arg = arg;
}

void narrow_write(struct narrow *n, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg)
{
	output(n, put, arg);
	feed(n, piece);
	narrow_flush(n);
}

void narrow_write_end(struct narrow *n,
		void (*put)(void *arg, struct span piece), void *arg)
{
	output(n, put, arg);
	feed_end(n);
	narrow_flush(n);
}
