#include "store/mailbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "store/disk.h"

int lines_open(struct lines *l, int fd, int64_t start, int64_t end,
		size_t size, struct err *err)
{
	*l = (struct lines){ .fd = fd, .size = size };
	lines_seek(l, start, end);
	l->buffer = malloc(size);
	return l->buffer ? 0 : err_nomem(err);
}

void lines_seek(struct lines *l, int64_t start, int64_t end)
{
	l->at = start;
	l->end = end;
	l->from = l->to = 0;
	l->ended = true;
}

void lines_close(struct lines *l)
{
	free(l->buffer);
	l->buffer = NULL;
}

/* Moves what is left to the front and reads on. >0 octets, 0 end, -1. */
static int fill(struct lines *l, struct err *err)
{
	size_t room;
	ssize_t n;

	memmove(l->buffer, l->buffer + l->from, l->to - l->from);
	l->to -= l->from;
	l->from = 0;
	room = l->size - l->to;
	if ((int64_t)room > l->end - l->at)
		room = (size_t)(l->end - l->at);
	if (room == 0)
		return 0;
	n = file_pread(l->fd, l->buffer + l->to, room, l->at);
	if (n < 0)
		return disk_err(err, "reading mail");
	l->to += (size_t)n;
	l->at += n;
	return n > 0;
}

static int give(struct lines *l, size_t n)
{
	struct span s = span_make(l->buffer + l->from, n);

	l->piece = s;
	l->first = l->ended;
	l->ended = s.p[n - 1] == '\n';
	if (l->ended)
		s.n--;
	if (l->ended && s.n && s.p[s.n - 1] == '\r')
		s.n--;
	l->text = s;
	l->from += n;
	return 1;
}

int lines_next(struct lines *l, struct err *err)
{
	size_t n, looked = 0;
	int rc;

	for (;;) {
		struct span have = span_make(l->buffer + l->from,
				l->to - l->from);

		n = looked + span_find(span_rest(have, looked), '\n');
		if (n < have.n)
			return give(l, n + 1);
		looked = have.n;
		rc = have.n == l->size ? 0 : fill(l, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	if (n == 0)
		return 0;
	/* the CR of a CRLF stays with its LF */
	if (n == l->size && l->buffer[l->to - 1] == '\r')
		n--;
	return give(l, n);
}

bool lines_plain(struct lines *l, bool header)
{
	const char *p = l->buffer + l->from, *lf;
	size_t n = l->to - l->from;

	if (!n || !l->ended || *p == 'F' || *p == '>' || *p == '\n'
			|| *p == '\r' || (header && ((*p | 32) == 's'
					|| (*p | 32) == 'x')))
		return false;
	lf = memchr(p, '\n', n);
	return lf && give(l, (size_t)(lf - p) + 1);
}

int lines_block(struct lines *l, int64_t end, struct err *err)
{
	int rc = l->from < l->to ? 1 : fill(l, err);
	size_t n = l->to - l->from;

	if ((int64_t)n > end - lines_here(l))
		n = (size_t)(end - lines_here(l));
	return rc > 0 ? give(l, n) : rc;
}

int64_t lines_here(const struct lines *l)
{
	return l->at - (int64_t)(l->to - l->from);
}

int64_t lines_offset(const struct lines *l)
{
	return l->at - (int64_t)(l->to - (size_t)(l->piece.p - l->buffer));
}

/*
 * Of an mbox drops header lines by which a sender could set what is ours: a
 * message that comes as read, or that looks delivered.
 */
int out_message(struct out *o, const struct mailbox_add *add, bool quote,
		struct err *err)
{
	struct mailbox_hide hide = { .header = quote };
	struct lines l;
	int rc;

	out_add(o, add->head);
	if (lines_open(&l, add->fd, add->start, add->start + add->length,
				LINES_SIZE, err) < 0)
		return -1;
	while ((rc = lines_next(&l, err)) > 0 && !o->error) {
		if (mailbox_hides(&hide, l.text, l.first))
			continue;
		if (quote && l.first && mailbox_quoted(l.text, 0))
			out_add(o, SPAN(">"));
		out_add(o, l.text);
		if (l.ended)
			out_add(o, SPAN("\n"));
	}
	if (rc == 0 && l.at < l.end)
		rc = err_set(err, ERR_TEMP, "message is cut");
	lines_close(&l);
	if (!l.ended)
		out_add(o, SPAN("\n"));
	return rc < 0 ? -1 : 0;
}
