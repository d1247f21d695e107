#include "mail/select.h"

#include <string.h>

#define STATES "norud"		/* new old read unread deleted */

/* What a list has named so far. */
struct scan {
	const struct mail_select *s;
	unsigned char *set;
	bool numbers;		/* messages were named: `set` holds them */
	struct span words;	/* the whole list, for the second look */
	unsigned filters, states;
	struct err *err;
};

struct span mail_select_word(struct span *rest)
{
	struct span all = *rest;
	size_t n = 0;

	while (all.n && ascii_isspace(all.p[0]))
		all = span_sub(all, 1, all.n);
	if (all.n && (all.p[0] == '"' || all.p[0] == '\'')) {
		struct span inside = span_sub(all, 1, all.n);

		*rest = inside;
		return span_cut(rest, all.p[0]);
	}
	while (n < all.n && !ascii_isspace(all.p[n]))
		n++;
	*rest = span_sub(all, n, all.n);
	return span_sub(all, 0, n);
}

static bool usable(const struct mail_select *s, unsigned n)
{
	return s->match(s->arg, n, MAIL_SELECT_DELETED, span_make(NULL, 0)) ==
			s->deleted;
}

/* The next one that the command could be about, from n on; 0: none. */
static unsigned step(const struct mail_select *s, unsigned n, bool back)
{
	while (n >= 1 && n <= s->count && !usable(s, n))
		n = back ? n - 1 : n + 1;
	return n >= 1 && n <= s->count ? n : 0;
}

/* ---- words that name messages */

static int name_one(struct scan *c, unsigned n, const char *none)
{
	if (!n)
		return err_set(c->err, ERR_PERM, "%s", none);
	c->set[n] = 1;
	c->numbers = true;
	return 0;
}

static int name_dot(struct scan *c)
{
	unsigned n = c->s->dot;

	if (!n || n > c->s->count)
		return name_one(c, 0, "No applicable messages");
	if (!usable(c->s, n))
		return err_set(c->err, ERR_PERM, "%u: Inappropriate message", n);
	return name_one(c, n, "");
}

/* No list: the current message, else the nearest one that it could be about. */
static int name_default(struct scan *c)
{
	unsigned dot = c->s->dot ? c->s->dot : 1, n = step(c->s, dot, false);

	if (!n)
		n = step(c->s, dot, true);
	return name_one(c, n, "No applicable messages");
}

static int name_first(struct scan *c)
{
	return name_one(c, step(c->s, 1, false), "No applicable messages");
}

static int name_last(struct scan *c)
{
	return name_one(c, step(c->s, c->s->count, true),
			"No applicable messages");
}

static int name_next(struct scan *c)
{
	return name_one(c, step(c->s, c->s->dot + 1, false),
			"Referencing beyond EOF");
}

static int name_previous(struct scan *c)
{
	unsigned n = c->s->dot > 1 ? step(c->s, c->s->dot - 1, true) : 0;

	return name_one(c, n, "Referencing before 1");
}

static int name_all(struct scan *c)
{
	int n = 0;

	for (unsigned i = 1; i <= c->s->count; i++)
		if (usable(c->s, i)) {
			c->set[i] = 1;
			n++;
		}
	c->numbers = true;
	return n ? 0 : err_set(c->err, ERR_PERM, "No applicable messages");
}

static const struct {
	char sign;
	int (*name)(struct scan *c);
} signs[] = {
	{ '.', name_dot }, { '^', name_first }, { '$', name_last },
	{ '+', name_next }, { '-', name_previous }, { '*', name_all },
};

/* One end of a range: a number, ".", "^" or "$". 0: it is none of them. */
static unsigned range_end(const struct mail_select *s, struct span word)
{
	unsigned long n;

	if (span_number(word, (unsigned long)-1, &n))
		return n <= s->count ? (unsigned)n : s->count + 1;
	if (word.n != 1)
		return 0;
	if (word.p[0] == '.')
		return s->dot;
	if (word.p[0] == '$')
		return s->count;
	return word.p[0] == '^' ? 1 : 0;
}

static bool looks_like_range(struct span word)
{
	return word.n && (ascii_isdigit(word.p[0]) ||
			(strchr(".^$", word.p[0]) && word.n > 1 &&
			 word.p[1] == '-'));
}

static int bad_number(struct scan *c, struct span word)
{
	return err_set(c->err, ERR_PERM, "%.*s: Invalid message number",
			word.n < 80 ? (int)word.n : 80, word.p);
}

static int name_range(struct scan *c, struct span word)
{
	struct span rest = word, first = span_cut(&rest, '-');
	bool range = first.n < word.n;
	unsigned from = range_end(c->s, first);
	unsigned to = range ? range_end(c->s, rest) : from;
	int n = 0;

	if (!from || !to || from > c->s->count || to > c->s->count || from > to)
		return bad_number(c, word);
	for (unsigned i = from; i <= to; i++)
		if (usable(c->s, i)) {
			c->set[i] = 1;
			n++;
		}
	c->numbers = true;
	if (!n)
		return err_set(c->err, ERR_PERM, "%.*s: Inappropriate message",
				word.n < 80 ? (int)word.n : 80, word.p);
	return 0;
}

/* ---- words that keep messages */

static int check_state(struct scan *c, struct span word)
{
	if (word.n != 2 || !strchr(STATES, ascii_lower(word.p[1])))
		return err_set(c->err, ERR_PERM, "%.*s: Unknown state",
				word.n < 80 ? (int)word.n : 80, word.p);
	c->states++;
	return 0;
}

static int read_word(struct scan *c, struct span word)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (word.n == 1 && signs[i].sign == word.p[0])
			return signs[i].name(c);
	if (looks_like_range(word))
		return name_range(c, word);
	if (word.p[0] == ':')
		return check_state(c, word);
	c->filters++;
	return 0;
}

static bool is_filter(struct span word)
{
	return word.n && word.p[0] != ':' && !looks_like_range(word) &&
			!(word.n == 1 && strchr(".^$+-*", word.p[0]));
}

static bool filter_matches(const struct mail_select *s, unsigned n,
		struct span word)
{
	if (word.p[0] == '/')
		return s->match(s->arg, n, MAIL_SELECT_SUBJECT,
				span_sub(word, 1, word.n));
	return s->match(s->arg, n, MAIL_SELECT_SENDER, word);
}

static bool keep(const struct scan *c, unsigned n)
{
	struct span rest = c->words, word;
	bool filter = !c->filters, state = !c->states;

	while (!(filter && state) && (word = mail_select_word(&rest)).n) {
		if (is_filter(word))
			filter = filter || filter_matches(c->s, n, word);
		else if (word.p[0] == ':' && word.n == 2)
			state = state || c->s->match(c->s->arg, n,
					MAIL_SELECT_STATE, span_sub(word, 1, 1));
	}
	return filter && state;
}

/* :d alone is the one state that deleted messages have. */
static bool wants_deleted(struct span words)
{
	struct span word;

	while ((word = mail_select_word(&words)).n)
		if (word.n == 2 && word.p[0] == ':' && word.p[1] == 'd')
			return true;
	return false;
}

static int count_kept(struct scan *c)
{
	bool deleted = wants_deleted(c->words);
	int n = 0;

	for (unsigned i = 1; i <= c->s->count; i++) {
		if (!c->numbers)
			c->set[i] = deleted || usable(c->s, i);
		if (c->set[i] && (c->filters || c->states))
			c->set[i] = keep(c, i);
		n += c->set[i];
	}
	return n ? n : err_set(c->err, ERR_PERM, "No applicable messages");
}

int mail_select(const struct mail_select *s, struct span words,
		unsigned char *set, struct err *err)
{
	struct scan c = { .s = s, .set = set, .words = words, .err = err };
	struct span rest = words, word;

	memset(set, 0, (size_t)s->count + 1);
	if (!span_trim(words).n && name_default(&c) < 0)
		return -1;
	while ((word = mail_select_word(&rest)).n)
		if (read_word(&c, word) < 0)
			return -1;
	return count_kept(&c);
}
