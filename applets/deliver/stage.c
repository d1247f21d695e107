#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/deliver.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"

#define BUFFER_SIZE 8192
#define SWEEP_AGE 600		/* seconds */

void stage_none(struct stage *g)
{
	*g = (struct stage){ .fd = -1 };
}

static int stage_err(struct err *err)
{
	int code = errno;

	err_errno(err, "staging");
	if (code == ENOSPC || code == EDQUOT)
		err->kind = ERR_NOMEM;
	return -1;
}

int stage_open(struct stage *g, int staging, struct err *err)
{
	stage_none(g);
	rand_word(g->name, sizeof(g->name) - 1);
	g->buffer = malloc(BUFFER_SIZE);
	if (!g->buffer)
		return err_set(err, ERR_NOMEM, "out of memory");
	g->fd = openat(staging, g->name,
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (g->fd >= 0)
		return 0;
	stage_err(err);
	stage_drop(g, staging);
	return -1;
}

static int put_out(struct stage *g)
{
	size_t n = g->buffered;

	g->buffered = 0;
	return file_write(g->fd, g->buffer, n);
}

/* n octets up to a CR or the end of the piece. */
static int put(struct stage *g, const char *p, size_t n)
{
	g->size += n;
	while (n) {
		size_t m = BUFFER_SIZE - g->buffered;

		if (m > n)
			m = n;
		memcpy(g->buffer + g->buffered, p, m);
		g->buffered += m;
		p += m;
		n -= m;
		if (g->buffered == BUFFER_SIZE && put_out(g) < 0)
			return -1;
	}
	return 0;
}

static void count_lines(struct stage *g, struct span piece)
{
	size_t at;

	for (;;) {
		at = span_find(piece, '\n');
		if (at == piece.n)
			return;
		g->lines++;
		piece = span_sub(piece, at + 1, piece.n);
	}
}

int stage_write(struct stage *g, struct span piece, struct err *err)
{
	count_lines(g, piece);
	while (piece.n) {
		size_t n = span_find(piece, '\r');

		if (put(g, piece.p, n) < 0)
			return stage_err(err);
		piece = span_sub(piece, n + 1, piece.n);
	}
	return 0;
}

int stage_flush(struct stage *g, struct err *err)
{
	int rc = put_out(g);

	free(g->buffer);
	g->buffer = NULL;
	return rc < 0 ? stage_err(err) : 0;
}

void stage_drop(struct stage *g, int staging)
{
	if (g->fd >= 0)
		close(g->fd);
	if (g->name[0] && g->fd >= 0)
		unlinkat(staging, g->name, 0);
	free(g->buffer);
	stage_none(g);
}

void stage_sweep(int staging)
{
	int fd = openat(staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && fstatat(staging, entry->d_name,
					&st, AT_SYMLINK_NOFOLLOW) == 0
				&& st.st_mtime < clock_now() - SWEEP_AGE)
			unlinkat(staging, entry->d_name, 0);
	if (dir)
		closedir(dir);
}
