#include "store/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "os/file.h"
#include "store/gzip.h"

int out_open(struct out *o, int fd, struct err *err)
{
	*o = (struct out){ .fd = fd, .buffer = malloc(OUT_SIZE) };
	return o->buffer ? 0 : err_errno(err, "writing");
}

int out_compress(struct out *o, struct err *err)
{
	o->gzip = CFG_MAILBOX_GZIP ? gzip_new(o->fd) : NULL;
	return o->gzip ? 0 : err_nomem(err);
}

static int put(struct out *o)
{
	if (CFG_MAILBOX_GZIP && o->gzip)
		return gzip_write(o->gzip, o->buffer, o->n);
	return file_write(o->fd, o->buffer, o->n);
}

static void flush(struct out *o)
{
	if (!o->error && put(o) < 0)
		o->error = errno;
	o->n = 0;
}

void out_add(struct out *o, struct span s)
{
	size_t at = span_find(s, '\n');

	for (; at < s.n; at += 1 + span_find(span_rest(s, at + 1), '\n'))
		o->lines++;
	o->written += s.n;
	while (s.n) {
		struct span piece = span_sub(s, 0, OUT_SIZE - o->n);

		memcpy(o->buffer + o->n, piece.p, piece.n);
		o->n += piece.n;
		s = span_rest(s, piece.n);
		if (o->n == OUT_SIZE)
			flush(o);
	}
}

int out_close(struct out *o)
{
	if (o->buffer)
		flush(o);
	if (CFG_MAILBOX_GZIP && o->gzip && gzip_end(o->gzip) < 0 && !o->error)
		o->error = errno;
	free(o->buffer);
	o->buffer = NULL;
	o->gzip = NULL;
	errno = o->error;
	return o->error ? -1 : 0;
}
