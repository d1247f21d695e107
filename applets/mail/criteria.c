/* Message lists: criteria as words, and as IMAP's SEARCH has them. */
#include "mail/select.h"

#include <string.h>
#include "os/text.h"
#include "store/mailbox.h"

#define DEPTH_MOST 20		/* of not, or and parentheses */

enum argument { NOTHING, TEXT, NAME, DAYS, SIZE };
enum { FROM_ON = 1, UP_TO = 1 };	/* set and clear of days and sizes */
#define KEEPS MAIL_KEY_STATE, NOTHING

static const struct keyword {
	char word[12];
	unsigned char key, argument;
	unsigned char set, clear;
} keywords[] = {
	{ "from", MAIL_KEY_FIELD, TEXT, 0, 0 },
	{ "to", MAIL_KEY_FIELD, TEXT, 0, 0 },
	{ "cc", MAIL_KEY_FIELD, TEXT, 0, 0 },
	{ "bcc", MAIL_KEY_FIELD, TEXT, 0, 0 },
	{ "subject", MAIL_KEY_FIELD, TEXT, 0, 0 },
	{ "header", MAIL_KEY_FIELD, NAME, 0, 0 },
	{ "body", MAIL_KEY_BODY, TEXT, 0, 0 },
	{ "text", MAIL_KEY_TEXT, TEXT, 0, 0 },
	{ "since", MAIL_KEY_ARRIVED, DAYS, FROM_ON, 0 },
	{ "before", MAIL_KEY_ARRIVED, DAYS, 0, UP_TO },
	{ "on", MAIL_KEY_ARRIVED, DAYS, FROM_ON, UP_TO },
	{ "sentsince", MAIL_KEY_SENT, DAYS, FROM_ON, 0 },
	{ "sentbefore", MAIL_KEY_SENT, DAYS, 0, UP_TO },
	{ "senton", MAIL_KEY_SENT, DAYS, FROM_ON, UP_TO },
	{ "larger", MAIL_KEY_SIZE, SIZE, FROM_ON, 0 },
	{ "smaller", MAIL_KEY_SIZE, SIZE, 0, UP_TO },
	{ "all", KEEPS, 0, 0 },
	{ "new", KEEPS, 0, MAILBOX_SEEN | MAILBOX_OLD },
	{ "old", KEEPS, MAILBOX_OLD, 0 },
	{ "read", KEEPS, MAILBOX_SEEN, 0 },
	{ "seen", KEEPS, MAILBOX_SEEN, 0 },
	{ "unread", KEEPS, 0, MAILBOX_SEEN },
	{ "unseen", KEEPS, 0, MAILBOX_SEEN },
	{ "answered", KEEPS, MAILBOX_ANSWERED, 0 },
	{ "unanswered", KEEPS, 0, MAILBOX_ANSWERED },
	{ "flagged", KEEPS, MAILBOX_FLAGGED, 0 },
	{ "unflagged", KEEPS, 0, MAILBOX_FLAGGED },
	{ "deleted", KEEPS, MAILBOX_DELETED, 0 },
	{ "undeleted", KEEPS, 0, MAILBOX_DELETED }
};

struct query {
	const struct mail_select *s;
	struct span all, rest;
	unsigned depth, groups;
	struct err *err;
};

static bool wrong(struct query *q, const char *what, struct span word)
{
	if (!q->err->text[0])
		err_set(q->err, ERR_PERM, what,
				word.n < 80 ? (int)word.n : 80, word.p);
	q->rest.n = 0;
	return false;
}

/* ---- one criterion */

static bool take_days(struct query *q, const struct keyword *k,
		struct span word, struct mail_criterion *c)
{
	int64_t day;

	if (!mail_day(word, q->s->now, &day))
		return wrong(q, T("%.*s: no such day: today, 7d, monday, "
				"2026-11-30"), word);
	c->from = k->set ? day : INT64_MIN;
	c->to = !k->clear ? INT64_MAX : k->set ? day + MAIL_DAY : day;
	return true;
}

static bool take_size(struct query *q, const struct keyword *k,
		struct span word, struct mail_criterion *c)
{
	static const char units[] = "kmg";
	const char *unit = word.n ? strchr(units,
			ascii_lower(word.p[word.n - 1])) : NULL;
	int shift = unit && *unit ? 10 * (int)(unit - units + 1) : 0;
	unsigned long long n;

	if (!span_number64(span_sub(word, 0, word.n - (shift > 0)), UINT32_MAX,
			&n))
		return wrong(q, T("%.*s: no such size: 5000, 20k, 1M"), word);
	n <<= shift;
	c->from = k->set ? (int64_t)n + 1 : 0;
	c->to = k->clear ? (int64_t)n : INT64_MAX;
	return true;
}

/* The next word; in parentheses it ends at one. */
static bool take(struct query *q, struct mail_word *w)
{
	struct span in = span_trim(q->rest), all = in;
	char quote = '\0';
	size_t i = 0;

	for (; i < in.n && (quote || !q->groups ||
			!strchr("() \t", in.p[i])); i++) {
		if (in.p[i] == '\\')
			i++;
		else if (in.p[i] == quote)
			quote = '\0';
		else if (!quote && (in.p[i] == '"' || in.p[i] == '\''))
			quote = in.p[i];
	}
	if (i < in.n)
		in.n = i;
	if (!mail_word_take(&in, w))
		return false;
	q->rest = span_rest(all, (size_t)(in.p - all.p));
	return true;
}

static const struct keyword *find(struct span word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (span_is(word, keywords[i].word))
			return &keywords[i];
	return NULL;
}

static bool take_argument(struct query *q, const struct keyword *k,
		struct mail_word *w, struct mail_word *name,
		struct mail_criterion *c)
{
	c->name = span_of(k->word);
	if (k->argument == NAME) {
		if (!take(q, name))
			return wrong(q, T("%.*s: which field?"), c->name);
		c->name = mail_word_span(name);
	}
	if (k->argument != NOTHING && !take(q, w))
		return wrong(q, T("%.*s: what is to be found?"),
				span_of(k->word));
	c->text = mail_word_span(w);
	if (k->argument == DAYS)
		return take_days(q, k, c->text, c);
	return k->argument != SIZE || take_size(q, k, c->text, c);
}

/* A bare word of `search`: where a reader would see it. */
static struct mail_criterion anywhere(struct span word)
{
	return (struct mail_criterion){ .key = MAIL_KEY_FIELD,
		.name = SPAN("from,to,cc,subject"), .text = word };
}

static bool criterion(struct query *q, unsigned n);

static bool keyword(struct query *q, struct mail_word *w, unsigned n)
{
	const struct keyword *k = w->quoted ? NULL : find(mail_word_span(w));
	struct mail_criterion c = anywhere(mail_word_span(w));
	struct mail_word name, text;

	text.n = 0;
	if (k) {
		c = (struct mail_criterion){ .key = k->key, .set = k->set,
			.clear = k->clear };
		if (!take_argument(q, k, &text, &name, &c))
			return false;
	} else if (!q->s->wide) {
		return wrong(q, T("%.*s: no such criterion"),
				mail_word_span(w));
	}
	return n && q->s->match(q->s->arg, n, &c);
}

/* ---- put together */

static bool starts(struct query *q, char c)
{
	q->rest = span_trim(q->rest);
	return q->rest.n && q->rest.p[0] == c;
}

/* All of it, up to the parenthesis that closes. */
static bool group(struct query *q, unsigned n)
{
	bool fits = true;

	q->rest = span_rest(q->rest, 1);
	q->groups++;
	do {
		if (!criterion(q, fits ? n : 0))
			fits = false;
	} while (q->rest.n && !starts(q, ')'));
	q->groups--;
	if (!q->rest.n)
		return wrong(q, T("%.*s: a parenthesis is missing"), q->all);
	q->rest = span_rest(q->rest, 1);
	return fits && n;
}

static bool word(struct query *q, unsigned n)
{
	struct mail_word w;
	bool fits;

	if (!take(q, &w))
		return wrong(q, T("%.*s: a criterion is missing"), q->all);
	if (!w.quoted && span_is(mail_word_span(&w), "not"))
		return !criterion(q, n) && n;
	if (w.quoted || !span_is(mail_word_span(&w), "or"))
		return keyword(q, &w, n);
	fits = criterion(q, n);
	return criterion(q, fits ? 0 : n) || fits;
}

static bool criterion(struct query *q, unsigned n)
{
	bool fits;

	if (++q->depth > DEPTH_MOST)
		return wrong(q, T("%.*s: too many parentheses"), q->all);
	fits = starts(q, '(') ? group(q, n) : word(q, n);
	q->depth--;
	return fits;
}

/* ---- words in a list */

/* An item of POSIX's that stands for itself, and ends what is being said? */
static bool is_item(struct span word)
{
	return strchr(":/@&`,;.^$+-*(", word.p[0]) ||
			ascii_isdigit(word.p[0]);
}

/* The next word, if it can be one of criteria; it stays. */
static bool peek(struct span words, struct mail_word *w)
{
	return mail_word_take(&words, w) && w->n && !w->quoted;
}

static bool goes_on(const struct query *q)
{
	struct mail_word w;
	struct span rest = q->rest, name;

	if (!mail_word_take(&rest, &w) || !w.n)
		return false;
	name = mail_word_span(&w);
	if (w.quoted)
		return q->s->wide && !strchr("(@/:", name.p[0]);
	return span_is(name, "not") || find(name) ||
			(q->s->wide && !is_item(name));
}

bool mail_criteria_begin(const struct mail_select *s, struct span words)
{
	struct query q = { .s = s, .rest = words };
	const struct keyword *k;
	struct mail_word w;

	if (starts(&q, '(') || (s->wide && goes_on(&q)))
		return true;
	if (!peek(words, &w) || !mail_word_take(&q.rest, &w))
		return false;
	k = find(mail_word_span(&w));
	if (k)
		return k->argument != NOTHING && mail_word_take(&q.rest, &w);
	return span_is(mail_word_span(&w), "not") &&
			(starts(&q, '(') || goes_on(&q));
}

static bool takes(struct query *q, const char *name)
{
	struct mail_word w;

	return peek(q->rest, &w) && span_is(mail_word_span(&w), name) &&
			take(q, &w);
}

bool mail_criteria(const struct mail_select *s, struct span *words, unsigned n,
		struct err *err)
{
	struct query q = { .s = s, .all = *words, .rest = *words, .err = err };
	bool only = starts(&q, '('), fits = criterion(&q, n), any = false;

	while (!err->text[0]) {
		if (takes(&q, "or")) {
			any = any || fits;
			fits = criterion(&q, any ? 0 : n);
		} else if (takes(&q, "and") || (!only && goes_on(&q))) {
			fits = criterion(&q, fits ? n : 0) && fits;
		} else {
			break;
		}
	}
	*words = q.rest;
	return (any || fits) && n;
}

void mail_criterion_at(struct span word, struct mail_criterion *c)
{
	static const struct {
		char sign, name[8];
		unsigned char key;
	} all[] = {
		{ '<', "header", MAIL_KEY_HEADER },
		{ '>', "body", MAIL_KEY_BODY },
		{ '=', "text", MAIL_KEY_TEXT }
	};

	c->key = MAIL_KEY_FIELD;
	c->name = span_has(word, '@') ? span_cut(&word, '@') : SPAN("");
	c->text = word;
	c->address = span_starts(c->name, "~");
	c->name = span_rest(c->name, c->address);
	if (!c->name.n)
		c->name = SPAN("subject");
	for (size_t i = 0; i < 3; i++)
		if (span_is(c->name, all[i].name) ||
		    (c->name.n == 1 && c->name.p[0] == all[i].sign))
			c->key = all[i].key;
}
