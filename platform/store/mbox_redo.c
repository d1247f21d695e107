/*
 * The user may not write to the mail folder, so a new copy cannot just take the
 * mbox's name, and other programs know the mbox by its inode. So a change is first
 * written whole to a journal (beside the mbox, else in the user's home), made
 * durable, and then copied in place. A cut before the journal's head line is there
 * leaves the mbox as it was; a cut after it is finished by the next one
 * who locks the mbox, as often as it takes.
 */
#include "store/mbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

#define MAGIC "pillarbox-redo"
#define COPY_SIZE 32768

/* Before the octets: as it is in memory, it never leaves this machine. */
struct head {
	char magic[16];
	uint64_t dev, ino;		/* of the mbox */
	int64_t offset;			/* where the octets go */
	int64_t old;			/* size of the mbox before */
	int64_t length;			/* of the octets; the mbox ends behind them */
};

#define HEAD_SIZE ((int64_t)sizeof(struct head))

/* -- places -- */

static int own_home(struct err *err)
{
	struct priv_user user;
	int fd;

	if (priv_find_uid(geteuid(), &user, err) < 0)
		return -1;
	fd = disk_folder(AT_FDCWD, user.home);
	return fd < 0 ? disk_err(err, user.home) : fd;
}

static int name_in_home(char out[MBOX_PATH_SIZE], const char *path)
{
	const char *slash = strrchr(path, '/');

	return mbox_beside(out, slash ? slash + 1 : path, ".", ".redo-mail");
}

/* Makes the journal's own name durable, or its going. */
static int sync_folder(int dirfd, const char *name)
{
	errno = disk_flush_folder(dirfd, name);
	return !errno || errno == EACCES ? 0 : -1;	/* may be 0733 */
}

static bool head_read(int fd, struct head *h)
{
	struct stat st;

	return file_pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h)
		&& memcmp(h->magic, MAGIC, sizeof(MAGIC)) == 0
		&& fstat(fd, &st) == 0 && h->offset >= 0 && h->old >= 0
		&& h->length >= 0 && h->length <= st.st_size - HEAD_SIZE
		&& h->offset <= INT64_MAX - h->length;
}

/* -- copying -- */

/* n octets of `from` at `at` to `to` at `there`. 0 or -1 with errno. */
static int copy(int from, int64_t at, int to, int64_t there, int64_t n)
{
	char piece[COPY_SIZE];

	while (n > 0) {
		ssize_t got = file_pread(from, piece, n < COPY_SIZE ? (size_t)n
				: COPY_SIZE, at);

		if (got == 0)
			errno = EIO;
		if (got <= 0 || disk_write_at(to, piece, (size_t)got,
					there) < 0)
			return -1;
		at += got;
		there += got;
		n -= got;
	}
	return 0;
}

static int apply(int journal, int mbox, const struct head *h, bool cut)
{
	if (copy(journal, HEAD_SIZE, mbox, h->offset, h->length) < 0)
		return -1;
	if (cut && ftruncate(mbox, h->offset + h->length) < 0)
		return -1;
	return fsync(mbox);
}

/* The octets are safe before the head says so. */
static int seal(int journal, const struct head *h, struct mailbox_many *with)
{
	if (fsync(journal) < 0 || mailbox_many_keep(with) < 0
			|| disk_write_at(journal, h, sizeof(*h), 0) < 0)
		return -1;
	return fsync(journal);
}

/*
 * Mail that came after the cut, from a program that knows no journals, stands
 * behind all that we had: it goes into the journal first.
 */
static int take_tail(int journal, int mbox, struct head *h, int64_t top,
		int64_t size)
{
	if (copy(mbox, top, journal, HEAD_SIZE + h->length, size - top) < 0)
		return -1;
	h->length += size - top;
	h->old = size;
	return seal(journal, h, NULL);
}

/* 0; 1: the mbox is no longer what the journal was made for; -1 with errno. */
static int replay(int journal, int mbox, struct head *h, int64_t size)
{
	int64_t end = h->offset + h->length;
	int64_t top = h->old > end ? h->old : end;

	if (size < h->offset)
		return 1;
	if (size > top && take_tail(journal, mbox, h, top, size) < 0)
		return -1;
	/* or it was cut to its new length already, and then something came */
	return apply(journal, mbox, h, size <= end || size >= h->old);
}

/* -- recovery -- */

/*
 * Who may have written it: ourselves, the mbox's owner, or one who reaches
 * mboxes by the folder's group (pop3d). Where all may write to the folder, a
 * file's group says nothing about its writer.
 */
static bool trusted(int fd, const struct mbox_lock *l, int dirfd,
		const char *name)
{
	struct stat st, mbox, folder;
	int parent, rc;

	if (fstat(fd, &st) < 0 || fstat(l->fd, &mbox) < 0
			|| !S_ISREG(st.st_mode))
		return false;
	if (st.st_uid == geteuid() || st.st_uid == mbox.st_uid)
		return true;
	parent = file_parent(dirfd, name);
	if (parent < 0)
		return false;
	rc = fstat(parent, &folder);
	close(parent);
	return rc == 0 && !(folder.st_mode & S_IWOTH)
		&& st.st_gid == mbox.st_gid
		&& (mbox.st_mode & st.st_mode & S_IWGRP);
}

static int drop(int dirfd, const char *name)
{
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -1;
	return sync_folder(dirfd, name);
}

/* The journal is open: finish or drop it. 0 or -1 with errno. */
static int recover(const struct mbox_lock *l, int dirfd, const char *name,
		int journal)
{
	char aside[MBOX_PATH_SIZE];
	struct head h;
	struct stat st;
	int rc;

	if (!head_read(journal, &h))
		return drop(dirfd, name);	/* nothing was begun */
	if (fstat(l->fd, &st) < 0)
		return -1;
	if (st.st_dev != (dev_t)h.dev || st.st_ino != (ino_t)h.ino)
		return 0;
	rc = replay(journal, l->fd, &h, st.st_size);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		log_warn("%s: a change that was cut is finished", l->path);
		return drop(dirfd, name);
	}
	log_error("%s: was cut by another program, see %s.lost", l->path, name);
	if (mbox_beside(aside, name, "", ".lost") < 0)
		return -1;
	return renameat(dirfd, name, dirfd, aside);
}

static int recover_at(const struct mbox_lock *l, int dirfd, const char *name,
		struct err *err)
{
	int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW
			| O_NONBLOCK), rc = 0;

	if (fd < 0)
		return 0;	/* the usual case */
	if (trusted(fd, l, dirfd, name) && recover(l, dirfd, name, fd) < 0)
		rc = disk_err(err, name);
	close(fd);
	return rc;
}

int mbox_redo_recover(const struct mbox_lock *l, struct err *err)
{
	char name[MBOX_PATH_SIZE];
	int home, rc;

	if (mbox_beside(name, l->path, ".", ".redo") < 0)
		return disk_err(err, l->path);
	if (recover_at(l, l->dirfd, name, err) < 0)
		return -1;
	home = own_home(NULL);
	if (home < 0 || name_in_home(name, l->path) < 0)
		return 0;
	rc = recover_at(l, home, name, err);
	close(home);
	return rc;
}

/* -- a change -- */

static int create(struct mbox_redo *r)
{
	r->fd = openat(r->dirfd, r->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
			| O_NOFOLLOW, 0600);
	return r->fd < 0 || lseek(r->fd, HEAD_SIZE, SEEK_SET) < 0 ? -1 : 0;
}

static int create_in_home(struct mbox_redo *r, const struct mbox_lock *l,
		struct err *err)
{
	/* pop3d has none: then the folder is what has to be put right */
	r->dirfd = own_home(NULL);
	if (r->dirfd < 0)
		return err_set(err, ERR_TEMP, "%s: the folder cannot be "
				"written", l->path);
	r->own = true;
	if (name_in_home(r->name, l->path) < 0 || create(r) < 0)
		return disk_err(err, r->name);
	return 0;
}

/* The owner must be able to finish what pop3d began, and the other way round. */
static void share(const struct mbox_redo *r, const struct mbox_lock *l)
{
	struct stat mbox, st;

	if (r->own || fstat(l->fd, &mbox) < 0 || !(mbox.st_mode & S_IWGRP))
		return;
	/* a group that is not ours to give: then it stays ours alone */
	if (fchown(r->fd, (uid_t)-1, mbox.st_gid) == 0
			&& fstat(r->fd, &st) == 0 && st.st_gid == mbox.st_gid)
		(void)!fchmod(r->fd, 0660);
}

int mbox_redo_begin(struct mbox_redo *r, const struct mbox_lock *l,
		int64_t offset, struct err *err)
{
	*r = (struct mbox_redo){ .dirfd = l->dirfd, .fd = -1,
		.offset = offset };
	if (mbox_beside(r->name, l->path, ".", ".redo") < 0)
		return disk_err(err, l->path);
	if (create(r) < 0) {
		if (errno != EACCES && errno != EPERM && errno != EROFS)
			return disk_err(err, r->name);
		if (create_in_home(r, l, err) < 0)
			return -1;
	}
	share(r, l);
	return 0;
}

int mbox_redo_finish(struct mbox_redo *r, const struct mbox_lock *l,
		struct mailbox_many *with, struct err *err)
{
	struct head h = { MAGIC, .offset = r->offset };
	struct stat mbox, journal;

	if (fstat(l->fd, &mbox) < 0 || fstat(r->fd, &journal) < 0)
		return disk_err(err, l->path);
	h.dev = mbox.st_dev;
	h.ino = mbox.st_ino;
	h.old = mbox.st_size;
	h.length = journal.st_size > HEAD_SIZE ? journal.st_size - HEAD_SIZE : 0;
	if (seal(r->fd, &h, with) < 0 || sync_folder(r->dirfd, r->name) < 0)
		return disk_err(err, l->path);
	if (apply(r->fd, l->fd, &h, true) == 0)
		return 0;
	/* from here on the journal stays until its work is done */
	r->name[0] = '\0';
	return disk_err(err, l->path);
}

void mbox_redo_drop(struct mbox_redo *r)
{
	if (r->fd >= 0) {
		close(r->fd);
		if (r->name[0])
			drop(r->dirfd, r->name);
	}
	if (r->own)
		close(r->dirfd);
	r->fd = -1;
	r->own = false;
}
