#include "smtpd/strip.h"

#include <stddef.h>
#include <string.h>

static const char name[11] = "return-path";	/* no NUL */

enum {
	STRIP_LINE,	/* at the start of a line, or in what may be the name */
	STRIP_PASS,	/* in a line that stays */
	STRIP_DROP,	/* in a field that goes */
	STRIP_DROPPED,	/* at the start of the line after it */
	STRIP_BODY
};

void smtpd_strip_init(struct smtpd_strip *s)
{
	*s = (struct smtpd_strip){ .state = STRIP_LINE };
}

int smtpd_strip_end(struct smtpd_strip *s,
		int (*put)(void *arg, struct span piece), void *arg)
{
	size_t n = s->n;

	s->n = 0;
	return n ? put(arg, span_make(s->held, n)) : 0;
}

/* What the first octets of a line, all that are needed, say of it. */
static unsigned char judge(const char *p)
{
	if (*p == '\r')
		return STRIP_BODY;
	return span_starts(span_make(p, sizeof(name) + 1), "return-path:") ?
		STRIP_DROP : STRIP_PASS;
}

/*
 * One octet where it is not known yet whether the line stays. True: it was
 * kept back, or it ends the name of a field that goes.
 */
static bool keep_back(struct smtpd_strip *s, char c)
{
	if (s->n < sizeof(name) && ascii_lower(c) == name[s->n]) {
		s->held[s->n++] = c;
		return true;
	}
	s->state = !s->n && c == '\r' ? STRIP_BODY : STRIP_PASS;
	if (s->n < sizeof(name) || c != ':')
		return false;
	s->n = 0;
	s->state = STRIP_DROP;
	return true;
}

/* Behind the end of the line, or of what there is of it. */
static const char *line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf ? lf + 1 : end;
}

/* Takes one step from p on; *stays: what it passed is to be put. */
static const char *step(struct smtpd_strip *s, const char *p, const char *end,
		bool *stays)
{
	const char *next = end;

	*stays = true;
	switch (s->state) {
	case STRIP_PASS:
	case STRIP_DROP:
		*stays = s->state == STRIP_PASS;
		next = line_end(p, end);
		if (next[-1] == '\n')
			s->state = *stays ? STRIP_LINE : STRIP_DROPPED;
		return next;
	case STRIP_DROPPED:
		s->state = *p == ' ' || *p == '\t' ? STRIP_DROP : STRIP_LINE;
		return p;
	case STRIP_LINE:
		if (!s->n && end - p > (ptrdiff_t)sizeof(name)) {
			s->state = judge(p);
			return p;
		}
		*stays = !keep_back(s, *p);
		return *stays ? p : p + 1;
	}
	return next;
}

int smtpd_strip(struct smtpd_strip *s, struct span piece,
		int (*put)(void *arg, struct span piece), void *arg)
{
	const char *p = piece.p, *end = p + piece.n, *from = p;

	while (p < end) {
		bool stays;
		const char *next = step(s, p, end, &stays);

		if (s->n && s->state != STRIP_LINE &&
				smtpd_strip_end(s, put, arg) < 0)
			return -1;
		if (!stays) {
			if (p > from && put(arg, span_make(from,
						(size_t)(p - from))) < 0)
				return -1;
			from = next;
		}
		p = next;
	}
	return p > from ? put(arg, span_make(from, (size_t)(p - from))) : 0;
}
