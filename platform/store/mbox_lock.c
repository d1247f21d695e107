#include "store/mbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

#define STALE_AGE 600		/* seconds, as Debian's mail policy has it */
#define PAUSE_MS 32		/* at most; 1 at first */
#define OURS "pillarbox"	/* third word in a dot-lock */

int mbox_beside(char out[MBOX_PATH_SIZE], const char *path, const char *before,
		const char *after)
{
	struct span all = span_of(path);
	size_t slash = span_rfind(all, '/');
	size_t base = slash == all.n ? 0 : slash + 1;
	int n = snprintf(out, MBOX_PATH_SIZE, "%.*s%s%s%s", (int)base, path,
			before, path + base, after);

	if (n >= 0 && n < MBOX_PATH_SIZE)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/*
 * -- the dot-lock: "PID START END pillarbox\n": where the mbox ended before what is
 * added, and with the last message of it that is whole --
 */

struct dot {
	struct stat st;
	long pid;			/* 0: none in it */
	int64_t start, end;
	bool ours;
};

static int dot_read(int dirfd, const char *name, struct dot *d)
{
	char text[80] = "", *p;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW
			| O_NONBLOCK);
	int rc;

	if (fd < 0)
		return -1;
	rc = file_pread(fd, text, sizeof(text) - 1, 0) < 0
		|| fstat(fd, &d->st) < 0 ? -1 : 0;
	close(fd);
	d->pid = (long)strtoll(text, &p, 10);
	d->start = strtoll(p, &p, 10);
	d->end = strtoll(p, &p, 10);
	d->ours = strncmp(p, " " OURS, strlen(OURS) + 1) == 0;
	return rc;
}

static bool dot_stale(const struct dot *d)
{
	if (d->pid > 0 && kill((pid_t)d->pid, 0) < 0 && errno == ESRCH)
		return true;
	return clock_now() - d->st.st_mtime > STALE_AGE;
}

/*
 * What a killed writer of ours left behind `offset`: at most one message, from
 * the line feeds on that separate it. Anything else was not ours alone.
 */
static bool tail_is_ours(int fd, int64_t offset)
{
	const struct mbox_look look = { .key = NULL };
	struct mbox_index ix;
	struct span text;
	char tail[400];
	ssize_t n;

	if (mbox_index_read(&ix, fd, offset, &look, NULL) == 0) {
		n = ix.n;
		mbox_index_free(&ix);
		return n <= 1;
	}
	/* or the beginning of a From_ line */
	n = file_pread(fd, tail, sizeof(tail), offset);
	text = span_trim(span_make(tail, n < 0 ? 0 : (size_t)n));
	return text.n < sizeof(tail) && span_find(text, '\n') == text.n
		&& memcmp(text.p, "From ", text.n < 5 ? text.n : 5) == 0;
}

static void repair_append(const struct mbox_lock *l, const struct dot *d)
{
	struct stat st;

	if (!d->ours || fstat(l->fd, &st) < 0 || st.st_size <= d->start
			|| (st.st_size > d->end && !tail_is_ours(l->fd, d->end)))
		return;
	log_warn("%s: half a message of a killed delivery is removed", l->path);
	if (ftruncate(l->fd, d->start) < 0)
		log_error("%s: %s", l->path, strerror(errno));
}

/*
 * What a user names need not be one. Of a file that holds nothing but NULs only
 * who works in the mail folder knows.
 */
static bool is_mbox(const struct mbox_lock *l, off_t end)
{
	char start[5];

	return end ? file_pread(l->fd, start, 5, 0) == 5
			&& memcmp(start, "From ", 5) == 0 :
		l->dirfd != AT_FDCWD;
}

/*
 * After a power cut a file may be as long as it was to be, and its new octets
 * NULs. Every mbox ends in a line feed: such a tail was never acknowledged.
 */
static void repair_hole(const struct mbox_lock *l)
{
	off_t size = lseek(l->fd, 0, SEEK_END), end = size;
	char piece[512], last = '\0';

	while (end > 0 && !last) {
		off_t from = end > (off_t)sizeof(piece) ?
			end - (off_t)sizeof(piece) : 0;
		ssize_t n = file_pread(l->fd, piece, (size_t)(end - from),
				from);

		while (n > 0 && !piece[n - 1])
			n--;
		if (n < 0)
			return;
		end = from + n;
		last = n ? piece[n - 1] : '\0';
	}
	if (end >= size || (end > 0 && last != '\n') || !is_mbox(l, end))
		return;
	log_warn("%s: the empty tail of a delivery that was cut is removed",
			l->path);
	if (ftruncate(l->fd, end) < 0)
		log_error("%s: %s", l->path, strerror(errno));
}

/*
 * Takes the lock of one who is dead out of the way. We hold the fcntl
 * lock, so that no second process of ours is here. True: try again.
 */
static bool dot_break(const struct mbox_lock *l, const char *name)
{
	struct stat now;
	struct dot d;

	if (dot_read(l->dirfd, name, &d) < 0)
		return errno == ENOENT;
	if (!dot_stale(&d))
		return false;
	repair_append(l, &d);
	if (fstatat(l->dirfd, name, &now, AT_SYMLINK_NOFOLLOW) < 0
			|| now.st_ino != d.st.st_ino)
		return true;
	log_warn("%s: stale lock is broken", name);
	return unlinkat(l->dirfd, name, 0) == 0;
}

static bool is_full(void)
{
	return errno == ENOSPC || errno == EDQUOT;
}

/* As wide as any number: it may be written over. 0 or -1 with errno. */
static int dot_write(int fd, int64_t start, int64_t end)
{
	char text[80];

	snprintf(text, sizeof(text), "%ld %20" PRId64 " %20" PRId64 " " OURS
			"\n", (long)getpid(), start, end);
	return disk_write_at(fd, text, strlen(text), 0);
}

/*
 * The lock appears with its content: an empty one, from a process that was
 * killed between the two, would have to be waited out. The fcntl lock that we
 * hold keeps the file for it ours. 0 or -1 with errno, EEXIST: taken.
 */
static int dot_create(struct mbox_lock *l, const char *name)
{
	char fresh[MBOX_PATH_SIZE];
	struct stat st;
	int fd, rc, code;

	if (fstat(l->fd, &st) < 0
			|| mbox_beside(fresh, l->path, ".", ".lock-new") < 0)
		return -1;
	unlinkat(l->dirfd, fresh, 0);
	fd = openat(l->dirfd, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0444);
	if (fd < 0)
		return -1;
	/* an empty one is better than none: mail must go from a full disk */
	rc = dot_write(fd, st.st_size, st.st_size);
	if (rc < 0 && is_full())
		rc = 0;
	if (rc == 0)
		rc = linkat(l->dirfd, fresh, l->dirfd, name, 0);
	code = errno;
	unlinkat(l->dirfd, fresh, 0);
	if (rc == 0)
		l->dot_fd = fd;
	else
		close(fd);
	errno = code;
	return rc;
}

void mbox_lock_added(struct mbox_lock *l, bool keep)
{
	int64_t end = lseek(l->fd, 0, SEEK_END);

	if (l->dot[0])
		dot_write(l->dot_fd, keep ? end : l->start, end);
}

/* 0: held, or not possible here; 1: somebody else has it; -1 with errno. */
static int dot_take(struct mbox_lock *l)
{
	char name[MBOX_PATH_SIZE];

	if (mbox_beside(name, l->path, "", ".lock") < 0)
		return -1;
	if (dot_create(l, name) == 0) {
		memcpy(l->dot, name, sizeof(name));
		return 0;
	}
	if (errno == EEXIST)
		return dot_break(l, name) ? dot_take(l) : 1;
	/*
	 * A folder that is not ours to write, or one without links (FAT has no
	 * users either), or one that is full: fcntl is what there is.
	 */
	return errno == EACCES || errno == EPERM || errno == EROFS
		|| errno == EOPNOTSUPP || is_full() ? 0 : -1;
}

/* -- both together -- */

static int open_mbox(struct mbox_lock *l, bool make)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
		| mbox_nofollow(l->dirfd);

	l->fd = openat(l->dirfd, l->path, flags);
	if (l->fd >= 0 || errno != ENOENT || !make)
		return l->fd;
	l->fd = openat(l->dirfd, l->path, flags | O_CREAT | O_EXCL, 0660);
	l->made = l->fd >= 0;
	if (l->fd < 0 && errno == EEXIST)
		l->fd = openat(l->dirfd, l->path, flags);
	return l->fd;
}

/*
 * With the group of the mail folder we could write into other people's
 * boxes through a link: a user changes only what is the user's. A hard link
 * could make any file of the user's a mailbox.
 */
static bool is_own_file(const struct mbox_lock *l, uid_t owner)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode)
			|| (st.st_nlink > 1 && l->dirfd != AT_FDCWD))
		return false;
	if (owner != MBOX_OWN)
		return st.st_uid == owner;
	return geteuid() == 0 || st.st_uid == geteuid();
}

/* Neither appended to nor repaired: that would be the end of it. */
static bool is_compressed(const struct mbox_lock *l)
{
	char magic[2];

	return file_pread(l->fd, magic, 2, 0) == 2 && magic[0] == '\x1f'
		&& magic[1] == '\x8b';
}

static int refuse(struct mbox_lock *l, const char *why, struct err *err)
{
	close(l->fd);
	l->fd = -1;
	errno = EPERM;
	return err_set(err, ERR_PERM, "%s: %s", l->path, why);
}

/* 0 locked; 1 not now; -1 with errno. */
static int try_lock(struct mbox_lock *l)
{
	struct stat open_one, named;

	if (file_lock(l->fd, 0) < 0)
		return errno == EAGAIN ? 1 : -1;
	/* replaced or removed while we opened it? */
	if (fstat(l->fd, &open_one) < 0)
		return -1;
	if (fstatat(l->dirfd, l->path, &named, 0) < 0
			|| named.st_ino != open_one.st_ino
			|| named.st_dev != open_one.st_dev)
		return 1;
	return dot_take(l);
}

static void close_again(struct mbox_lock *l)
{
	int code = errno;

	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	errno = code;
}

static int lock_err(const struct mbox_lock *l, struct err *err)
{
	if (errno == ENOENT || errno == ENOTDIR) {
		err_set(err, ERR_PERM, "%s: no such mailbox", l->path);
		return -1;
	}
	if (errno == ELOOP)
		return err_set(err, ERR_PERM, "%s: a link is not followed",
				l->path);
	return disk_err(err, l->path);
}

/* -- who has it -- */

/* 0: nobody but us; -1: a lock of an open file, as ours are, names nobody. */
static long fcntl_owner(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return (long)lock.l_pid;
}

/* " (mutt)", of Linux; else nothing. */
static void process_name(char out[40], long pid)
{
	ssize_t n = 0;
	int fd;

	snprintf(out, 40, "/proc/%ld/comm", pid);
	fd = open(out, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = file_pread(fd, out + 2, 36, 0);
		close(fd);
	}
	memcpy(out, " (", 2);
	/* where its line feed was */
	out[n + 1] = ')';
	out[n > 0 ? n + 2 : 0] = '\0';
}

/* Before the file is closed. */
static int locked_err(const struct mbox_lock *l, struct err *err)
{
	char dot[MBOX_PATH_SIZE] = "", name[40];
	long pid = fcntl_owner(l->fd);
	bool by_dot = pid == 0;
	struct dot d;

	if (pid <= 0 && mbox_beside(dot, l->path, "", ".lock") == 0)
		pid = dot_read(l->dirfd, dot, &d) == 0 ? d.pid : 0;
	if (pid <= 0)
		return err_set(err, ERR_TEMP, "%s: locked%s%s", l->path,
				by_dot ? " by " : "", by_dot ? dot : "");
	process_name(name, pid);
	return err_set(err, ERR_TEMP, "%s: locked by process %ld%s", l->path,
			pid, name);
}

int mbox_lock(struct mbox_lock *l, int dirfd, const char *path, uid_t owner,
		bool make, int ms, struct err *err)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	int64_t end = clock_ms() + ms;
	bool late;
	int rc;

	*l = (struct mbox_lock){ .dirfd = dirfd, .path = path, .fd = -1 };
	for (;;) {
		if (open_mbox(l, make) < 0)
			return lock_err(l, err);
		if (!is_own_file(l, owner))
			return refuse(l, "not a mailbox of this user alone",
					err);
		if (is_compressed(l))
			return refuse(l, "compressed: it can only be read",
					err);
		rc = try_lock(l);
		if (rc == 0)
			break;
		late = clock_ms() >= end;
		if (rc > 0 && late)
			locked_err(l, err);
		close_again(l);
		if (rc < 0)
			return lock_err(l, err);
		if (late) {
			errno = EAGAIN;
			return -1;
		}
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < PAUSE_MS * 1000000L)
			pause.tv_nsec *= 2;
	}
	if (mbox_redo_recover(l, err) < 0) {
		mbox_unlock(l);
		return -1;
	}
	repair_hole(l);
	l->start = lseek(l->fd, 0, SEEK_END);
	return 0;
}

void mbox_unlock(struct mbox_lock *l)
{
	int code = errno;

	if (l->dot[0]) {
		close(l->dot_fd);
		unlinkat(l->dirfd, l->dot, 0);
	}
	l->dot[0] = '\0';
	errno = code;
	close_again(l);
}
