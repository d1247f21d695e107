#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char code[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct str *out, struct span in)
{
	while (in.n) {
		size_t n = in.n < 3 ? in.n : 3;
		unsigned char b[3] = { 0 };
		char quartet[4];

		memcpy(b, in.p, n);
		quartet[0] = code[b[0] >> 2];
		quartet[1] = code[(b[0] & 3) << 4 | b[1] >> 4];
		quartet[2] = n > 1 ? code[(b[1] & 15) << 2 | b[2] >> 6] : '=';
		quartet[3] = n > 2 ? code[b[2] & 63] : '=';
		str_add(out, span_make(quartet, sizeof(quartet)));
		in = span_rest(in, n);
	}
}

/* The six bits of a character, or -1. */
static int value(char c)
{
	const char *at = c ? strchr(code, c) : NULL;

	return at ? (int)(at - code) : -1;
}

/* n characters (2 to 4) as bits, left-aligned in 24; -1: a bad one. */
static int32_t quartet_bits(const char *p, size_t n)
{
	int32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int v = i < n ? value(p[i]) : 0;

		if (v < 0)
			return -1;
		bits = bits << 6 | v;
	}
	return bits;
}

ssize_t base64_get(void *out, size_t size, struct span in)
{
	unsigned char *to = out;
	size_t done = 0;

	if (in.n % 4)
		return -1;
	for (size_t i = 0; i < in.n; i += 4) {
		const char *p = in.p + i;
		bool last = i + 4 == in.n;
		size_t pad = last && p[3] == '=' ? 1 + (p[2] == '=') : 0;
		int32_t bits = quartet_bits(p, 4 - pad);

		/*
		 * RFC 4648 3.5: the bits that padding leaves over must be 0,
		 * else several texts would mean the same.
		 */
		if (bits < 0 || bits & ((1 << pad * 8) - 1) ||
				3 - pad > size - done)
			return -1;
		for (size_t k = 0; k < 3 - pad; k++)
			to[done++] = (unsigned char)(bits >> (16 - 8 * k));
	}
	return (ssize_t)done;
}
