/* gzip - a compressed mail file (RFC 1952), as Dovecot's zlib plugin has it
 *
 * For files of a Maildir, with MAILBOX_GZIP. The name's S= and W= count what is
 * in it. Several members in a row are one file.
 */
#ifndef STORE_GZIP_H
#define STORE_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* Does the file begin as one? No message does. */
bool gzip_is(int fd);

/* -- writing: 32 KB of memory -- */

struct gzip;
/* To fd, which stays the caller's. NULL: no memory. */
struct gzip *gzip_new(int fd);
/* 0 or -1 with errno. */
int gzip_write(struct gzip *z, const char *p, size_t n);
/* Writes what is left, and frees. 0 or -1 with errno. */
int gzip_end(struct gzip *z);

/* -- reading: 40 KB -- */

struct gunzip;
/* From fd's start by pread. NULL with err: no memory. */
struct gunzip *gunzip_new(int fd, struct err *err);
/* >0 octets, fewer than n only at the end; 0 at the end; -1: cut or damaged. */
long gunzip_read(struct gunzip *z, char *p, size_t n, struct err *err);
void gunzip_free(struct gunzip *z);

/* 1: the file holds size octets and all are right; 0: not; -1 with errno. */
int gunzip_is_whole(int fd, uint64_t size);

#endif
