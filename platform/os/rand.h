/* rand - the kernel's random bytes */
#ifndef OS_RAND_H
#define OS_RAND_H

#include <stddef.h>
#include <stdint.h>

/* Blocks until the kernel's pool is seeded; aborts where there is no source. */
void rand_bytes(void *out, size_t n);
uint32_t rand_below(uint32_t limit);	/* 0 .. limit-1, even; limit > 0 */
/* n characters from A-Za-z0-9 and a NUL. */
void rand_word(char *out, size_t n);

#endif
