#include "base/utf8.h"

#define REPLACEMENT 0xfffd

/* The forms of RFC 3629 section 3, by their first byte. */
static const struct form {
	unsigned char mask, lead;	/* first & mask == lead */
	unsigned char more;		/* bytes that follow */
	uint32_t least;			/* less would be overlong */
} forms[] = {
	{ 0x80, 0x00, 0, 0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

static bool is_scalar(uint32_t c)
{
	return c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

static const struct form *form_of(unsigned char first)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if ((first & forms[i].mask) == forms[i].lead)
			return &forms[i];
	return NULL;
}

/* Bytes of the code point that s begins with, 0 when it is none. */
static size_t decode(struct span s, uint32_t *out)
{
	const unsigned char *p = (const unsigned char *)s.p;
	const struct form *form = form_of(p[0]);
	uint32_t c;

	if (!form || s.n <= form->more)
		return 0;
	c = p[0] & (unsigned char)~form->mask;
	for (size_t i = 1; i <= form->more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < form->least || !is_scalar(c))
		return 0;
	*out = c;
	return form->more + 1U;
}

bool utf8_valid(struct span s)
{
	uint32_t c;

	while (s.n) {
		size_t n = decode(s, &c);

		if (!n)
			return false;
		s = span_rest(s, n);
	}
	return true;
}

bool utf8_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || (unsigned char)s.p[i] > 127)
			return false;
	return true;
}

bool utf8_clean(struct span s)
{
	uint32_t c;

	while (s.n) {
		size_t n = decode(s, &c);

		if (!n || c < 32 || (c >= 127 && c < 160) ||
				c == 0x2028 || c == 0x2029)
			return false;
		s = span_rest(s, n);
	}
	return true;
}

uint32_t utf8_next(struct span *s)
{
	uint32_t c = REPLACEMENT;
	size_t n = decode(*s, &c);

	*s = span_rest(*s, n ? n : 1);
	return c;
}

void utf8_put(struct str *out, uint32_t c)
{
	const struct form *form = forms;
	char bytes[4];

	if (!is_scalar(c))
		c = REPLACEMENT;
	while (form < &forms[3] && c >= form[1].least)
		form++;
	for (size_t i = form->more; i > 0; i--) {
		bytes[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	bytes[0] = (char)(form->lead | c);
	str_add(out, span_make(bytes, form->more + 1U));
}
