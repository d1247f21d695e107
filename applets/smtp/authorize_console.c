#include "smtp/authorize.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define INTERRUPTED (-2)

/*
 * One octet at a time, without echo. Not by the terminal's own lines: those
 * end at 4095 octets, and a token may be longer.
 */
static int read_octets(char out[AUTHORIZE_LINE], const struct termios *tty,
		struct err *err)
{
	unsigned char c;
	size_t n = 0;

	for (;;) {
		ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got < 0 || (tty && got && c == tty->c_cc[VINTR]))
			return got < 0 ? err_errno(err, "console") :
				INTERRUPTED;
		if (got == 0 || c == '\n' || c == '\r')
			break;
		if (tty && (c == tty->c_cc[VERASE] || c == '\b'))
			n -= n > 0;
		else if (n < AUTHORIZE_LINE - 1)
			out[n++] = (char)c;
	}
	out[n] = '\0';
	if (!n || n == AUTHORIZE_LINE - 1 || strlen(out) != n)
		return err_set(err, ERR_PERM, n ? "that is too long" :
				"nothing was pasted");
	return 0;
}

int authorize_read_line(char out[AUTHORIZE_LINE], struct err *err)
{
	struct termios before, quiet;
	int rc;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return read_octets(out, NULL, err);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG | ICANON);
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	rc = read_octets(out, &before, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	putchar('\n');
	/* not before the terminal speaks again */
	if (rc == INTERRUPTED) {
		raise(SIGINT);
		return err_set(err, ERR_PERM, "interrupted");
	}
	return rc;
}
