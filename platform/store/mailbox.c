#include "config.h"
#include "store/mailbox_private.h"
#include "store/disk.h"
#include "store/gzip.h"
#include "store/maildir_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_FLAGS (MAILBOX_SEEN | MAILBOX_ANSWERED | MAILBOX_DELETED \
		| MAILBOX_FLAGGED | MAILBOX_OLD)

static bool may_be_made(const char *path, bool maildir)
{
	size_t n = strlen(path);

	return maildir || (n && path[n - 1] == '/');
}

bool mailbox_is_maildir(int dirfd, const char *path, bool maildir)
{
	struct stat st;

	return may_be_made(path, maildir)
		|| (fstatat(dirfd, path, &st, 0) == 0 && S_ISDIR(st.st_mode));
}

struct mailbox *mailbox_open(int dirfd, const char *path, bool maildir,
		bool write, struct err *err)
{
	if (mailbox_is_maildir(dirfd, path, maildir))
		return maildir_open(dirfd, path, may_be_made(path, maildir),
				write, err);
	return mbox_open(dirfd, path, MBOX_OWN, write, err);
}

struct mailbox *mailbox_open_of(int dirfd, const char *path, uid_t owner,
		bool write, struct err *err)
{
	return mbox_open(dirfd, path, owner, write, err);
}

struct mailbox *mailbox_open_plain(const char *path, unsigned most,
		struct err *err)
{
	if (mailbox_is_maildir(AT_FDCWD, path, false))
		return maildir_open(AT_FDCWD, path, false, false, err);
	return mbox_open_plain(path, most, err);
}

void mailbox_writable(struct mailbox *m)
{
	m->write = true;
}

bool mailbox_packed(const struct mailbox *m)
{
	return m->packed;
}

void mailbox_revert(struct mailbox *m)
{
	for (unsigned i = 0; i < m->count; i++)
		m->marks[i].flags = m->marks[i].was & ALL_FLAGS;
}

void mailbox_close(struct mailbox *m)
{
	if (!m)
		return;
	free(m->marks);
	m->marks = NULL;
	m->ops->close(m);
}

void *mailbox_room(void *list, unsigned n, unsigned *room, size_t size,
		struct err *err)
{
	unsigned more = *room + *room / 4 + 16;

	if (n < *room)
		return list;
	list = realloc(list, more * size);
	if (list)
		*room = more;
	else
		disk_err(err, "mailbox");
	return list;
}

void *mailbox_fitted(void *list, unsigned n, unsigned *room, size_t size)
{
	void *smaller;

	if (n == *room)
		return list;
	smaller = n ? realloc(list, n * size) : NULL;
	if (!n)
		free(list);
	else if (!smaller)
		return list;
	*room = n;
	return smaller;
}

void mailbox_fit(struct mailbox *m)
{
	m->marks = mailbox_fitted(m->marks, m->count, &m->room,
			sizeof(*m->marks));
}

int mailbox_grow(struct mailbox *m, unsigned flags, struct err *err)
{
	struct mailbox_mark *marks = mailbox_room(m->marks, m->count, &m->room,
			sizeof(*marks), err);

	if (!marks)
		return -1;
	m->marks = marks;
	marks[m->count].flags = marks[m->count].was = (unsigned char)flags;
	m->count++;
	return 0;
}

unsigned mailbox_count(const struct mailbox *m)
{
	return m->count;
}

const struct mailbox_message *mailbox_message(struct mailbox *m, unsigned n)
{
	struct mailbox_message *out;

	if (n - 1 >= m->count)
		return NULL;
	out = &m->scratch[m->turn++ % MAILBOX_SCRATCH];
	memset(out, 0, sizeof(*out));
	m->ops->describe(m, n - 1, out);
	out->flags = m->marks[n - 1].flags;
	return out;
}

unsigned mailbox_flags(const struct mailbox *m, unsigned n)
{
	return n - 1 >= m->count ? 0 : m->marks[n - 1].flags;
}

void mailbox_flag(struct mailbox *m, unsigned n, unsigned set, unsigned clear)
{
	unsigned flags;

	if (n - 1 >= m->count)
		return;
	flags = (m->marks[n - 1].flags & ~clear) | (set & ALL_FLAGS);
	m->marks[n - 1].flags = (unsigned char)flags;
}

int mailbox_save(struct mailbox *m, struct err *err)
{
	if (!m->write)
		return err_set(err, ERR_PERM, "mailbox is open for reading only");
	return m->ops->save(m, err);
}

void mailbox_with(struct mailbox *m, struct mailbox_many *many)
{
	m->with = many;
}

int mailbox_lock(struct mailbox *m, struct err *err)
{
	if (m->ops->hold && m->ops->hold(m, true, err) < 0)
		return -1;
	return m->ops->refresh(m, err) < 0 ? -1 : 0;
}

void mailbox_unlock(struct mailbox *m)
{
	m->with = NULL;
	if (m->ops->hold)
		m->ops->hold(m, false, NULL);
}

bool mailbox_gone(const struct mailbox *m, unsigned n)
{
	return n - 1 >= m->count || m->ops->gone(m, n - 1);
}

int mailbox_refresh(struct mailbox *m, struct err *err)
{
	return m->ops->refresh(m, err);
}

int mailbox_append(int dirfd, const char *path, bool maildir,
		const struct mailbox_add *add, bool *found, struct err *err)
{
	bool ignored;

	if (!found)
		found = &ignored;
	*found = false;
	if (mailbox_is_maildir(dirfd, path, maildir))
		return maildir_append(dirfd, path, add, found, err);
	return mbox_append(dirfd, path, add, found, err);
}

void mailbox_hex(char *out, const unsigned char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";

	for (; n--; p++) {
		*out++ = hex[*p >> 4];
		*out++ = hex[*p & 15];
	}
	*out = '\0';
}

/* -- what the two formats' lines mean -- */

bool mailbox_hides(struct mailbox_hide *h, struct span text, bool first)
{
	if (!first || !h->header)
		return h->hiding;
	h->header = text.n > 0;
	if (!text.n || (text.p[0] != ' ' && text.p[0] != '\t'))
		h->hiding = text.n && ((text.p[0] | 32) == 's' || (text.p[0] | 32) == 'x')
			&& (span_starts(text, "Status:")
			|| span_starts(text, "X-Status:")
			|| span_starts(text, "X-Pillarbox-Id:"));
	return h->hiding;
}

bool mailbox_quoted(struct span line, unsigned least)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return n >= least && line.n >= n + 5
		&& memcmp(line.p + n, "From ", 5) == 0;
}

/* -- reading -- */

struct mailbox_reader *mailbox_reader_open(struct mailbox *m, unsigned n,
		struct err *err)
{
	struct mailbox_reader *r;

	if (n - 1 >= m->count) {
		err_set(err, ERR_PERM, "no such message");
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	if (!r) {
		disk_err(err, "mailbox");
		return NULL;
	}
	r->own_fd = -1;
	if (m->ops->reader(m, n - 1, r, err) < 0) {
		mailbox_reader_close(r);
		return NULL;
	}
	r->hide.header = r->mbox;
	return r;
}

void mailbox_reader_close(struct mailbox_reader *r)
{
	if (!r)
		return;
	lines_close(&r->lines);
	if (CFG_MAILBOX_GZIP)
		gunzip_free(r->gunzip);
	if (r->own_fd >= 0)
		close(r->own_fd);
	free(r);
}

/* 1: r->rest and line_end have something; 0 end; -1. */
static int next_piece(struct mailbox_reader *r, struct err *err)
{
	struct lines *l = &r->lines;
	int rc;

	do
		rc = lines_next(l, err);
	while (rc > 0 && mailbox_hides(&r->hide, l->text, l->first));
	r->rest = l->text;
	r->line_end = rc > 0 && l->ended;
	if (rc <= 0)
		r->rest.n = 0;
	else if (r->mbox && l->first && mailbox_quoted(r->rest, 1))
		r->rest = span_rest(r->rest, 1);
	return rc;
}

static long mbox_next(struct mailbox_reader *r, char *p, size_t size,
		struct err *err)
{
	size_t done = 0;

	while (done < size) {
		size_t n = r->rest.n;
		int rc;

		if (n > size - done)
			n = size - done;
		if (n)
			memcpy(p + done, r->rest.p, n);
		r->rest = span_rest(r->rest, n);
		done += n;
		if (r->line_end && !r->rest.n && done < size) {
			p[done++] = '\n';
			r->line_end = false;
		}
		if (r->rest.n || r->line_end)
			continue;
		rc = next_piece(r, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	return (long)done;
}

long mailbox_reader_next(struct mailbox_reader *r, void *buf,
		unsigned long size, struct err *err)
{
	long n;

	if (!r->mbox)
		return maildir_reader_next(r, buf, size, err);
	n = mbox_next(r, buf, size, err);
	return n < 0 || mbox_still(r, err) < 0 ? -1 : n;
}
