#include "mime/part.h"

#include "base/base64.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/param.h"
#include "mime/qp.h"

#define DEPTH_MOST 20
#define PARTS_MOST 1000
#define BOUNDARY_MOST 200	/* RFC 2046 5.1.1 says 70; some write more */

struct walk {
	bool (*fn)(void *arg, const struct part *p);
	void *arg;
	unsigned parts;
	bool stop;
};

/* ---- structured values */

struct span part_param(struct span value, const char *name)
{
	struct param p;

	while (param_next(&value, &p))
		if (span_is(p.name, name))
			return p.text;
	return span_make(NULL, 0);
}

struct span part_token(struct span value)
{
	return param_token(value);
}

/* ---- one part's header */

static struct span field(struct span header, const char *name)
{
	struct header_field f;

	return header_find(header, name, &f) ? f.value : span_make(NULL, 0);
}

/* A type that is no type: it stays what it is for none (RFC 2045 5.2). */
static void set_type(struct part *p, struct span type)
{
	if (!span_has(type, '/'))
		return;
	p->type = span_cut(&type, '/');
	p->subtype = type;
}

static void read_header(struct part *p)
{
	struct span type = field(p->header, "Content-Type");
	struct span place = field(p->header, "Content-Disposition");

	set_type(p, part_token(type));
	p->encoding = part_token(field(p->header,
			"Content-Transfer-Encoding"));
	p->charset = part_param(type, "charset");
	p->name = part_param(place, "filename");
	if (!p->name.n)
		p->name = part_param(type, "name");
	/* RFC 2183 2.8: what is not "inline" is one, unknown words too */
	p->attachment = place.n && !span_is(part_token(place), "inline");
}

/* ---- the tree */

/* A delimiter line (RFC 2046 5.1.1)? *last: the closing one. */
static bool is_delimiter(struct span line, struct span boundary, bool *last)
{
	if (!span_starts(line, "--") ||
	    !span_eq(span_sub(line, 2, boundary.n), boundary))
		return false;
	line = span_trim(span_rest(line, 2 + boundary.n));
	*last = span_starts(line, "--");
	return *last || !line.n;
}

static void drop_end(struct span *s, char c)
{
	if (s->n && s->p[s->n - 1] == c)
		s->n--;
}

/*
 * Takes what stands before the next delimiter off *in, the delimiter too. The
 * line end before it belongs to it. False: none comes; *piece is the rest.
 */
static bool cut_piece(struct span *in, struct span boundary,
		struct span *piece, bool *last)
{
	struct span rest = *in;

	*piece = *in;
	while (rest.n) {
		const char *at = rest.p;

		if (!is_delimiter(span_cut(&rest, '\n'), boundary, last))
			continue;
		piece->n = (size_t)(at - in->p);
		*in = rest;
		drop_end(piece, '\n');
		drop_end(piece, '\r');
		return true;
	}
	return false;
}

static void walk_part(struct walk *w, struct span message, unsigned depth,
		const char *type);

/* False: it is no multipart that can be taken apart. */
static bool walk_pieces(struct walk *w, const struct part *p,
		struct span boundary)
{
	struct span in = p->body, piece;
	const char *type = span_is(p->subtype, "digest") ? "message/rfc822" :
			"text/plain";
	bool more, last = false, any = false;

	if (!boundary.n || boundary.n > BOUNDARY_MOST)
		return false;
	if (!cut_piece(&in, boundary, &piece, &last))	/* the preamble */
		return false;
	while (!last && !w->stop) {
		more = cut_piece(&in, boundary, &piece, &last);
		/* the closing delimiter is missing: the rest is a part */
		if (more || piece.n) {
			walk_part(w, piece, p->depth + 1, type);
			any = true;
		}
		if (!more)
			break;
	}
	return any;
}

/* type: where the header has none. */
static void walk_part(struct walk *w, struct span message, unsigned depth,
		const char *type)
{
	size_t head = header_size(message);
	struct part p = {
		.header = span_sub(message, 0, head),
		.body = span_rest(message, head),
		.depth = depth
	};

	set_type(&p, span_of(type));
	read_header(&p);
	if (depth < DEPTH_MOST && span_is(p.type, "multipart") &&
	    walk_pieces(w, &p, part_param(field(p.header, "Content-Type"),
			"boundary")))
		return;
	if (w->stop || w->parts++ >= PARTS_MOST || !w->fn(w->arg, &p))
		w->stop = true;
}

void part_each(struct span message, bool (*fn)(void *arg, const struct part *p),
		void *arg)
{
	struct walk w = { .fn = fn, .arg = arg };

	walk_part(&w, message, 0, "text/plain");
}

/* ---- contents */

static bool base64_char(char c)
{
	return ascii_isalnum(c) || c == '+' || c == '/';
}

/*
 * Lenient, as RFC 2045 6.8 asks: other characters are skipped, what
 * follows padding is read as new text, and missing padding is made up.
 */
void part_base64(struct str *out, struct span in)
{
	char quartet[4];
	unsigned char bytes[3];
	size_t n = 0;

	for (size_t i = 0; i <= in.n && !out->bad; i++) {
		char c = i < in.n ? in.p[i] : '=';
		ssize_t got;

		if (base64_char(c))
			quartet[n++] = c;
		else if (c != '=' || !n)
			continue;
		while (c == '=' && n < 4)
			quartet[n++] = '=';
		if (n < 4)
			continue;
		got = base64_get(bytes, sizeof(bytes), span_make(quartet, 4));
		if (got > 0)
			str_add(out, span_make((char *)bytes, (size_t)got));
		n = 0;
	}
}

static void undo_encoding(struct str *out, const struct part *p)
{
	if (span_is(p->encoding, "base64"))
		part_base64(out, p->body);
	else if (span_is(p->encoding, "quoted-printable"))
		qp_decode(out, p->body);
	else
		str_add(out, p->body);
}

void part_decode(struct str *out, const struct part *p)
{
	struct str raw;

	if (!span_is(p->type, "text")) {
		undo_encoding(out, p);
		return;
	}
	str_init(&raw, out->cap);
	undo_encoding(&raw, p);
	charset_to_utf8(out, str_span(&raw), p->charset);
	out->bad |= raw.bad;
	str_free(&raw);
}
