/* The terminal itself: its size, its modes, signals, and octets that come in. */
#include "mail/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "config.h"
#include "mail/term_private.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

#define ROWS 24			/* of a terminal that does not tell */
#define COLUMNS 80
#define SIZE_MOST 1000		/* rows or columns that can be meant */

/* ---- set-up */

static unsigned env_size(const char *name, unsigned otherwise)
{
	unsigned long n;

	if (span_number(span_of(getenv(name)), SIZE_MOST, &n) && n > 1)
		return (unsigned)n;
	return otherwise;
}

void mail_term_size(struct mail_term *t)
{
	struct winsize w;
	bool asked = t->tty_out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0;

	t->rows = env_size("LINES", asked && w.ws_row > 1 &&
			w.ws_row <= SIZE_MOST ? w.ws_row : ROWS);
	t->columns = env_size("COLUMNS", asked && w.ws_col > 1 &&
			w.ws_col <= SIZE_MOST ? w.ws_col : COLUMNS);
}

/*
 * What TERM can do, by how it begins; the first that fits. There is no
 * terminfo on a small device, and what is in use today obeys ECMA-48.
 */
static enum mail_terminal find_kind(void)
{
	static const char names[] = "0dumb 0unknown 0network 0dialup 0emacs "
		"0vt52 0adm 0wy 0tvi 0hp 0ibm 1vt100 1cons 2vt 2linux 2ansi ";
	struct span rest = span_of(names), term = span_of(getenv("TERM")), word;

	if (!term.n)
		return MAIL_DUMB;
	while ((word = span_word(&rest)).n)
		if (span_caseeq(span_sub(term, 0, word.n - 1),
				span_rest(word, 1)))
			return (enum mail_terminal)(word.p[0] - '0');
	return MAIL_PASTES;
}

/* More of them, while keys come one by one. */
static void add_held(sigset_t *set)
{
	static const unsigned char held[] = {
		SIGQUIT, SIGTSTP, SIGCONT, SIGALRM, SIGUSR1, SIGUSR2
	};

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		sigaddset(set, held[i]);
}

int mail_term_init(struct mail_term *t, bool ignore_int)
{
	sigset_t set;

	*t = (struct mail_term){ .signals = -1, .out = stdout };
	t->tty_in = isatty(STDIN_FILENO);
	t->tty_out = isatty(STDOUT_FILENO);
	if (CFG_MAIL_EDIT && t->tty_in && t->tty_out)
		t->kind = find_kind();
	t->locale = t->charset = mail_term_locale();
	mail_term_size(t);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* as a full disk: EFBIG */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGCHLD);
	if (ignore_int)
		signal(SIGINT, SIG_IGN);
	else
		sigaddset(&set, SIGINT);
	/* nohup stays in force */
	if (signal(SIGHUP, SIG_IGN) != SIG_IGN) {
		signal(SIGHUP, SIG_DFL);
		sigaddset(&set, SIGHUP);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	add_held(&set);
	t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return t->signals < 0 ? -1 : 0;
}

void mail_term_free(struct mail_term *t)
{
	if (CFG_MAIL_EDIT)
		mail_term_edit_free(t);
}

const char *mail_term_var(const struct mail_term *t, const char *name)
{
	return t->mail ? mail_var(t->mail, name) : NULL;
}

/* ---- keys one by one */

static void hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	add_held(&set);
	sigprocmask(how, &set, NULL);
}

static void set_mode(struct mail_term *t, const struct termios *mode)
{
	hold_signals(SIG_BLOCK);
	t->changed = tcsetattr(STDIN_FILENO, TCSANOW, mode) == 0;
	if (!t->changed)
		hold_signals(SIG_UNBLOCK);
}

void mail_term_lines_begin(struct mail_term *t)
{
	struct termios mode;

	if (!t->tty_in || t->charset != MAIL_UTF8 || t->changed ||
	    tcgetattr(STDIN_FILENO, &t->before) < 0 ||
	    t->before.c_iflag & IUTF8)
		return;
	mode = t->before;
	mode.c_iflag |= IUTF8;
	set_mode(t, &mode);
}

bool mail_term_keys_begin(struct mail_term *t)
{
	struct termios raw;

	if (t->changed || tcgetattr(STDIN_FILENO, &t->before) < 0)
		return t->changed;
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)INLCR;
	raw.c_iflag |= ICRNL;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	set_mode(t, &raw);
	t->keys = t->changed;
	return t->keys;
}

void mail_term_keys_end(struct mail_term *t)
{
	if (!t->changed)
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
	t->keys = t->changed = false;
	hold_signals(SIG_UNBLOCK);
}

/* A signal that stops or ends us does so with the terminal as it was. */
static void obey(struct mail_term *t, int signal_number)
{
	bool keys = CFG_MAIL_RC && t->keys;
	bool changed = CFG_MAIL_RC && t->changed;

	if (changed)
		mail_term_keys_end(t);
	kill(getpid(), signal_number);
	if (keys)
		mail_term_keys_begin(t);
	else if (changed)
		mail_term_lines_begin(t);
}

/* ---- input */

/* Takes the signals that have come; true: SIGINT was among them. */
static bool take_signals(struct mail_term *t)
{
	struct signalfd_siginfo info;
	bool interrupted = false;

	while (read(t->signals, &info, sizeof(info)) == sizeof(info))
		switch (info.ssi_signo) {
		case SIGINT:
			interrupted = true;
			break;
		case SIGHUP:
		case SIGTERM:
			t->hangup = true;
			break;
		case SIGCHLD:
			break;
		case SIGWINCH:
			mail_term_size(t);
			t->redraw = true;
			break;
		default:
			obey(t, (int)info.ssi_signo);
			t->redraw = true;
		}
	return interrupted;
}

bool mail_term_interrupted(struct mail_term *t)
{
	return take_signals(t) || t->hangup;
}

bool mail_term_pause(struct mail_term *t)
{
	struct pollfd p = { .fd = t->signals, .events = POLLIN };

	if (!t->hangup)
		poll(&p, 1, -1);
	take_signals(t);
	return !t->hangup;
}

/* The output is gone (a closed pipe): nobody reads on. */
void mail_term_flush(struct mail_term *t)
{
	if (fflush(stdout) == EOF)
		t->hangup = true;
}

/* FILL_DATA: it was nothing that matters. */
static enum mail_fill on_signal(struct mail_term *t, enum mail_input *why)
{
	bool interrupted;

	t->redraw = false;
	interrupted = take_signals(t);
	*why = interrupted && !t->hangup ? MAIL_INTERRUPT : MAIL_HANGUP;
	return interrupted || t->hangup ? FILL_STOP :
			t->redraw ? FILL_REDRAW : FILL_DATA;
}

enum mail_fill mail_term_fill(struct mail_term *t, enum mail_input *why)
{
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN }
	};
	ssize_t n;

	mail_term_flush(t);
	*why = MAIL_HANGUP;
	if (t->hangup)
		return FILL_STOP;
	do {
		enum mail_fill got = FILL_DATA;

		while (poll(p, 2, -1) < 0 && errno == EINTR)
			;
		if (p[1].revents)
			got = on_signal(t, why);
		if (got != FILL_DATA)
			return got;
	} while (!p[0].revents);
	n = file_get(STDIN_FILENO, t->in, sizeof(t->in));
	/* no key is the end of input: then the line is gone */
	*why = n < 0 || t->keys || (t->tty_in && p[0].revents & POLLHUP) ?
			MAIL_HANGUP : MAIL_EOF;
	t->in_at = 0;
	t->in_n = n > 0 ? (unsigned)n : 0;
	return n > 0 ? FILL_DATA : n < 0 ? FILL_STOP : FILL_END;
}
