#include "mail/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "os/file.h"

int mail_input_open(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* Signals are blocked: a read that waits would not see them. */
ssize_t mail_input_read(struct mail *m, int fd, void *buf, size_t n)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = m->term.signals, .events = POLLIN }
	};
	ssize_t got;

	do {
		while (poll(p, 2, -1) < 0 && errno == EINTR)
			;
		if (p[1].revents && mail_term_interrupted(&m->term)) {
			errno = EINTR;
			return -1;
		}
		got = p[0].revents ? file_get(fd, buf, n) : -1;
	} while (got < 0 && (!p[0].revents || errno == EAGAIN));
	return got;
}

uint64_t mail_input_most(const struct mail *m, int fd)
{
	struct stat st;

	/* those of /proc say that they are empty */
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size ?
			(uint64_t)st.st_size : m->conf->max_message_size + 1;
}

int mail_input_create(const char *path, int flags, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY |
			O_NONBLOCK | flags, mode);

	if (fd >= 0)
		fcntl(fd, F_SETFL, flags & O_APPEND);
	return fd;
}
