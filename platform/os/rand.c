#include "os/rand.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 256		/* the most that getentropy gives */

void rand_bytes(void *out, size_t n)
{
	char *p = out;

	while (n) {
		size_t piece = n < PIECE ? n : PIECE;

		/* a guessable salt or DNS id is worse than no service */
		if (getentropy(p, piece) < 0)
			abort();
		p += piece;
		n -= piece;
	}
}

uint32_t rand_below(uint32_t limit)
{
	/* the 2^32 mod limit lowest values would make the rest uneven */
	uint32_t uneven = -limit % limit;
	uint32_t value;

	do
		rand_bytes(&value, sizeof(value));
	while (value < uneven);
	return value % limit;
}

void rand_word(char *out, size_t n)
{
	static const char set[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char pool[32];		/* a call for all of them, mostly */
	const unsigned kinds = sizeof(set) - 1, even = 256 - 256 % kinds;
	size_t left = 0;

	while (n) {
		if (!left) {
			left = sizeof(pool);
			rand_bytes(pool, left);
		}
		/* the highest values would make the rest uneven */
		if (pool[--left] >= even)
			continue;
		*out++ = set[pool[left] % kinds];
		n--;
	}
	*out = '\0';
	explicit_bzero(pool, sizeof(pool));
}
