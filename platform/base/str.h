/* str - a growing string of bytes with a cap; text is built in it */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include "base/span.h"

/*
 * Once an append does not fit under the cap or memory runs out, `bad` is set
 * and stays set, and later appends do nothing: check once, at the end.
 * p is always NUL-terminated after the first append (NULL before).
 */
struct str {
	char *p;
	size_t n;		/* bytes in use, without the NUL */
	size_t size;		/* bytes allocated */
	size_t cap;		/* most bytes ever */
	bool bad;
};

void str_init(struct str *s, size_t cap);
void str_free(struct str *s);	/* back to the state after str_init */
/* For a secret: all its memory at once, as growing would leave copies. */
void str_init_secret(struct str *s, size_t cap);
void str_wipe(struct str *s);	/* overwrites, then str_free */
void str_clear(struct str *s);	/* n = 0, bad = false, memory kept */
void str_add(struct str *s, struct span add);
void str_adds(struct str *s, const char *add);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void str_cut(struct str *s, size_t n);		/* drops the first n bytes */
static inline struct span str_span(const struct str *s)
{
	return span_make(s->p, s->n);
}
const char *str_c(const struct str *s);		/* "" when empty, never NULL */

/*
 * Copies src to dst of `size` bytes with a NUL. 0, or -1 when it did not fit
 * or has a NUL inside: dst is then empty, never cut.
 */
int str_copy(char *dst, size_t size, struct span src);
int str_copys(char *dst, size_t size, const char *src);

#endif
