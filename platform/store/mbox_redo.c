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
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"

#define MAGIC "PILLARBOX-REDO"
#define HEAD_SIZE 128		/* "MAGIC DEV INO OFFSET OLD LENGTH", filled up */
#define COPY_SIZE 4096

struct head {
	unsigned long long dev, ino;	/* of the mbox */
	unsigned long long offset;	/* where the octets go */
	unsigned long long old;		/* size of the mbox before */
	unsigned long long length;	/* of the octets; the mbox ends behind them */
};

/* -- places -- */

static int own_home(struct err *err)
{
	struct priv_user user;
	int fd;

	if (priv_find_uid(geteuid(), &user, err) < 0)
		return -1;
	fd = open(user.home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "%s", user.home) : fd;
}

static int name_in_home(char out[MBOX_PATH_SIZE], const char *path)
{
	const char *slash = strrchr(path, '/');

	return mbox_beside(out, slash ? slash + 1 : path, ".", ".redo-mail");
}

static int folder_of(char out[MBOX_PATH_SIZE], const char *name)
{
	struct span s = span_of(name);
	size_t slash = span_rfind(s, '/');

	s = slash == s.n ? SPAN(".") : span_sub(s, 0, slash ? slash : 1);
	return str_copy(out, MBOX_PATH_SIZE, s);
}

/* Makes the journal's own name durable, or its going. */
static int sync_folder(int dirfd, const char *name)
{
	char folder[MBOX_PATH_SIZE];
	int fd, rc;

	if (folder_of(folder, name) < 0)
		return -1;
	fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -1;	/* may be 0733 */
	rc = fsync(fd);
	if (rc < 0 && errno == EINVAL)
		rc = 0;
	close(fd);
	return rc;
}

/* -- the head line -- */

static int head_write(int fd, const struct head *h)
{
	char text[HEAD_SIZE + 1];
	int n = snprintf(text, sizeof(text), MAGIC " %llu %llu %llu %llu %llu",
			h->dev, h->ino, h->offset, h->old, h->length);
	ssize_t put;

	memset(text + n, ' ', sizeof(text) - (size_t)n);
	text[HEAD_SIZE - 1] = '\n';
	do
		put = pwrite(fd, text, HEAD_SIZE, 0);
	while (put < 0 && errno == EINTR);
	if (put >= 0 && put != HEAD_SIZE)
		errno = ENOSPC;
	return put == HEAD_SIZE ? 0 : -1;
}

static bool head_read(int fd, struct head *h)
{
	unsigned long long *const field[] = {
		&h->dev, &h->ino, &h->offset, &h->old, &h->length
	};
	char text[HEAD_SIZE];
	struct span rest;
	struct stat st;

	if (file_pread(fd, text, HEAD_SIZE, 0) != HEAD_SIZE
			|| text[HEAD_SIZE - 1] != '\n' || fstat(fd, &st) < 0)
		return false;
	rest = span_make(text, HEAD_SIZE - 1);
	if (!span_eq(span_word(&rest), SPAN(MAGIC)))
		return false;
	for (size_t i = 0; i < sizeof(field) / sizeof(*field); i++)
		if (!span_number64(span_word(&rest), INT64_MAX, field[i]))
			return false;
	return (unsigned long long)st.st_size >= HEAD_SIZE + h->length;
}

/* -- copying -- */

/* n octets of `from` at `at` to `to` at `there`. 0 or -1 with errno. */
static int copy(int from, int64_t at, int to, int64_t there, int64_t n)
{
	char piece[COPY_SIZE];

	while (n > 0) {
		size_t m = n < COPY_SIZE ? (size_t)n : COPY_SIZE;
		ssize_t got = file_pread(from, piece, m, at), put;

		if (got <= 0) {
			if (got == 0)
				errno = EIO;
			return -1;
		}
		put = pwrite(to, piece, (size_t)got, there);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		at += put;
		there += put;
		n -= put;
	}
	return 0;
}

static int apply(int journal, int mbox, const struct head *h, bool cut)
{
	int64_t end = (int64_t)(h->offset + h->length);

	if (copy(journal, HEAD_SIZE, mbox, (int64_t)h->offset,
				(int64_t)h->length) < 0)
		return -1;
	if (cut && ftruncate(mbox, end) < 0)
		return -1;
	return fsync(mbox);
}

/*
 * Mail that came after the cut, from a program that knows no journals, stands
 * behind all that we had: it goes into the journal first.
 */
static int take_tail(int journal, int mbox, struct head *h, int64_t top,
		int64_t size)
{
	if (copy(mbox, top, journal, (int64_t)(HEAD_SIZE + h->length),
				size - top) < 0)
		return -1;
	h->length += (unsigned long long)(size - top);
	h->old = (unsigned long long)size;
	if (fsync(journal) < 0 || head_write(journal, h) < 0)
		return -1;
	return fsync(journal);
}

/* 0; 1: the mbox is no longer what the journal was made for; -1 with errno. */
static int replay(int journal, int mbox, struct head *h)
{
	int64_t end = (int64_t)(h->offset + h->length), top;
	int64_t old = (int64_t)h->old;
	struct stat st;

	if (fstat(mbox, &st) < 0)
		return -1;
	if (st.st_size < (off_t)h->offset)
		return 1;
	top = old > end ? old : end;
	if (st.st_size > top
			&& take_tail(journal, mbox, h, top, st.st_size) < 0)
		return -1;
	/* cut to its new length already, and then something came */
	if (st.st_size > end && st.st_size < old)
		return apply(journal, mbox, h, false);
	return apply(journal, mbox, h, true);
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
	char path[MBOX_PATH_SIZE];

	if (fstat(fd, &st) < 0 || fstat(l->fd, &mbox) < 0
			|| !S_ISREG(st.st_mode))
		return false;
	if (st.st_uid == geteuid() || st.st_uid == mbox.st_uid)
		return true;
	return folder_of(path, name) == 0
		&& fstatat(dirfd, path, &folder, 0) == 0
		&& !(folder.st_mode & S_IWOTH) && st.st_gid == mbox.st_gid
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
	rc = replay(journal, l->fd, &h);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		log_warn("%s: a change that was cut is finished", l->path);
		return drop(dirfd, name);
	}
	log_error("%s: has been cut by another program; what a change was to "
			"write is kept in %s.lost", l->path, name);
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
		rc = err_errno(err, "%s", name);
	close(fd);
	return rc;
}

int mbox_redo_recover(const struct mbox_lock *l, struct err *err)
{
	char name[MBOX_PATH_SIZE];
	int home, rc;

	if (mbox_beside(name, l->path, ".", ".redo") < 0)
		return err_errno(err, "%s", l->path);
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
	return openat(r->dirfd, r->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC
			| O_NOFOLLOW, 0600);
}

static int create_in_home(struct mbox_redo *r, const struct mbox_lock *l,
		struct err *err)
{
	r->dirfd = own_home(err);
	if (r->dirfd < 0)
		return -1;
	r->own = true;
	if (name_in_home(r->name, l->path) < 0)
		return err_errno(err, "%s", l->path);
	r->fd = create(r);
	return r->fd < 0 ? err_errno(err, "~/%s", r->name) : 0;
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
		return err_errno(err, "%s", l->path);
	r->fd = create(r);
	if (r->fd < 0 && errno != EACCES && errno != EPERM && errno != EROFS)
		return err_errno(err, "%s", r->name);
	if (r->fd < 0 && create_in_home(r, l, err) < 0) {
		mbox_redo_drop(r);
		return -1;
	}
	share(r, l);
	if (lseek(r->fd, HEAD_SIZE, SEEK_SET) < 0) {
		err_errno(err, "%s", r->name);
		mbox_redo_drop(r);
		return -1;
	}
	return 0;
}

static int seal(struct mbox_redo *r, const struct mbox_lock *l, struct head *h)
{
	struct stat mbox, journal;

	if (fsync(r->fd) < 0 || fstat(l->fd, &mbox) < 0
			|| fstat(r->fd, &journal) < 0)
		return -1;
	*h = (struct head){ .dev = (unsigned long long)mbox.st_dev,
		.ino = (unsigned long long)mbox.st_ino,
		.offset = (unsigned long long)r->offset,
		.old = (unsigned long long)mbox.st_size };
	if (journal.st_size > HEAD_SIZE)
		h->length = (unsigned long long)journal.st_size - HEAD_SIZE;
	if (head_write(r->fd, h) < 0 || fsync(r->fd) < 0)
		return -1;
	return sync_folder(r->dirfd, r->name);
}

int mbox_redo_finish(struct mbox_redo *r, const struct mbox_lock *l,
		struct err *err)
{
	struct head h;
	int rc = seal(r, l, &h);

	if (rc == 0) {
		/* from here on the journal stays until its work is done */
		rc = apply(r->fd, l->fd, &h, true);
		if (rc < 0)
			r->name[0] = '\0';
	}
	if (rc < 0)
		err_errno(err, "%s", l->path);
	mbox_redo_drop(r);
	return rc;
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
