#include "store/mbox_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/disk.h"

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
	while ((rc = w.from || w.hide.header ? lines_next(&l, err) :
				lines_block(&l, err)) > 0)
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
