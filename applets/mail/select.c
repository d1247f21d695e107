#include "mail/select.h"

#include "config.h"
#include <limits.h>
#include <string.h>
#include "os/text.h"
#include "store/mailbox.h"

/* ---- words */

bool mail_word_take(struct span *rest, struct mail_word *w)
{
	struct span in = span_trim(*rest);
	char quote = '\0';
	size_t i = 0;

	w->n = 0;
	w->quoted = false;
	for (; i < in.n && (quote || !ascii_isspace(in.p[i])); i++) {
		char c = in.p[i];

		if (c == quote || (!quote && (c == '"' || c == '\''))) {
			quote = quote ? '\0' : c;
			w->quoted = true;
			continue;
		}
		if (c == '\\' && quote != '\'' && i + 1 < in.n) {
			c = in.p[++i];
			w->quoted = true;
		}
		if (w->n == MAIL_WORD_MOST)
			return false;
		w->text[w->n++] = c;
	}
	w->text[w->n] = '\0';
	*rest = span_rest(in, i);
	return i && !quote;
}

/* ---- numbers and signs, in the order that is shown */

static bool usable(const struct mail_select *s, unsigned n)
{
	return (s->note[n] & s->mask) == s->want;
}

static unsigned number_at(const struct mail_select *s, unsigned place)
{
	return s->at ? s->at[place] : place;
}

static unsigned place_of(const struct mail_select *s, unsigned n)
{
	return s->place && n ? s->place[n] : n;
}

/* The next one that the command could be about, from that place on; 0: none. */
static unsigned step(const struct mail_select *s, unsigned place, int by)
{
	while (place >= 1 && place <= s->count &&
	    !usable(s, number_at(s, place)))
		place += (unsigned)by;
	return place >= 1 && place <= s->count ? number_at(s, place) : 0;
}

/* One end of a range: a number or a sign; 0: it is none. */
static unsigned range_end(const struct mail_select *s, struct span word)
{
	unsigned dot = place_of(s, s->dot);
	unsigned long n;

	if (span_number(word, s->count, &n))
		return (unsigned)n;
	if (word.n != 1)
		return 0;
	switch (word.p[0]) {
	case '.': return s->dot;
	case ';': return s->before <= s->count ? s->before : 0;
	case '^': return step(s, 1, 1);
	case '$': return step(s, s->count, -1);
	case '+': return step(s, dot + 1, 1);
	case '-': return dot ? step(s, dot - 1, -1) : 0;
	}
	return 0;
}

/* "n", "n-m", a sign; false: the word is none of them. */
static bool take_range(const struct mail_select *s, struct span word,
		unsigned *from, unsigned *to)
{
	struct span rest = word, end = span_cut(&rest, '-');
	unsigned long n;

	*from = range_end(s, word);
	*to = *from;
	if (span_is(word, "*") && s->count) {
		*from = number_at(s, 1);
		*to = number_at(s, s->count);
	} else if (!*from && rest.n) {
		*from = range_end(s, end);
		*to = range_end(s, rest);
	}
	return (word.n == 1 && strchr(".;^$+-*", word.p[0])) || *from ||
			span_number(end, ULONG_MAX, &n);
}

static unsigned add_range(const struct mail_select *s, unsigned from,
		unsigned to, unsigned char *set)
{
	unsigned i = place_of(s, from), end = place_of(s, to), n = 0;

	if (end && end < i) {	/* "5-2", as others take it */
		end = i;
		i = place_of(s, to);
	}
	for (; i && i <= end; i++)
		if (usable(s, number_at(s, i))) {
			set[number_at(s, i)] = 1;
			n++;
		}
	return n;
}

/* ---- what messages are, and say */

/*
 * The letters behind a colon. Old is what is neither new nor read (POSIX);
 * unread is new, too.
 */
static const struct {
	char letter;
	unsigned char set, clear;
} states[] = {
	{ 'd', MAILBOX_DELETED, 0 },
	{ 'n', 0, MAILBOX_SEEN | MAILBOX_OLD },
	{ 'o', MAILBOX_OLD, MAILBOX_SEEN },
	{ 'r', MAILBOX_SEEN, 0 },
	{ 'u', 0, MAILBOX_SEEN },
	{ 'a', MAILBOX_ANSWERED, 0 },
	{ 'f', MAILBOX_FLAGGED, 0 }
};

/* Any of the states will do. */
static unsigned add_states(const struct mail_select *s, struct span letters,
		unsigned char *set, struct err *err)
{
	bool all = s->shows && span_has(letters, 'd');
	struct mail_criterion c = { .key = MAIL_KEY_STATE };
	unsigned found = 0;

	for (size_t k = 0; k < letters.n; k++) {
		size_t i = 0;

		while (i < sizeof(states) / sizeof(*states) &&
		    states[i].letter != letters.p[k])
			i++;
		if (i == sizeof(states) / sizeof(*states)) {
			err_set(err, ERR_PERM, T(":%c: no such state of "
				"messages: d n o r u a f"), letters.p[k]);
			return 0;
		}
		c.set = states[i].set;
		c.clear = states[i].clear;
		for (unsigned n = 1; n <= s->count; n++)
			if ((usable(s, n) || all) && s->match(s->arg, n, &c))
				found += set[n] = 1;
	}
	return found;
}

static unsigned add_matching(const struct mail_select *s,
		const struct mail_criterion *c, unsigned char *set)
{
	unsigned found = 0;

	for (unsigned n = 1; n <= s->count; n++)
		if (usable(s, n) && s->match(s->arg, n, c))
			found += set[n] = 1;
	return found;
}

/* Whatever is no number. */
static unsigned add_word(const struct mail_select *s, struct span word,
		unsigned char *set, struct err *err)
{
	struct mail_criterion c = { .key = MAIL_KEY_SENDER, .text = word };
	struct span rest = span_rest(word, 1);

	if (word.n && word.p[0] == ':')
		return add_states(s, rest, set, err);
	if (span_is(word, "`")) {
		c.key = MAIL_KEY_LISTED;
	} else if (span_is(word, ",")) {
		c.key = MAIL_KEY_PARENT;
	} else if (word.n && word.p[0] == '/') {
		c.key = MAIL_KEY_FIELD;
		c.name = s->fields && span_has(rest, ':') ?
				span_cut(&rest, ':') : SPAN("subject");
		c.text = rest;
	} else if (CFG_MAIL_SEARCH && word.n && word.p[0] == '@') {
		mail_criterion_at(rest, &c);
	} else if (CFG_MAIL_SORT && word.n && word.p[0] == '&') {
		c.key = MAIL_KEY_THREAD;
		c.from = rest.n ? range_end(s, rest) : s->dot;
	}
	return add_matching(s, &c, set);
}

static int none(struct span word, struct err *err)
{
	return err->text[0] ? -1 : err_set(err, ERR_PERM,
			T("%.*s: no such message"),
			word.n < 80 ? (int)word.n : 80, word.p);
}

static int select_criteria(const struct mail_select *s, struct span *words,
		unsigned char *set, struct err *err)
{
	struct span from = *words;
	unsigned found = 0;

	mail_criteria(s, words, 0, err);
	for (unsigned n = 1; n <= s->count && !err->text[0]; n++) {
		struct span again = from;

		if (usable(s, n) && mail_criteria(s, &again, n, err))
			found += set[n] = 1;
	}
	return found ? 0 : none(span_sub(from, 0, from.n - words->n), err);
}

static int select_word(const struct mail_select *s, struct span *words,
		unsigned char *set, struct err *err)
{
	struct mail_word w;
	unsigned from, to, found;
	struct span word;

	if (!mail_word_take(words, &w))
		return err_set(err, ERR_PERM, T("A word of the list is too "
				"long, or its quotes do not end"));
	word = mail_word_span(&w);
	/* as s-nail has it: '(from bob)' */
	if (CFG_MAIL_SEARCH && word.n && word.p[0] == '(')
		return select_criteria(s, &word, set, err);
	if (take_range(s, word, &from, &to))
		found = add_range(s, from, to, set);
	else
		found = add_word(s, word, set, err);
	return found ? 0 : none(word, err);
}

/* ---- the list */

static int select_default(const struct mail_select *s, unsigned char *set,
		struct err *err)
{
	unsigned place = s->dot ? place_of(s, s->dot) : 1;
	unsigned n = step(s, place, 1);

	if (!n)
		n = step(s, place, -1);
	if (!n)
		return err_set(err, ERR_PERM, T("No applicable messages"));
	set[n] = 1;
	return 0;
}

int mail_select(const struct mail_select *s, struct span words,
		unsigned char *set, struct err *err)
{
	int rc = 0;

	memset(set, 0, (size_t)s->count + 1);
	err->text[0] = '\0';
	words = span_trim(words);
	if (!words.n)
		return select_default(s, set, err);
	for (; words.n && rc == 0; words = span_trim(words))
		rc = CFG_MAIL_SEARCH && mail_criteria_begin(s, words) ?
				select_criteria(s, &words, set, err) :
				select_word(s, &words, set, err);
	return rc;
}
