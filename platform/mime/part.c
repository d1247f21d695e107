#include "mime/part.h"

#include "base/base64.h"
#include "mime/charset.h"
#include "mime/header.h"
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

static bool is_token(char c)
{
	return c > 32 && c < 127 && c != '=' && c != ';' && c != '"' &&
			c != '(' && c != ')';
}

/* Blanks, line ends and comments, which may stand between all tokens. */
static void skip_blanks(struct span *in)
{
	unsigned depth = 0;

	while (in->n) {
		char c = in->p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && !ascii_isspace(c))
			break;
		*in = span_sub(*in, c == '\\' && depth ? 2 : 1, in->n);
	}
}

static struct span take_token(struct span *in)
{
	size_t n = 0;
	struct span token;

	while (n < in->n && is_token(in->p[n]))
		n++;
	token = span_sub(*in, 0, n);
	*in = span_sub(*in, n, in->n);
	return token;
}

/* After the opening quote; takes the closing one. */
static struct span take_quoted(struct span *in)
{
	size_t n = 0;
	struct span text;

	while (n < in->n && in->p[n] != '"')
		n += in->p[n] == '\\' ? 2 : 1;
	text = span_sub(*in, 0, n);
	*in = span_sub(*in, n + 1, in->n);
	return text;
}

static struct span take_value(struct span *in)
{
	skip_blanks(in);
	if (!in->n || in->p[0] != '"')
		return take_token(in);
	*in = span_sub(*in, 1, in->n);
	return take_quoted(in);
}

/* To the next parameter; false: there is none. */
static bool next_param(struct span *in)
{
	while (in->n && in->p[0] != ';') {
		size_t had = in->n;

		skip_blanks(in);
		if (in->n && in->p[0] == '"') {
			*in = span_sub(*in, 1, in->n);
			take_quoted(in);
		} else if (in->n == had) {
			*in = span_sub(*in, 1, in->n);
		}
	}
	*in = span_sub(*in, 1, in->n);
	skip_blanks(in);
	return in->n;
}

struct span part_param(struct span value, const char *name)
{
	while (next_param(&value)) {
		struct span key = take_token(&value), text;

		skip_blanks(&value);
		if (!value.n || value.p[0] != '=')
			continue;
		value = span_sub(value, 1, value.n);
		text = take_value(&value);
		if (span_is(key, name))
			return text;
	}
	return span_make(NULL, 0);
}

/* ---- one part's header */

static void read_type(struct part *p, struct span value)
{
	struct span rest = value, both;

	skip_blanks(&rest);
	both = take_token(&rest);
	p->charset = part_param(value, "charset");
	if (!p->name.n)
		p->name = part_param(value, "name");
	/* a type that is no type: text, as RFC 2045 5.2 has it for none */
	if (span_find(both, '/') == both.n)
		return;
	p->type = span_cut(&both, '/');
	p->subtype = both;
}

/* RFC 2183 2.8: what is not "inline" is an attachment, unknown words too. */
static void read_disposition(struct part *p, struct span value)
{
	struct span rest = value, file = part_param(value, "filename");

	skip_blanks(&rest);
	p->attachment = !span_is(take_token(&rest), "inline");
	if (file.n)
		p->name = file;
}

static void read_encoding(struct part *p, struct span value)
{
	skip_blanks(&value);
	p->encoding = take_token(&value);
}

static const struct {
	const char *name;
	void (*read)(struct part *p, struct span value);
} fields[] = {
	{ "Content-Type", read_type },
	{ "Content-Disposition", read_disposition },
	{ "Content-Transfer-Encoding", read_encoding },
};

static void read_header(struct part *p)
{
	struct header_field f;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (header_find(p->header, fields[i].name, &f))
			fields[i].read(p, f.value);
}

/* ---- the tree */

/* A delimiter line (RFC 2046 5.1.1) at the start of in? *last: the closing one. */
static bool delimiter_at(struct span in, struct span boundary, size_t *size,
		bool *last)
{
	struct span line = span_sub(in, 0, span_find(in, '\n'));
	struct span rest;

	if (line.n < boundary.n + 2 || line.p[0] != '-' || line.p[1] != '-' ||
	    !span_eq(span_sub(line, 2, boundary.n), boundary))
		return false;
	*size = line.n < in.n ? line.n + 1 : line.n;
	rest = span_trim(span_sub(line, 2 + boundary.n, line.n));
	*last = span_starts(rest, "--");
	return *last || !rest.n;
}

/*
 * Takes what stands before the next delimiter off *in, the delimiter too. The
 * line end before it belongs to it. False: none comes; *piece is the rest.
 */
static bool cut_piece(struct span *in, struct span boundary,
		struct span *piece, bool *last)
{
	size_t at = 0, size;

	while (at < in->n) {
		struct span rest = span_sub(*in, at, in->n);

		if (delimiter_at(rest, boundary, &size, last)) {
			*piece = span_sub(*in, 0, at);
			*in = span_sub(rest, size, rest.n);
			if (piece->n && piece->p[piece->n - 1] == '\n')
				piece->n--;
			if (piece->n && piece->p[piece->n - 1] == '\r')
				piece->n--;
			return true;
		}
		at += span_find(rest, '\n') + 1;
	}
	*piece = *in;
	*in = span_make(NULL, 0);
	return false;
}

static void walk_part(struct walk *w, struct span message, unsigned depth,
		bool digest);

/* False: it is no multipart that can be taken apart. */
static bool walk_pieces(struct walk *w, const struct part *p,
		struct span boundary)
{
	struct span in = p->body, piece;
	bool digest = span_is(p->subtype, "digest"), more, last = false;

	if (!boundary.n || boundary.n > BOUNDARY_MOST)
		return false;
	if (!cut_piece(&in, boundary, &piece, &last))	/* the preamble */
		return false;
	while (!last && !w->stop) {
		more = cut_piece(&in, boundary, &piece, &last);
		/* the closing delimiter is missing: the rest is a part */
		if (more || piece.n)
			walk_part(w, piece, p->depth + 1, digest);
		if (!more)
			break;
	}
	return true;
}

static void walk_part(struct walk *w, struct span message, unsigned depth,
		bool digest)
{
	size_t head = header_size(message);
	struct header_field f;
	struct part p = {
		.type = digest ? SPAN("message") : SPAN("text"),
		.subtype = digest ? SPAN("rfc822") : SPAN("plain"),
		.header = span_sub(message, 0, head),
		.body = span_sub(message, head, message.n),
		.depth = depth
	};

	read_header(&p);
	if (depth < DEPTH_MOST && span_is(p.type, "multipart") &&
	    header_find(p.header, "Content-Type", &f) &&
	    walk_pieces(w, &p, part_param(f.value, "boundary")))
		return;
	if (w->stop || w->parts++ >= PARTS_MOST || !w->fn(w->arg, &p))
		w->stop = true;
}

void part_each(struct span message, bool (*fn)(void *arg, const struct part *p),
		void *arg)
{
	struct walk w = { .fn = fn, .arg = arg };

	walk_part(&w, message, 0, false);
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
