#include "mailconf/console.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "os/terminal.h"
#include "os/text.h"

#define TEXT_MOST 65536
#define COLUMNS 80
#define COLUMNS_LEAST 20

/* -- out -- */

static unsigned width(void)
{
	struct winsize size;
	unsigned long n;

	if (ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_LEAST)
		return size.ws_col;
	if (span_number(span_of(getenv("COLUMNS")), 1000, &n) &&
			n >= COLUMNS_LEAST)
		return (unsigned)n;
	return COLUMNS;
}

void console_open(struct console *c, bool ask)
{
	sigset_t set;

	setlocale(LC_CTYPE, "");
	*c = (struct console){ .columns = width(), .signals = -1,
		.utf8 = text_utf8() ||
			strcmp(nl_langinfo(CODESET), "UTF-8") == 0 };
	if (!ask)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
}

/* Without what moves the cursor or the text of a terminal; its columns. */
static unsigned put_safe(const struct console *c, struct str *out,
		struct span text)
{
	unsigned columns = 0;

	while (text.n) {
		uint32_t ch = utf8_next(&text);
		int w = utf8_width(ch);

		/* U+202A to 202E, 2066 to 2069 turn the direction round */
		if (w < 0 || (ch > 126 && !c->utf8) || ch - 0x202A < 5 ||
				ch - 0x2066 < 4) {
			ch = '?';
			w = 1;
		}
		utf8_put(out, ch);
		columns += (unsigned)w;
	}
	return columns;
}

/*
 * May a line end between the two (UAX #14, in short)? Beside an ideograph; not
 * before what closes, nor after what opens.
 */
static bool breaks(uint32_t before, uint32_t after)
{
	static const uint32_t closes[] = { 0x2026, 0x3001, 0x3002, 0xFF01,
		0xFF09, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F };
	/* brackets, in pairs */
	bool opens = before == 0xFF08 || (before - 0x3008 < 10 && !(before & 1));
	bool ends = after - 0x3008 < 10 && after & 1;

	for (size_t i = 0; i < sizeof(closes) / sizeof(*closes); i++)
		ends |= after == closes[i];
	return !opens && !ends && (utf8_width(before) == 2 ||
			utf8_width(after) == 2);
}

/* What stays on one line: a word, or a character of a script without blanks. */
static struct span take_piece(struct span *line)
{
	struct span all = *line, rest = all, more;
	uint32_t c = utf8_next(&rest), next;

	while (rest.n && rest.p[0] != ' ' && rest.p[0] != '\t') {
		more = rest;
		next = utf8_next(&more);
		if (breaks(c, next))
			break;
		c = next;
		rest = more;
	}
	*line = rest;
	return span_sub(all, 0, all.n - rest.n);
}

/* One line of it, broken into several; used: columns that are gone already. */
static void wrap(const struct console *c, struct str *out, unsigned indent,
		unsigned used, struct span line)
{
	bool begins = true;		/* no blank goes before a word */
	unsigned at = 0, n;
	struct str safe;

	str_init(&safe, TEXT_MOST);
	/* blanks that the text begins with are meant */
	while (line.n && line.p[0] == ' ' && ++at)
		line = span_rest(line, 1);
	for (n = 0; n < at; n++)
		str_addc(out, ' ');
	at += used;
	for (line = span_trim(line); line.n; line = span_trim(line)) {
		bool blank = !begins && (line.p[-1] == ' ' ||
				line.p[-1] == '\t');

		str_clear(&safe);
		n = put_safe(c, &safe, take_piece(&line));
		if (at > indent && at + blank + n > c->columns - 1) {
			str_addc(out, '\n');
			for (at = 0; at < indent; at++)
				str_addc(out, ' ');
		} else if (blank) {
			str_addc(out, ' ');
			at++;
		}
		str_add(out, str_span(&safe));
		begins = false;
		at += n;
	}
	str_free(&safe);
}

static void put_text(const struct console *c, struct str *out,
		unsigned indent, struct span text)
{
	unsigned used = c->used;

	while (text.n) {
		wrap(c, out, indent, used, span_cut(&text, '\n'));
		used = 0;
		if (text.n)
			str_addc(out, '\n');
	}
}

void console_say(const struct console *c, unsigned indent, const char *fmt,
		...)
{
	char text[4096];
	struct str out;
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	str_init(&out, TEXT_MOST);
	put_text(c, &out, indent, span_of(text));
	printf("%s\n", str_c(&out));
	fflush(stdout);
	str_free(&out);
}

/* -- in -- */

/* A key of a terminal, an octet of a file; -1: no more is to come. */
static int next_octet(const struct console *c)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN },
		{ .fd = c->signals, .events = POLLIN } };
	unsigned char octet;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (p[1].revents)
			return -1;
		if (p[0].revents)
			return read(0, &octet, 1) == 1 ? octet : -1;
	}
}

/* stop: ends it all, where the terminal makes no signal of it; or -1. */
static enum console_input read_line(const struct console *c, int stop,
		char *out, size_t size)
{
	size_t n = 0;
	int octet;

	while ((octet = next_octet(c)) != '\n') {
		if (octet < 0 || octet == stop)
			return CONSOLE_END;
		/* over-long: it has to be wrong, not cut */
		if (n < size - 1 && octet != '\r')
			out[n++] = (char)octet;
	}
	out[n] = '\0';
	return CONSOLE_LINE;
}

static void prompt(const struct console *c, const char *question,
		const char *preset)
{
	char text[1024];
	struct str out;

	snprintf(text, sizeof(text), preset && *preset ? "%s [%s]:" : "%s:",
			question, preset);
	str_init(&out, TEXT_MOST);
	put_text(c, &out, 2, span_of(text));
	printf("%s ", str_c(&out));
	fflush(stdout);
	str_free(&out);
}

enum console_input console_ask(const struct console *c, const char *question,
		const char *preset, char *out, size_t size)
{
	struct span s;
	char line[1024];

	prompt(c, question, preset);
	if (read_line(c, -1, line, sizeof(line)) == CONSOLE_END) {
		puts("");
		return CONSOLE_END;
	}
	s = span_trim(span_of(line));
	if (!s.n)
		s = span_of(preset);
	if (span_has_control(s) || str_copy(out, size, s) < 0)
		str_copys(out, size, "?");
	return CONSOLE_LINE;
}

enum console_input console_ask_secret(const struct console *c,
		const char *question, char *out, size_t size)
{
	enum console_input got;
	struct terminal t;

	/* first: what is typed too early is thrown away by it */
	terminal_quiet(&t, 0);
	prompt(c, question, NULL);
	got = read_line(c, t.interrupt, out, size);
	terminal_loud(&t, 0);
	if (got == CONSOLE_END)
		puts("");
	return got;
}
