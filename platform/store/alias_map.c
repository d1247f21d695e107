#include "store/alias_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#define PIECE 512

struct reading {
	int fd;
	const char *path;
	struct str line;
	int64_t start, end;		/* of it, behind its LF */
	struct err *err;
};

/* The line that begins at the offset, or behind the first LF from there on. */
static int read_line(struct reading *r, int64_t at, bool inside, int64_t end)
{
	char piece[PIECE];
	ssize_t n = 0;

	str_clear(&r->line);
	r->start = at;
	while (at < end && (n = file_pread(r->fd, piece, sizeof(piece), at))
			> 0) {
		struct span part = span_make(piece, (size_t)n);
		size_t lf;

		if (inside) {
			lf = span_find(part, '\n');
			inside = lf == part.n;
			at += (int64_t)(inside ? lf : lf + 1);
			r->start = at;
			continue;
		}
		lf = span_find(part, '\n');
		str_add(&r->line, span_sub(part, 0, lf));
		at += (int64_t)(lf < part.n ? lf + 1 : lf);
		if (lf < part.n || r->line.bad)
			break;
	}
	r->end = at;
	if (at < end && n < 0)
		return err_errno(r->err, "%s", r->path);
	if (at < end && n == 0)
		return err_set(r->err, ERR_TEMP, "%s: was cut", r->path);
	return r->line.bad ? err_set(r->err, ERR_TEMP, "%s: a line is too long,"
			" or there is no memory", r->path) : 0;
}

static int compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : a.n < b.n ? -1 : a.n > b.n;
}

/* Lines that begin from low on, and before high, are left. */
static int bisect(struct reading *r, int64_t high, struct span address,
		struct str *out)
{
	int64_t low = 0, size = high;

	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		struct span rest, key;
		int order;

		/* from the octet before: it may be an LF */
		if (read_line(r, middle > low ? middle - 1 : low,
				middle > low, size) < 0)
			return -1;
		if (r->start >= high) {
			/* none begins there or behind it: only those before */
			high = middle;
			continue;
		}
		rest = str_span(&r->line);
		key = span_cut(&rest, ' ');
		order = compare(address, key);
		if (order == 0) {
			str_add(out, rest);
			return out->bad ? err_nomem(r->err) : 1;
		}
		if (order < 0)
			high = middle;
		else
			low = r->end;
	}
	return 0;
}

static int check(struct reading *r, struct stat *st)
{
	if (fstat(r->fd, st) < 0)
		return err_errno(r->err, "%s", r->path);
	if (!S_ISREG(st->st_mode) || st->st_mode & S_IWOTH)
		return err_set(r->err, ERR_TEMP, "%s: is no file, or anybody "
				"may write to it", r->path);
	return 0;
}

int alias_map_find(const char *path, struct span address, struct str *out,
		struct err *err)
{
	struct reading r = { .path = path, .err = err };
	struct stat st;
	int rc;

	r.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (r.fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		rc = err_errno(err, "%s", path);
		if (err && err->kind != ERR_NOMEM)
			err->kind = ERR_TEMP;
		return rc;
	}
	str_init(&r.line, ALIAS_MAP_LINE_MOST);
	rc = check(&r, &st);
	if (rc == 0)
		rc = bisect(&r, st.st_size, address, out);
	str_free(&r.line);
	close(r.fd);
	return rc;
}
