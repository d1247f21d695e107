#include "base/siphash.h"

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012 */

static uint64_t turn(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static void rounds(uint64_t v[4], int n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = turn(v[1], 13) ^ v[0];
		v[3] = turn(v[3], 16) ^ v[2];
		v[0] = turn(v[0], 32) + v[3];
		v[2] += v[1];
		v[3] = turn(v[3], 21) ^ v[0];
		v[1] = turn(v[1], 17) ^ v[2];
		v[2] = turn(v[2], 32);
	}
}

/* Up to eight octets, little endian; a compiler knows it for one load. */
static uint64_t word(const char *p, size_t n)
{
	uint64_t w = 0;

	while (n--)
		w = w << 8 | (unsigned char)p[n];
	return w;
}

static void add(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	rounds(v, 2);
	v[0] ^= w;
}

uint64_t siphash(const uint64_t key[2], struct span s)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573
	};
	uint64_t length = (uint64_t)s.n << 56;

	for (; s.n >= 8; s.p += 8, s.n -= 8)
		add(v, word(s.p, 8));
	add(v, length | word(s.p, s.n));
	v[2] ^= 255;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
