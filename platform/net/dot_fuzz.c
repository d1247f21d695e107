/*
 * The reader against one that has the whole text before it and thinks in
 * lines; then what the writer makes of the content reads back as it was.
 * The first byte says how the input is cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/str.h"
#include "net/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void add(void *arg, struct span piece)
{
	if (!piece.n)
		abort();
	str_add(arg, piece);
}

static bool at(struct span s, size_t i, const char *text)
{
	size_t n = strlen(text);

	return s.n - i >= n && !memcmp(s.p + i, text, n);
}

/* Gives where the data end, or s.n + 1 when they do not. */
static size_t reference(struct span s, struct str *out)
{
	size_t i = 0, next;

	while (i < s.n) {
		if (at(s, i, ".\r\n"))
			return i + 3;
		if (s.p[i] == '.')
			i++;
		for (next = i; next < s.n && !at(s, next, "\r\n"); )
			next++;
		next = next < s.n ? next + 2 : s.n;
		/* CRLF . CR at the very end: the CR may belong to the end */
		if (next == s.n && s.n - i == 1 && i >= 1 && s.p[i] == '\r' &&
		    s.p[i - 1] == '.' && (i == 1 || at(s, i - 3, "\r\n")))
			return s.n + 1;
		str_add(out, span_sub(s, i, next - i));
		i = next;
	}
	return s.n + 1;
}

static void check_flags(const struct dot_reader *r, struct span out, bool end)
{
	bool cr = false, lf = false, high = false, nul = false;
	size_t i;

	for (i = 0; i < out.n; i++) {
		char c = out.p[i];

		nul |= c == 0;
		high |= c & 0x80;
		lf |= c == '\n' && (!i || out.p[i - 1] != '\r');
		if (c == '\r' && (i + 1 < out.n || end))
			cr |= i + 1 == out.n || out.p[i + 1] != '\n';
	}
	if (r->bare_cr != cr || r->bare_lf != lf || r->eight_bit != high ||
	    r->nul != nul || r->size != out.n)
		abort();
}

/* Pieces of 1 to `most` octets; most 0: all at once. */
static struct span next_piece(struct span *s, unsigned most, unsigned *seed)
{
	size_t n = most ? 1 + rand_r(seed) % most : s->n;
	struct span piece = span_sub(*s, 0, n);

	*s = span_sub(*s, piece.n, s->n);
	return piece;
}

static void check_read(struct span s, unsigned most, unsigned seed)
{
	struct span rest = s, piece = span_make(NULL, 0);
	struct str out, expected;
	struct dot_reader r;
	bool end = false;
	size_t where;

	str_init(&out, s.n + 1);
	str_init(&expected, s.n + 1);
	where = reference(s, &expected);
	dot_reader_init(&r);
	while (rest.n && !end) {
		piece = next_piece(&rest, most, &seed);
		end = dot_read(&r, &piece, add, &out);
	}
	if (end != (where <= s.n) || (end && piece.n + rest.n != s.n - where))
		abort();
	if (!span_eq(str_span(&out), str_span(&expected)))
		abort();
	check_flags(&r, str_span(&out), end);
	str_free(&out);
	str_free(&expected);
}

static void write_piece(struct dot_writer *w, bool fix, struct span piece,
		struct str *wire)
{
	char *to = fix ? malloc(2 * piece.n) : NULL;

	if (!fix)
		dot_write(w, piece, add, wire);
	else if (to)
		add(wire, span_make(to, dot_expand(w, piece, to)));
	free(to);
}

static void check_write(struct span s, bool fix, unsigned most, unsigned seed)
{
	struct str wire, back, expected;
	struct span rest = s, in;
	struct dot_writer w;
	struct dot_reader r;
	size_t i;

	str_init(&wire, 2 * s.n + 8);
	str_init(&back, 2 * s.n + 8);
	str_init(&expected, 2 * s.n + 8);
	dot_writer_init(&w);
	while (rest.n)
		write_piece(&w, fix, next_piece(&rest, most, &seed), &wire);
	dot_finish(&w, add, &wire);
	for (i = 0; i < s.n; i++) {
		if (fix && s.p[i] == '\n' && (!i || s.p[i - 1] != '\r'))
			str_addc(&expected, '\r');
		str_addc(&expected, s.p[i]);
	}
	if (expected.n && !span_ends(str_span(&expected), "\r\n"))
		str_adds(&expected, "\r\n");
	in = str_span(&wire);
	dot_reader_init(&r);
	if (!dot_read(&r, &in, add, &back) || in.n ||
	    !span_eq(str_span(&back), str_span(&expected)))
		abort();
	if (fix && r.bare_lf)
		abort();
	str_free(&wire);
	str_free(&back);
	str_free(&expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span s;
	unsigned most;

	if (!n)
		return 0;
	most = data[0] & 15;
	s = span_make((const char *)data + 1, n - 1);
	check_read(s, most, data[0]);
	check_write(s, false, most, data[0]);
	check_write(s, true, most, data[0]);
	return 0;
}
