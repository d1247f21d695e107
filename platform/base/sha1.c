#include "base/sha1.h"

#include <stdint.h>
#include <string.h>

#define BLOCK 64

static uint32_t left(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static uint32_t load(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

/* 4.1.1 and 4.2.1: a function and a constant for each 20 steps */
static uint32_t mix(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) ^ (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

/* 6.1.2 */
static void take_block(uint32_t hash[5], const unsigned char *p)
{
	uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
	uint32_t e = hash[4], w[80];

	for (unsigned t = 0; t < 80; t++) {
		uint32_t next;

		w[t] = t < 16 ? load(p + 4 * t) : left(w[t - 3] ^ w[t - 8] ^
				w[t - 14] ^ w[t - 16], 1);
		next = left(a, 5) + mix(t, b, c, d) + e + w[t];
		e = d, d = c, c = left(b, 30), b = a, a = next;
	}
	hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d, hash[4] += e;
	explicit_bzero(w, sizeof(w));
}

void sha1(unsigned char out[SHA1_SIZE], struct span in)
{
	uint32_t hash[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
		0xc3d2e1f0 };
	unsigned char tail[2 * BLOCK] = { 0 };
	uint64_t bits = (uint64_t)in.n * 8;
	size_t n;

	for (; in.n >= BLOCK; in = span_rest(in, BLOCK))
		take_block(hash, (const unsigned char *)in.p);
	/* 5.1.1: a one, zeros, and the length in the last 8 bytes */
	if (in.n)
		memcpy(tail, in.p, in.n);
	tail[in.n] = 0x80;
	n = in.n < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	for (unsigned i = 0; i < 8; i++)
		tail[n - 1 - i] = (unsigned char)(bits >> 8 * i);
	take_block(hash, tail);
	if (n > BLOCK)
		take_block(hash, tail + BLOCK);
	for (unsigned i = 0; i < SHA1_SIZE; i++)
		out[i] = (unsigned char)(hash[i / 4] >> (24 - i % 4 * 8));
	explicit_bzero(tail, sizeof(tail));
}
