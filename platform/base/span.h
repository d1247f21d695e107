/* span - a view of bytes that somebody else owns; parsers take and give it */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *p;		/* not NUL-terminated; may be NULL if n is 0 */
	size_t n;
};

#define SPAN(lit) ((struct span){ "" lit, sizeof(lit) - 1 })
/* for printf("%.*s", SPAN_ARG(s)) */
#define SPAN_ARG(s) (int)(s).n, (s).p ? (s).p : ""

struct span span_of(const char *s);		/* s may be NULL: empty span */
static inline struct span span_make(const char *p, size_t n)
{
	return (struct span){ p, n };
}
struct span span_sub(struct span s, size_t from, size_t n); /* clamps */
struct span span_rest(struct span s, size_t from);	/* likewise */

bool span_eq(struct span a, struct span b);
bool span_caseeq(struct span a, struct span b);	/* ASCII case only */
bool span_is(struct span a, const char *word);	/* as span_caseeq */
bool span_starts(struct span a, const char *prefix);	/* ASCII case ignored */
bool span_ends(struct span a, const char *suffix);	/* ASCII case ignored */

/* Index of the first c, or s.n when there is none. */
size_t span_find(struct span s, char c);
size_t span_rfind(struct span s, char c);
bool span_has(struct span s, char c);
/* Around the last c; without one all of it, and nothing. */
struct span span_before(struct span s, char c);
struct span span_behind(struct span s, char c);

/* Goes on with SPAN_HASH, or what this gave for a piece before (FNV-1a). */
#define SPAN_HASH UINT64_C(14695981039346656037)
uint64_t span_hash(uint64_t hash, struct span s);

/* Nothing but letters, digits and what is in more? */
bool span_isalnum(struct span s, const char *more);
/* Is there a control character other than tab? */
bool span_has_control(struct span s);

/* Without leading and trailing space, tab, CR and LF. */
struct span span_trim(struct span s);

/*
 * Takes the part before the first sep off *rest and gives it back; *rest is
 * then what follows sep (empty when there was none).
 */
struct span span_cut(struct span *rest, char sep);

/* The next word of *rest, split at runs of space and tab; empty at the end. */
struct span span_word(struct span *rest);

/* Decimal digits only, at most max: true and *out, else false. */
bool span_number(struct span s, unsigned long max, unsigned long *out);
bool span_number64(struct span s, unsigned long long max,
		unsigned long long *out);

/* ASCII only, whatever the locale says. */
char ascii_lower(char c);
void ascii_lower_all(char *text);
bool ascii_isalnum(char c);
bool ascii_isdigit(char c);
bool ascii_isspace(char c);	/* space, tab, CR, LF */

#endif
