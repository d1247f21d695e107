#include "mail/box.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "mail/save.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"

#define LINES_MOST (256 * 1024)	/* bigger ones are not read to count lines */

/* ---- opening and following */

/* The arrays by message number, grown to count; new ones are zero. */
static int grow(struct mail *m, unsigned count)
{
	size_t size = (size_t)count + 1, had = m->note ? m->count + 1 : 0;
	unsigned char *note = realloc(m->note, size);
	unsigned char *set = note ? realloc(m->set, size) : NULL;

	if (note)
		m->note = note;
	if (set)
		m->set = set;
	if (!note || !set)
		return -1;
	if (size > had)
		memset(note + had, 0, size - had);
	m->count = count;
	return 0;
}

int mail_box_open(struct mail *m, const char *path, bool system,
		struct err *err)
{
	struct stat st;

	if (str_copy(m->path, sizeof(m->path), span_of(path)) < 0)
		return err_set(err, ERR_PERM, "%s: name too long", path);
	m->maildir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	m->system = system && !m->maildir;
	m->box = mailbox_open(AT_FDCWD, path, false, false, err);
	if (!m->box)
		return -1;
	if (grow(m, mailbox_count(m->box)) < 0) {
		mail_box_close(m);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	m->dot = mail_box_start(m);
	m->dot_shown = false;
	m->top = 0;
	return 0;
}

void mail_box_close(struct mail *m)
{
	if (m->box)
		mailbox_close(m->box);
	free(m->note);
	free(m->set);
	m->box = NULL;
	m->note = m->set = NULL;
	m->count = m->dot = 0;
}

unsigned mail_box_refresh(struct mail *m)
{
	unsigned count, had = m->count;

	if (!m->box || mailbox_refresh(m->box, NULL) <= 0)
		return 0;
	count = mailbox_count(m->box);
	if (count <= had || grow(m, count) < 0)
		return 0;
	return count - had;
}

/* ---- what is known of a message */

/* What mailbox flags become by what the session did. */
static unsigned merge_flags(unsigned flags, unsigned note)
{
	if (note & MAIL_SEEN)
		flags |= MAILBOX_SEEN;
	if (note & MAIL_UNSEEN)
		flags &= ~(unsigned)MAILBOX_SEEN;
	if (note & MAIL_ANSWERED)
		flags |= MAILBOX_ANSWERED;
	return flags;
}

unsigned mail_box_flags(struct mail *m, unsigned n)
{
	const struct mailbox_message *msg = mailbox_message(m->box, n);

	return msg ? merge_flags(msg->flags, m->note[n]) : 0;
}

bool mail_box_deleted(const struct mail *m, unsigned n)
{
	return m->note[n] & MAIL_DELETED;
}

void mail_box_touch(struct mail *m, unsigned n)
{
	m->note[n] |= MAIL_TOUCHED | MAIL_SEEN;
	m->note[n] &= (unsigned char)~MAIL_UNSEEN;
}

unsigned mail_box_start(struct mail *m)
{
	unsigned unread = 0;

	for (unsigned i = 1; i <= m->count; i++) {
		unsigned flags = mail_box_flags(m, i);

		if (!(flags & (MAILBOX_SEEN | MAILBOX_OLD)))
			return i;
		if (!unread && !(flags & MAILBOX_SEEN))
			unread = i;
	}
	return unread ? unread : m->count ? 1 : 0;
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

void mail_box_tell(struct mail *m)
{
	unsigned fresh = 0, unread = 0, deleted = 0;

	for (unsigned i = 1; i <= m->count; i++) {
		unsigned flags = mail_box_flags(m, i);

		deleted += mail_box_deleted(m, i);
		if (flags & MAILBOX_SEEN)
			continue;
		fresh += !(flags & MAILBOX_OLD);
		unread += !!(flags & MAILBOX_OLD);
	}
	mail_term_printf(&m->term, "\"%s\": %u message%s", m->path, m->count,
			plural(m->count));
	if (fresh)
		mail_term_printf(&m->term, " %u new", fresh);
	if (unread)
		mail_term_printf(&m->term, " %u unread", unread);
	if (deleted)
		mail_term_printf(&m->term, " %u deleted", deleted);
	mail_term_printf(&m->term, "\n");
}

/* ---- headers */

size_t mail_box_header_end(struct span data, size_t from)
{
	for (size_t at = from; at < data.n; at++) {
		size_t next = at + 1;

		if (data.p[at] != '\n')
			continue;
		if (next < data.n && data.p[next] == '\r')
			next++;
		if (next < data.n && data.p[next] == '\n')
			return next + 1;
	}
	return data.n && data.p[0] == '\n' ? 1 : 0;
}

struct header_scan {
	struct str *out;
	size_t most;
	long lines;
	bool whole;		/* the header section has ended */
	bool count;		/* read on, to count lines */
};

static void add_header(struct header_scan *s, struct span piece)
{
	size_t from = s->out->n > 2 ? s->out->n - 2 : 0, end;

	str_add(s->out, span_sub(piece, 0, s->most - s->out->n));
	end = mail_box_header_end(str_span(s->out), from);
	if (end) {
		s->out->n = end;
		s->out->p[end] = '\0';
	}
	s->whole = end || s->out->n == s->most;
}

static bool on_piece(void *arg, struct span piece)
{
	struct header_scan *s = arg;

	if (!s->whole)
		add_header(s, piece);
	for (size_t i = 0; s->count && i < piece.n; i++)
		s->lines += piece.p[i] == '\n';
	return s->count || !s->whole;
}

int mail_box_header(struct mail *m, unsigned n, struct str *out, long *lines,
		struct err *err)
{
	const struct mailbox_message *msg = mailbox_message(m->box, n);
	struct header_scan s = { .out = out };
	int rc;

	if (!msg)
		return err_set(err, ERR_PERM, "%u: no such message", n);
	s.count = lines && msg->size <= LINES_MOST;
	s.most = out->cap < MAIL_HEADER_MOST ? out->cap : MAIL_HEADER_MOST;
	rc = mailbox_read(m->box, n, on_piece, &s, err);
	if (lines)
		*lines = s.count ? s.lines : -1;
	return rc;
}

void mail_box_field(struct span header, const char *name, struct str *out)
{
	struct header_field f;
	struct str value;

	if (!header_find(header, name, &f))
		return;
	str_init(&value, out->cap);
	header_unfold(&value, f.value);
	word_decode(out, str_span(&value));
	str_free(&value);
}

static bool first_address(void *arg, const struct addr_entry *e)
{
	addr_put(arg, &e->addr);
	return false;
}

void mail_box_sender(struct span header, struct str *out)
{
	static const char *const names[] = { "From", "Sender", "Return-Path" };
	struct header_field f;

	for (size_t i = 0; i < 3 && !out->n; i++)
		if (header_find(header, names[i], &f))
			addr_each(f.value, first_address, out);
}

/* ---- quit */

struct quit {
	struct mail *m;
	struct mailbox *box;	/* the same mailbox, with its locks */
	unsigned *there;	/* our number -> its number; 0: gone */
	unsigned moved, held, gone;
	struct mail_amount amount;
	struct err err;
};

static bool same_message(struct quit *q, unsigned ours, unsigned theirs)
{
	const struct mailbox_message *a = mailbox_message(q->m->box, ours);
	const struct mailbox_message *b = mailbox_message(q->box, theirs);

	return a && b && !strcmp(a->uid, b->uid);
}

/* Both are in order of arrival: one walk finds who is still there. */
static int match_messages(struct quit *q)
{
	unsigned count = mailbox_count(q->box), at = 1;

	q->there = calloc((size_t)q->m->count + 1, sizeof(*q->there));
	if (!q->there)
		return err_set(&q->err, ERR_NOMEM, "out of memory");
	for (unsigned i = 1; i <= q->m->count; i++) {
		unsigned j = at;

		while (j <= count && !same_message(q, i, j))
			j++;
		if (j <= count) {
			q->there[i] = j;
			at = j + 1;
		}
	}
	return 0;
}

/* Does this one go to ~/mbox? (POSIX mailx, quit; hold and keepsave) */
static bool goes_to_mbox(const struct mail *m, unsigned note)
{
	if (!m->system || note & (MAIL_DELETED | MAIL_HELD))
		return false;
	if (note & MAIL_MBOX)
		return true;
	if (note & MAIL_SAVED)
		return mail_var_on(&m->vars, MAIL_VAR_KEEPSAVE) &&
				!mail_var_on(&m->vars, MAIL_VAR_HOLD);
	return note & MAIL_TOUCHED && !mail_var_on(&m->vars, MAIL_VAR_HOLD);
}

static bool goes_away(const struct mail *m, unsigned note)
{
	if (note & MAIL_DELETED)
		return true;
	return m->system && note & MAIL_SAVED && !(note & MAIL_HELD) &&
			!mail_var_on(&m->vars, MAIL_VAR_KEEPSAVE);
}

/* Flags first, so that the copies in ~/mbox have them, too. */
static void set_flags(struct quit *q)
{
	struct mail *m = q->m;

	for (unsigned i = 1; i <= m->count; i++) {
		unsigned note = m->note[i];

		if (!q->there[i])
			continue;
		mailbox_flag(q->box, q->there[i], MAILBOX_OLD |
				(note & MAIL_SEEN ? MAILBOX_SEEN : 0) |
				(note & MAIL_ANSWERED ? MAILBOX_ANSWERED : 0),
				note & MAIL_UNSEEN ? MAILBOX_SEEN : 0);
	}
}

static unsigned last_for_mbox(const struct quit *q)
{
	unsigned last = 0;

	for (unsigned i = 1; i <= q->m->count; i++)
		if (q->there[i] && goes_to_mbox(q->m, q->m->note[i]))
			last = i;
	return last;
}

/* Durable before anything is taken from where it was. */
static int move_to_mbox(struct quit *q)
{
	struct mail *m = q->m;
	unsigned last = last_for_mbox(q);
	char path[PATH_MAX];

	if (!last)
		return 0;
	if (mail_path(m, SPAN("&"), path, &q->err) < 0)
		return -1;
	for (unsigned i = 1; i <= last; i++) {
		if (!q->there[i] || !goes_to_mbox(m, m->note[i]))
			continue;
		if (mail_save_copy(q->box, q->there[i], path, i == last,
				&q->amount, &q->err) < 0)
			return -1;
		q->moved++;
	}
	return 0;
}

static void drop_gone(struct quit *q)
{
	struct mail *m = q->m;

	for (unsigned i = 1; i <= m->count; i++) {
		unsigned note = m->note[i];

		if (!q->there[i])
			continue;
		if (!goes_to_mbox(m, note) && !goes_away(m, note))
			continue;
		mailbox_flag(q->box, q->there[i], MAILBOX_DELETED, 0);
		q->gone++;
	}
	q->held = mailbox_count(q->box) - q->gone;
}

static void tell_quit(struct quit *q)
{
	struct mail *m = q->m;
	const char *mbox = mail_var(&m->vars, MAIL_VAR_MBOX);

	if (!mbox || !strcmp(mbox, "~/mbox"))
		mbox = "mbox";
	if (q->moved)
		mail_term_printf(&m->term, "Saved %u message%s in %s\n",
				q->moved, plural(q->moved), mbox);
	if (q->held && m->system)
		mail_term_printf(&m->term, "Held %u message%s in %s\n",
				q->held, plural(q->held), m->path);
	else if (!m->system && q->gone)
		mail_term_printf(&m->term, "\"%s\": %u deleted, %u left\n",
				m->path, q->gone, q->held);
}

static int quit_steps(struct quit *q)
{
	if (match_messages(q) < 0)
		return -1;
	set_flags(q);
	if (move_to_mbox(q) < 0)
		return -1;
	drop_gone(q);
	return mailbox_save(q->box, &q->err);
}

/* Nothing but flags would be lost: no reason to hold the user up. */
static bool only_flags(const struct mail *m)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (goes_to_mbox(m, m->note[i]) || goes_away(m, m->note[i]))
			return false;
	return true;
}

int mail_box_quit(struct mail *m)
{
	struct quit q = { .m = m };
	int rc = -1;

	if (!m->box)
		return 0;
	if (!m->count) {
		mail_box_close(m);
		return 0;
	}
	q.box = mailbox_open(AT_FDCWD, m->path, false, true, &q.err);
	if (q.box)
		rc = quit_steps(&q);
	if (q.box)
		mailbox_close(q.box);
	free(q.there);
	if (rc < 0) {
		mail_term_error(&m->term, "mail: %s: %s", m->path, q.err.text);
		if (!only_flags(m))
			return -1;
	} else {
		tell_quit(&q);
	}
	mail_box_close(m);
	return 0;
}
