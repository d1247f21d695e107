#include "mime/transfer.h"

#include "mime/qp.h"

void transfer_begin(struct transfer *t, struct span encoding)
{
	*t = (struct transfer){ .kind = TRANSFER_NONE };
	if (span_is(encoding, "base64"))
		t->kind = TRANSFER_BASE64;
	else if (span_is(encoding, "quoted-printable"))
		t->kind = TRANSFER_QP;
}

/* ---- base64 */

static int value(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* n of four characters came: 2 are one octet, 3 two, 4 three. */
static void put_bits(struct transfer *t, struct str *out)
{
	uint32_t bits = t->bits << (4 - t->n) * 6;
	char octets[3] = {
		(char)(bits >> 16), (char)(bits >> 8), (char)bits
	};

	str_add(out, span_make(octets, t->n ? t->n - 1 : 0));
	t->n = 0;
	t->bits = 0;
}

static void put_base64_char(struct transfer *t, struct str *out, char c)
{
	int v = value(c);

	if (v >= 0) {
		t->bits = t->bits << 6 | (uint32_t)v;
		t->n++;
	}
	/* padding ends a text; what follows it is a new one */
	if (t->n == 4 || c == '=')
		put_bits(t, out);
	if (c == '=')
		t->padded = true;
}

static bool is_base64(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (value(line.p[i]) < 0 && line.p[i] != '=')
			return false;
	return true;
}

/*
 * The line behind padding is held. Lists append their footers there as they
 * are: what does not look like base64 is text from then on.
 */
static void judge_line(struct transfer *t, struct str *out)
{
	struct span line = span_make(t->held, t->held_n);

	t->held_n = 0;
	if (is_base64(span_trim(line))) {
		for (size_t i = 0; i < line.n; i++)
			put_base64_char(t, out, line.p[i]);
		return;
	}
	t->kind = TRANSFER_NONE;
	str_add(out, line);
}

static void put_base64(struct transfer *t, struct str *out, struct span piece)
{
	size_t i = 0;

	while (i < piece.n && t->kind == TRANSFER_BASE64) {
		char c = piece.p[i++];

		if (!t->judging) {
			put_base64_char(t, out, c);
			t->judging = t->padded && c == '\n';
			continue;
		}
		t->held[t->held_n++] = c;
		if (c == '\n' || t->held_n == TRANSFER_HELD) {
			t->judging = c == '\n';
			judge_line(t, out);
		}
	}
	str_add(out, span_rest(piece, i));
}

/* ---- quoted-printable */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Are these blanks, and perhaps a CR: does only a line's end miss? */
static bool is_tail(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n == s.n || (n + 1 == s.n && s.p[n] == '\r');
}

/*
 * What is held starts with "=" or a blank. How many of its octets are said as
 * they stand, the rest being read again; 0: it is done with; -1: more has to
 * come.
 */
static int settle(const struct transfer *t, struct str *out)
{
	struct span held = span_make(t->held, t->n), rest;
	bool escape = held.p[0] == '=', ends = held.p[held.n - 1] == '\n';
	int c = qp_escape(held);
	size_t blanks = 0;

	if (c >= 0) {
		str_addc(out, (char)c);
		return 0;
	}
	rest = span_sub(held, escape, held.n - escape - ends);
	if (is_tail(rest)) {
		if (!ends && held.n < TRANSFER_HELD)
			return -1;
		/* RFC 2045 6.7 (5): a soft break; (3): blanks at the end */
		if (ends && !escape)
			str_adds(out, held.p[held.n - 2] == '\r' ? "\r\n" :
					"\n");
		if (ends)
			return 0;
	}
	if (escape)
		return rest.n == 1 && !ends && qp_digit(rest.p[0]) ? -1 : 1;
	while (blanks < held.n && is_blank(held.p[blanks]))
		blanks++;
	return (int)blanks;
}

static void put_char(struct transfer *t, struct str *out, char c)
{
	struct transfer had;
	int said;

	if (!t->n && c != '=' && !is_blank(c)) {
		str_addc(out, c);
		return;
	}
	t->held[t->n++] = c;
	said = settle(t, out);
	if (said < 0)
		return;
	had = *t;
	t->n = 0;
	if (!said)
		return;
	str_add(out, span_make(had.held, (size_t)said));
	for (unsigned i = (unsigned)said; i < had.n; i++)
		put_char(t, out, had.held[i]);
}

/* Runs that say themselves go as they are. */
static void put_qp(struct transfer *t, struct str *out, struct span piece)
{
	while (piece.n) {
		size_t n = 0;

		while (!t->n && n < piece.n && piece.p[n] != '=' &&
				!is_blank(piece.p[n]))
			n++;
		str_add(out, span_sub(piece, 0, n));
		piece = span_rest(piece, n);
		if (piece.n)
			put_char(t, out, piece.p[0]);
		piece = span_rest(piece, 1);
	}
}

/* The end of the text is the end of a line, too. */
static void end_qp(struct transfer *t, struct str *out)
{
	struct span held = span_make(t->held, t->n);

	if (!is_tail(span_rest(held, held.n && held.p[0] == '=')))
		str_add(out, held);
	else if (held.n && held.p[held.n - 1] == '\r' && held.p[0] != '=')
		str_addc(out, '\r');
}

/* ---- */

void transfer_put(struct transfer *t, struct str *out, struct span piece)
{
	if (t->kind == TRANSFER_BASE64)
		put_base64(t, out, piece);
	else if (t->kind == TRANSFER_QP)
		put_qp(t, out, piece);
	else
		str_add(out, piece);
}

void transfer_end(struct transfer *t, struct str *out)
{
	if (t->kind == TRANSFER_BASE64) {
		judge_line(t, out);
		put_bits(t, out);
	} else if (t->kind == TRANSFER_QP)
		end_qp(t, out);
	t->n = 0;
}
