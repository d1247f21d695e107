#include "store/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "os/file.h"
#include "store/disk.h"

#define GZIP_FORMAT 16		/* of zlib's windowBits: a gzip header */
/* bits: 4 KB; mail has little that is far away */
#define WINDOW_WRITTEN 12
#define MEMORY_LEVEL 5
#define LEVEL 6
#define PIECE 4096

bool gzip_is(int fd)
{
	char head[3];

	return file_pread(fd, head, 3, 0) == 3
		&& memcmp(head, "\x1f\x8b\x08", 3) == 0;
}

/* -- writing -- */

struct gzip {
	z_stream z;
	int fd;
	Bytef piece[PIECE];
};

struct gzip *gzip_new(int fd)
{
	struct gzip *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->fd = fd;
	if (deflateInit2(&z->z, LEVEL, Z_DEFLATED, WINDOW_WRITTEN + GZIP_FORMAT,
				MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
		return z;
	free(z);
	errno = ENOMEM;
	return NULL;
}

/* Until nothing of the input is left; with Z_FINISH, of the output. */
static int press(struct gzip *z, int how)
{
	do {
		z->z.next_out = z->piece;
		z->z.avail_out = PIECE;
		deflate(&z->z, how);
		if (file_write(z->fd, (const char *)z->piece,
					PIECE - z->z.avail_out) < 0)
			return -1;
	} while (!z->z.avail_out);
	return 0;
}

int gzip_write(struct gzip *z, const char *p, size_t n)
{
	z->z.next_in = (Bytef *)(uintptr_t)p;
	z->z.avail_in = (uInt)n;
	return press(z, Z_NO_FLUSH);
}

int gzip_end(struct gzip *z)
{
	int rc = gzip_write(z, "", 0), error;

	if (rc == 0)
		rc = press(z, Z_FINISH);
	error = errno;
	deflateEnd(&z->z);
	free(z);
	errno = error;
	return rc;
}

/* -- reading -- */

struct gunzip {
	z_stream z;
	int fd;
	int64_t at;		/* of the next read */
	bool between;		/* no member has begun */
	Bytef piece[PIECE];
};

struct gunzip *gunzip_new(int fd, struct err *err)
{
	struct gunzip *z = calloc(1, sizeof(*z));

	if (z && inflateInit2(&z->z, 15 + GZIP_FORMAT) == Z_OK) {
		z->fd = fd;
		return z;
	}
	free(z);
	err_nomem(err);
	return NULL;
}

void gunzip_free(struct gunzip *z)
{
	if (!z)
		return;
	inflateEnd(&z->z);
	free(z);
}

/* 1; 0 at the end of the file, -1. */
static int fill(struct gunzip *z, struct err *err)
{
	ssize_t n;

	if (z->z.avail_in)
		return 1;
	n = file_pread(z->fd, (char *)z->piece, PIECE, z->at);
	if (n < 0)
		return disk_err(err, "reading mail");
	z->at += n;
	z->z.next_in = z->piece;
	z->z.avail_in = (uInt)n;
	return n > 0;
}

long gunzip_read(struct gunzip *z, char *p, size_t n, struct err *err)
{
	int rc = 1, state = Z_OK;

	z->z.next_out = (Bytef *)p;
	z->z.avail_out = (uInt)n;
	while (z->z.avail_out && (rc = fill(z, err)) > 0) {
		z->between = false;
		state = inflate(&z->z, Z_NO_FLUSH);
		if (state == Z_STREAM_END) {
			z->between = true;
			inflateReset(&z->z);
		} else if (state != Z_OK && state != Z_BUF_ERROR) {
			return err_set(err, ERR_TEMP, "a compressed message is"
					" damaged");
		}
	}
	if (rc < 0)
		return -1;
	if (rc == 0 && !z->between)
		return err_set(err, ERR_TEMP, "a compressed message is cut");
	return (long)(n - z->z.avail_out);
}

int gunzip_is_whole(int fd, uint64_t size)
{
	struct gunzip *z = gunzip_new(fd, NULL);
	uint64_t all = 0;
	char piece[PIECE];
	long n;

	if (!z) {
		errno = ENOMEM;
		return -1;
	}
	while ((n = gunzip_read(z, piece, sizeof(piece), NULL)) > 0)
		all += (uint64_t)n;
	gunzip_free(z);
	return n == 0 && all == size;
}
