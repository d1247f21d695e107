#include "mail/box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"
#include "mail/order.h"
#include "mail/show.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/file.h"
#include "os/text.h"

#define PREVIEW_SIZE 50000000	/* octets: half a second, or much more */

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

bool mail_box_is_folder(const char *path)
{
	struct stat st;

	return span_ends(span_of(path), "/") ||
			(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/*
 * The first screen of what takes long to read: nobody waits for it. It is not
 * yet known which message is the first new one.
 */
static void preview(struct mail *m)
{
	struct stat st;

	if (!m->term.tty_in || stat(m->path, &st) < 0 ||
	    st.st_size < PREVIEW_SIZE)
		return;
	m->box = mailbox_open_plain(m->path, mail_show_screen_size(m), NULL);
	if (m->box && grow(m, mailbox_count(m->box)) == 0 && m->count) {
		mail_term_printf(&m->term, T("\"%s\": %u MB, being read. "
				"It begins:\n"), m->path,
				(unsigned)(st.st_size / 1000000));
		mail_show_screen(m, 1);
		fflush(stdout);
	}
	mail_box_close(m);
}

/* An error says which file it is about. */
static int name_it(struct mail *m, const char *path)
{
	struct err err = m->err;

	return !strncmp(err.text, path, strlen(path)) ? -1 :
			err_set(&m->err, err.kind, "%s: %s", path, err.text);
}

int mail_box_open(struct mail *m, const char *path, unsigned how)
{
	mail_path_absolute(path, m->path);
	m->system = how & MAIL_BOX_SYSTEM && !mail_box_is_folder(path);
	if (how & MAIL_BOX_PREVIEW)
		preview(m);
	m->box = mailbox_open_plain(m->path, how & MAIL_BOX_CHECK, &m->err);
	if (!m->box)
		return name_it(m, path);
	if (grow(m, mailbox_count(m->box)) < 0) {
		mail_box_close(m);
		return -1;
	}
	if (CFG_MAIL_SORT)
		mail_order_auto(m);
	m->read_only = mail_var(m, "readonly") || mailbox_packed(m->box) ||
			(access(path, W_OK) < 0 && errno != ENOENT);
	m->dot = start(m);
	m->dot_shown = false;
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
	m->count = m->dot = 0;
}

unsigned mail_box_refresh(struct mail *m)
{
	unsigned had = m->count;

	if (mailbox_refresh(m->box, NULL) <= 0 ||
	    grow(m, mailbox_count(m->box)) < 0)
		return 0;
	return m->count - had;
}

bool mail_box_announce(struct mail *m)
{
	unsigned had = m->count, n = mail_box_refresh(m);

	if (!n)
		return false;
	mail_term_printf(&m->term, T("New mail has arrived.\n"));
	if (!m->dot)
		m->dot = had + 1;
	for (unsigned i = had + 1; i <= m->count && n <= 5; i++)
		mail_show_summary(m, i);
	return true;
}

/* ---- what is known of a message */

static unsigned flags_of(const struct mail *m, unsigned n)
{
	return (m->note[n] & MAIL_READ ? MAILBOX_SEEN : 0) |
			(m->note[n] & MAIL_ANSWERED ? MAILBOX_ANSWERED : 0);
}

unsigned mail_box_flags(struct mail *m, unsigned n)
{
	return mailbox_flags(m->box, n) | flags_of(m, n);
}

bool mail_box_deleted(const struct mail *m, unsigned n)
{
	return m->note[n] & MAIL_DELETED;
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
	mail_term_printf(&m->term, m->count == 1 ? T(" %u message") :
			T(" %u messages"), m->count);
	if (fresh)
		mail_term_printf(&m->term, T(" %u new"), fresh);
	if (unread)
		mail_term_printf(&m->term, T(" %u unread"), unread);
	if (m->read_only)
		mail_term_printf(&m->term, T(" [read-only]"));
	mail_term_printf(&m->term, "\n");
}

/* ---- one message */

struct copy {
	int fd, rc;
	struct err *err;
};

static bool put_copy(void *arg, struct span piece)
{
	struct copy *c = arg;

	if (file_write(c->fd, piece.p, piece.n) < 0)
		c->rc = err_errno(c->err, "%s", T("temporary file"));
	return c->rc == 0;
}

int mail_box_write(struct mailbox *box, unsigned n, int fd, struct err *err)
{
	struct copy c = { .fd = fd, .err = err };

	return mailbox_read(box, n, put_copy, &c, err) < 0 ? -1 : c.rc;
}

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
