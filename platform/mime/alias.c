#include "mime/alias.h"

#include <string.h>

#include "base/utf8.h"
#include "mime/addr.h"

#define INCLUDE ":include:"

/* -- blanks, lines, comments -- */

static void skip(struct alias_list *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		l->line += l->rest.p[i] == '\n';
	if (n)
		l->fresh = l->rest.p[n - 1] == '\n';
	l->rest = span_rest(l->rest, n);
}

static void skip_line(struct alias_list *l)
{
	size_t n = span_find(l->rest, '\n');

	skip(l, n < l->rest.n ? n + 1 : n);
}

/* A line that has a # before all else is a comment, in the middle of values, too. */
static void skip_blanks(struct alias_list *l, bool commas)
{
	while (l->rest.n) {
		char c = l->rest.p[0];
		bool fresh = l->fresh && c != ',';

		if (l->fresh && c == '#') {
			skip_line(l);
			continue;
		}
		if (!ascii_isspace(c) && !(commas && c == ','))
			return;
		if (c == '\n' && l->lines && !commas)
			return;
		skip(l, 1);
		l->fresh |= fresh;
	}
}

/* -- one value: its octets as written, and without quotes -- */

struct text {
	char raw[ALIAS_VALUE_SIZE], plain[ALIAS_VALUE_SIZE];
	size_t nraw, nplain;
	size_t quotes;		/* quoted strings so far */
	bool whole;		/* one quoted string is all of it */
	bool blank;		/* there was a blank, which matters when more follows */
	bool blanks;		/* ... and more followed */
	const char *why;
};

static void add_raw(struct text *t, char c)
{
	if (t->nraw + 1 >= sizeof(t->raw))
		t->why = "longer than 1,023 octets";
	else
		t->raw[t->nraw++] = c;
}

static void add(struct text *t, char c)
{
	if (c == '\t')
		c = ' ';
	if ((unsigned char)c < ' ' || c == 127)
		t->why = "a control character";
	add_raw(t, c);
	/* never longer than raw */
	if (t->nplain + 1 < sizeof(t->plain))
		t->plain[t->nplain++] = c;
}

/* Blanks count once, and not at the end. */
static void add_blank(struct text *t)
{
	if (t->blank && t->nraw) {
		add(t, ' ');
		t->blanks = true;
	}
	t->blank = false;
}

/* "..." at the front; a \ takes the next octet as it is. */
static void take_quoted(struct alias_list *l, struct text *t)
{
	t->whole = !t->nraw;
	t->quotes++;
	add_raw(t, '"');
	for (skip(l, 1); l->rest.n && l->rest.p[0] != '"'; skip(l, 1)) {
		if (l->rest.p[0] == '\n')
			break;
		if (l->rest.p[0] == '\\' && l->rest.n > 1 &&
				l->rest.p[1] != '\n') {
			add_raw(t, '\\');
			skip(l, 1);
		}
		add(t, l->rest.p[0]);
	}
	add_raw(t, '"');
	if (l->rest.n && l->rest.p[0] == '"')
		skip(l, 1);
	else
		t->why = "a \" is open at the end of the line";
}

/* (comment), nested ones too. */
static void skip_comment(struct alias_list *l, struct text *t)
{
	size_t depth = 0;

	do {
		depth += l->rest.p[0] == '(';
		depth -= l->rest.p[0] == ')';
		skip(l, 1);
	} while (depth && l->rest.n && l->rest.p[0] != '\n');
	if (depth)
		t->why = "a ( is open at the end of the line";
}

static bool ends(const struct alias_list *l)
{
	return !l->rest.n || l->rest.p[0] == ',' ||
		(l->lines && l->rest.p[0] == '\n');
}

static void take_text(struct alias_list *l, struct text *t)
{
	memset(t, 0, sizeof(*t));
	while (!ends(l)) {
		char c = l->rest.p[0];
		bool command = t->nplain && t->plain[0] == '|';

		if (ascii_isspace(c)) {
			skip_blanks(l, false);
			t->blank = true;
			continue;
		}
		if (c == '(' && !command) {
			skip_comment(l, t);
			continue;
		}
		add_blank(t);
		if (c == '"') {
			take_quoted(l, t);
			continue;
		}
		t->whole = false;
		if (c == '#' && t->blanks && !command)
			t->why = "# begins a comment only where a line does";
		add(t, c);
		skip(l, 1);
	}
}

/* -- what it is -- */

/* "Real Name" <user@domain>: what is in the brackets. */
static struct span in_brackets(struct span s)
{
	size_t from = s.n && s.p[s.n - 1] == '>' ? span_rfind(s, '<') : s.n;

	return from < s.n ? span_sub(s, from + 1, s.n - from - 2) : s;
}

/* Is it an address, or one without its domain? Then as it is on the wire. */
static bool put_address(struct str *out, struct span s)
{
	size_t at = span_rfind(s, '@');
	struct str whole;
	struct addr a;
	bool good;

	str_init(&whole, ALIAS_VALUE_SIZE);
	str_add(&whole, s);
	if (at == s.n)
		str_adds(&whole, "@x");
	good = !whole.bad && addr_parse(str_span(&whole), &a, true);
	if (good) {
		addr_local_plain(out, a.local);
		str_add(out, span_rest(s, at));
	}
	str_free(&whole);
	return good && !out->bad;
}

/* "john doe" in quotes, with a domain in them or none: whatever is in them. */
static bool put_quoted(struct str *out, struct span plain)
{
	size_t at = span_rfind(plain, '@');
	struct str text;
	bool good;

	str_init(&text, ALIAS_VALUE_SIZE);
	addr_put_quoted(&text, span_sub(plain, 0, at));
	str_add(&text, span_rest(plain, at));
	good = !text.bad && at && put_address(out, str_span(&text));
	str_free(&text);
	return good;
}

static const char *take_address(struct alias_value *v, struct span s, bool whole)
{
	struct str text;
	bool good;

	str_init(&text, sizeof(v->text) - 1);
	good = s.n && (whole ? put_quoted : put_address)(&text, s)
		&& str_copy(v->text, sizeof(v->text), str_span(&text)) == 0;
	str_free(&text);
	if (good && alias_is_target(span_of(v->text)))
		return "no address begins with |";
	return good ? NULL : "is no address";
}

static const char *take_path(struct alias_value *v, struct span s)
{
	if (!s.n || s.p[0] != '/')
		return "the path does not begin with /";
	return str_copy(v->text, sizeof(v->text), s) < 0 ? "a NUL" : NULL;
}

static const char *classify(struct alias_value *v, const struct text *t)
{
	struct span plain = span_make(t->plain, t->nplain);
	struct span s = t->whole ? plain : span_make(t->raw, t->nraw);

	if (t->why)
		return t->why;
	v->kind = ALIAS_COMMAND;
	if (span_starts(plain, "|")) {
		plain = span_trim(span_rest(plain, 1));
		return !plain.n || str_copy(v->text, sizeof(v->text),
				plain) < 0 ? "no command behind |" : NULL;
	}
	v->kind = ALIAS_FILE;
	if (span_starts(plain, "/"))
		return take_path(v, plain);
	v->kind = ALIAS_INCLUDE;
	if (span_starts(plain, INCLUDE))
		return take_path(v, span_trim(span_rest(plain,
						sizeof(INCLUDE) - 1)));
	if (span_starts(plain, ":"))
		return "of all :...: only :include: is known";
	s = in_brackets(s);
	v->kind = span_starts(s, "\\") ? ALIAS_EXACT : ALIAS_ADDRESS;
	if (v->kind == ALIAS_EXACT)
		s = span_rest(s, 1);
	return take_address(v, s, t->whole);
}

int alias_value_next(struct alias_list *l, struct alias_value *v,
		const char **why)
{
	struct text t;

	skip_blanks(l, true);
	l->at = l->line;
	if (!l->rest.n)
		return 0;
	take_text(l, &t);
	memset(v, 0, sizeof(*v));
	*why = classify(v, &t);
	return *why ? -1 : 1;
}

/* -- entries -- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Does the line at the front go on with what was before, or say nothing? */
static bool goes_on(struct span s)
{
	return is_blank(s.p[0]) || s.p[0] == '#' || s.p[0] == '\n' ||
		s.p[0] == '\r';
}

/* Of the lines at the front, up to the next one that begins something. */
static size_t entry_size(struct span s)
{
	size_t n = 0;

	do {
		n += span_find(span_rest(s, n), '\n') + 1;
	} while (n < s.n && goes_on(span_rest(s, n)));
	return n < s.n ? n : s.n;
}

/* Lines at the front that say nothing. */
static void skip_nothing(struct alias_list *l)
{
	while (l->rest.n) {
		size_t n = span_find(l->rest, '\n');
		struct span line = span_trim(span_sub(l->rest, 0, n));

		if (line.n && line.p[0] != '#')
			return;
		skip_line(l);
	}
}

static const char *check_name(struct span plain)
{
	if (!plain.n)
		return "no name before the :";
	if (span_has(plain, '@'))
		return "a name has no domain; it counts in all of ours";
	if (alias_is_target(plain))
		return "no name begins with |";
	return utf8_clean(plain) ? NULL : "the name is no text";
}

bool alias_name(char out[ALIAS_NAME_SIZE], struct span local)
{
	struct str text;
	bool good;

	str_init(&text, ALIAS_NAME_SIZE - 1);
	addr_local_plain(&text, local);
	good = !text.bad && text.n &&
		str_copy(out, ALIAS_NAME_SIZE, str_span(&text)) == 0;
	str_free(&text);
	if (good)
		ascii_lower_all(out);
	return good;
}

/* The name and its colon off the front. */
static const char *take_name(struct alias_list *l, char out[ALIAS_NAME_SIZE])
{
	struct span plain;
	struct str quoted;
	struct text t = { .nraw = 0 };
	const char *why;

	while (l->rest.n && l->rest.p[0] != ':' && l->rest.p[0] != '\n') {
		if (l->rest.p[0] == '"') {
			take_quoted(l, &t);
			continue;
		}
		add(&t, l->rest.p[0]);
		skip(l, 1);
	}
	plain = span_trim(span_make(t.plain, t.nplain));
	if (t.why)
		return t.why;
	if (!l->rest.n || l->rest.p[0] != ':')
		return "no : behind the name";
	skip(l, 1);
	if (!t.quotes && (span_has(plain, ' ') || span_has(plain, '(')))
		return "a blank in a name without quotes";
	why = check_name(plain);
	if (why)
		return why;
	str_init(&quoted, 2 * plain.n + 2);
	addr_put_quoted(&quoted, plain);
	why = alias_name(out, str_span(&quoted)) ? NULL :
		"the name has more than 64 octets";
	str_free(&quoted);
	return why;
}

int alias_entry_next(struct span *rest, unsigned *line, struct alias_entry *e,
		const char **why)
{
	struct alias_list l = { .rest = *rest, .line = *line };
	size_t n;

	memset(e, 0, sizeof(*e));
	skip_nothing(&l);
	e->line = l.line;
	n = l.rest.n ? entry_size(l.rest) : 0;
	e->values = (struct alias_list){ .rest = span_sub(l.rest, 0, n),
		.line = l.line };
	skip(&l, n);
	*rest = l.rest;
	*line = l.line;
	if (!n)
		return 0;
	if (is_blank(e->values.rest.p[0]))
		*why = "goes on with nothing";
	else
		*why = take_name(&e->values, e->name);
	return *why ? -1 : 1;
}

/* -- commands and files -- */

bool alias_is_target(struct span local)
{
	/* quoted, it is the same name */
	return span_starts(local, "|") || span_starts(local, "\"|") ||
		span_starts(local, "\"\\|");
}

void alias_put_target(struct str *out, const char *name, unsigned n)
{
	str_addf(out, "|%s#%u", name, n);
}

/* The number behind #, and what stands before it. */
static bool get_number(struct span local, const char *mark, struct span *name,
		unsigned *n)
{
	size_t at = span_rfind(local, '#');
	struct span digits = span_rest(local, at + 1);
	unsigned long number;

	if (!span_starts(local, "|") || at < 2 || !span_starts(digits, mark) ||
			!span_number(span_rest(digits, strlen(mark)),
				ALIAS_TARGETS_MOST, &number) || !number)
		return false;
	*n = (unsigned)number;
	*name = span_sub(local, 1, at - 1);
	return true;
}

bool alias_get_target(struct span local, char name[ALIAS_NAME_SIZE],
		unsigned *n)
{
	struct span text;

	return get_number(local, "", &text, n) && alias_name(name, text);
}

void alias_put_own(struct str *out, const char *user, unsigned n)
{
	str_addf(out, "|%s#~%u", user, n);
}

bool alias_get_own(struct span local, char user[ALIAS_NAME_SIZE],
		unsigned *n)
{
	struct span text;

	return get_number(local, "~", &text, n) &&
		str_copy(user, ALIAS_NAME_SIZE, text) == 0;
}
