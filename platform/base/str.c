#include "base/str.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STR_FIRST 64		/* bytes of the first allocation */

void str_init(struct str *s, size_t cap)
{
	*s = (struct str){ .cap = cap < SIZE_MAX ? cap : SIZE_MAX - 1 };
}

void str_free(struct str *s)
{
	free(s->p);
	str_init(s, s->cap);
}

void str_clear(struct str *s)
{
	s->n = 0;
	s->bad = false;
	if (s->p)
		s->p[0] = '\0';
}

/* Room for `more` bytes and the NUL; doubles, but never past the cap. */
static bool str_room(struct str *s, size_t more)
{
	size_t size;
	char *p;

	if (s->bad || more > s->cap - s->n)
		goto bad;
	if (s->p && s->n + more < s->size)
		return true;
	size = s->size ? s->size : STR_FIRST;
	size = size > s->cap / 2 ? s->cap + 1 : size * 2;
	if (size <= s->n + more)
		size = s->n + more + 1;
	p = realloc(s->p, size);
	if (!p)
		goto bad;
	s->p = p;
	s->size = size;
	return true;
bad:
	s->bad = true;
	return false;
}

void str_init_secret(struct str *s, size_t cap)
{
	str_init(s, cap);
	if (str_room(s, s->cap))
		s->p[0] = '\0';
}

void str_wipe(struct str *s)
{
	if (s->p)
		explicit_bzero(s->p, s->size);
	str_free(s);
}

void str_add(struct str *s, struct span add)
{
	if (!str_room(s, add.n))
		return;
	if (add.n)
		memcpy(s->p + s->n, add.p, add.n);
	s->n += add.n;
	s->p[s->n] = '\0';
}

void str_adds(struct str *s, const char *add)
{
	str_add(s, span_of(add));
}

void str_addc(struct str *s, char c)
{
	str_add(s, span_make(&c, 1));
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		s->bad = true;
	else if (str_room(s, (size_t)n)) {
		vsnprintf(s->p + s->n, (size_t)n + 1, fmt, again);
		s->n += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

void str_cut(struct str *s, size_t n)
{
	if (n > s->n)
		n = s->n;
	if (!s->p || !n)
		return;
	s->n -= n;
	memmove(s->p, s->p + n, s->n + 1);
}

const char *str_c(const struct str *s)
{
	return s->p ? s->p : "";
}

int str_copy(char *dst, size_t size, struct span src)
{
	if (!size)
		return -1;
	dst[0] = '\0';
	/* a NUL inside would silently cut what C code sees later */
	if (src.n >= size || span_has(src, '\0'))
		return -1;
	if (src.n)
		memcpy(dst, src.p, src.n);
	dst[src.n] = '\0';
	return 0;
}

int str_copys(char *dst, size_t size, const char *src)
{
	return str_copy(dst, size, span_of(src));
}
