/* sha256 - SHA-256, HMAC (RFC 2104) and PBKDF2 (RFC 8018) over it
 *
 * Twins: sha256_mbedtls.c where TLS is built, sha256_none.c (our own) where
 * no mbedTLS is linked.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/span.h"

#define SHA256_SIZE 32

void sha256(unsigned char out[SHA256_SIZE], struct span in);
void sha256_hmac(unsigned char out[SHA256_SIZE], struct span key,
		struct span in);
/* The one block that SCRAM's Hi() is (RFC 5802 section 2.2). rounds >= 1. */
void sha256_pbkdf2(unsigned char out[SHA256_SIZE], struct span password,
		struct span salt, unsigned rounds);
/* The same in slices, for a loop that has others to serve. NULL: no memory. */
struct sha256_slow;
struct sha256_slow *sha256_slow_new(struct span password, struct span salt,
		unsigned rounds);
/* At most so many rounds on. True: it is done, and out is it. */
bool sha256_slow_go(struct sha256_slow *s, unsigned rounds,
		unsigned char out[SHA256_SIZE]);
void sha256_slow_free(struct sha256_slow *s);	/* may be NULL */

#endif
