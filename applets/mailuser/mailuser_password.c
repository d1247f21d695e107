#include "mailuser/mailuser.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/span.h"
#include "base/utf8.h"
#include "os/rand.h"

/* A terminal without echo, and the signals that have to wait for its end. */
struct quiet {
	struct termios before;
	sigset_t mask;
	int signals;			/* signalfd: one of them is pending */
};

/*
 * A signal that ended us now would leave the user with a silent terminal. It
 * is blocked, watched for, and comes through when the echo is back.
 */
static int quiet_begin(struct quiet *q, struct err *err)
{
	static const int held[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
	struct termios now;
	sigset_t set;

	if (tcgetattr(STDIN_FILENO, &q->before) < 0)
		return err_errno(err, "terminal");
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		sigaddset(&set, held[i]);
	q->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (q->signals < 0)
		return err_errno(err, "signalfd");
	sigprocmask(SIG_BLOCK, &set, &q->mask);
	now = q->before;
	now.c_lflag &= ~(tcflag_t)ECHO;
	now.c_lflag |= ECHONL;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0)
		return 0;
	err_errno(err, "terminal");
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
	close(q->signals);
	return -1;
}

static void quiet_end(struct quiet *q)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &q->before);
	close(q->signals);
	sigprocmask(SIG_SETMASK, &q->mask, NULL);
}

/* False: a signal wants to come through. */
static bool wait_for_input(int signals)
{
	struct pollfd fds[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (poll(fds, signals < 0 ? 1 : 2, -1) < 0)
		if (errno != EINTR)
			return false;
	return !(fds[1].revents & POLLIN);
}

/* One byte at a time: what follows the line belongs to whoever reads next. */
static int read_line(char out[PASSWORD_SIZE], int signals, struct err *err)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t got = wait_for_input(signals)
			? read(STDIN_FILENO, &c, 1) : -1;

		if (got < 0)
			return err_set(err, ERR_PERM, "no password read");
		if (got == 0 || c == '\n')
			break;
		if (n == PASSWORD_SIZE - 1)
			return err_set(err, ERR_PERM, "a password has at most "
					"%d octets", PASSWORD_SIZE - 1);
		out[n++] = c;
	}
	if (n && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (!n)
		return err_set(err, ERR_PERM, "the password is empty");
	/* a blank there would get lost on the way (POP3's PASS) */
	if (span_trim(span_make(out, n)).n != n)
		return err_set(err, ERR_PERM, "a password does not begin or "
				"end with a blank");
	if (strlen(out) != n || !utf8_valid(span_make(out, n)))
		return err_set(err, ERR_PERM, "a password is text in UTF-8 "
				"(RFC 4616)");
	return 0;
}

static int read_twice(char out[PASSWORD_SIZE], const char *who, int signals,
		struct err *err)
{
	char again[PASSWORD_SIZE];
	int result;

	fprintf(stderr, "Password for %s: ", who);
	if (read_line(out, signals, err) < 0)
		return -1;
	fprintf(stderr, "The same again: ");
	result = read_line(again, signals, err);
	if (result == 0 && strcmp(out, again) != 0)
		result = err_set(err, ERR_PERM, "the two differ");
	explicit_bzero(again, sizeof(again));
	return result;
}

int mailuser_ask_password(char out[PASSWORD_SIZE], const char *who,
		struct err *err)
{
	struct quiet quiet;
	int result;

	if (!isatty(STDIN_FILENO))
		return read_line(out, -1, err);
	if (quiet_begin(&quiet, err) < 0)
		return -1;
	result = read_twice(out, who, quiet.signals, err);
	quiet_end(&quiet);
	return result;
}

void mailuser_make_password(char out[PASSWORD_SIZE])
{
	rand_word(out, PASSWORD_MADE);
}
