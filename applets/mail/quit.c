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
	struct mailbox_many *many;	/* they, until the mailbox is saved, */
	char path[PATH_MAX];		/* ... and where */
	unsigned gone;
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

static bool all_stay(const struct quit *q)
{
	for (unsigned i = 1; i <= q->m->count; i++)
		if (fate_of(q, i) != STAYS)
			return false;
	return true;
}

/* In ~/mbox before anything is taken from where it was. */
static int move_messages(struct quit *q)
{
	struct mail *m = q->m;
	unsigned n = 0;

	for (unsigned i = 1; i <= m->count; i++)
		n += m->set[i] = fate_of(q, i) == MOVES;
	if (!n)
		return 0;
	if (mail_path_given(m, SPAN("&"), q->path) < 0)
		return -1;
	return mail_box_copy(m, q->path, &q->moved, &q->many);
}

/* What goes, and unless there is no room for it, what else is to be kept. */
static void set_flags(struct quit *q, bool all)
{
	struct mail *m = q->m;

	q->gone = 0;
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

static void say(struct mail *m, unsigned n, const char *one, const char *more)
{
	if (n)
		mail_term_printf(&m->term, n == 1 ? one : more, n, m->path);
}

/* What was saved to a file is deleted here, too. */
static void tell_quit(struct quit *q)
{
	struct mail *m = q->m;
	unsigned held = left(m), moved = q->moved.messages;

	if (m->system) {
		say(m, moved, T("Saved %u message in mbox\n"),
				T("Saved %u messages in mbox\n"));
		say(m, q->gone - moved, T("Deleted %u message\n"),
				T("Deleted %u messages\n"));
		say(m, held, T("Held %u message in %s\n"),
				T("Held %u messages in %s\n"));
	} else if (q->gone) {
		mail_term_printf(&m->term, T("\"%s\": %u deleted, %u left\n"),
				m->path, q->gone, held);
	}
}

/* The mailbox is locked: it is what it will be. */
static int quit_steps(struct quit *q)
{
	int rc = move_messages(q);

	if (rc < 0)
		return -1;
	mailbox_with(q->m->box, q->many);
	rc = save(q);
	if (q->many && mailbox_many_end(q->many, rc == 0, NULL) < 0)
		rc = -1;
	if (rc < 0)
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
	bool little = all_stay(&q);

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
