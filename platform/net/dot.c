#include "net/dot.h"

#include <string.h>

/*
 * Where the reader stands. A "." at the start of a line is never content:
 * either it ends the data or it is stuffing (RFC 5321 4.5.2), so it need not
 * be kept, only the CR that may follow it.
 */
enum {
	DOT_START,		/* at the start of a line: behind CRLF */
	DOT_DOT,		/* CRLF . */
	DOT_DOT_CR,		/* CRLF . CR */
	DOT_TEXT,
	DOT_CR			/* the last octet was a CR */
};

void dot_reader_init(struct dot_reader *r)
{
	*r = (struct dot_reader){ .state = DOT_START };
}

static bool has_eight_bit(const char *p, size_t n)
{
	const unsigned long high = ~0UL / 255 * 128;	/* 0x8080... */
	unsigned long all = 0, word;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		all |= word;
	}
	for (; n; p++, n--)
		all |= (unsigned char)*p;
	return all & high;
}

static void take(struct dot_reader *r, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg)
{
	if (!piece.n)
		return;
	r->size += piece.n;
	if (!r->eight_bit)
		r->eight_bit = has_eight_bit(piece.p, piece.n);
	if (!r->nul)
		r->nul = memchr(piece.p, 0, piece.n);
	put(arg, piece);
}

static const char *find(const char *p, const char *end, char c)
{
	const char *at = memchr(p, c, end - p);

	return at ? at : end;
}

/* Passes text up to and with the next CR: a lone LF is content and no line. */
static const char *text(struct dot_reader *r, const char *p, const char *end)
{
	const char *cr = find(p, end, '\r');

	if (!r->bare_lf)
		r->bare_lf = find(p, cr, '\n') < cr;
	if (cr == end)
		return end;
	r->state = DOT_CR;
	return cr + 1;
}

bool dot_read(struct dot_reader *r, struct span *in,
		void (*put)(void *arg, struct span piece), void *arg)
{
	const char *p = in->p, *end = p ? p + in->n : p;
	const char *from = p;		/* of the piece that is growing */

	while (p < end) {
		switch (r->state) {
		case DOT_START:
			r->state = DOT_TEXT;
			if (*p != '.')
				break;
			take(r, span_make(from, p - from), put, arg);
			from = ++p;
			r->state = DOT_DOT;
			break;
		case DOT_DOT:
			r->state = DOT_TEXT;
			if (*p != '\r')
				break;
			from = ++p;
			r->state = DOT_DOT_CR;
			break;
		case DOT_DOT_CR:
			if (*p == '\n') {
				*in = span_make(p + 1, end - p - 1);
				return true;
			}
			take(r, SPAN("\r"), put, arg);
			r->bare_cr = true;
			r->state = DOT_TEXT;
			break;
		case DOT_CR:
			r->state = *p == '\n' ? DOT_START : DOT_TEXT;
			if (*p == '\n')
				p++;
			else
				r->bare_cr = true;
			break;
		default:
			p = text(r, p, end);
		}
	}
	take(r, span_make(from, end - from), put, arg);
	*in = span_make(NULL, 0);
	return false;
}

void dot_count(struct dot_reader *r, struct span in,
		void (*put)(void *arg, struct span piece), void *arg)
{
	const char *p = in.p, *end = p ? p + in.n : p;

	while (p < end) {
		if (r->state != DOT_CR) {
			p = text(r, p, end);
			continue;
		}
		r->state = DOT_TEXT;
		if (*p == '\n')
			p++;
		else
			r->bare_cr = true;
	}
	take(r, in, put, arg);
}

void dot_count_end(struct dot_reader *r)
{
	r->bare_cr |= r->state == DOT_CR;
}

/* The octets from p on that need no repair; a CR is kept for its LF. */
static size_t whole_lines(const char *p, const char *end)
{
	const char *at = p;

	while (at < end && *at != '\n' && *at != '\r')
		at++;
	while (end - at > 1 && at[0] == '\r' && at[1] == '\n') {
		at += 2;
		while (at < end && *at != '\n' && *at != '\r')
			at++;
	}
	return at - p;
}

void dot_repair(struct dot_repair *r, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg)
{
	const char *p = piece.p, *end = p ? p + piece.n : p;
	size_t n;

	if (r->cr && p < end) {
		put(arg, *p == '\n' ? SPAN("\r\n") : SPAN(" "));
		p += *p == '\n';
		r->cr = false;
	}
	while (p < end) {
		n = whole_lines(p, end);
		if (n)
			put(arg, span_make(p, n));
		p += n;
		if (p == end)
			return;
		r->cr = *p == '\r' && p + 1 == end;
		if (!r->cr)
			put(arg, *p == '\n' ? SPAN("\r\n") : SPAN(" "));
		p++;
	}
}

void dot_repair_end(struct dot_repair *r,
		void (*put)(void *arg, struct span piece), void *arg)
{
	if (r->cr)
		put(arg, SPAN(" "));
	r->cr = false;
}

void dot_writer_init(struct dot_writer *w)
{
	w->state = DOT_START;
}

/* Is there a CR before this LF? */
static bool has_cr(const struct dot_writer *w, const char *p, const char *lf)
{
	return lf > p ? lf[-1] == '\r' : w->state == DOT_CR;
}

size_t dot_expand(struct dot_writer *w, struct span piece, char *to)
{
	const char *p = piece.p, *end = p + piece.n;
	char *at = to;

	while (p < end) {
		const char *lf = find(p, end, '\n');

		if (w->state == DOT_START && *p == '.')
			*at++ = '.';
		/* gcc -Os makes of memcpy what is slow for a line */
		memmove(at, p, lf - p);
		at += lf - p;
		if (lf == end) {
			w->state = end[-1] == '\r' ? DOT_CR : DOT_TEXT;
			break;
		}
		if (!has_cr(w, p, lf))
			*at++ = '\r';
		*at++ = '\n';
		w->state = DOT_START;
		p = lf + 1;
	}
	return at - to;
}

/*
 * A dot is stuffed only behind CRLF, as receivers take it away only there. A
 * piece is handed on as it is up to where something has to be put in.
 */
void dot_write(struct dot_writer *w, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg)
{
	const char *p = piece.p, *end = p ? p + piece.n : p, *from = p;

	while (p < end) {
		const char *lf;

		if (w->state == DOT_START && *p == '.') {
			if (p > from)
				put(arg, span_make(from, p - from));
			from = p;
			put(arg, SPAN("."));
		}
		lf = find(p, end, '\n');
		if (lf == end) {
			w->state = end[-1] == '\r' ? DOT_CR : DOT_TEXT;
			break;
		}
		w->state = has_cr(w, p, lf) ? DOT_START : DOT_TEXT;
		p = lf + 1;
	}
	if (end > from)
		put(arg, span_make(from, end - from));
}

void dot_finish(struct dot_writer *w,
		void (*put)(void *arg, struct span piece), void *arg)
{
	put(arg, w->state == DOT_START ? SPAN(".\r\n") : SPAN("\r\n.\r\n"));
	w->state = DOT_START;
}
