/* sha256_state - what the twins give: hashing in steps; HMAC is built on it
 *
 * For sha256*.c only; others include base/sha256.h.
 */
#ifndef BASE_SHA256_STATE_H
#define BASE_SHA256_STATE_H

#include <stddef.h>
#include "base/sha256.h"

#define SHA256_BLOCK 64

/* Room for either twin's state, which it checks at compile time. */
struct sha256_state {
	_Alignas(max_align_t) unsigned char room[256];
};

void sha256_begin(struct sha256_state *s);
void sha256_add(struct sha256_state *s, const void *data, size_t n);
void sha256_end(struct sha256_state *s, unsigned char out[SHA256_SIZE]);
void sha256_copy(struct sha256_state *to, const struct sha256_state *from);
/* Leaves nothing of what was hashed in memory. */
void sha256_wipe(struct sha256_state *s);

#endif
