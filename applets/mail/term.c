#include "mail/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include "base/utf8.h"
#include "os/file.h"
#include "os/text.h"

#define ROWS 24			/* of a terminal that does not tell */
#define COLUMNS 80
#define TAB 8
#define MORE "--More--"

/* ---- set-up */

static unsigned env_size(const char *name, unsigned otherwise)
{
	unsigned long n;

	if (span_number(span_of(getenv(name)), 1000, &n) && n > 1)
		return (unsigned)n;
	return otherwise;
}

void mail_term_size(struct mail_term *t)
{
	struct winsize w;
	bool asked = t->tty_out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0;

	t->rows = env_size("LINES", asked && w.ws_row > 1 ? w.ws_row : ROWS);
	t->columns = env_size("COLUMNS", asked && w.ws_col > 1 ? w.ws_col :
			COLUMNS);
}

int mail_term_init(struct mail_term *t, bool ignore_int)
{
	sigset_t set;

	*t = (struct mail_term){ .signals = -1, .out = stdout };
	t->tty_in = isatty(STDIN_FILENO);
	t->tty_out = isatty(STDOUT_FILENO);
	t->utf8 = text_utf8();
	mail_term_size(t);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
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
	t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return t->signals < 0 ? -1 : 0;
}

/* ---- input */

/* Takes the signals that have come; true: SIGINT was among them. */
static bool take_signals(struct mail_term *t)
{
	struct signalfd_siginfo info;
	bool interrupted = false;

	while (read(t->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGINT)
			interrupted = true;
		else
			t->hangup = true;
	}
	return interrupted;
}

bool mail_term_interrupted(struct mail_term *t)
{
	return take_signals(t) || t->hangup;
}

/* Waits for input. >0: it is in the buffer; 0: the end; -1: a signal, an error. */
static int fill(struct mail_term *t, enum mail_input *why)
{
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN }
	};
	ssize_t n;

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (p[1].revents) {
		*why = take_signals(t) && !t->hangup ? MAIL_INTERRUPT :
				MAIL_HANGUP;
		return -1;
	}
	n = file_get(STDIN_FILENO, t->in, sizeof(t->in));
	*why = n < 0 ? MAIL_HANGUP : MAIL_EOF;
	t->in_at = 0;
	t->in_n = n > 0 ? (unsigned)n : 0;
	return n > 0 ? 1 : n < 0 ? -1 : 0;
}

/* The output is gone (a closed pipe): nobody reads on. */
static void flush(struct mail_term *t)
{
	if (fflush(stdout) == EOF)
		t->hangup = true;
}

static void add_line_piece(struct mail_term *t, struct str *out, bool *whole)
{
	struct span have = span_make(t->in + t->in_at, t->in_n - t->in_at);
	size_t n = span_find(have, '\n');
	size_t room = MAIL_LINE_MOST - out->n;

	*whole = n < have.n && n <= room;
	if (n > room)
		n = room;
	str_add(out, span_sub(have, 0, n));
	t->in_at += (unsigned)n + *whole;
}

enum mail_input mail_term_line(struct mail_term *t, const char *prompt,
		struct str *out)
{
	enum mail_input why = MAIL_LINE;
	bool whole = false;

	if (t->tty_in)
		fputs(prompt, stdout);
	flush(t);
	str_clear(out);
	t->partial = false;
	while (!t->hangup) {
		if (t->in_at < t->in_n)
			add_line_piece(t, out, &whole);
		t->partial = !whole && out->n >= MAIL_LINE_MOST;
		if (whole || t->partial)
			return out->bad ? MAIL_HANGUP : MAIL_LINE;
		if (t->in_at < t->in_n)
			continue;
		if (fill(t, &why) > 0)
			continue;
		/* a last line without its line feed is a line */
		return why == MAIL_EOF && out->n ? MAIL_LINE : why;
	}
	return MAIL_HANGUP;
}

enum mail_input mail_term_edit(struct mail_term *t, const char *prompt,
		struct span text, struct str *out)
{
	enum mail_input in;
	struct str ask;

	str_init(&ask, MAIL_LINE_MOST + 512);
	str_adds(&ask, prompt);
	if (text.n)
		str_addf(&ask, "[%.*s] ", SPAN_ARG(text));
	in = mail_term_line(t, str_c(&ask), out);
	if (in == MAIL_LINE && !out->n)
		str_add(out, text);
	str_free(&ask);
	return in;
}

long mail_term_block(struct mail_term *t, void *buf, unsigned long size)
{
	enum mail_input why;
	unsigned n;

	if (t->in_at == t->in_n) {
		int got = fill(t, &why);

		if (got <= 0)
			return got;
	}
	n = t->in_n - t->in_at;
	if (n > size)
		n = (unsigned)size;
	memcpy(buf, t->in + t->in_at, n);
	t->in_at += n;
	return n;
}

/* ---- the pager */

/* One key, without waiting for Enter. */
static int read_key(struct mail_term *t)
{
	struct termios old, raw;
	enum mail_input why;
	int key = 'q';

	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return key;
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	if (t->in_at < t->in_n || fill(t, &why) > 0)
		key = (unsigned char)t->in[t->in_at++];
	tcsetattr(STDIN_FILENO, TCSADRAIN, &old);
	return key;
}

/* A blank or any other key: the next screen; Enter: a line; q, ^C: enough. */
static void ask_more(struct mail_term *t)
{
	int key;

	fputs(MORE, stdout);
	flush(t);
	key = read_key(t);
	printf("\r%*s\r", (int)strlen(MORE), "");
	t->line = key == '\n' || key == '\r' ? t->rows - 2 : 0;
	if (key == 'q' || key == 'Q' || t->hangup)
		t->stopped = true;
}

void mail_term_page_begin(struct mail_term *t)
{
	mail_term_size(t);
	t->paging = t->tty_in && t->tty_out;
	t->stopped = false;
	t->line = t->column = 0;
}

void mail_term_page_end(struct mail_term *t)
{
	if (t->stopped && t->column)
		fputc('\n', stdout);
	t->paging = t->stopped = false;
	t->column = 0;
	flush(t);
}

bool mail_term_stopped(struct mail_term *t)
{
	/* a system call: not for each of a million lines */
	if (t->asked++ % 16 == 0 && mail_term_interrupted(t))
		t->stopped = true;
	if (ferror(stdout))
		t->stopped = true;
	return t->stopped;
}

/* ---- output */

static void new_line(struct mail_term *t)
{
	t->column = 0;
	t->line++;
}

/* Puts one thing of so many columns; width 0 adds to the one before. */
static void put(struct mail_term *t, struct span bytes, unsigned width)
{
	if (t->column + width > t->columns)	/* the terminal wraps it */
		new_line(t);
	if (t->paging && !t->column && t->line + 1 >= t->rows)
		ask_more(t);
	if (t->stopped)
		return;
	fwrite(bytes.p, 1, bytes.n, t->out);
	t->column += width;
}

/* Marks that turn the direction of writing could pass one text off as another. */
static bool is_bidi(uint32_t c)
{
	return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
			c == 0x200E || c == 0x200F || c == 0x061C;
}

/* Takes one character off *text as it is shown: a control as ^X. */
static struct span take_char(const struct mail_term *t, struct span *text,
		char caret[2], unsigned *width)
{
	const char *from = text->p;
	uint32_t c = utf8_next(text);
	int columns = utf8_width(c);

	*width = 1;
	if (c < 32 || c == 127) {
		caret[0] = '^';
		caret[1] = (char)(c ^ 64);
		*width = 2;
		return span_make(caret, 2);
	}
	if (columns < 0 || is_bidi(c) || (c > 127 && !t->utf8))
		return SPAN("?");
	*width = (unsigned)columns;
	return c == 0xFFFD ? SPAN("\xEF\xBF\xBD") :
			span_make(from, (size_t)(text->p - from));
}

void mail_term_text(struct mail_term *t, struct span text)
{
	char caret[2];
	unsigned width;

	while (text.n && !t->stopped) {
		char c = text.p[0];

		if (c == '\n' || c == '\t') {
			width = c == '\t' ? TAB - t->column % TAB : 0;
			put(t, span_sub(text, 0, 1), width);
			if (c == '\n')
				new_line(t);
			text = span_rest(text, 1);
		} else if (c == '\r' && text.n > 1 && text.p[1] == '\n') {
			/* any other CR would paint over the line */
			text = span_rest(text, 1);
		} else {
			struct span shown = take_char(t, &text, caret, &width);

			put(t, shown, width);
		}
	}
}

unsigned mail_term_field(struct mail_term *t, struct span text,
		unsigned columns)
{
	unsigned used = 0, width = 0;
	char caret[2];

	while (text.n) {
		struct span shown = take_char(t, &text, caret, &width);

		if (used + width > columns)
			break;
		put(t, shown, width);
		used += width;
	}
	return used;
}

size_t mail_term_whole(struct span text)
{
	size_t n = text.n;

	while (n > 1 && text.n - n < 3 && (text.p[n - 1] & 0xC0) == 0x80)
		n--;
	return n > 1 && (unsigned char)text.p[n - 1] >= 0xC0 ? n - 1 : text.n;
}

static void say(struct mail_term *t, FILE *out, const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	t->out = out;
	mail_term_text(t, span_of(line));
	t->out = stdout;
}

void mail_term_printf(struct mail_term *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(t, stdout, fmt, ap);
	va_end(ap);
}

void mail_term_error(struct mail_term *t, const char *fmt, ...)
{
	va_list ap;

	flush(t);
	va_start(ap, fmt);
	say(t, stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	t->column = 0;
}
