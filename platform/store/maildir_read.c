#include "config.h"
#include "store/maildir_list.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "store/disk.h"
#include "store/gzip.h"

#define PIECE_SIZE 8192

/* Mail of others may have CRLF in its file: the CR goes. The new length. */
static size_t without_cr(char *p, size_t n)
{
	char *from = memchr(p, '\r', n), *to = from, *end = p + n;

	while (from) {
		char *cr;

		/* the CR at from stays where no LF follows it */
		if (from + 1 < end && from[1] == '\n')
			from++;
		cr = memchr(from + 1, '\r', (size_t)(end - from - 1));
		n = (size_t)((cr ? cr : end) - from);
		memmove(to, from, n);
		to += n;
		from = cr;
	}
	return to ? (size_t)(to - p) : n;
}

/*
 * Neither links nor folders nor pipes are mail. Mail does not grow: at its end
 * nobody need ask once more.
 */
int maildir_reader_start(struct mailbox_reader *r, struct err *err)
{
	struct stat st;

	if (fstat(r->own_fd, &st) < 0)
		return disk_err(err, "reading mail");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_TEMP, "not a file");
	r->end = st.st_size;
	if (!CFG_MAILBOX_GZIP || !gzip_is(r->own_fd))
		return 0;
	r->gunzip = gunzip_new(r->own_fd, err);
	return r->gunzip ? 0 : -1;
}

/* Nothing can be put back here: as long as it ends in a CR it goes on. */
static long next_compressed(struct mailbox_reader *r, char *buf, size_t size,
		struct err *err)
{
	size_t half = (size + 1) / 2, n;
	long got = gunzip_read(r->gunzip, buf, half, err), more = got;

	for (n = got > 0 ? (size_t)got : 0; more > 0 && n < size &&
			buf[n - 1] == '\r'; n += (size_t)more) {
		more = gunzip_read(r->gunzip, buf + n, 1, err);
		if (more < 0)
			return -1;
	}
	return got <= 0 ? got : (long)without_cr(buf, n);
}

long maildir_reader_next(struct mailbox_reader *r, char *buf, size_t size,
		struct err *err)
{
	ssize_t n;
	char next;

	if (CFG_MAILBOX_GZIP && r->gunzip)
		return next_compressed(r, buf, size, err);
	if ((int64_t)size > r->end - r->at)
		size = (size_t)(r->end - r->at);
	n = file_pread(r->own_fd, buf, size, r->at);
	if (n <= 0)
		return n < 0 ? disk_err(err, "reading mail") : 0;
	r->at += n;
	/* the two of a CRLF stay together */
	if (buf[n - 1] == '\r' && r->at < r->end && file_pread(r->own_fd,
				&next, 1, r->at) == 1 && next == '\n') {
		buf[n - 1] = '\n';
		r->at++;
	}
	return (long)without_cr(buf, (size_t)n);
}

uint64_t maildir_measure(int fd)
{
	struct mailbox_reader r = { .own_fd = fd };
	char piece[PIECE_SIZE], last = '\n';
	uint64_t size = 0;
	long n;

	if (maildir_reader_start(&r, NULL) < 0)
		return 0;
	while ((n = maildir_reader_next(&r, piece, sizeof(piece), NULL)) > 0) {
		struct span rest = span_make(piece, (size_t)n);
		size_t lf;

		size += rest.n;
		/* as dot_write sends it: a LF gets a CR that has none */
		while ((lf = span_find(rest, '\n')) < rest.n) {
			size += (lf ? rest.p[lf - 1] : last) != '\r';
			last = '\n';
			rest = span_rest(rest, lf + 1);
		}
		if (rest.n)
			last = rest.p[rest.n - 1];
	}
	if (CFG_MAILBOX_GZIP)
		gunzip_free(r.gunzip);
	return size + (last == '\n' ? 0 : 2);
}
