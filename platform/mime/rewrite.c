#include "mime/rewrite.h"

#include "mime/header.h"

#define FIELD_MOST (64 * 1024)		/* octets that one becomes */
#define ADDRESS_MOST (2 * ADDR_MAX)

enum kind { KIND_OTHER, KIND_LIST, KIND_FROM, KIND_SENDER, KIND_REPLY_TO };

static const struct {
	const char *name;
	enum kind kind;
} fields[] = {
	{ "From", KIND_FROM },
	{ "Sender", KIND_SENDER },
	{ "Reply-To", KIND_REPLY_TO },
	{ "To", KIND_LIST },
	{ "Cc", KIND_LIST },
	{ "Bcc", KIND_LIST },
	{ "Resent-From", KIND_LIST },
	{ "Resent-Sender", KIND_LIST },
	{ "Resent-Reply-To", KIND_LIST },
	{ "Resent-To", KIND_LIST },
	{ "Resent-Cc", KIND_LIST },
	{ "Resent-Bcc", KIND_LIST },
	{ "Mail-Followup-To", KIND_LIST },
	{ "Disposition-Notification-To", KIND_LIST },
	{ "Return-Receipt-To", KIND_LIST },
	{ "Errors-To", KIND_LIST },
};

static enum kind kind_of(struct span name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_is(name, fields[i].name))
			return fields[i].kind;
	return KIND_OTHER;
}

/* ---- one list of addresses */

/* What a list is read by: what came out, and how far the input is copied. */
struct list_state {
	struct span in;
	struct str *out;
	size_t copied;
	const struct rewrite *r;
	const char *fixed;		/* that each address becomes; or NULL */
	unsigned found, changed;	/* addresses */
};

/* Octets up to the closing mark, in quotes with backslashes; or to the end. */
static size_t enclosed_size(struct span s, char open, char close)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == close && depth && (i || open != close)) {
			if (--depth == 0)
				return i + 1;
		} else if (s.p[i] == open && (open == '(' || !i)) {
			depth++;
		}
	}
	return s.n;
}

/* The quoted string, comment, literal or octet at s. */
static size_t token_size(struct span s)
{
	switch (s.p[0]) {
	case '"':
		return enclosed_size(s, '"', '"');
	case '(':
		return enclosed_size(s, '(', ')');
	case '[':
		return enclosed_size(s, '[', ']');
	default:
		return 1;
	}
}

static bool is_joint(char c)
{
	return c == '.' || c == '@';
}

/* An address as it is meant, without comments and blanks; where it stands. */
struct found {
	struct str text;
	size_t start, end;
};

/*
 * False: words that no dot or @ joins are no address. RFC 5322 4.4 has blanks
 * and comments around both; what is before a colon is a route.
 */
static bool collect(struct found *f, struct span s, size_t at, size_t end)
{
	bool gap = false;
	size_t n;

	for (; at < end; at += n) {
		char c = s.p[at];

		n = token_size(span_sub(s, at, end - at));
		if (ascii_isspace(c) || c == '(') {
			gap = true;
			continue;
		}
		if (c == ':') {
			str_clear(&f->text);
			gap = false;
			continue;
		}
		if (gap && f->text.n && !is_joint(c) &&
				!is_joint(f->text.p[f->text.n - 1]))
			return false;
		gap = false;
		if (!f->text.n)
			f->start = at;
		f->end = at + n;
		str_add(&f->text, span_sub(s, at, n));
	}
	return f->text.n && !f->text.bad;
}

/* text gets a domain where it has none, which a then lacks. */
static bool understand(struct str *text, struct addr *a)
{
	if (addr_parse(str_span(text), a, true))
		return true;
	str_adds(text, "@x");
	if (text->bad || !addr_parse(str_span(text), a, true))
		return false;
	a->domain = span_make(NULL, 0);
	return true;
}

static void copy_to(struct list_state *l, size_t at)
{
	str_add(l->out, span_sub(l->in, l->copied, at - l->copied));
	l->copied = at;
}

static bool becomes(const struct list_state *l, const struct addr *a,
		struct str *new)
{
	if (!l->fixed)
		return l->r->map && l->r->map(l->r->arg, a, new);
	str_adds(new, l->fixed);
	return true;
}

/* The octets from start to end may be an address. */
static void take(struct list_state *l, size_t start, size_t end)
{
	struct found f;
	struct addr a;
	struct str new;
	struct span old;

	str_init(&f.text, ADDRESS_MOST);
	str_init(&new, ADDRESS_MOST);
	if (!collect(&f, l->in, start, end) || !understand(&f.text, &a))
		goto out;
	l->found++;
	old = span_sub(l->in, f.start, f.end - f.start);
	if (!becomes(l, &a, &new) || new.bad || span_eq(old, str_span(&new)))
		goto out;
	l->changed++;
	copy_to(l, f.start);
	str_add(l->out, str_span(&new));
	l->copied = f.end;
out:
	str_free(&f.text);
	str_free(&new);
}

/* One mailbox, from at to the comma behind it; gives where that is. */
static size_t take_entry(struct list_state *l, size_t at)
{
	size_t start = at, angle = 0, end = 0;

	for (; at < l->in.n; at += token_size(span_rest(l->in, at))) {
		char c = l->in.p[at];

		if (c == '<' && !angle)
			angle = at + 1;
		else if (c == '>' && angle && !end)
			end = at;
		else if ((c == ',' || c == ';') && (!angle || end))
			break;
		else if (c == ':' && !angle)
			start = at + 1;	/* behind the name of a group */
	}
	if (!angle)
		take(l, start, at);
	else if (end)
		take(l, angle, end);
	return at;
}

static void rewrite_list(struct list_state *l)
{
	for (size_t at = 0; at < l->in.n; at++)
		at = take_entry(l, at);
	copy_to(l, l->in.n);
}

/* ---- the section */

struct section {
	const struct rewrite *r;
	struct str *out;
	struct str original;		/* what From was; empty: it is as it was */
	bool has_from, has_reply_to, answerable, changed;
};

static void put(struct section *s, struct span piece)
{
	for (struct span rest = piece; rest.n;)
		str_add(s->out, span_cut(&rest, '\0'));
}

/* Every address of the value by the map alone; gives whether one changed. */
static bool map_value(const struct section *s, struct span value,
		struct str *out)
{
	struct list_state l = { .in = value, .out = out, .r = s->r };

	rewrite_list(&l);
	return l.changed;
}

/* The one address that may be there; a value without any becomes that. */
static void fix_value(struct section *s, struct str *value, enum kind kind)
{
	struct str new;
	struct list_state l = { .in = str_span(value), .out = &new,
		.r = s->r, .fixed = s->r->from };

	str_init(&new, FIELD_MOST);
	rewrite_list(&l);
	if (!l.found) {
		str_clear(&new);
		str_addf(&new, "<%s>", s->r->from);
		l.changed = 1;
	}
	if (l.changed) {
		s->changed = true;
		if (kind == KIND_FROM && !s->original.n) {
			str_add(&s->original, str_span(value));
			s->answerable = l.found;
		}
		str_clear(value);
		str_add(value, str_span(&new));
	}
	value->bad |= new.bad;
	str_free(&new);
}

static void put_field(struct section *s, const struct header_field *f)
{
	enum kind kind = kind_of(f->name);
	/* of an empty value, what is left is behind the line */
	size_t before = f->value.n ? (size_t)(f->value.p - f->whole.p) :
		span_find(f->whole, ':') + 1;
	struct str value;

	s->has_from |= kind == KIND_FROM;
	s->has_reply_to |= kind == KIND_REPLY_TO;
	if (kind == KIND_OTHER) {
		put(s, f->whole);
		return;
	}
	str_init(&value, FIELD_MOST);
	s->changed |= map_value(s, f->value, &value);
	if (s->r->from && (kind == KIND_FROM || kind == KIND_SENDER))
		fix_value(s, &value, kind);
	put(s, span_sub(f->whole, 0, before));
	put(s, str_span(&value));
	put(s, span_rest(f->whole, before + f->value.n));
	s->out->bad |= value.bad;
	str_free(&value);
}

static void add_field(struct section *s, const char *name, struct span value)
{
	if (s->out->n && s->out->p[s->out->n - 1] != '\n')
		str_adds(s->out, "\r\n");
	str_adds(s->out, name);
	str_adds(s->out, ": ");
	put(s, value);
	str_adds(s->out, "\r\n");
	s->changed = true;
}

/* What the section came without, or lost. */
static void add_fields(struct section *s)
{
	struct str from;

	if (s->original.n)
		add_field(s, s->has_reply_to || s->r->cut || !s->answerable ?
				"X-Original-From" : "Reply-To",
				str_span(&s->original));
	if (s->has_from || s->r->cut || !s->r->from)
		return;
	str_init(&from, ADDRESS_MOST);
	str_addf(&from, "<%s>", s->r->from);
	add_field(s, "From", str_span(&from));
	str_free(&from);
}

bool rewrite_header(struct str *out, struct span in, const struct rewrite *r,
		size_t *used)
{
	struct section s = { .r = r, .out = out };
	struct span rest = in;
	struct header_field f;

	*used = 0;
	str_init(&s.original, FIELD_MOST);
	while (header_next(&rest, &f)) {
		/* who knows where this one ends */
		if (r->cut && !rest.n)
			break;
		put_field(&s, &f);
		*used += f.whole.n;
	}
	/* a text that begins with a blank would go on in what is added */
	if (!rest.n || (rest.p[0] != ' ' && rest.p[0] != '\t'))
		add_fields(&s);
	out->bad |= s.original.bad;
	str_free(&s.original);
	return s.changed;
}
