/* punycode - code points as letters, digits and hyphens, both ways (RFC 3492) */
#ifndef BASE_PUNYCODE_H
#define BASE_PUNYCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/span.h"

#define PUNYCODE_MOST 63	/* code points; more never fit into a label */

#define PUNYCODE_SIZE 64	/* the longest code, and NUL */

/*
 * The code of n code points (ASCII among them as they are). False: it is longer than
 * a label can be; out is then of no use.
 */
bool punycode_put(char out[PUNYCODE_SIZE], const uint32_t *points, size_t n);
/*
 * What a code (without "xn--") stands for: how many code points are in out; 0:
 * it is none, or stands for too much. ASCII ones are as they were.
 */
size_t punycode_get(uint32_t out[PUNYCODE_MOST], struct span code);

#endif
