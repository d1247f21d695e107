#include "store/out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "os/file.h"
#include "store/gzip.h"

int out_open(struct out *o, int fd, size_t size, struct err *err)
{
	*o = (struct out){ .fd = fd, .buffer = malloc(size), .size = size };
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
	const char *p = o->buffer, *end = p + o->n;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		o->lines++;
		p++;
	}
	if (!o->error && put(o) < 0)
		o->error = errno;
	o->n = 0;
}

void out_add(struct out *o, struct span s)
{
	o->written += s.n;
	while (s.n) {
		size_t n = s.n < o->size - o->n ? s.n : o->size - o->n;

		memcpy(o->buffer + o->n, s.p, n);
		o->n += n;
		s.p += n;
		s.n -= n;
		if (o->n == o->size)
			flush(o);
	}
}

void out_add_lf(struct out *o, struct span s)
{
	const char *p = s.p, *end = p ? p + s.n : p, *cr;

	for (; p < end; p = cr + 1) {
		cr = memchr(p, '\r', (size_t)(end - p));
		if (!cr)
			cr = end;
		out_add(o, span_make(p, (size_t)(cr - p)));
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
