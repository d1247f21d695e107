#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"

int disk_folder(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int disk_each(int dirfd, int (*fn)(void *arg, const char *name), void *arg,
		struct err *err)
{
	/* a descriptor of its own: reading begins at the start */
	int fd = disk_folder(dirfd, "."), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		disk_err(err, "folder");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!rc && (errno = 0, entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			rc = fn(arg, entry->d_name);
	if (!rc && errno)
		rc = disk_err(err, "folder");
	closedir(dir);
	return rc;
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

void disk_sweep(int dirfd, int age)
{
	struct sweep s = { dirfd, clock_now() - age };

	disk_each(dirfd, sweep_one, &s, NULL);
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

int disk_flush(int fd)
{
	if (fsync(fd) == 0)
		return 0;
	/* EINVAL: a file system that knows no flush of this (folders, often) */
	return errno == EINVAL ? 0 : errno;
}

int disk_flush_path(int dirfd, const char *path, int flags)
{
	int fd = openat(dirfd, path,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags);
	int error;

	if (fd < 0)
		return errno;
	error = disk_flush(fd);
	close(fd);
	return error;
}

int disk_flush_folder(int dirfd, const char *path)
{
	char folder[PATH_MAX];
	struct span s = span_of(path);
	size_t slash = span_rfind(s, '/');

	s = slash == s.n ? SPAN(".") : span_sub(s, 0, slash ? slash : 1);
	if (str_copy(folder, sizeof(folder), s) < 0)
		return ENAMETOOLONG;
	return disk_flush_path(dirfd, folder, O_DIRECTORY);
}

int disk_err(struct err *err, const char *what)
{
	int code = errno;

	err_errno(err, "%s", what);
	if (err && (code == ENOSPC || code == EDQUOT || code == EFBIG))
		err->kind = ERR_NOMEM;
	return -1;
}
