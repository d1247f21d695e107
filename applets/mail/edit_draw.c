/* A line on the screen: what is there, what shall be there, the way between. */
#include "mail/edit.h"

#include <string.h>
#include "base/utf8.h"

#define STEPS 4			/* columns that single bytes are cheaper for */

/* ---- what the window shows */

/* One character of text at *at as it is shown; moves *at behind it. */
static unsigned add_char(const struct mail_edit *e, struct str *out,
		size_t *at, unsigned column)
{
	struct span rest = span_rest(str_span(&e->text), *at), shown;
	unsigned width;
	char room[4];

	if (rest.p[0] == '\t') {
		width = MAIL_TERM_TAB - column % MAIL_TERM_TAB;
		for (unsigned i = 0; i < width; i++)
			str_addc(out, ' ');
		rest = span_rest(rest, 1);
	} else {
		shown = mail_term_char(e->term, &rest, room, &width);
		str_add(out, shown);
	}
	*at = e->text.n - rest.n;
	return width;
}

/* Columns of text from `from` to `to`. */
static unsigned width_of(const struct mail_edit *e, size_t from, size_t to)
{
	unsigned columns = 0;
	struct str drop;

	str_init(&drop, MAIL_TERM_TAB);
	while (from < to) {
		str_clear(&drop);
		columns += add_char(e, &drop, &from, columns);
	}
	str_free(&drop);
	return columns;
}

/* Moves the window only when the cursor has left it, and then by a part of it. */
static void scroll(struct mail_edit *e)
{
	unsigned part;

	if (e->at < e->left) {
		e->left = e->at;
		part = e->room / 3;
	} else if (width_of(e, e->left, e->at) + (e->left > 0) > e->room) {
		part = e->room - e->room / 3;
	} else {
		return;
	}
	/* the window is where the cursor stands `part` columns inside of it */
	for (e->left = e->at; e->left; ) {
		size_t before = e->left - 1;

		while (before && ((e->text.p[before] & 0xC0) == 0x80))
			before--;
		if (width_of(e, before, e->at) > part)
			break;
		e->left = before;
	}
}

/* What shall be shown; gives the column of the cursor. */
static unsigned compose(struct mail_edit *e, struct str *out)
{
	unsigned column = 0, cursor = 0, width;
	size_t at, kept;

	scroll(e);
	if (e->left) {
		str_addc(out, '<');
		column = 1;
	}
	for (at = e->left; ; column += width) {
		if (at <= e->at)
			cursor = column;
		if (at >= e->text.n)
			break;
		kept = out->n;
		width = add_char(e, out, &at, column);
		if (column + width > e->room) {
			out->n = kept;
			str_addc(out, '>');
			break;
		}
	}
	return cursor;
}

/* ---- the way there */

/* Of what is on the screen: the first character with its marks. */
static size_t unit(const struct mail_edit *e, struct span shown)
{
	struct span rest = shown, before;

	if (e->term->charset != MAIL_UTF8)
		return shown.n > 0;
	if (rest.n)
		utf8_next(&rest);
	for (before = rest; rest.n && utf8_width(utf8_next(&rest)) == 0; )
		before = rest;
	return shown.n - before.n;
}

static unsigned columns_of(const struct mail_edit *e, struct span shown)
{
	unsigned columns = 0;

	if (e->term->charset != MAIL_UTF8)
		return (unsigned)shown.n;
	while (shown.n) {
		int width = utf8_width(utf8_next(&shown));

		columns += width > 0 ? (unsigned)width : 0;
	}
	return columns;
}

/* Octets that both begin with, in whole characters. */
static size_t common_start(const struct mail_edit *e, struct span a,
		struct span b)
{
	size_t n = 0, step;

	for (;;) {
		struct span x = span_rest(a, n), y = span_rest(b, n);

		step = unit(e, x);
		if (!step || step != unit(e, y) || memcmp(x.p, y.p, step) != 0)
			return n;
		n += step;
	}
}

/* Octets that both end with: whole characters, of what is behind the start. */
static size_t common_end(const struct mail_edit *e, struct span a,
		struct span b)
{
	size_t most = a.n < b.n ? a.n : b.n, n = 0;

	while (n < most && a.p[a.n - n - 1] == b.p[b.n - n - 1])
		n++;
	while (n && e->term->charset == MAIL_UTF8) {
		struct span end = span_rest(a, a.n - n);

		if ((end.p[0] & 0xC0) != 0x80 &&
		    utf8_width(utf8_next(&end)) != 0)
			break;
		n--;
	}
	return n;
}

/* The cursor to column `to`; what it passes is on the screen already. */
static void go(struct mail_edit *e, struct str *out, unsigned to)
{
	unsigned n = to < e->column ? e->column - to : to - e->column;

	if (to < e->column && n <= STEPS)
		str_add(out, span_sub(SPAN("\b\b\b\b"), 0, n));
	else if (n == 1)
		str_adds(out, to < e->column ? "\b" : "\033[C");
	else if (n)
		str_addf(out, "\033[%u%c", n, to < e->column ? 'D' : 'C');
	e->column = to;
}

/* Forward by writing again what is there, where that is shorter. */
static void go_to(struct mail_edit *e, struct str *out, unsigned to)
{
	struct span rest = str_span(&e->shown), slice;
	unsigned column = 0;

	while (column < e->column && rest.n) {
		size_t step = unit(e, rest);

		column += columns_of(e, span_sub(rest, 0, step));
		rest = span_rest(rest, step);
	}
	slice = rest;
	while (column < to && rest.n) {
		size_t step = unit(e, rest);

		column += columns_of(e, span_sub(rest, 0, step));
		rest = span_rest(rest, step);
	}
	slice.n -= rest.n;
	if (to > e->column && column == to && slice.n <= STEPS) {
		str_add(out, slice);
		e->column = to;
	}
	go(e, out, to);
}

/* From the first difference on. */
static void write_rest(struct mail_edit *e, struct str *out, struct span old,
		struct span new)
{
	size_t end = common_end(e, old, new);
	unsigned had = columns_of(e, span_sub(old, 0, old.n - end));
	unsigned has = columns_of(e, span_sub(new, 0, new.n - end));

	/* the end stands, or the terminal can shift it */
	if (had != has && (e->term->kind < MAIL_INSERTS || end < 8))
		end = 0;
	else if (has > had)
		str_addf(out, "\033[%u@", has - had);
	else if (has < had)
		str_addf(out, "\033[%uP", had - has);
	new.n -= end;
	str_add(out, new);
	e->column += columns_of(e, new);
	if (!end && columns_of(e, old) > columns_of(e, new))
		str_adds(out, "\033[K");
}

void mail_edit_draw(struct mail_edit *e, struct str *out)
{
	struct span old = str_span(&e->shown), new;
	struct str line;
	unsigned cursor;
	size_t start;

	str_init(&line, 2 * MAIL_LINE_MOST);
	cursor = compose(e, &line);
	new = str_span(&line);
	start = common_start(e, old, new);
	if (start < old.n || start < new.n) {
		go_to(e, out, columns_of(e, span_sub(old, 0, start)));
		write_rest(e, out, span_rest(old, start),
				span_rest(new, start));
	}
	str_free(&e->shown);
	e->shown = line;
	go_to(e, out, cursor);
}
