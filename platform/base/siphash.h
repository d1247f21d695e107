/* siphash - SipHash-2-4: a fast hash that nobody without its key can steer
 *
 * For telling things apart that strangers have written, within one process.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>
#include "base/span.h"

/* key: 128 random bits */
uint64_t siphash(const uint64_t key[2], struct span s);

#endif
