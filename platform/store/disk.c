#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"

int disk_folder(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_part(int dirfd, struct span part, bool make)
{
	char name[NAME_MAX + 1];
	int fd;

	if (span_is(part, "..") || str_copy(name, sizeof(name), part) < 0) {
		errno = EINVAL;
		return -1;
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC
			| O_NOFOLLOW);
	if (fd >= 0 || errno != ENOENT || !make
			|| file_mkdirs(dirfd, name, 0700, NULL) < 0)
		return fd;
	return open_part(dirfd, part, false);
}

int disk_folder_below(int dirfd, const char *path, bool make)
{
	struct span rest = span_of(path);
	int fd = dirfd, next, code;

	if (dirfd == AT_FDCWD) {
		if (make && file_mkdirs(dirfd, path, 0700, NULL) < 0)
			return -1;
		return disk_folder(dirfd, path);
	}
	do {
		next = open_part(fd, span_cut(&rest, '/'), make);
		code = errno;
		if (fd != dirfd)
			close(fd);
		errno = code;
		fd = next;
	} while (fd >= 0 && rest.n);
	return fd;
}

static bool wanted(const char *name, bool hidden)
{
	return (name[0] == '.') == hidden && strcmp(name, ".") != 0
		&& strcmp(name, "..") != 0;
}

static int each(int dirfd, const char *path, bool hidden,
		int (*fn)(void *arg, const char *name), void *arg,
		struct err *err)
{
	int fd = disk_folder(dirfd, path), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		disk_err(err, path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!rc && (errno = 0, entry = readdir(dir)) != NULL)
		if (wanted(entry->d_name, hidden))
			rc = fn(arg, entry->d_name);
	if (!rc && errno)
		rc = disk_err(err, path);
	closedir(dir);
	return rc;
}

int disk_each(int dirfd, const char *path,
		int (*fn)(void *arg, const char *name), void *arg,
		struct err *err)
{
	return each(dirfd, path, false, fn, arg, err);
}

int disk_each_hidden(int dirfd, const char *path,
		int (*fn)(void *arg, const char *name), void *arg,
		struct err *err)
{
	return each(dirfd, path, true, fn, arg, err);
}

struct sweep {
	int dirfd;
	int64_t before;
};

static int sweep_one(void *arg, const char *name)
{
	const struct sweep *s = arg;
	struct stat st;

	if (fstatat(s->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0
			&& st.st_mtime < s->before)
		unlinkat(s->dirfd, name, 0);
	return 0;
}

void disk_sweep(int dirfd, const char *path, int age)
{
	struct sweep s = { disk_folder(dirfd, path), clock_now() - age };

	disk_each(s.dirfd, ".", sweep_one, &s, NULL);
	if (s.dirfd >= 0)
		close(s.dirfd);
}

int disk_write_at(int fd, const void *data, size_t n, int64_t at)
{
	const char *p = data;

	while (n) {
		ssize_t put = pwrite(fd, p, n, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		p += put;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

int disk_has_hole(int fd, int64_t from, int64_t to)
{
	char piece[4096];
	ssize_t n = 1;

	for (; from < to; from += n) {
		size_t most = to - from < (int64_t)sizeof(piece)
			? (size_t)(to - from) : sizeof(piece);

		n = file_pread(fd, piece, most, from);
		if (n <= 0)
			return n < 0 ? -1 : 1;
		if (memchr(piece, '\0', (size_t)n))
			return 1;
	}
	return 0;
}

static int flush_and_close(int fd)
{
	int error = fd < 0 ? errno : 0;

	if (error)
		return error;
	/* EINVAL: a file system that knows no flush of this (folders, often) */
	if (fsync(fd) < 0 && errno != EINVAL)
		error = errno;
	close(fd);
	return error;
}

int disk_flush_path(int dirfd, const char *path, int flags)
{
	return flush_and_close(openat(dirfd, path, O_RDONLY | O_CLOEXEC
				| O_NOFOLLOW | O_NONBLOCK | flags));
}

int disk_flush_folder(int dirfd, const char *path)
{
	return flush_and_close(file_parent(dirfd, path));
}

int disk_err(struct err *err, const char *what)
{
	int code = errno;

	err_errno(err, "%s", what);
	if (err && (code == ENOSPC || code == EDQUOT || code == EFBIG))
		err->kind = ERR_NOMEM;
	return -1;
}
