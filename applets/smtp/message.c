#include "smtp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#define PIECE 8192

static bool has_eight_bit(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] > 127)
			return true;
	return false;
}

static int add_piece(const struct conf *conf, struct smtp_message *m,
		const char *p, size_t n, struct err *err)
{
	m->size += n;
	m->eight_bit = m->eight_bit || has_eight_bit(p, n);
	if (m->size > conf->max_message_size)
		return err_set(err, ERR_PERM,
				"the message is over max-message-size");
	return 0;
}

/* A file that can be read again needs no copy. */
static int look_through(const struct conf *conf, struct smtp_message *m,
		struct err *err)
{
	char piece[PIECE];
	ssize_t n;

	do {
		n = file_pread(m->fd, piece, sizeof(piece),
				m->start + (int64_t)m->size);
		if (n < 0)
			return err_errno(err, "reading the message");
		if (add_piece(conf, m, piece, (size_t)n, err) < 0)
			return -1;
	} while (n > 0);
	return 0;
}

/* It has no name, or loses it at once. */
static int open_copy(struct err *err)
{
	const char *folder = getenv("TMPDIR");
	char path[256];
	int fd;

	if (!folder || !*folder)
		folder = "/tmp";
	snprintf(path, sizeof(path), "%.200s/smtp.XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%.200s", path);
	unlink(path);
	return fd;
}

static int copy(const struct conf *conf, struct smtp_message *m,
		struct err *err)
{
	char piece[PIECE];
	ssize_t n;

	m->fd = open_copy(err);
	if (m->fd < 0)
		return -1;
	for (;;) {
		n = read(STDIN_FILENO, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (add_piece(conf, m, piece, (size_t)n, err) < 0)
			return -1;
		if (file_write(m->fd, piece, (size_t)n) < 0)
			return err_errno(err, "copying the message");
	}
	return n < 0 ? err_errno(err, "reading the message") : 0;
}

int smtp_read_message(const struct conf *conf, struct smtp_message *m,
		struct err *err)
{
	struct stat st;

	m->fd = STDIN_FILENO;
	m->start = 0;
	m->size = 0;
	m->eight_bit = false;
	if (fstat(STDIN_FILENO, &st) < 0)
		return err_errno(err, "reading the message");
	if (!S_ISREG(st.st_mode))
		return copy(conf, m, err);
	m->start = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (m->start < 0)
		return err_errno(err, "reading the message");
	return look_through(conf, m, err);
}
