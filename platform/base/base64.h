/* base64 - RFC 4648 section 4 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <sys/types.h>
#include "base/span.h"
#include "base/str.h"

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* Appends the code of `in`, without line breaks. */
void base64_put(struct str *out, struct span in);
/*
 * Strict: whole quartets, right padding, no other characters. Gives the
 * number of bytes written to out (size bytes, no NUL added), or -1.
 */
ssize_t base64_get(void *out, size_t size, struct span in);

#endif
