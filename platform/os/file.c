#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "os/clock.h"
#include "os/rand.h"

/* 32-bit builds need -D_FILE_OFFSET_BITS=64 */
_Static_assert(sizeof(off_t) == 8, "files past 2 GB");

#define READ_NOWAIT 8L		/* RWF_NOWAIT, which not every libc names */
#define PIECE 4096		/* bytes copied at a time; on the stack */

static int open_again(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static void close_quietly(int fd)
{
	int code = errno;

	close(fd);
	errno = code;
}

ssize_t file_get(int fd, void *data, size_t n)
{
	ssize_t got;

	do
		got = read(fd, data, n);
	while (got < 0 && errno == EINTR);
	return got;
}

int file_read(int dirfd, const char *path, struct str *out, struct err *err)
{
	char piece[PIECE];
	ssize_t n = -1;
	int fd = open_again(dirfd, path, O_RDONLY | O_NOCTTY, 0);

	if (fd < 0)
		return err_errno(err, "%s", path);
	while (!out->bad && (n = file_get(fd, piece, sizeof(piece))) > 0)
		str_add(out, span_make(piece, (size_t)n));
	close_quietly(fd);
	if (out->bad)
		return err_set(err, ERR_NOMEM, "%s: too big", path);
	if (n < 0)
		return err_errno(err, "%s", path);
	return 0;
}

int file_parent(int dirfd, const char *path)
{
	char folder[PATH_MAX];
	struct span s = span_of(path);
	size_t slash = span_rfind(s, '/');

	s = slash == s.n ? SPAN(".") : span_sub(s, 0, slash ? slash : 1);
	if (str_copy(folder, sizeof(folder), s) == 0)
		return open_again(dirfd, folder, O_RDONLY | O_DIRECTORY, 0);
	errno = ENAMETOOLONG;
	return -1;
}

/* Makes the names in path's folder durable. 0 or -1 with errno. */
static int sync_folder(int dirfd, const char *path)
{
	int fd = file_parent(dirfd, path), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	/* EINVAL: a file system that knows no flush of folders */
	if (rc < 0 && errno == EINVAL)
		rc = 0;
	close_quietly(fd);
	return rc;
}

/* Opens a new file "FOLDER/.NAME.RANDOM" and puts its path into temp. */
static int temp_open(int dirfd, const char *path, char temp[PATH_MAX])
{
	struct span all = span_of(path);
	size_t slash = span_rfind(all, '/');
	size_t base = slash == all.n ? 0 : slash + 1;
	char word[9];
	int fd, n;

	do {
		rand_word(word, sizeof(word) - 1);
		n = snprintf(temp, PATH_MAX, "%.*s.%s.%s", (int)base, path,
				path + base, word);
		if (n < 0 || n >= PATH_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		fd = open_again(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	} while (fd < 0 && errno == EEXIST);
	return fd;
}

/* Closes fd in any case. 0 or -1 with errno. */
static int fill(int fd, mode_t mode, struct span data)
{
	int rc = file_write(fd, data.p, data.n);

	if (rc == 0)
		rc = fchmod(fd, mode);	/* the umask has no say here */
	if (rc == 0)
		rc = fsync(fd);
	if (rc < 0)
		close_quietly(fd);
	else
		rc = close(fd);
	return rc;
}

int file_replace(int dirfd, const char *path, mode_t mode, struct span data,
		struct err *err)
{
	char temp[PATH_MAX];
	int fd = temp_open(dirfd, path, temp);

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fill(fd, mode, data) < 0 ||
			renameat(dirfd, temp, dirfd, path) < 0) {
		err_errno(err, "%s", path);
		unlinkat(dirfd, temp, 0);
		return -1;
	}
	if (sync_folder(dirfd, path) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

static bool is_folder(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* One folder. 0 or -1 with errno. */
static int make(int dirfd, const char *path, mode_t mode)
{
	int code;

	if (mkdirat(dirfd, path, mode) == 0) {
		/* exactly this mode, whatever the umask */
		if (fchmodat(dirfd, path, mode, 0) < 0)
			return -1;
		return sync_folder(dirfd, path);
	}
	/* whatever the reason (EEXIST, EROFS, EACCES): being there is enough */
	code = errno;
	if (is_folder(dirfd, path))
		return 0;
	errno = code == EEXIST ? ENOTDIR : code;
	return -1;
}

int file_mkdirs(int dirfd, const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	if (str_copy(part, sizeof(part), span_make(path, n)) < 0)
		return err_set(err, ERR_PERM, "%s: name too long", path);
	for (size_t i = 1; i <= n; i++) {
		char old = part[i];

		if ((old != '/' && old != '\0') || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		if (make(dirfd, part, mode) < 0)
			return err_errno(err, "%s", part);
		part[i] = old;
	}
	return 0;
}

int file_mkdir_last(const char *path, mode_t mode, struct err *err)
{
	size_t n = strlen(path);
	char above[PATH_MAX];

	while (n > 1 && path[n - 1] == '/')
		n--;
	n = span_rfind(span_make(path, n), '/');
	if (n && path[n] && str_copy(above, sizeof(above), span_make(path, n))
			== 0 && file_mkdirs(AT_FDCWD, above, 0755, err) < 0)
		return -1;
	return file_mkdirs(AT_FDCWD, path, mode, err);
}

int file_write(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

ssize_t file_pread(int fd, void *data, size_t n, int64_t offset)
{
	char *p = data;
	size_t done = 0;

	if (n > SSIZE_MAX)
		n = SSIZE_MAX;
	while (done < n) {
		ssize_t got = pread(fd, p + done, n - done,
				offset + (int64_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

bool file_is_cold(int fd)
{
#ifdef SYS_preadv2
	char first;
	struct iovec to = { &first, 1 };

	return syscall(SYS_preadv2, fd, &to, 1L, 0L, 0L, READ_NOWAIT) < 0 &&
		errno == EAGAIN;
#else
	(void)fd;
	return false;
#endif
}

/*
 * Ways to move up to n bytes from from's *at to to's end; each moves *at.
 * Bytes moved, 0 at from's end or when this way does not work, -1 with errno.
 */
static ssize_t copy_in_file_system(int from, off_t *at, int to, size_t n)
{
	return copy_file_range(from, at, to, NULL, n, 0);
}

static ssize_t copy_in_kernel(int from, off_t *at, int to, size_t n)
{
	return sendfile(to, from, at, n);
}

static ssize_t copy_here(int from, off_t *at, int to, size_t n)
{
	char piece[PIECE];
	ssize_t got = file_pread(from, piece, n < PIECE ? n : PIECE, *at);

	if (got <= 0)
		return got;
	if (file_write(to, piece, (size_t)got) < 0)
		return -1;
	*at += got;
	return got;
}

/* Does this errno only mean that another way has to be tried? */
static bool try_other_way(int code)
{
	return code == EXDEV || code == EINVAL || code == ENOSYS ||
		code == EBADF || code == EOPNOTSUPP || code == EPERM ||
		code == ETXTBSY || code == EOVERFLOW;
}

int file_copy(int from, int64_t start, int64_t length, int to)
{
	static ssize_t (*const ways[])(int, off_t *, int, size_t) = {
		copy_in_file_system, copy_in_kernel, copy_here
	};
	const size_t last = sizeof(ways) / sizeof(ways[0]) - 1;
	const int64_t most = 1 << 30;
	off_t at = start, end = start + length;
	size_t way = 0;

	while (at < end) {
		size_t n = (size_t)(end - at < most ? end - at : most);
		ssize_t got = ways[way](from, &at, to, n);

		if (got > 0 || (got < 0 && errno == EINTR))
			continue;
		if (way == last) {
			if (!got)
				errno = EIO;	/* from is shorter than told */
			return -1;
		}
		if (got < 0 && !try_other_way(errno))
			return -1;
		way++;
	}
	return 0;
}

int file_temporary_named(char path[PATH_MAX], struct err *err)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	snprintf(path, PATH_MAX, "%s/pillarbox.XXXXXX",
			folder && *folder ? folder : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	return fd < 0 ? err_errno(err, "%s", path) : fd;
}

int file_temporary(struct err *err)
{
	char path[PATH_MAX];
	int fd = file_temporary_named(path, err);

	if (fd >= 0)
		unlinkat(AT_FDCWD, path, 0);
	return fd;
}

#define TMPFS 0x01021994		/* statfs(2) */
#define RAMFS 0x858458f6

bool file_in_memory(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && ((uint32_t)st.f_type == TMPFS
			|| (uint32_t)st.f_type == RAMFS);
}

int64_t file_free_space(int fd)
{
	struct statvfs st;
	uint64_t unit, room;

	while (fstatvfs(fd, &st) < 0)
		if (errno != EINTR)
			return -1;
	unit = st.f_frsize ? st.f_frsize : st.f_bsize;
	room = st.f_bavail;
	if (unit && room > INT64_MAX / unit)
		return INT64_MAX;
	return (int64_t)(room * unit);
}

/*
 * The lock belongs to the open file and not to the process (F_OFD_SETLK), so
 * two sessions of one daemon keep each other out as two programs would; it
 * conflicts with the classic fcntl locks of other programs all the same.
 */
static int lock_once(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int rc = fcntl(fd, F_OFD_SETLK, &lock);

	if (rc < 0 && errno == EINVAL)
		rc = fcntl(fd, F_SETLK, &lock);
	if (rc < 0 && errno == EACCES)
		errno = EAGAIN;
	return rc;
}

int file_lock(int fd, int ms)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000000 };
	int64_t end = clock_ms() + ms;

	while (lock_once(fd) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		if (clock_ms() >= end) {
			errno = EAGAIN;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int file_open_secret(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		err_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, ERR_PERM, "%s: not a file", path);
	else if (st.st_mode & (S_IROTH | S_IWOTH))
		err_set(err, ERR_PERM, "%s: others can read it; "
				"chmod o= would help", path);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}
