/* SHA-256 (FIPS 180-4) of our own, for builds without mbedTLS. */
#include "base/sha256_state.h"

#include <stdint.h>
#include <string.h>

#define WORDS 8

struct own {
	uint64_t length;		/* bytes so far */
	uint32_t h[WORDS];
	unsigned char block[SHA256_BLOCK];	/* length % 64 wait here */
};

_Static_assert(sizeof(struct own) <= sizeof(struct sha256_state), "room");

static struct own *own(struct sha256_state *s)
{
	return (struct own *)(void *)s->room;
}

/* 4.2.2: of the cube roots of the first 64 primes */
static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* 5.3.3: of the square roots of the first 8 primes */
static const uint32_t h0[WORDS] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t right(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t load(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

static void store(unsigned char *p, uint32_t x)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(x >> (24 - 8 * i));
}

/* The schedule's word t, made in a ring of 16 (6.2.2 step 1). */
static uint32_t word(uint32_t w[16], unsigned t)
{
	uint32_t x = w[(t + 1) % 16], y = w[(t + 14) % 16];

	w[t % 16] += (right(x, 7) ^ right(x, 18) ^ x >> 3) +
		(right(y, 17) ^ right(y, 19) ^ y >> 10) + w[(t + 9) % 16];
	return w[t % 16];
}

/* 6.2.2 */
static void take_block(uint32_t hash[WORDS], const unsigned char *p)
{
	uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
	uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
	uint32_t w[16];

	for (unsigned t = 0; t < 64; t++) {
		uint32_t t1, t2;

		if (t < 16)
			w[t] = load(p + 4 * t);
		t1 = h + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) +
			(g ^ (e & (f ^ g))) + k[t] +
			(t < 16 ? w[t] : word(w, t));
		t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) +
			((a & b) | (c & (a | b)));
		h = g, g = f, f = e, e = d + t1;
		d = c, c = b, b = a, a = t1 + t2;
	}
	hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
	hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

void sha256_begin(struct sha256_state *s)
{
	own(s)->length = 0;
	memcpy(own(s)->h, h0, sizeof(h0));
}

void sha256_add(struct sha256_state *s, const void *data, size_t n)
{
	struct own *o = own(s);
	const unsigned char *p = data;

	while (n) {
		size_t used = (size_t)(o->length % SHA256_BLOCK);
		size_t part = SHA256_BLOCK - used;

		if (part > n)
			part = n;
		memcpy(o->block + used, p, part);
		o->length += part;
		p += part;
		n -= part;
		if (used + part == SHA256_BLOCK)
			take_block(o->h, o->block);
	}
}

void sha256_end(struct sha256_state *s, unsigned char out[SHA256_SIZE])
{
	static const unsigned char padding[SHA256_BLOCK] = { 0x80 };
	struct own *o = own(s);
	uint64_t bits = o->length * 8;
	size_t used = (size_t)(o->length % SHA256_BLOCK);
	unsigned char tail[8];

	/* 5.1.1: a one, zeros, and the length in the last 8 bytes */
	sha256_add(s, padding, (used < 56 ? 56 : 120) - used);
	store(tail, (uint32_t)(bits >> 32));
	store(tail + 4, (uint32_t)bits);
	sha256_add(s, tail, sizeof(tail));
	for (int i = 0; i < WORDS; i++)
		store(out + 4 * i, o->h[i]);
}

void sha256_copy(struct sha256_state *to, const struct sha256_state *from)
{
	memcpy(to->room, from->room, sizeof(struct own));
}

void sha256_wipe(struct sha256_state *s)
{
	explicit_bzero(s, sizeof(*s));
}
