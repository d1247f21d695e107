#include "store/mbox_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"

/* "KEY 0000012345" is wrong once lines were added: "-" says it was right. */
static void put_hidden(struct out *o, const struct mbox_entry *e,
		struct span text)
{
	if (!span_starts(text, MBOX_KEY))
		return;
	out_add(o, e->partial ? text : span_before(text, ' '));
	out_add(o, e->partial ? SPAN("\n") : SPAN(" -\n"));
}

struct rewrite {
	struct lines lines;		/* from the first change to the end */
	struct out out;
	struct mailbox_hide hide;
};

/* A line of the header section. */
static void rewrite_line(struct rewrite *w, const struct mbox_entry *e,
		unsigned flags)
{
	const struct lines *l = &w->lines;

	if (mailbox_hides(&w->hide, l->text, l->first)) {
		if (l->first && !ascii_isspace(l->text.p[0]))
			put_hidden(&w->out, e, l->text);
		return;
	}
	if (!w->hide.header)
		mbox_put_status(&w->out, flags);
	out_add(&w->out, l->piece);
}

/* All before `end` as it is, or nothing of it. 1; 0: there is no more; -1. */
static int rewrite_to(struct rewrite *w, int64_t end, bool keep,
		struct err *err)
{
	int rc = 1;

	while (lines_here(&w->lines) < end
			&& (rc = lines_block(&w->lines, end, err)) > 0)
		if (keep)
			out_add(&w->out, w->lines.piece);
	return rc;
}

/* One message as it is, with new flags, and the empty line behind it. */
static int rewrite(struct rewrite *w, const struct mbox_entry *e,
		unsigned flags, struct err *err)
{
	struct lines *l = &w->lines;
	int rc;

	rc = rewrite_to(w, (int64_t)e->from, false, err);
	if (rc > 0)
		rc = rewrite_to(w, mbox_text(e), true, err);
	w->hide = (struct mailbox_hide){ .header = true };
	while (rc > 0 && w->hide.header && lines_here(l) < mbox_end(e)) {
		while (!w->hide.hiding && lines_plain(l, true))
			out_add(&w->out, l->piece);
		rc = lines_next(l, err);
		if (rc > 0)
			rewrite_line(w, e, flags);
	}
	if (rc > 0)
		rc = rewrite_to(w, mbox_end(e), true, err);
	if (!l->ended)
		out_add(&w->out, SPAN("\n"));
	if (w->hide.header)
		mbox_put_status(&w->out, flags);
	out_add(&w->out, SPAN("\n"));
	return rc < 0 ? -1 : 0;
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

/* Have its flags gone where others were? */
static bool fits(struct mbox *mb, struct mbox_entry *e)
{
	unsigned left = mark_of(mb, e)->flags;
	struct mbox_look look = mb->look;

	look.left = &left;
	return mbox_index_check(e, 1, mb->lock.fd, &look, NULL) == 1 && !left;
}

/* Writes what stays of entries p[0..n) into the journal, then into the mbox. */
static int write_tail(struct mbox *mb, const struct mbox_lock *lock,
		struct mbox_entry **p, unsigned n, struct err *err)
{
	struct rewrite w = { .out.fd = -1 };
	struct mbox_redo redo;
	int rc = mbox_redo_begin(&redo, lock, (int64_t)p[0]->from, err);

	if (rc == 0)
		rc = lines_open(&w.lines, mb->fd, redo.offset, LINES_ALL,
				LINES_WIDE, err);
	if (rc == 0)
		rc = out_open(&w.out, redo.fd, LINES_WIDE, err);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		if (is_kept(mb, p[i]))
			rc = rewrite(&w, p[i], mark_of(mb, p[i])->flags, err);
	lines_close(&w.lines);
	if (out_close(&w.out) < 0)
		rc = disk_err(err, mb->path);
	if (rc == 0)
		rc = mbox_redo_finish(&redo, lock, mb->m.with, err);
	mbox_redo_drop(&redo);
	return rc;
}

/* Nothing that stays is behind the first change: cutting is one step. */
static int cut_tail(struct mbox *mb, int fd, int64_t at)
{
	return mailbox_many_keep(mb->m.with) < 0 ? -1 : ftruncate(fd, at);
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
	while (first < n && (!is_changed(mb, p[first]) || fits(mb, p[first])))
		first++;
	for (unsigned i = first; i < n; i++)
		kept += is_kept(mb, p[i]);
	if (kept)
		rc = write_tail(mb, lock, p + first, n - first, err);
	else if ((first < n && cut_tail(mb, lock->fd, (int64_t)p[first]->from)
				< 0) || fsync(lock->fd) < 0)
		rc = disk_err(err, mb->path);
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
	/* the index is that of before */
	memset(&mb->seen, 0, sizeof(mb->seen));
	mb->stale = true;
}

int mbox_save(struct mailbox *m, struct err *err)
{
	struct mbox *mb = mbox_of(m);
	bool held = mb->held;
	int rc;

	if (!any_change(mb))
		return 0;
	if (!held && mbox_hold(m, true, err) < 0)
		return -1;
	rc = mbox_resync(mb, err);
	if (rc >= 0)
		rc = save_changes(mb, &mb->lock, err);
	if (rc == 0)
		settle(mb);
	if (!held)
		mbox_hold(m, false, NULL);
	return rc < 0 ? -1 : 0;
}

int mbox_hold(struct mailbox *m, bool held, struct err *err)
{
	struct mbox *mb = mbox_of(m);

	if (mb->held == held)
		return 0;
	if (!held)
		mbox_unlock(&mb->lock);
	else if (mbox_lock(&mb->lock, mb->dirfd, mb->path, mb->owner, false,
				mbox_patience(mb, MBOX_WAIT_WRITE), err) < 0)
		return -1;
	mb->held = held;
	return 0;
}
