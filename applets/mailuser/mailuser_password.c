#include "mailuser/mailuser.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/span.h"
#include "base/utf8.h"
#include "os/rand.h"

#define INTERRUPTED (-2)

/*
 * One byte at a time: what follows the line belongs to whoever reads next.
 * interrupt: the terminal's character for ^C, which is only input here, since
 * a signal would leave the user with a silent terminal. 0, -1, INTERRUPTED.
 */
static int read_line(char out[PASSWORD_SIZE], int interrupt, struct err *err)
{
	unsigned char c;
	size_t n = 0;

	for (;;) {
		ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got < 0 || (got && c == interrupt)) {
			err_set(err, ERR_PERM, "no password read");
			return got < 0 ? -1 : INTERRUPTED;
		}
		if (got == 0 || c == '\n')
			break;
		if (n == PASSWORD_SIZE - 1)
			return err_set(err, ERR_PERM, "a password has at most "
					"%d octets", PASSWORD_SIZE - 1);
		out[n++] = (char)c;
	}
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (!n)
		return err_set(err, ERR_PERM, "the password is empty");
	/* a blank there would get lost on the way (POP3's PASS) */
	if (span_trim(span_make(out, n)).n != n)
		return err_set(err, ERR_PERM, "the password begins or ends "
				"with a blank");
	if (strlen(out) != n || !utf8_valid(span_make(out, n)))
		return err_set(err, ERR_PERM, "the password is not UTF-8");
	return 0;
}

static int read_twice(char out[PASSWORD_SIZE], const char *who,
		int interrupt, struct err *err)
{
	char again[PASSWORD_SIZE];
	int result;

	fprintf(stderr, "Password for %s: ", who);
	result = read_line(out, interrupt, err);
	if (result < 0)
		return result;
	fprintf(stderr, "The same again: ");
	result = read_line(again, interrupt, err);
	if (result == 0 && strcmp(out, again) != 0)
		result = err_set(err, ERR_PERM, "the two differ");
	explicit_bzero(again, sizeof(again));
	return result;
}

int mailuser_ask_password(char out[PASSWORD_SIZE], const char *who,
		struct err *err)
{
	struct termios before, quiet;
	int result;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return read_line(out, -1, err);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	quiet.c_lflag |= ECHONL;
	quiet.c_cc[VEOL] = before.c_cc[VINTR];	/* ends a line at once */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	result = read_twice(out, who, before.c_cc[VINTR], err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	if (result == INTERRUPTED)
		kill(getpid(), SIGINT);
	return result;
}

void mailuser_make_password(char out[PASSWORD_SIZE])
{
	rand_word(out, PASSWORD_MADE);
}
