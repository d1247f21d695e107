/* file - whole files, whole writes, durable renames */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

/* All are relative to dirfd (AT_FDCWD for the working directory). */

/* Appends the file to out (its cap limits). 0 or -1. */
int file_read(int dirfd, const char *path, struct str *out, struct err *err);
/*
 * Temporary name, write, fsync, rename, fsync of the folder; the mode is exact,
 * whatever the umask. 0 or -1.
 */
int file_replace(int dirfd, const char *path, mode_t mode, struct span data,
		struct err *err);
/*
 * Like mkdir -p, but new folders get this mode whatever the umask, and are
 * durable; existing ones keep theirs. 0 or -1.
 */
int file_mkdirs(int dirfd, const char *path, mode_t mode, struct err *err);
/* The same, with 0755 for what is missing above the folder. */
int file_mkdir_last(const char *path, mode_t mode, struct err *err);
/* A file to be read that others can neither read nor write. The fd or -1. */
int file_open_secret(const char *path, struct err *err);
/* The folder in which the name stands, to be read or flushed; -1 with errno. */
int file_parent(int dirfd, const char *path);
/* read, restarted on EINTR. */
ssize_t file_get(int fd, void *data, size_t n);
/* All n bytes or -1 with errno; restarts on EINTR and short writes. */
int file_write(int fd, const void *data, size_t n);
/* As many as there are up to n; fewer only at the file's end; -1 with errno. */
ssize_t file_pread(int fd, void *data, size_t n, int64_t offset);
/*
 * Has reading fd's beginning to wait for the disk? False where the system does
 * not tell.
 */
bool file_is_cold(int fd);
/* Appends from's bytes [start, start+length) to fd to. 0 or -1 with errno. */
int file_copy(int from, int64_t start, int64_t length, int to);
/*
 * A file in $TMPDIR (/tmp) for reading and writing that has no name any more:
 * whatever happens, nothing stays behind. The fd or -1.
 */
int file_temporary(struct err *err);
/* The same, mode 0600, with its name in path: for an editor. */
int file_temporary_named(char path[PATH_MAX], struct err *err);
/* Bytes an ordinary user can still write where fd lies; -1 with errno. */
int64_t file_free_space(int fd);
/* Is it on a file system that is gone with a power cut (tmpfs)? */
bool file_in_memory(int fd);
/*
 * Whole-file fcntl write lock, waiting at most `ms`. 0 or -1 with errno, EAGAIN
 * when others have it. It belongs to the open file: closing fd ends it, and
 * another open of the same file in this process is another holder.
 */
int file_lock(int fd, int ms);

#endif
