/*
 * Any file at all: what comes out ends, and is the same in pieces of any size.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/gzip.h"

#define ENOUGH 100000		/* a small file may hold very much */

static uint32_t sum_of(int fd, size_t step, long *end)
{
	struct gunzip *z = gunzip_new(fd, NULL);
	char piece[4096];
	uint32_t sum = 0;
	long all = 0;

	if (!z)
		abort();
	while (all < ENOUGH && (*end = gunzip_read(z, piece, step, NULL)) > 0)
		for (long i = 0; i < *end && all < ENOUGH; i++, all++)
			sum = sum * 31 + (unsigned char)piece[i];
	gunzip_free(z);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = memfd_create("mail", 0);
	long end = 0, other = 0;
	uint32_t sum;

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	if (gzip_is(fd)) {
		sum = sum_of(fd, 4096, &end);
		/* what precedes damage depends on the piece */
		if (end == 0 && (sum_of(fd, 1, &other) != sum || other))
			abort();
		gunzip_is_whole(fd, n);
	}
	close(fd);
	return 0;
}
