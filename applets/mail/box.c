#include "mail/box.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mail/order.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/file.h"

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
	if (!set)
		return err_nomem(&m->err);
	memset(note + had, 0, size - had);
	m->count = count;
	return 0;
}

/* The first message to look at: new, else unread, else the first. */
static unsigned start(struct mail *m)
{
	unsigned unread = 0;

	for (unsigned i = mail_order_next(m, 0); i; i = mail_order_next(m, i)) {
		unsigned flags = mail_box_flags(m, i);

		if (!(flags & (MAILBOX_SEEN | MAILBOX_OLD)))
			return i;
		if (!unread && !(flags & MAILBOX_SEEN))
			unread = i;
	}
	return unread ? unread : mail_order_next(m, 0);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return span_ends(span_of(path), "/") ||
			(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

int mail_box_open(struct mail *m, const char *path, bool system)
{
	mail_path_absolute(path, m->path);
	m->system = system && !is_folder(path);
	m->box = mailbox_open(AT_FDCWD, path, false, false, &m->err);
	if (!m->box)
		return -1;
	if (grow(m, mailbox_count(m->box)) < 0) {
		mail_box_close(m);
		return -1;
	}
	mail_order_auto(m);
	m->dot = start(m);
	m->top = 1;
	return 0;
}

void mail_box_close(struct mail *m)
{
	if (m->box)
		mailbox_close(m->box);
	mail_order_free(m);
	free(m->note);
	free(m->set);
	m->box = NULL;
	m->note = m->set = NULL;
	m->count = 0;
}

unsigned mail_box_refresh(struct mail *m)
{
	unsigned had = m->count;

	if (mailbox_refresh(m->box, NULL) <= 0 ||
	    grow(m, mailbox_count(m->box)) < 0)
		return 0;
	return m->count - had;
}

/* ---- what is known of a message */

/* What the session did to a message, as flags of the mailbox. */
static unsigned flags_of(const struct mail *m, unsigned n)
{
	return (m->note[n] & MAIL_READ ? MAILBOX_SEEN : 0) |
			(m->note[n] & MAIL_ANSWERED ? MAILBOX_ANSWERED : 0);
}

unsigned mail_box_flags(struct mail *m, unsigned n)
{
	const struct mailbox_message *msg = mailbox_message(m->box, n);

	return msg ? msg->flags | flags_of(m, n) : 0;
}

bool mail_box_deleted(const struct mail *m, unsigned n)
{
	return m->note[n] & MAIL_DELETED;
}

static void tell(struct mail *m, unsigned n, const char *what)
{
	if (n)
		mail_term_printf(&m->term, " %u %s", n, what);
}

void mail_box_tell(struct mail *m)
{
	unsigned fresh = 0, unread = 0;

	for (unsigned i = 1; i <= m->count; i++) {
		unsigned flags = mail_box_flags(m, i);

		if (flags & MAILBOX_SEEN)
			continue;
		if (flags & MAILBOX_OLD)
			unread++;
		else
			fresh++;
	}
	mail_term_printf(&m->term, "\"%s\":", m->path);
	tell(m, m->count, m->count == 1 ? "message" : "messages");
	tell(m, fresh, "new");
	tell(m, unread, "unread");
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

static bool add_header(void *arg, struct span piece)
{
	struct str *out = arg;
	size_t from = out->n > 2 ? out->n - 2 : 0;

	str_add(out, span_sub(piece, 0, out->cap - out->n));
	return out->n < out->cap && !mail_box_header_end(str_span(out), from);
}

int mail_box_header(struct mailbox *box, unsigned n, struct str *out,
		struct err *err)
{
	return mailbox_read(box, n, add_header, out, err);
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
	static const char names[][12] = { "From", "Sender", "Return-Path" };
	struct header_field f;

	for (size_t i = 0; i < 3 && !out->n; i++)
		if (header_find(header, names[i], &f))
			addr_each(f.value, first_address, out);
}

/* ---- copying */

struct copy {
	int fd;
	uint64_t octets;
	struct err *err;
	int rc;
};

static bool put_out(void *arg, struct span piece)
{
	struct copy *c = arg;

	c->octets += piece.n;
	if (file_write(c->fd, piece.p, piece.n) < 0)
		c->rc = err_errno(c->err, "temporary file");
	return c->rc == 0;
}

static int append(struct mailbox *box, unsigned n, const char *path,
		bool flush, const struct copy *c, struct err *err)
{
	const struct mailbox_message *msg = mailbox_message(box, n);
	struct mailbox_add add = {
		.fd = c->fd, .flush = flush, .length = (int64_t)c->octets
	};
	struct str from, head;
	char status[32];
	bool found = false;
	int rc;

	/* the flags as an mbox keeps them */
	snprintf(status, sizeof(status), "Status: %sO\nX-Status: %s%s\n",
			msg->flags & MAILBOX_SEEN ? "R" : "",
			msg->flags & MAILBOX_ANSWERED ? "A" : "",
			msg->flags & MAILBOX_FLAGGED ? "F" : "");
	if (!is_folder(path))
		add.head = span_of(status);
	add.when = msg->arrived ? msg->arrived : clock_now();
	str_init(&from, ADDR_MAX);
	str_init(&head, 16384);
	rc = mail_box_header(box, n, &head, err);
	mail_box_sender(str_span(&head), &from);
	add.from = str_c(&from);
	if (rc == 0)
		rc = mailbox_append(AT_FDCWD, path, is_folder(path), &add,
				&found, err);
	str_free(&from);
	str_free(&head);
	return rc;
}

int mail_box_copy(struct mailbox *box, unsigned n, const char *path,
		bool flush, uint64_t *octets, struct err *err)
{
	struct copy c = { .fd = file_temporary(err), .err = err };
	int rc;

	if (c.fd < 0)
		return -1;
	rc = mailbox_read(box, n, put_out, &c, err);
	if (rc == 0)
		rc = c.rc;
	if (rc == 0)
		rc = append(box, n, path, flush, &c, err);
	close(c.fd);
	*octets += c.octets;
	return rc;
}

/* ---- quit */

enum fate { STAYS, MOVES, GOES };	/* MOVES: to ~/mbox */

static enum fate fate_of(const struct mail *m, unsigned n)
{
	unsigned note = m->note[n];

	if (note & MAIL_DELETED)
		return GOES;
	if (!m->system || note & MAIL_HELD)
		return STAYS;
	if (note & MAIL_SAVED)
		return GOES;
	return note & MAIL_READ ? MOVES : STAYS;
}

struct quit {
	struct mail *m;
	struct mailbox *box;	/* the same mailbox, with its locks */
	unsigned *there;	/* our number -> its number; 0: gone */
	unsigned moved, gone;
	unsigned last;		/* that moves */
};

static bool is_same(struct quit *q, unsigned ours, unsigned theirs)
{
	return !strcmp(mailbox_message(q->m->box, ours)->uid,
			mailbox_message(q->box, theirs)->uid);
}

/* What the user has set or cleared; what others did to the rest stays. */
static void carry_flags(struct quit *q, unsigned ours, unsigned theirs)
{
	unsigned changed = mailbox_changed(q->m->box, ours);
	unsigned now = mailbox_flags(q->m->box, ours);

	mailbox_flag(q->box, theirs, MAILBOX_OLD | flags_of(q->m, ours) |
			(changed & now), changed & ~now);
}

/*
 * Both are in order of arrival: one walk finds who is still there. Flags are
 * set first, so that the copies in ~/mbox have them, too.
 */
static void match_messages(struct quit *q)
{
	unsigned count = mailbox_count(q->box), at = 1;

	for (unsigned i = 1; i <= q->m->count; i++) {
		unsigned j = at;

		while (j <= count && !is_same(q, i, j))
			j++;
		if (j > count)
			continue;
		q->there[i] = j;
		at = j + 1;
		carry_flags(q, i, j);
		if (fate_of(q->m, i) == MOVES)
			q->last = i;
	}
}

/* Durable in ~/mbox before anything is taken from where it was. */
static int move_messages(struct quit *q)
{
	struct mail *m = q->m;
	char path[PATH_MAX];
	uint64_t octets = 0;

	if (mail_path(m, MAIL_MBOX, path) < 0)
		return -1;
	for (unsigned i = 1; i <= m->count; i++) {
		enum fate fate = q->there[i] ? fate_of(m, i) : STAYS;

		if (fate == STAYS)
			continue;
		if (fate == MOVES && mail_box_copy(q->box, q->there[i], path,
				i == q->last, &octets, &m->err) < 0)
			return -1;
		mailbox_flag(q->box, q->there[i], MAILBOX_DELETED, 0);
		q->moved += fate == MOVES;
		q->gone++;
	}
	return mailbox_save(q->box, &m->err);
}

static void tell_quit(struct quit *q)
{
	static const char *const plural[] = { "s", "" };
	unsigned held = mailbox_count(q->box) - q->gone;
	struct mail *m = q->m;

	if (q->moved)
		mail_term_printf(&m->term, "Saved %u message%s in mbox\n",
				q->moved, plural[q->moved == 1]);
	if (held && m->system)
		mail_term_printf(&m->term, "Held %u message%s in %s\n", held,
				plural[held == 1], m->path);
	else if (!m->system && q->gone)
		mail_term_printf(&m->term, "\"%s\": %u deleted, %u left\n",
				m->path, q->gone, held);
}

/* Nothing but flags would be lost: no reason to hold the user up. */
static bool only_flags(const struct mail *m)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (fate_of(m, i) != STAYS)
			return false;
	return true;
}

static int quit_steps(struct quit *q)
{
	q->there = calloc((size_t)q->m->count + 1, sizeof(*q->there));
	if (!q->there)
		return err_nomem(&q->m->err);
	match_messages(q);
	return move_messages(q);
}

int mail_box_quit(struct mail *m)
{
	struct quit q = { .m = m };
	int rc = -1;

	q.box = mailbox_open(AT_FDCWD, m->path, false, true, &m->err);
	if (q.box) {
		rc = quit_steps(&q);
		if (rc == 0)
			tell_quit(&q);
		mailbox_close(q.box);
	}
	free(q.there);
	if (rc < 0 && mail_failed(m) < 0 && !only_flags(m))
		return -1;
	mail_box_close(m);
	return 0;
}
