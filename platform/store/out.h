/* out - buffered writing that counts
 */
#ifndef STORE_OUT_H
#define STORE_OUT_H

#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

#define OUT_SIZE 16384	/* what most messages have: they are one write */

struct out {
	int fd;
	int error;		/* errno of the first write that failed */
	uint64_t written;	/* octets, those in the buffer included */
	uint64_t lines;		/* LFs of what has left the buffer */
	size_t n, size;		/* octets in the buffer, and how many fit */
	char *buffer;
	struct gzip *gzip;	/* NULL: as it is */
};

struct gzip;

/* size: of the buffer. -1: no memory. */
int out_open(struct out *o, int fd, size_t size, struct err *err);
void out_add(struct out *o, struct span s);
void out_add_lf(struct out *o, struct span s);	/* ... without its CRs */
/* What is written from now on is compressed (MAILBOX_GZIP). -1: no memory. */
int out_compress(struct out *o, struct err *err);
/* Writes what is left and frees. 0 or -1 with errno. */
int out_close(struct out *o);

#endif
