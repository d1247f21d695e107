#include "mailconf/setup_edit.h"

/* Where the comment of a line begins; its end when it has none. */
static size_t comment_at(struct span line)
{
	bool quoted = false;

	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '"')
			quoted = !quoted;
		if (line.p[i] == '#' && !quoted && (!i ||
					ascii_isspace(line.p[i - 1])))
			return i;
	}
	return line.n;
}

/* Is it a line of this directive? *rest: its value, *comment: what follows. */
static bool is_line(struct span line, const char *name, struct span *rest,
		struct span *comment)
{
	size_t at = comment_at(line);

	*comment = span_trim(span_rest(line, at));
	*rest = span_trim(span_sub(line, 0, at));
	if (!span_is(span_word(rest), name))
		return false;
	*rest = span_trim(*rest);
	return true;
}

static void put_line(struct str *out, const char *name, const char *value,
		struct span comment)
{
	str_addf(out, "%s %s", name, value);
	if (comment.n)
		str_addf(out, "  %.*s", SPAN_ARG(comment));
	str_addc(out, '\n');
}

static void put_as_it_is(struct str *out, struct span line)
{
	str_add(out, line);
	str_addc(out, '\n');
}

void setup_edit(struct str *out, struct span text, const char *name,
		const char *value, setup_match *match)
{
	struct span rest, comment;

	while (text.n) {
		struct span line = span_cut(&text, '\n');

		if (!is_line(line, name, &rest, &comment) ||
				(match && !match(rest))) {
			put_as_it_is(out, line);
			continue;
		}
		if (value)
			put_line(out, name, value, comment);
		value = NULL;
	}
	if (value)
		put_line(out, name, value, SPAN(""));
}

void setup_edit_add(struct str *out, struct span text, const char *name,
		const char *value)
{
	struct span rest, comment, all = text;
	size_t lines = 0, last = 0;

	while (all.n) {
		lines++;
		if (is_line(span_cut(&all, '\n'), name, &rest, &comment))
			last = lines;
	}
	lines = 0;
	while (text.n) {
		put_as_it_is(out, span_cut(&text, '\n'));
		if (++lines == last)
			put_line(out, name, value, SPAN(""));
	}
	if (!last)
		put_line(out, name, value, SPAN(""));
}

bool setup_edit_has(struct span text, const char *name, const char *word)
{
	struct span rest, comment;

	while (text.n)
		if (is_line(span_cut(&text, '\n'), name, &rest, &comment) &&
				span_is(span_word(&rest), word))
			return true;
	return false;
}

/* -- aliases(5): "name: value", and lines that begin with a blank go on -- */

static bool is_alias(struct span line, const char *name)
{
	struct span rest = line;
	struct span word = span_trim(span_cut(&rest, ':'));

	return line.n && !ascii_isspace(line.p[0]) && line.p[0] != '#' &&
		word.n < line.n && span_is(word, name);
}

static bool goes_on(struct span line)
{
	return line.n && ascii_isspace(line.p[0]) && span_trim(line).n;
}

void setup_edit_alias(struct str *out, struct span text, const char *name,
		const char *value)
{
	bool inside = false;

	while (text.n) {
		struct span line = span_cut(&text, '\n');

		if (inside && goes_on(line))
			continue;
		inside = is_alias(line, name);
		if (!inside) {
			put_as_it_is(out, line);
			continue;
		}
		if (value)
			str_addf(out, "%s: %s\n", name, value);
		value = NULL;
	}
	if (value)
		str_addf(out, "%s: %s\n", name, value);
}

void setup_alias_value(struct str *out, struct span text, const char *name)
{
	bool inside = false;

	while (text.n) {
		struct span line = span_cut(&text, '\n'), value = line;

		if (!inside || !goes_on(line)) {
			inside = is_alias(line, name);
			span_cut(&value, ':');
		}
		if (!inside)
			continue;
		if (out->n)
			str_addc(out, ' ');
		str_add(out, span_trim(value));
	}
}
