#include "config.h"
#include "store/mbox_list.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"
#include "store/disk.h"
#include "store/gzip.h"

#define LARGE 16384		/* octets a message; less is read in no time */
#define NEW_MOST 1000
#define UNPACK_SHARE 2		/* a folder that unpacks to more than this part of
				 * what is free in TMPDIR is refused */
#define MTIME_STEP 20000	/* microseconds; kernels have 1 to 10 ms */

static bool is_packed(const struct mbox *mb)
{
	return CFG_MAILBOX_GZIP && mb->m.packed;
}

/* -- the index, and what it becomes when the file changes -- */

static bool unchanged(const struct mbox *mb, const struct stat *st)
{
	return !mb->stale && st->st_ino == mb->seen.st_ino
		&& st->st_dev == mb->seen.st_dev
		&& st->st_size == mb->seen.st_size
		&& st->st_mtim.tv_sec == mb->seen.st_mtim.tv_sec
		&& st->st_mtim.tv_nsec == mb->seen.st_mtim.tv_nsec;
}

static int grow(struct mbox *mb, const struct mbox_entry *e, struct err *err)
{
	struct mbox_index *ix = &mb->ix;
	struct mbox_entry *list = mailbox_room(ix->e, ix->n, &ix->room,
			sizeof(*list), err);

	if (!list)
		return -1;
	ix->e = list;
	list[ix->n] = *e;
	if (mailbox_grow(&mb->m, e->flags, err) < 0)
		return -1;
	ix->n++;
	return 0;
}

/* What another program has changed shows, unless we have changed it too. */
static void take_flags(struct mailbox_mark *mark, unsigned char now)
{
	if (mark->flags == mark->was)
		mark->flags = now;
	mark->was = now;
}

/* Finds each known message in the fresh index; gone: it is there no more. */
static int match(struct mbox *mb, struct mbox_index *fresh, struct err *err)
{
	struct mbox_entry **p = mbox_sorted(fresh, mbox_by_hash, err);

	if (!p)
		return -1;
	for (unsigned i = 0; i < mb->ix.n; i++) {
		struct mbox_entry *e = &mb->ix.e[i], **at = NULL;

		if (!e->gone && fresh->n)
			at = bsearch(&e, p, fresh->n, sizeof(*p), mbox_by_hash);
		if (!at) {
			e->gone = true;
			continue;
		}
		*e = **at;
		take_flags(&mb->m.marks[i], (unsigned char)e->flags);
		(*at)->gone = true;	/* not a new one */
	}
	free(p);
	return 0;
}

/* The first one is taken as it is. */
static int adopt(struct mbox *mb, struct mbox_index *fresh, struct err *err)
{
	for (unsigned i = 0; i < fresh->n; i++)
		if (mailbox_grow(&mb->m, fresh->e[i].flags, err) < 0) {
			mb->m.count = 0;
			return -1;
		}
	mbox_index_free(&mb->ix);
	mb->ix = *fresh;
	*fresh = (struct mbox_index){ 0 };
	mb->ix.e = mailbox_fitted(mb->ix.e, mb->ix.n, &mb->ix.room,
			sizeof(*mb->ix.e));
	mailbox_fit(&mb->m);
	return (int)mb->ix.n;
}

/* Those of fresh that match nothing: how many, or -1. */
static int add_new(struct mbox *mb, const struct mbox_index *fresh,
		struct err *err)
{
	int added = 0;

	for (unsigned i = 0; i < fresh->n; i++) {
		if (fresh->e[i].gone)
			continue;
		if (grow(mb, &fresh->e[i], err) < 0)
			return -1;
		added++;
	}
	return added;
}

/* How many are new, or -1. */
static int merge(struct mbox *mb, struct mbox_index *fresh, struct err *err)
{
	if (!mb->ix.n)
		return adopt(mb, fresh, err);
	if (match(mb, fresh, err) < 0)
		return -1;
	return add_new(mb, fresh, err);
}

/*
 * A file's time has steps: what another program writes within the step of the
 * last write, in as many octets, does not show.
 */
static bool too_fresh(const struct stat *st)
{
	int64_t age = clock_now_us() - (int64_t)st->st_mtim.tv_sec * 1000000
		- st->st_mtim.tv_nsec / 1000;

	return age > -MTIME_STEP && age < MTIME_STEP;
}

/*
 * A large file that only grew is not read all over again: where each header
 * section is still where it was, what is new is at the end.
 */
static bool grew(const struct mbox *mb, const struct stat *st)
{
	return mb->ix.n && st->st_ino == mb->seen.st_ino
		&& st->st_dev == mb->seen.st_dev
		&& st->st_size >= mb->seen.st_size
		&& mb->seen.st_size / mb->ix.n > LARGE;
}

/* New ones are twins of old ones, too. */
static void count_older_twins(const struct mbox *mb, struct mbox_index *fresh)
{
	for (unsigned i = 0; i < fresh->n; i++)
		for (unsigned k = 0; k < mb->ix.n; k++) {
			const struct mbox_entry *e = &mb->ix.e[k];

			fresh->e[i].twin += !e->gone
				&& e->hash == fresh->e[i].hash
				&& e->hash_end == fresh->e[i].hash_end;
		}
}

/* 1: fresh is what came; 0: read it all; -1. */
static int follow(struct mbox *mb, struct mbox_index *fresh, struct err *err)
{
	int64_t end = mb->seen.st_size;
	int rc;

	/* the next From_ line must begin there: behind an empty line */
	for (unsigned i = 0; i < mb->ix.n; i++)
		if (!mb->ix.e[i].gone && mbox_end(&mb->ix.e[i]) >= end)
			return 0;
	rc = mbox_index_check(mb->ix.e, mb->ix.n, mb->fd, &mb->look, err);
	if (rc <= 0)
		return rc;
	if (mbox_index_read(fresh, mb->fd, end, &mb->look, NULL) < 0)
		return 0;
	if (fresh->n > NEW_MOST) {
		mbox_index_free(fresh);
		return 0;
	}
	for (unsigned i = 0; i < mb->ix.n; i++)
		take_flags(&mb->m.marks[i], (unsigned char)mb->ix.e[i].flags);
	count_older_twins(mb, fresh);
	return 1;
}

static int unpack_to(int to, int from, struct err *err)
{
	struct gunzip *z = gunzip_new(from, err);
	int64_t room = file_free_space(to) / UNPACK_SHARE;
	char piece[4096];
	long n;

	if (!z)
		return -1;
	do {
		n = gunzip_read(z, piece, sizeof(piece), err);
		room -= n;
		if (n > 0 && room < 0)
			n = err_set(err, ERR_NOMEM, "compressed, and too big "
					"for what is free in TMPDIR");
		else if (n > 0 && file_write(to, piece, (size_t)n) < 0)
			n = err_errno(err, "temporary file");
	} while (n > 0);
	gunzip_free(z);
	return n < 0 ? -1 : 0;
}

/* What is read then is a copy without a name. */
static int unpack(struct mbox *mb, struct err *err)
{
	int fd = file_temporary(err), rc;

	if (fd < 0)
		return -1;
	rc = unpack_to(fd, mb->fd, err);
	close(mb->fd);
	mb->fd = fd;
	mb->m.packed = true;
	return rc;
}

/* Under the lock, where there is one. How many are new, or -1. */
int mbox_resync(struct mbox *mb, struct err *err)
{
	struct mbox_index fresh = { 0 };
	struct stat st = { 0 };
	int rc = 0;

	if (mb->fd >= 0)
		close(mb->fd);
	mb->fd = openat(mb->dirfd, mb->path,
			O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
			| mbox_nofollow(mb->dirfd));
	if (mb->fd < 0 ? errno != ENOENT : fstat(mb->fd, &st) < 0)
		return disk_err(err, mb->path);
	if (mb->fd >= 0 && (!S_ISREG(st.st_mode) || (mb->owner != MBOX_OWN
					&& st.st_uid != mb->owner)))
		return err_set(err, ERR_PERM, "%s: not a mailbox of this user",
				mb->path);
	if (!is_packed(mb) && unchanged(mb, &st))
		return 0;
	mb->m.packed = false;
	if (CFG_MAILBOX_GZIP && mb->fd >= 0 && gzip_is(mb->fd)
			&& unpack(mb, err) < 0)
		return -1;
	if (!is_packed(mb) && grew(mb, &st))
		rc = follow(mb, &fresh, err);
	if (mb->fd >= 0 && rc == 0)
		rc = mbox_index_read(&fresh, mb->fd, 0, &mb->look, err);
	if (rc == 0)
		rc = merge(mb, &fresh, err);
	else if (rc > 0)
		rc = add_new(mb, &fresh, err);
	mbox_index_free(&fresh);
	if (rc >= 0) {
		mb->seen = st;
		mb->stale = too_fresh(&st);
	}
	return rc;
}

/*
 * The lock keeps a delivery from being seen half. Who may not lock, or finds it
 * locked for long, reads all the same, unless he `must` be able to.
 */
static int resync_locked(struct mbox *mb, bool must, struct err *err)
{
	struct mbox_lock lock;
	bool held = !mb->held && mbox_lock(&lock, mb->dirfd, mb->path,
			mb->owner, false, mbox_patience(mb, MBOX_WAIT_READ),
			must ? err : NULL) == 0;
	int rc;

	if (must && !held)
		return errno == ENOENT ? 0 : -1;	/* none is an empty one */
	rc = mbox_resync(mb, err);
	if (held)
		mbox_unlock(&lock);
	return rc;
}

/* -- one message -- */

static bool is_as_seen(const struct mbox *mb)
{
	struct stat st;

	return is_packed(mb) || (mb->fd >= 0 && fstat(mb->fd, &st) == 0
			&& unchanged(mb, &st));
}

/* Where message i is now; NULL: gone (ERR_PERM), or the file cannot be read. */
static const struct mbox_entry *entry_now(struct mbox *mb, unsigned i,
		struct err *err)
{
	if (mb->fd >= 0 && !is_as_seen(mb) && resync_locked(mb, false, err) < 0)
		return NULL;
	if (mb->fd >= 0 && !mb->ix.e[i].gone)
		return &mb->ix.e[i];
	err_set(err, ERR_PERM, "message %u was removed", i + 1);
	return NULL;
}

static int mbox_reader(struct mailbox *m, unsigned i, struct mailbox_reader *r,
		struct err *err)
{
	struct mbox *mb = mbox_of(m);
	const struct mbox_entry *e = entry_now(mb, i, err);

	if (!e)
		return -1;
	r->mbox = true;
	r->mailbox = m;
	r->index = i;
	r->start = mbox_text(e);
	return lines_open(&r->lines, mb->fd, r->start, mbox_end(e),
			LINES_SIZE, err);
}

int mbox_still(struct mailbox_reader *r, struct err *err)
{
	struct mbox *mb = mbox_of(r->mailbox);
	const struct mbox_entry *e = entry_now(mb, r->index, err);

	if (!e)
		return -1;
	if (mbox_text(e) != r->start || mbox_end(e) != r->lines.end)
		return err_set(err, ERR_TEMP, "message %u was changed "
				"meanwhile", r->index + 1);
	r->lines.fd = mb->fd;
	return 0;
}

/* "From ADDRESS Tue Nov 24 11:11:46 2026", perhaps a zone before the year. */
static int64_t arrival(struct span line)
{
	size_t at = mbox_time(line);
	struct span rest = span_rest(line, at), time = span_word(&rest);
	struct span year = { 0 }, word;
	char text[64];
	int64_t when;
	int offset;

	if (at < 7)
		return 0;
	while ((word = span_word(&rest)).n)
		year = word;
	snprintf(text, sizeof(text), "%.2s %.3s %.*s %.*s +0000",
			line.p + at - 3, line.p + at - 7, SPAN_ARG(year),
			SPAN_ARG(time));
	return date_parse(span_of(text), &when, &offset) ? when : 0;
}

static void mbox_describe(struct mailbox *m, unsigned i,
		struct mailbox_message *out)
{
	struct mbox *mb = mbox_of(m);
	const struct mbox_entry *e = &mb->ix.e[i];
	char line[256];
	ssize_t n;

	out->size = e->size;
	if (!mb->look.nh)
		snprintf(out->uid, sizeof(out->uid), "%016" PRIx64 "%04x",
				e->hash, (unsigned)e->hash_end);
	if (!mb->look.nh && e->twin)
		snprintf(out->uid + 20, sizeof(out->uid) - 20, "-%u",
				(unsigned)e->twin);
	n = mb->fd < 0 ? 0 : file_pread(mb->fd, line, e->skip < sizeof(line)
			? e->skip : sizeof(line), e->from);
	if (n > 0)
		out->arrived = arrival(span_trim(span_make(line, (size_t)n)));
}

static bool mbox_gone(const struct mailbox *m, unsigned i)
{
	return container_of(m, struct mbox, m)->ix.e[i].gone;
}

/* -- following -- */

static int mbox_refresh(struct mailbox *m, struct err *err)
{
	struct mbox *mb = mbox_of(m);
	struct stat st;

	/* the usual case costs one look */
	if (fstatat(mb->dirfd, mb->path, &st, 0) == 0 && unchanged(mb, &st))
		return 0;
	return resync_locked(mb, false, err);
}

/* -- opening -- */

static void mbox_close(struct mailbox *m)
{
	struct mbox *mb = mbox_of(m);

	mbox_hold(m, false, NULL);
	mbox_index_free(&mb->ix);
	if (mb->fd >= 0)
		close(mb->fd);
	if (mb->dirfd >= 0)
		close(mb->dirfd);
	free(mb->path);
	free(mb);
}

static const struct mailbox_ops ops = {
	mbox_close, mbox_describe, mbox_gone, mbox_reader, mbox_hold,
	mbox_save, mbox_refresh
};

/* The caller's descriptor may go before we do. */
static int own_folder(int dirfd)
{
	if (dirfd == AT_FDCWD)
		return dirfd;
	return fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
}

/* key: octets of nh */
static struct mbox *mbox_new(int dirfd, const char *path, uid_t owner,
		size_t key, struct err *err)
{
	struct mbox *mb = calloc(1, sizeof(*mb) + key);

	if (!mb) {
		disk_err(err, path);
		return NULL;
	}
	mb->m.ops = &ops;
	mb->owner = owner;
	mb->fd = -1;
	mb->dirfd = own_folder(dirfd);
	mb->path = strdup(path);
	if (mb->dirfd != -1 && mb->path)
		return mb;
	disk_err(err, path);
	mailbox_close(&mb->m);
	return NULL;
}

struct mailbox *mbox_open(int dirfd, const char *path, uid_t owner, bool write,
		struct err *err)
{
	struct mbox *mb = mbox_new(dirfd, path, owner, 0, err);

	if (!mb)
		return NULL;
	mb->m.write = write;
	if (resync_locked(mb, write, err) >= 0)
		return &mb->m;
	mailbox_close(&mb->m);
	return NULL;
}

struct mailbox *mbox_open_plain(const char *path, unsigned most,
		struct err *err)
{
	const size_t key = MBOX_NH * sizeof(uint32_t);
	struct mbox *mb = mbox_new(AT_FDCWD, path, MBOX_OWN, key, err);

	if (!mb)
		return NULL;
	rand_bytes(mb->nh, key);
	mb->look = (struct mbox_look){ .nh = mb->nh, .most = most };
	/* who only wants to see how it begins waits for nobody */
	if ((most ? mbox_resync(mb, err) : resync_locked(mb, false, err)) >= 0)
		return &mb->m;
	mailbox_close(&mb->m);
	return NULL;
}
