/* What becomes of the mailbox when it is left (POSIX mailx, "quit"). */
#include "mail/box.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include "mail/var.h"
#include "os/text.h"

enum fate { STAYS, MOVES, GOES };	/* MOVES: to ~/mbox */

struct quit {
	struct mail *m;
	bool hold, keepsave;		/* variables */
	struct mail_copied moved;
	unsigned gone, deleted;
};

static enum fate fate_of(const struct quit *q, unsigned n)
{
	const struct mail *m = q->m;
	unsigned note = m->note[n];

	if (note & MAIL_DELETED)
		return GOES;
	if (!m->system || note & MAIL_HELD)
		return STAYS;
	if (note & MAIL_SAVED)
		return q->keepsave ? MOVES : GOES;
	if (note & MAIL_TO_MBOX)
		return MOVES;
	return note & (MAIL_READ | MAIL_TOUCHED) && !q->hold ? MOVES : STAYS;
}

static bool any(const struct quit *q, enum fate fate)
{
	for (unsigned i = 1; i <= q->m->count; i++)
		if (fate_of(q, i) == fate)
			return true;
	return false;
}

/* Durable in ~/mbox before anything is taken from where it was. */
static int move_messages(struct quit *q)
{
	struct mail *m = q->m;
	char path[PATH_MAX];

	if (!any(q, MOVES))
		return 0;
	for (unsigned i = 1; i <= m->count; i++)
		m->set[i] = fate_of(q, i) == MOVES;
	if (mail_path_given(m, SPAN("&"), path) < 0)
		return -1;
	return mail_box_copy(m, path, &q->moved);
}

/* What goes, and unless there is no room for it, what else is to be kept. */
static void set_flags(struct quit *q, bool all)
{
	struct mail *m = q->m;

	q->gone = q->deleted = 0;
	for (unsigned i = 1; i <= m->count; i++) {
		bool goes = fate_of(q, i) != STAYS;

		if (mailbox_gone(m->box, i))
			continue;
		if (all)
			mailbox_flag(m->box, i, mail_box_flags(m, i) |
					MAILBOX_OLD, 0);
		if (goes)
			mailbox_flag(m->box, i, MAILBOX_DELETED, 0);
		q->gone += goes;
		q->deleted += (m->note[i] & MAIL_DELETED) != 0;
	}
}

/* The last messages can go from a full disk; flags would need room. */
static int save(struct quit *q)
{
	struct mailbox *box = q->m->box;

	mailbox_writable(box);
	set_flags(q, true);
	if (mailbox_save(box, &q->m->err) == 0)
		return 0;
	mailbox_revert(box);
	set_flags(q, false);
	return q->gone ? mailbox_save(box, NULL) : -1;
}

/* POSIX: without `keep` no empty file is left. The folder may not allow it. */
static void remove_empty(struct mail *m)
{
	struct stat st;

	if (!mail_var(m, "keep") && stat(m->path, &st) == 0 &&
	    S_ISREG(st.st_mode) && st.st_size == 0)
		unlinkat(AT_FDCWD, m->path, 0);
}

static unsigned left(const struct mail *m)
{
	unsigned n = 0;

	for (unsigned i = mailbox_count(m->box); i; i--)
		n += !mailbox_gone(m->box, i);
	return n;
}

static void tell_quit(struct quit *q)
{
	struct mail *m = q->m;
	unsigned held = left(m), moved = q->moved.messages;

	if (moved)
		mail_term_printf(&m->term, moved == 1 ?
				T("Saved %u message in mbox\n") :
				T("Saved %u messages in mbox\n"), moved);
	if (q->deleted && m->system)
		mail_term_printf(&m->term, q->deleted == 1 ?
				T("Deleted %u message\n") :
				T("Deleted %u messages\n"), q->deleted);
	if (held && m->system)
		mail_term_printf(&m->term, held == 1 ?
				T("Held %u message in %s\n") :
				T("Held %u messages in %s\n"), held, m->path);
	else if (!m->system && q->gone)
		mail_term_printf(&m->term, T("\"%s\": %u deleted, %u left\n"),
				m->path, q->gone, held);
}

/* The mailbox is locked: it is what it will be. */
static int quit_steps(struct quit *q)
{
	if (move_messages(q) < 0)
		return -1;
	if (save(q) < 0)
		return -1;
	tell_quit(q);
	remove_empty(q->m);
	return 0;
}

static int leave(struct quit *q)
{
	struct mail *m = q->m;
	int rc = mailbox_lock(m->box, &m->err);

	if (rc == 0)
		rc = quit_steps(q);
	if (rc < 0)
		mailbox_revert(m->box);
	mailbox_unlock(m->box);
	return rc;
}

int mail_box_quit(struct mail *m)
{
	struct quit q = {
		.m = m, .hold = mail_var(m, "hold"),
		.keepsave = mail_var(m, "keepsave")
	};
	/* nothing but flags would be lost: no reason to hold the user up */
	bool little = !any(&q, MOVES) && !any(&q, GOES);

	if (m->read_only) {
		if (!little)
			mail_term_printf(&m->term, T("\"%s\" is read-only: "
					"it stays as it was\n"), m->path);
	} else if (leave(&q) < 0 && mail_failed(m) < 0 && !little) {
		return -1;
	}
	mail_box_close(m);
	return 0;
}
