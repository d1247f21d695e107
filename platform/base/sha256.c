/* What both twins share: HMAC and PBKDF2 over their steps. */
#include "base/sha256_state.h"

#include <stdlib.h>
#include <string.h>

void sha256(unsigned char out[SHA256_SIZE], struct span in)
{
	struct sha256_state s;

	sha256_begin(&s);
	sha256_add(&s, in.p, in.n);
	sha256_end(&s, out);
	sha256_wipe(&s);
}

/* HMAC's two hashes after their first block, which only hangs on the key. */
struct hmac {
	struct sha256_state inner, outer;
};

/* RFC 2104 section 2 */
static void hmac_begin(struct hmac *h, struct span key)
{
	unsigned char block[SHA256_BLOCK] = { 0 };

	if (key.n > sizeof(block))
		sha256(block, key);
	else if (key.n)
		memcpy(block, key.p, key.n);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	sha256_begin(&h->inner);
	sha256_add(&h->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	sha256_begin(&h->outer);
	sha256_add(&h->outer, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

/* The HMAC of a and b together; h can be used again. */
static void hmac_of(const struct hmac *h, struct sha256_state *work,
		unsigned char out[SHA256_SIZE], struct span a, struct span b)
{
	sha256_copy(work, &h->inner);
	sha256_add(work, a.p, a.n);
	sha256_add(work, b.p, b.n);
	sha256_end(work, out);
	sha256_copy(work, &h->outer);
	sha256_add(work, out, SHA256_SIZE);
	sha256_end(work, out);
}

static void hmac_wipe(struct hmac *h)
{
	sha256_wipe(&h->inner);
	sha256_wipe(&h->outer);
}

void sha256_hmac(unsigned char out[SHA256_SIZE], struct span key,
		struct span in)
{
	struct sha256_state work;
	struct hmac h;

	hmac_begin(&h, key);
	hmac_of(&h, &work, out, in, SPAN(""));
	hmac_wipe(&h);
	sha256_wipe(&work);
}

/* PBKDF2's one block (RFC 8018 5.2) while it grows. */
struct sha256_slow {
	struct hmac h;		/* the key is hashed once and not each round */
	struct sha256_state work;
	unsigned char u[SHA256_SIZE], out[SHA256_SIZE];
	unsigned left;
};

static void slow_begin(struct sha256_slow *s, struct span password,
		struct span salt, unsigned rounds)
{
	static const char first[] = { 0, 0, 0, 1 };	/* block 1, INT(i) */

	hmac_begin(&s->h, password);
	hmac_of(&s->h, &s->work, s->u, salt, span_make(first, sizeof(first)));
	memcpy(s->out, s->u, sizeof(s->u));
	s->left = rounds - 1;
}

bool sha256_slow_go(struct sha256_slow *s, unsigned rounds,
		unsigned char out[SHA256_SIZE])
{
	while (s->left && rounds--) {
		hmac_of(&s->h, &s->work, s->u, span_make((char *)s->u,
				sizeof(s->u)), SPAN(""));
		for (size_t i = 0; i < sizeof(s->u); i++)
			s->out[i] ^= s->u[i];
		s->left--;
	}
	memcpy(out, s->out, sizeof(s->out));
	return !s->left;
}

static void slow_wipe(struct sha256_slow *s)
{
	hmac_wipe(&s->h);
	sha256_wipe(&s->work);
	explicit_bzero(s, sizeof(*s));
}

struct sha256_slow *sha256_slow_new(struct span password, struct span salt,
		unsigned rounds)
{
	struct sha256_slow *s = malloc(sizeof(*s));

	if (s)
		slow_begin(s, password, salt, rounds);
	return s;
}

void sha256_slow_free(struct sha256_slow *s)
{
	if (s)
		slow_wipe(s);
	free(s);
}

void sha256_pbkdf2(unsigned char out[SHA256_SIZE], struct span password,
		struct span salt, unsigned rounds)
{
	struct sha256_slow s;

	slow_begin(&s, password, salt, rounds);
	sha256_slow_go(&s, rounds, out);
	slow_wipe(&s);
}
