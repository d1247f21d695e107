#include "store/mbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/list.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

#define MTIME_STEP 20000	/* microseconds; kernels have 1 to 10 ms */

struct mbox {
	struct mailbox m;
	int dirfd;
	char *path;
	int fd;			/* to read from; -1: there is no file */
	uid_t owner;		/* MBOX_OWN, or whose the file must be */
	struct stat seen;	/* when it was indexed */
	bool stale;		/* saved since, or too fresh to tell */
	struct mbox_index ix;	/* ix.e[n - 1] is message n */
};

static struct mbox *mbox_of(struct mailbox *m)
{
	return container_of(m, struct mbox, m);
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

/* How many are new, or -1. */
static int merge(struct mbox *mb, struct mbox_index *fresh, struct err *err)
{
	int added = 0;

	if (!mb->ix.n)
		return adopt(mb, fresh, err);
	if (match(mb, fresh, err) < 0)
		return -1;
	for (unsigned i = 0; i < fresh->n; i++) {
		if (fresh->e[i].gone)
			continue;
		if (grow(mb, &fresh->e[i], err) < 0)
			return -1;
		added++;
	}
	return added;
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

/* Under the lock, where there is one. How many are new, or -1. */
static int resync(struct mbox *mb, struct err *err)
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
	if (unchanged(mb, &st))
		return 0;
	if (mb->fd >= 0)
		rc = mbox_index_read(&fresh, mb->fd, 0, NULL, err);
	if (rc == 0)
		rc = merge(mb, &fresh, err);
	mbox_index_free(&fresh);
	if (rc >= 0) {
		mb->seen = st;
		mb->stale = too_fresh(&st);
	}
	return rc;
}

/*
 * ms to wait for a lock. A daemon that opened another one's mbox has others to
 * serve meanwhile: it tries again itself.
 */
static int patience(const struct mbox *mb, int ms)
{
	return mb->owner == MBOX_OWN ? ms : 0;
}

/*
 * The lock keeps a delivery from being seen half. Who may not lock, or finds it
 * locked for long, reads all the same.
 */
static int resync_locked(struct mbox *mb, struct err *err)
{
	struct mbox_lock lock;
	bool held = mbox_lock(&lock, mb->dirfd, mb->path, mb->owner, false,
			patience(mb, MBOX_WAIT_READ), NULL) == 0;
	int rc = resync(mb, err);

	if (held)
		mbox_unlock(&lock);
	return rc;
}

/* -- one message -- */

static int mbox_reader(struct mailbox *m, unsigned i, struct mailbox_reader *r,
		struct err *err)
{
	struct mbox *mb = mbox_of(m);
	const struct mbox_entry *e;
	struct stat st;

	if (mb->fd >= 0 && (fstat(mb->fd, &st) < 0 || !unchanged(mb, &st))
			&& resync_locked(mb, err) < 0)
		return -1;
	e = &mb->ix.e[i];
	if (e->gone || mb->fd < 0)
		return err_set(err, ERR_PERM, "message %u was removed", i + 1);
	r->mbox = true;
	r->mailbox = m;
	r->index = i;
	r->start = mbox_text(e);
	return lines_open(&r->lines, mb->fd, r->start, mbox_end(e), err);
}

int mbox_still(struct mailbox_reader *r, struct err *err)
{
	struct mbox *mb = mbox_of(r->mailbox);
	const struct mbox_entry *e;
	struct stat st;

	if ((mb->fd < 0 || fstat(mb->fd, &st) < 0 || !unchanged(mb, &st))
			&& resync_locked(mb, err) < 0)
		return -1;
	e = &mb->ix.e[r->index];
	if (e->gone || mb->fd < 0 || mbox_text(e) != r->start
			|| mbox_end(e) != r->lines.end)
		return err_set(err, ERR_TEMP, "message %u was changed "
				"meanwhile", r->index + 1);
	r->lines.fd = mb->fd;
	return 0;
}

/* "From ADDRESS Tue Nov 24 11:11:46 2026", perhaps a zone before the year. */
static int64_t arrival(struct span line)
{
	struct span month = { 0 }, day = { 0 }, time = { 0 }, year = { 0 };
	struct span word;
	char text[64];
	int64_t when;
	int offset;

	while ((word = span_word(&line)).n) {
		if (time.n) {
			year = word;
		} else if (span_has(word, ':')
				&& ascii_isdigit(word.p[0])) {
			time = word;
		} else {
			month = day;
			day = word;
		}
	}
	snprintf(text, sizeof(text), "%.*s %.*s %.*s %.*s +0000",
			SPAN_ARG(day), SPAN_ARG(month), SPAN_ARG(year),
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
	snprintf(out->uid, sizeof(out->uid), "%016" PRIx64 "%04x", e->hash,
			(unsigned)e->hash_end);
	if (e->twin)
		snprintf(out->uid + 20, sizeof(out->uid) - 20, "-%u",
				(unsigned)e->twin);
	n = mb->fd < 0 ? 0 : file_pread(mb->fd, line, e->skip < sizeof(line)
			? e->skip : sizeof(line), e->from);
	if (n > 0)
		out->arrived = arrival(span_trim(span_make(line, (size_t)n)));
}

/* -- saving -- */

/* The header lines that keep our flags, at the end of the header section. */
static void put_status(struct out *o, unsigned flags)
{
	char text[32];

	if (flags & (MAILBOX_SEEN | MAILBOX_OLD)) {
		snprintf(text, sizeof(text), "Status: %s%s\n",
				flags & MAILBOX_SEEN ? "R" : "",
				flags & MAILBOX_OLD ? "O" : "");
		out_add(o, span_of(text));
	}
	if (flags & (MAILBOX_ANSWERED | MAILBOX_FLAGGED)) {
		snprintf(text, sizeof(text), "X-Status: %s%s\n",
				flags & MAILBOX_ANSWERED ? "A" : "",
				flags & MAILBOX_FLAGGED ? "F" : "");
		out_add(o, span_of(text));
	}
}

/* "KEY 0000012345" is wrong once lines were added: "-" says it was right. */
static void put_hidden(struct out *o, const struct mbox_entry *e,
		struct span text)
{
	struct span value = text;

	if (!span_starts(text, MBOX_KEY))
		return;
	if (e->partial) {
		out_add(o, text);
	} else {
		span_word(&value);
		out_add(o, SPAN(MBOX_KEY));
		out_add(o, span_word(&value));
		out_add(o, SPAN(" -"));
	}
	out_add(o, SPAN("\n"));
}

struct rewrite {
	struct out *out;
	const struct mbox_entry *e;
	unsigned flags;
	bool from;			/* in the From_ line */
	struct mailbox_hide hide;
};

static void rewrite_piece(struct rewrite *w, const struct lines *l)
{
	bool header = w->hide.header;

	if (mailbox_hides(&w->hide, l->text, l->first)) {
		if (l->first && !ascii_isspace(l->text.p[0]))
			put_hidden(w->out, w->e, l->text);
		return;
	}
	if (header && !w->hide.header)
		put_status(w->out, w->flags);
	if (w->from && l->ended) {
		w->from = false;
		w->hide.header = true;
	}
	out_add(w->out, l->piece);
}

/* One message as it is, with new flags, and the empty line behind it. */
static int rewrite(struct mbox *mb, struct out *o, const struct mbox_entry *e,
		unsigned flags, struct err *err)
{
	struct rewrite w = { .out = o, .e = e, .flags = flags, .from = true };
	struct lines l;
	int rc;

	if (lines_open(&l, mb->fd, (int64_t)e->from, mbox_end(e), err) < 0)
		return -1;
	while ((rc = lines_next(&l, err)) > 0)
		rewrite_piece(&w, &l);
	lines_close(&l);
	if (!l.ended)
		out_add(o, SPAN("\n"));
	if (w.hide.header)
		put_status(o, flags);
	out_add(o, SPAN("\n"));
	return rc;
}

static int by_place(const void *a, const void *b)
{
	const struct mbox_entry *x = *(const struct mbox_entry *const *)a;
	const struct mbox_entry *y = *(const struct mbox_entry *const *)b;

	return (x->from > y->from) - (x->from < y->from);
}

static struct mailbox_mark *mark_of(struct mbox *mb, const struct mbox_entry *e)
{
	return &mb->m.marks[e - mb->ix.e];
}

static bool is_changed(struct mbox *mb, const struct mbox_entry *e)
{
	const struct mailbox_mark *mark = mark_of(mb, e);

	return !e->gone && mark->flags != mark->was;
}

static bool is_kept(struct mbox *mb, const struct mbox_entry *e)
{
	return !e->gone && !(mark_of(mb, e)->flags & MAILBOX_DELETED);
}

/* Writes what stays of entries p[0..n) into the journal, then into the mbox. */
static int write_tail(struct mbox *mb, const struct mbox_lock *lock,
		struct mbox_entry **p, unsigned n, struct err *err)
{
	struct out o = { .buffer = NULL };
	struct mbox_redo redo;
	int rc = mbox_redo_begin(&redo, lock, (int64_t)p[0]->from, err);

	if (rc == 0)
		rc = out_open(&o, redo.fd, err);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		if (is_kept(mb, p[i]))
			rc = rewrite(mb, &o, p[i], mark_of(mb, p[i])->flags,
					err);
	if (out_close(&o) < 0)
		rc = disk_err(err, mb->path);
	if (rc == 0)
		rc = mbox_redo_finish(&redo, lock, err);
	mbox_redo_drop(&redo);
	return rc;
}

/* Nothing that stays is behind the first change: cutting is one step. */
static int cut_tail(struct mbox *mb, const struct mbox_lock *lock, int64_t at,
		struct err *err)
{
	if (ftruncate(lock->fd, at) < 0 || fsync(lock->fd) < 0)
		return disk_err(err, mb->path);
	return 0;
}

static int save_changes(struct mbox *mb, const struct mbox_lock *lock,
		struct err *err)
{
	struct mbox_entry **p = mbox_sorted(&mb->ix, by_place, err);
	unsigned n = 0, first = 0, kept = 0;
	int rc = 0;

	if (!p)
		return -1;
	for (unsigned i = 0; i < mb->ix.n; i++)	/* those that are there */
		if (!p[i]->gone)
			p[n++] = p[i];
	while (first < n && !is_changed(mb, p[first]))
		first++;
	for (unsigned i = first; i < n; i++)
		kept += is_kept(mb, p[i]);
	if (first < n && kept)
		rc = write_tail(mb, lock, p + first, n - first, err);
	else if (first < n)
		rc = cut_tail(mb, lock, (int64_t)p[first]->from, err);
	free(p);
	return rc;
}

static bool any_change(struct mbox *mb)
{
	for (unsigned i = 0; i < mb->ix.n; i++)
		if (is_changed(mb, &mb->ix.e[i]))
			return true;
	return false;
}

static void settle(struct mbox *mb)
{
	for (unsigned i = 0; i < mb->ix.n; i++) {
		struct mailbox_mark *mark = &mb->m.marks[i];

		mark->was = mark->flags;
		if (mark->flags & MAILBOX_DELETED)
			mb->ix.e[i].gone = true;
	}
	mb->stale = true;
}

static int mbox_save(struct mailbox *m, struct err *err)
{
	struct mbox *mb = mbox_of(m);
	struct mbox_lock lock;
	int rc;

	if (!any_change(mb))
		return 0;
	if (mbox_lock(&lock, mb->dirfd, mb->path, mb->owner, false,
				patience(mb, MBOX_WAIT_WRITE), err) < 0)
		return -1;
	rc = resync(mb, err);
	if (rc >= 0)
		rc = save_changes(mb, &lock, err);
	if (rc == 0)
		settle(mb);
	mbox_unlock(&lock);
	return rc;
}

static int mbox_refresh(struct mailbox *m, struct err *err)
{
	struct mbox *mb = mbox_of(m);
	struct stat st;

	/* the usual case costs one look */
	if (fstatat(mb->dirfd, mb->path, &st, 0) == 0 && unchanged(mb, &st))
		return 0;
	return resync_locked(mb, err);
}

/* -- opening -- */

static void mbox_close(struct mailbox *m)
{
	struct mbox *mb = mbox_of(m);

	mbox_index_free(&mb->ix);
	if (mb->fd >= 0)
		close(mb->fd);
	if (mb->dirfd >= 0)
		close(mb->dirfd);
	free(mb->path);
	free(mb);
}

static const struct mailbox_ops ops = {
	mbox_close, mbox_describe, mbox_reader, mbox_save, mbox_refresh
};

/* The caller's descriptor may go before we do. */
static int own_folder(int dirfd)
{
	if (dirfd == AT_FDCWD)
		return dirfd;
	return fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
}

static int first_look(struct mbox *mb, bool write, struct err *err)
{
	struct mbox_lock lock;
	int rc;

	if (!write)
		return resync_locked(mb, err);
	if (mbox_lock(&lock, mb->dirfd, mb->path, mb->owner, false,
				patience(mb, MBOX_WAIT_READ), err) < 0)
		return errno == ENOENT ? 0 : -1;	/* none is an empty one */
	rc = resync(mb, err);
	mbox_unlock(&lock);
	return rc;
}

struct mailbox *mbox_open(int dirfd, const char *path, uid_t owner, bool write,
		struct err *err)
{
	struct mbox *mb = calloc(1, sizeof(*mb));

	if (!mb) {
		disk_err(err, path);
		return NULL;
	}
	mb->m.ops = &ops;
	mb->m.write = write;
	mb->owner = owner;
	mb->fd = -1;
	mb->dirfd = own_folder(dirfd);
	mb->path = strdup(path);
	if (mb->dirfd == -1 || !mb->path) {
		disk_err(err, path);
		goto out;
	}
	errno = 0;
	if (first_look(mb, write, err) < 0)
		goto out;
	return &mb->m;
out:
	mailbox_close(&mb->m);
	return NULL;
}
