#include "base/punycode.h"

#include <string.h>

#include "base/utf8.h"

/* RFC 3492 5 */
enum {
	BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72,
	FIRST = 128
};

#define POINT_MOST 0x10ffff

/* 6.1 */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
	if (k <= bias)
		return TMIN;
	return k - bias < TMAX ? k - bias : TMAX;
}

static char digit(uint32_t n)
{
	return (char)(n < 26 ? 'a' + n : '0' + n - 26);
}

/* Code as it is written; once it was too long, n stays PUNYCODE_SIZE. */
struct code {
	char *p;
	size_t n;
};

static void put(struct code *out, char c)
{
	if (out->n < PUNYCODE_SIZE)
		out->p[out->n++] = c;
}

/* A number of variable length (3.3). */
static void put_number(struct code *out, uint32_t n, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias);

		if (n < t)
			break;
		put(out, digit(t + (n - t) % (BASE - t)));
		n = (n - t) / (BASE - t);
	}
	put(out, digit(n));
}

/* The least that is not below `from`; POINT_MOST + 1: none. */
static uint32_t least(const uint32_t *points, size_t n, uint32_t from)
{
	uint32_t found = POINT_MOST + 1;

	for (size_t i = 0; i < n; i++)
		if (points[i] >= from && points[i] < found)
			found = points[i];
	return found;
}

/* 6.3; delta stays far below 2^32, as there are so few code points. */
bool punycode_put(char out[PUNYCODE_SIZE], const uint32_t *points, size_t n)
{
	uint32_t next, now = FIRST, delta = 0, bias = BIAS, done, basic = 0;
	struct code code = { out, 0 };

	if (n > PUNYCODE_MOST)
		return false;
	for (size_t i = 0; i < n; i++)
		if (points[i] < FIRST && ++basic)
			put(&code, (char)points[i]);
	if (basic)
		put(&code, '-');
	done = basic;
	while ((next = least(points, n, now)) <= POINT_MOST) {
		delta += (next - now) * (done + 1);
		for (size_t i = 0; i < n; i++) {
			delta += points[i] < next;
			if (points[i] != next)
				continue;
			put_number(&code, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		now = next + 1;
	}
	put(&code, '\0');
	return !out[code.n - 1];
}

/* -1: no digit */
static int value(char c)
{
	if (ascii_isdigit(c))
		return c - '0' + 26;
	return ascii_isalnum(c) ? ascii_lower(c) - 'a' : -1;
}

/* Takes a number off *code. False: it is cut or does not fit. */
static bool take_number(struct span *code, uint32_t bias, uint32_t *out)
{
	uint64_t n = 0, weight = 1;

	for (uint32_t k = BASE; code->n; k += BASE) {
		uint32_t t = threshold(k, bias);
		int d = value(code->p[0]);

		*code = span_rest(*code, 1);
		if (d < 0)
			return false;
		n += (uint32_t)d * weight;
		if (n > UINT32_MAX)
			return false;
		if ((uint32_t)d < t) {
			*out = (uint32_t)n;
			return true;
		}
		weight *= BASE - t;
		if (weight > UINT32_MAX)
			return false;
	}
	return false;
}

/* The code points before the last hyphen, ASCII; gives how many. */
static size_t take_basic(uint32_t *out, struct span *code)
{
	size_t n = span_rfind(*code, '-');

	if (n == code->n)
		return 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)code->p[i];
	*code = span_rest(*code, n + 1);
	return n;
}

/* 6.2 */
size_t punycode_get(uint32_t out[PUNYCODE_MOST], struct span code)
{
	uint32_t bias = BIAS, delta, at = 0;
	uint64_t point = FIRST, sum;
	size_t n;

	if (code.n > PUNYCODE_MOST || !utf8_ascii(code))
		return 0;
	n = take_basic(out, &code);
	for (bool first = true; code.n; first = false) {
		if (n == PUNYCODE_MOST || !take_number(&code, bias, &delta))
			return 0;
		bias = adapt(delta, (uint32_t)n + 1, first);
		sum = (uint64_t)at + delta;
		point += sum / (n + 1);
		at = (uint32_t)(sum % (n + 1));
		if (point > POINT_MOST)
			return 0;
		memmove(out + at + 1, out + at, (n - at) * sizeof(*out));
		out[at++] = (uint32_t)point;
		n++;
	}
	return n;
}
