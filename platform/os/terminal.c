#include "os/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

void terminal_quiet(struct terminal *t, int fd)
{
	struct termios quiet;

	t->fd = fd;
	t->interrupt = -1;
	if (tcgetattr(fd, &t->before) < 0)
		return;
	t->interrupt = t->before.c_cc[VINTR];
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_lflag |= ECHONL;
	quiet.c_cc[VEOL] = t->before.c_cc[VINTR];	/* ends a line at once */
	tcsetattr(fd, TCSAFLUSH, &quiet);
}

void terminal_loud(const struct terminal *t, int interrupted)
{
	if (t->interrupt >= 0)
		tcsetattr(t->fd, TCSAFLUSH, &t->before);
	if (interrupted == TERMINAL_INTERRUPTED)
		kill(getpid(), SIGINT);
}

int terminal_line(const struct terminal *t, char *out, size_t size,
		struct err *err)
{
	unsigned char c;
	size_t n = 0;

	for (;;) {
		ssize_t got = read(t->fd, &c, 1);

		if (got < 0 || (got && c == t->interrupt)) {
			err_set(err, ERR_PERM, "no password read");
			return got < 0 ? -1 : TERMINAL_INTERRUPTED;
		}
		if (got == 0 || c == '\n')
			break;
		if (n == size - 1)
			return err_set(err, ERR_PERM, "a password has at most "
					"%d octets", (int)size - 1);
		out[n++] = (char)c;
	}
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return (int)n;
}

int terminal_ask(const char *question, char *out, size_t size,
		struct err *err)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY), n;
	struct terminal t;

	if (fd < 0)
		return err_errno(err, "no terminal to ask for the password");
	terminal_quiet(&t, fd);
	file_write(fd, question, strlen(question));
	n = terminal_line(&t, out, size, err);
	terminal_loud(&t, n);
	close(fd);
	if (n == 0 || (n > 0 && strlen(out) != (size_t)n))
		return err_set(err, ERR_PERM, "no password read");
	return n < 0 ? -1 : 0;
}
