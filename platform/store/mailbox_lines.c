#include "store/mailbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"

int lines_open(struct lines *l, int fd, int64_t start, int64_t end,
		struct err *err)
{
	*l = (struct lines){ .fd = fd, .at = start,
		.end = end < 0 ? INT64_MAX : end };
	l->buffer = malloc(LINES_SIZE);
	if (!l->buffer)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
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
	room = LINES_SIZE - l->to;
	if ((int64_t)room > l->end - l->at)
		room = (size_t)(l->end - l->at);
	if (room == 0)
		return 0;
	n = file_pread(l->fd, l->buffer + l->to, room, l->at);
	if (n < 0)
		return err_errno(err, "reading mail");
	l->to += (size_t)n;
	l->at += n;
	return n > 0;
}

static void give(struct lines *l, size_t n, struct span *piece, bool *first)
{
	*piece = span_make(l->buffer + l->from, n);
	*first = !l->inside;
	l->inside = piece->p[n - 1] != '\n';
	l->from += n;
}

int lines_next(struct lines *l, struct span *piece, bool *first,
		struct err *err)
{
	size_t n, looked = 0;
	int rc;

	for (;;) {
		struct span have = span_make(l->buffer + l->from,
				l->to - l->from);

		n = looked + span_find(span_sub(have, looked, have.n), '\n');
		if (n < have.n) {
			give(l, n + 1, piece, first);
			return 1;
		}
		looked = have.n;
		if (have.n == LINES_SIZE)
			break;
		rc = fill(l, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			break;
	}
	n = l->to - l->from;
	if (n == 0)
		return 0;
	/* the CR of a CRLF stays with its LF */
	if (n == LINES_SIZE && l->buffer[l->to - 1] == '\r')
		n--;
	give(l, n, piece, first);
	return 1;
}

int64_t lines_offset(const struct lines *l, struct span piece)
{
	return l->at - (int64_t)(l->to - (size_t)(piece.p - l->buffer));
}

struct span lines_text(struct span piece, bool *ended)
{
	*ended = piece.n && piece.p[piece.n - 1] == '\n';
	if (*ended)
		piece.n--;
	if (*ended && piece.n && piece.p[piece.n - 1] == '\r')
		piece.n--;
	return piece;
}

/* -- out -- */

int out_open(struct out *o, int fd, struct err *err)
{
	*o = (struct out){ .fd = fd, .buffer = malloc(OUT_SIZE) };
	if (!o->buffer)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

static void out_flush(struct out *o)
{
	if (!o->bad && file_write(o->fd, o->buffer, o->n) < 0) {
		o->bad = true;
		o->error = errno;
	}
	o->n = 0;
}

void out_add(struct out *o, struct span s)
{
	o->written += (int64_t)s.n;
	while (s.n && !o->bad) {
		size_t n = OUT_SIZE - o->n;

		if (n > s.n)
			n = s.n;
		memcpy(o->buffer + o->n, s.p, n);
		for (size_t i = 0; i < n; i++)
			o->lines += s.p[i] == '\n';
		o->n += n;
		s = span_sub(s, n, s.n);
		if (o->n == OUT_SIZE)
			out_flush(o);
	}
}

int out_close(struct out *o)
{
	out_flush(o);
	free(o->buffer);
	o->buffer = NULL;
	errno = o->error;
	return o->bad ? -1 : 0;
}

/*
 * Drops header lines by which a sender could set what is ours: a message that
 * comes as read, or that looks delivered.
 */
static bool wanted(struct span text, bool first, bool *header, bool *hiding)
{
	if (first && *header) {
		*header = text.n > 0;
		*hiding = mailbox_hidden(text) || (*hiding && text.n
				&& (text.p[0] == ' ' || text.p[0] == '\t'));
	}
	return !*hiding;
}

int out_message(struct out *o, const struct mailbox_add *add, bool quote,
		struct err *err)
{
	bool first, ended = true, header = quote, hiding = false;
	struct span piece, text;
	struct lines l;
	int rc;

	out_add(o, add->head);
	if (lines_open(&l, add->fd, add->start, add->start + add->length,
				err) < 0)
		return -1;
	while ((rc = lines_next(&l, &piece, &first, err)) > 0 && !o->bad) {
		text = lines_text(piece, &ended);
		if (!wanted(text, first, &header, &hiding))
			continue;
		if (quote && first && mailbox_quoted(text, 0))
			out_add(o, SPAN(">"));
		out_add(o, text);
		if (ended)
			out_add(o, SPAN("\n"));
	}
	if (rc == 0 && l.at < l.end)
		rc = err_set(err, ERR_TEMP, "message is cut");
	lines_close(&l);
	if (!ended)
		out_add(o, SPAN("\n"));
	return rc < 0 ? -1 : 0;
}
