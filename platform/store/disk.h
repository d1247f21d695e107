/* disk - what spool and mailboxes do alike with folders and files
 */
#ifndef STORE_DISK_H
#define STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* A folder, to be read or flushed. The fd or -1 with errno. */
int disk_folder(int dirfd, const char *path);
/*
 * As disk_folder, but no part of the path is a link or "..", unless it is the
 * caller's own affair: dirfd is AT_FDCWD. make: what is missing, with mode
 * 0700. The fd, or -1 with errno.
 */
int disk_folder_below(int dirfd, const char *path, bool make);
/*
 * Calls fn for each name that does not begin with a dot, until it gives
 * something else than 0, which is then given back. -1 with err: not readable.
 */
int disk_each(int dirfd, const char *path, int (*fn)(void *arg, const char *name),
		void *arg, struct err *err);
/* The same, for names that do begin with one; "." and ".." left out. */
int disk_each_hidden(int dirfd, const char *path,
		int (*fn)(void *arg, const char *name), void *arg,
		struct err *err);
/* Removes a folder's files older than `age` seconds, which killed writers left. */
void disk_sweep(int dirfd, const char *path, int age);
/* All n octets at their place, or -1 with errno. */
int disk_write_at(int fd, const void *data, size_t n, int64_t at);
/*
 * After a power cut: is something missing between from and to? 1: the file ends
 * before, or has a NUL, as which a hole reads and which no mail has (RFC 5322
 * 2.2). 0, or -1 with errno.
 */
int disk_has_hole(int fd, int64_t from, int64_t to);
/* fsync, as far as the file system knows it for that. 0 or errno. flags: of open. */
int disk_flush_path(int dirfd, const char *path, int flags);
/* The same for the folder in which the name stands. */
int disk_flush_folder(int dirfd, const char *path);
/* err_errno; a full disk is ERR_NOMEM: callers answer 452 to it. Gives -1. */
int disk_err(struct err *err, const char *what);

#endif
