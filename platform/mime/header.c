#include "mime/header.h"

#define FOLD_AT 76

bool header_name_valid(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 127 || name.p[i] == ':')
			return false;
	return name.n > 0;
}

/* Octets of the line at `from`, its LF included. */
static size_t line_size(struct span s, size_t from)
{
	struct span rest = span_rest(s, from);
	size_t lf = span_find(rest, '\n');

	return lf < rest.n ? lf + 1 : lf;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the field at the start of s with its continuation lines. */
static size_t field_size(struct span s)
{
	size_t n = line_size(s, 0);

	while (n < s.n && is_blank(s.p[n]))
		n += line_size(s, n);
	return n;
}

static bool is_empty_line(struct span s)
{
	return (s.n && s.p[0] == '\n') ||
		(s.n > 1 && s.p[0] == '\r' && s.p[1] == '\n');
}

bool header_next(struct span *in, struct header_field *f)
{
	struct span whole, rest, name;

	if (is_empty_line(*in)) {
		*in = span_rest(*in, line_size(*in, 0));
		return false;
	}
	whole = span_sub(*in, 0, field_size(*in));
	rest = whole;
	if (!span_has(rest, ':'))
		return false;
	name = span_cut(&rest, ':');
	/* obs-optional (RFC 5322 4.5.8): blanks before the colon */
	while (name.n && is_blank(name.p[name.n - 1]))
		name.n--;
	if (!header_name_valid(name))
		return false;
	*f = (struct header_field){ name, span_trim(rest), whole };
	*in = span_rest(*in, whole.n);
	return true;
}

bool header_find(struct span message, const char *name, struct header_field *f)
{
	while (header_next(&message, f))
		if (span_is(f->name, name))
			return true;
	return false;
}

void header_unfold(struct str *out, struct span value)
{
	while (value.n) {
		size_t n = 0;

		while (n < value.n && value.p[n] != '\r' && value.p[n] != '\n')
			n++;
		str_add(out, span_sub(value, 0, n));
		value = span_rest(value, n + 1);
	}
}

/* Takes blanks and the word behind them; line ends count as blanks. */
static struct span take_word(struct span *s)
{
	struct span word;
	size_t n = 0;

	while (n < s->n && ascii_isspace(s->p[n]))
		n++;
	while (n < s->n && !ascii_isspace(s->p[n]))
		n++;
	word = span_sub(*s, 0, n);
	*s = span_rest(*s, n);
	return word;
}

/* A line end inside a value would be a second field: it becomes a blank. */
static void put_word(struct str *out, struct span word)
{
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];

		str_addc(out, c == '\r' || c == '\n' ? ' ' : c);
	}
}

void header_put(struct str *out, const char *name, struct span value)
{
	size_t column = span_of(name).n + 2;
	bool first = true;

	value = span_trim(value);
	str_addf(out, "%s: ", name);
	while (value.n) {
		struct span word = take_word(&value);

		/* the first word stays: what it folds from is blank, a
		 * broken field */
		if (!first && column + word.n > FOLD_AT) {
			str_addc(out, '\n');
			column = 0;
		}
		put_word(out, word);
		column += word.n;
		first = false;
	}
	str_addc(out, '\n');
}

size_t header_size(struct span in)
{
	struct span rest = in;
	struct header_field f;

	while (header_next(&rest, &f))
		;
	return in.n - rest.n;
}
