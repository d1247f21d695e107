#include "smtp.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/file.h"

#define PIECE 8192

static int add_piece(const struct conf *conf, struct smtp_message *m,
		const char *p, size_t n, struct err *err)
{
	m->size += n;
	for (size_t i = 0; i < n; i++)
		m->eight_bit |= (unsigned char)p[i] > 127;
	if (m->size > conf->max_message_size)
		return err_set(err, ERR_PERM,
				"the message is over max-message-size");
	return 0;
}

int smtp_read_message(const struct conf *conf, struct smtp_message *m,
		struct err *err)
{
	char piece[PIECE];
	ssize_t n;

	/* a file that can be read again needs no copy */
	m->fd = STDIN_FILENO;
	m->start = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (m->start < 0) {
		m->start = 0;
		m->fd = file_temporary(err);
	}
	if (m->fd < 0)
		return -1;
	while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0) {
		if (add_piece(conf, m, piece, (size_t)n, err) < 0)
			return -1;
		if (m->fd != STDIN_FILENO &&
				file_write(m->fd, piece, (size_t)n) < 0)
			return err_errno(err, "copying the message");
	}
	return n < 0 ? err_errno(err, "reading the message") : 0;
}
