#include "mail/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "mail/attach.h"
#include "mail/drafts.h"
#include "mail/input.h"
#include "mail/send.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/text.h"

#define FIELD_MOST 65536
#define PIECE 16384
#define FLUSH_MS 5000

int mail_draft_init(struct mail *m, struct mail_draft *d)
{
	*d = (struct mail_draft){
		.fd = -1, .ends_in_lf = true, .start = MAIL_DRAFT_ROOM, .m = m
	};
	for (int i = 0; i < MAIL_FIELDS; i++)
		str_init(&d->field[i], FIELD_MOST);
	if (CFG_MAIL_DRAFTS && m->term.tty_in)
		d->fd = mail_drafts_make(m, d);
	if (d->fd < 0)
		d->fd = file_temporary(&m->err);
	return d->fd < 0 ? -1 : 0;
}

void mail_draft_free(struct mail_draft *d)
{
	for (int i = 0; i < MAIL_FIELDS; i++)
		str_free(&d->field[i]);
	if (CFG_MAIL_ATTACH)
		mail_attach_free(d);
	if (CFG_MAIL_DRAFTS && d->path) {
		unlinkat(AT_FDCWD, d->path, 0);
		free(d->path);
	}
	if (d->fd >= 0)
		close(d->fd);
}

/* ---- what survives */

void mail_draft_keep(struct mail_draft *d)
{
	struct str head;
	int64_t now = clock_ms();

	if (!CFG_MAIL_DRAFTS || !d->path)
		return;
	str_init(&head, MAIL_DRAFT_ROOM);
	mail_draft_fields(d, &head);
	/* what a longer one left there goes */
	while (head.n < d->head)
		str_addc(&head, '\n');
	if (!head.bad && lseek(d->fd, d->start - (int64_t)head.n,
			SEEK_SET) >= 0)
		file_write(d->fd, head.p, head.n);
	d->head = head.n;
	str_free(&head);
	if (now - d->flushed >= FLUSH_MS) {
		fdatasync(d->fd);
		d->flushed = now;
	}
}

/* ---- the body */

int mail_draft_add(struct mail_draft *d, struct span text)
{
	if (!text.n)
		return 0;
	if (lseek(d->fd, d->start + (off_t)d->size, SEEK_SET) < 0 ||
	    file_write(d->fd, text.p, text.n) < 0)
		return mail_errno(d->m, T("temporary file"));
	d->size += text.n;
	d->ends_in_lf = text.p[text.n - 1] == '\n';
	return 0;
}

static int cut_to(struct mail_draft *d, uint64_t size)
{
	char last = '\n';

	if (size)
		file_pread(d->fd, &last, 1, d->start + (int64_t)size - 1);
	d->size = size;
	d->ends_in_lf = last == '\n';
	return ftruncate(d->fd, d->start + (off_t)size);
}

int mail_draft_add_file(struct mail_draft *d, int fd, int64_t at)
{
	uint64_t had = d->size, most = mail_input_most(d->m, fd);
	char buf[PIECE];
	ssize_t n = 0;

	/* a pipe cannot, and begins where it is */
	if (lseek(fd, at, SEEK_SET) < 0 && (errno != ESPIPE || at))
		n = -1;
	while (n >= 0 && d->size - had < most &&
	    (n = mail_input_read(d->m, fd, buf, sizeof(buf))) > 0)
		if (mail_draft_add(d, span_make(buf, (size_t)n)) < 0) {
			cut_to(d, had);
			return -1;
		}
	if (n >= 0)
		return 0;
	mail_errno(d->m, T("reading"));
	cut_to(d, had);
	return -1;
}

/* What lies at `from` of the body, to its end, becomes the body. */
static int move_down(struct mail_draft *d, uint64_t from)
{
	uint64_t size = d->size - from;
	char buf[PIECE];
	ssize_t n;

	for (uint64_t at = 0; at < size; at += (uint64_t)n) {
		n = file_pread(d->fd, buf, sizeof(buf),
				d->start + (int64_t)(from + at));
		if (n <= 0 || lseek(d->fd, d->start + (int64_t)at,
				SEEK_SET) < 0 ||
		    file_write(d->fd, buf, (size_t)n) < 0)
			return mail_errno(d->m, T("temporary file"));
	}
	return cut_to(d, size);
}

/* First it lies behind the old one: then the disk cannot be full any more. */
int mail_draft_replace(struct mail_draft *d, int fd)
{
	uint64_t had = d->size;

	return mail_draft_add_file(d, fd, 0) < 0 ? -1 :
			move_down(d, had);
}

/* A draft with a name keeps its body where drafts.c looks for it. */
int mail_draft_cut(struct mail_draft *d, uint64_t n)
{
	if (CFG_MAIL_DRAFTS && d->path)
		return n ? move_down(d, n) : 0;
	d->start += (int64_t)n;
	d->size -= n;
	return 0;
}

int mail_draft_each(const struct mail_draft *d,
		int (*fn)(void *arg, struct span piece), void *arg)
{
	char buf[PIECE];

	for (uint64_t at = 0; at < d->size; ) {
		uint64_t left = d->size - at;
		ssize_t n = file_pread(d->fd, buf, left < PIECE ?
				(size_t)left : PIECE,
				d->start + (int64_t)at);
		struct span piece = span_make(buf, n > 0 ? (size_t)n : 0);
		size_t lf = span_rfind(piece, '\n');

		if (n <= 0)
			return mail_errno(d->m, T("temporary file"));
		if (piece.n < left)
			piece.n = lf < piece.n ? lf + 1 :
					mail_term_whole(piece);
		if (fn(arg, piece) < 0)
			return -1;
		at += piece.n;
	}
	return 0;
}
