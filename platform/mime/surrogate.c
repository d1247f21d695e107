#include "mime/surrogate.h"

#include <string.h>

#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"

#define FIELD_OUT (SURROGATE_FIELD_MOST * 4)

/* -- one field -- */

/* NULs are odd, but no UTF-8. */
static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return false;
	return true;
}

static bool is_field(struct span s)
{
	size_t colon = span_find(s, ':');

	return colon < s.n && header_name_valid(span_trim(span_sub(s, 0,
						colon)));
}

static bool is_one_of(struct span name, const char *const *names)
{
	for (; *names; names++)
		if (span_is(name, *names))
			return true;
	return false;
}

static bool has_addresses(struct span name)
{
	static const char *const names[] = {
		"From", "Sender", "Reply-To", "To", "Cc", "Bcc",
		"Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc",
		"Resent-Bcc", "Disposition-Notification-To", NULL
	};

	return is_one_of(name, names);
}

static bool is_text(struct span name)
{
	static const char *const names[] = {
		"Subject", "Comments", "Keywords", "Content-Description", NULL
	};

	return is_one_of(name, names) || span_starts(name, "X-");
}

/* A display name without its quotes. */
static void put_name(struct str *out, struct span name)
{
	struct str plain;

	str_init(&plain, SURROGATE_FIELD_MOST);
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '\\' && i + 1 < name.n)
			i++;
		else if (name.p[i] == '"')
			continue;
		str_addc(&plain, name.p[i]);
	}
	word_encode_whole(out, str_span(&plain));
	str_free(&plain);
}

static bool put_address(void *arg, const struct addr_entry *e)
{
	struct str *out = arg;

	if (out->n)
		str_adds(out, ", ");
	if (e->name.n && utf8_ascii(e->name))
		str_add(out, e->name);
	else if (e->name.n)
		put_name(out, e->name);
	str_adds(out, e->name.n ? " <" : "<");
	if (utf8_ascii(e->addr.local))
		addr_put_ascii(out, &e->addr);
	else
		str_adds(out, SURROGATE_NOBODY);
	str_addc(out, '>');
	return !out->bad;
}

static void put_octets(struct str *out, struct span value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\\' && i + 1 < value.n)
			i++;
		if (span_isalnum(span_make(value.p + i, 1), "-._"))
			str_addc(out, value.p[i]);
		else
			str_addf(out, "%%%02X", (unsigned)(unsigned char)
					value.p[i]);
	}
}

/* How far a piece between semicolons goes: those in quotes are none. */
static size_t piece_size(struct span s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n && (quoted || s.p[i] != ';'); i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
	}
	return i < s.n ? i : s.n;
}

/* RFC 2231 4: name*=utf-8''%C3%A9 */
static void put_parameter(struct str *out, struct span piece)
{
	struct span value = piece, name = span_trim(span_cut(&value, '='));

	value = span_trim(value);
	if (utf8_ascii(piece)) {
		str_add(out, piece);
		return;
	}
	/* not a parameter, or one whose name is not ASCII */
	if (!value.n || !name.n || !utf8_ascii(name))
		return;
	if (value.n > 1 && value.p[0] == '"' && value.p[value.n - 1] == '"')
		value = span_sub(value, 1, value.n - 2);
	str_addc(out, ' ');
	str_add(out, name);
	str_adds(out, span_ends(name, "*") ? "=" : "*=utf-8''");
	put_octets(out, value);
}

static void put_mime(struct str *out, struct span value)
{
	while (value.n) {
		size_t n = piece_size(value);
		size_t before = out->n;

		if (before)
			str_addc(out, ';');
		put_parameter(out, span_sub(value, 0, n));
		value = span_rest(value, n + 1);
	}
}

static void put_value(struct str *out, struct span name, struct span value)
{
	if (has_addresses(name)) {
		addr_each(value, put_address, out);
	} else if (is_text(name)) {
		word_encode(out, span_trim(value));
	} else if (span_starts(name, "Content-")) {
		put_mime(out, value);
	}
}

void surrogate_field(struct str *out, struct span field)
{
	size_t colon = span_find(field, ':');
	struct span name = span_trim(span_sub(field, 0, colon));
	struct str plain, value;
	char word[80];

	if (is_plain(field) || !utf8_valid(field) || !is_field(field)) {
		str_add(out, field);
		return;
	}
	str_init(&plain, SURROGATE_FIELD_MOST);
	str_init(&value, FIELD_OUT);
	header_unfold(&plain, span_rest(field, colon + 1));
	put_value(&value, name, str_span(&plain));
	if (value.n && !value.bad && !plain.bad && str_copy(word, sizeof(word),
				name) == 0)
		header_put(out, word, str_span(&value));
	str_free(&plain);
	str_free(&value);
}

/* -- a message -- */

enum {
	FIELDS,		/* a field is held back until it is over */
	LONG,		/* ... it was too long for that */
	BODY,
	/* behind a delimiter: held back until it is clear what */
	PART
};

static const char part_begins[] = "content-";

void surrogate_init(struct surrogate *s)
{
	*s = (struct surrogate){ .state = FIELDS };
	str_init(&s->field, SURROGATE_FIELD_MOST);
}

void surrogate_free(struct surrogate *s)
{
	str_free(&s->field);
}

static void pass(struct surrogate *s, surrogate_put *put, void *arg)
{
	if (s->field.n)
		put(arg, str_span(&s->field));
	str_clear(&s->field);
}

static void field_over(struct surrogate *s, surrogate_put *put, void *arg)
{
	struct str out;

	if (is_plain(str_span(&s->field))) {
		pass(s, put, arg);
		return;
	}
	/* text without a header, or with a broken one */
	if (!is_field(str_span(&s->field))) {
		s->state = BODY;
		pass(s, put, arg);
		return;
	}
	str_init(&out, FIELD_OUT);
	surrogate_field(&out, str_span(&s->field));
	if (out.n)
		put(arg, str_span(&out));
	str_free(&out);
	str_clear(&s->field);
}

static void put_ascii(char c, surrogate_put *put, void *arg)
{
	put(arg, (unsigned char)c > 127 ? SPAN("?") : span_make(&c, 1));
}

static void note(struct surrogate *s, char c)
{
	if (c == '\n') {
		if (s->delimiter)
			s->state = PART;
		s->column = s->dashes = 0;
		s->delimiter = false;
		return;
	}
	/* "-- " begins a signature */
	if (s->column == 2)
		s->delimiter = s->dashes == 2 && !ascii_isspace(c);
	s->dashes += s->column < 2 && c == '-';
	if (s->column < 3)
		s->column++;
}

static void in_fields(struct surrogate *s, char c, surrogate_put *put,
		void *arg)
{
	if (!s->column && c != ' ' && c != '\t')
		field_over(s, put, arg);
	if (s->state == BODY || (!s->column && c == '\n')) {
		put(arg, span_make(&c, 1));
		s->state = BODY;
		note(s, c);
		return;
	}
	str_addc(&s->field, c);
	s->column = c != '\n';
	if (!s->field.bad)
		return;
	for (size_t i = 0; i < s->field.n; i++)
		put_ascii(s->field.p[i], put, arg);
	put_ascii(c, put, arg);
	str_free(&s->field);
	s->state = LONG;
}

static void in_long(struct surrogate *s, char c, surrogate_put *put, void *arg)
{
	if (!s->column && c != ' ' && c != '\t') {
		s->state = FIELDS;
		in_fields(s, c, put, arg);
		return;
	}
	put_ascii(c, put, arg);
	s->column = c != '\n';
}

static void in_part(struct surrogate *s, char c, surrogate_put *put, void *arg)
{
	bool held;

	str_addc(&s->field, c);
	held = !s->field.bad;
	if (!held || ascii_lower(c) != part_begins[s->field.n - 1]) {
		s->state = BODY;
		s->column = 0;
		for (size_t i = 0; i < s->field.n; i++)
			note(s, s->field.p[i]);
		pass(s, put, arg);
		if (held)
			return;
		/* no memory: it goes as it is */
		note(s, c);
		put(arg, span_make(&c, 1));
	} else if (s->field.n == sizeof(part_begins) - 1) {
		s->state = FIELDS;
		s->column = 1;
	}
}

/* As far as the line goes. */
static size_t in_body(struct surrogate *s, struct span piece)
{
	size_t n = 0;

	while (n < piece.n && s->state == BODY) {
		if (s->column >= 3)
			n += span_find(span_rest(piece, n), '\n');
		if (n < piece.n)
			note(s, piece.p[n++]);
	}
	return n;
}

void surrogate_write(struct surrogate *s, struct span piece,
		surrogate_put *put, void *arg)
{
	while (piece.n) {
		size_t n = 1;

		if (s->state == FIELDS)
			in_fields(s, piece.p[0], put, arg);
		else if (s->state == LONG)
			in_long(s, piece.p[0], put, arg);
		else if (s->state == PART)
			in_part(s, piece.p[0], put, arg);
		else
			put(arg, span_sub(piece, 0, n = in_body(s, piece)));
		piece = span_rest(piece, n);
	}
}

void surrogate_end(struct surrogate *s, surrogate_put *put, void *arg)
{
	if (s->state == FIELDS)
		field_over(s, put, arg);
	else
		pass(s, put, arg);
	surrogate_free(s);
}
