#include "mail/select.h"

#include <string.h>

static bool usable(const struct mail_select *s, unsigned n)
{
	return (s->note[n] & s->mask) == s->want;
}

/* The next one that the command could be about, from n on; 0: none. */
static unsigned step(const struct mail_select *s, unsigned n, int by)
{
	while (n >= 1 && n <= s->count && !usable(s, n))
		n += (unsigned)by;
	return n <= s->count ? n : 0;
}

/* One end of a range: a number or a sign; 0: it is none. */
static unsigned range_end(const struct mail_select *s, struct span word)
{
	unsigned long n;

	if (span_number(word, s->count, &n))
		return (unsigned)n;
	if (word.n != 1)
		return 0;
	switch (word.p[0]) {
	case '.': return s->dot;
	case '^': return step(s, 1, 1);
	case '$': return step(s, s->count, -1);
	case '+': return step(s, s->dot + 1, 1);
	case '-': return step(s, s->dot - 1, -1);
	}
	return 0;
}

static int select_word(const struct mail_select *s, struct span word,
		unsigned char *set, struct err *err)
{
	unsigned from = range_end(s, word), to = from, n = 0;
	struct span rest = word;

	if (span_is(word, "*")) {
		from = 1;
		to = s->count;
	} else if (!from) {
		from = range_end(s, span_cut(&rest, '-'));
		to = range_end(s, rest);
	}
	for (unsigned i = from; i && i <= to; i++)
		if (usable(s, i)) {
			set[i] = 1;
			n++;
		}
	return n ? 0 : err_set(err, ERR_PERM, "%.*s: no such message",
			word.n < 80 ? (int)word.n : 80, word.p);
}

int mail_select(const struct mail_select *s, struct span words,
		unsigned char *set, struct err *err)
{
	struct span word = span_word(&words);
	unsigned n = s->dot ? s->dot : 1;

	memset(set, 0, (size_t)s->count + 1);
	if (!word.n) {
		n = step(s, n, 1) ? step(s, n, 1) : step(s, n, -1);
		if (!n)
			return err_set(err, ERR_PERM,
					"No applicable messages");
		set[n] = 1;
	}
	for (; word.n; word = span_word(&words))
		if (select_word(s, word, set, err) < 0)
			return -1;
	return 0;
}
