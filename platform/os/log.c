#include "os/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_SIZE 1024		/* RFC 3164 4.1: a syslog packet's most */

static struct {
	const char *name;		/* NULL: the program's own */
	bool to_syslog;
	enum log_level most;
} state = { .most = LOG_LEVEL_INFO };

static const unsigned char priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARN] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

void log_open(const char *name, bool to_stderr)
{
	state.name = name;
	state.to_syslog = !to_stderr;
	/* LOG_NDELAY: after chroot there is no /dev/log to connect to */
	if (state.to_syslog)
		openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_level(enum log_level most)
{
	state.most = most;
}

/* Copies text to line with all but printable ASCII as \xNN; gives the end. */
static size_t escape(char *line, size_t n, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (; *text && n + 4 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= ' ' && c <= 126) {
			line[n++] = (char)c;
			continue;
		}
		line[n++] = '\\';
		line[n++] = 'x';
		line[n++] = hex[c >> 4];
		line[n++] = hex[c & 15];
	}
	return n;
}

/* One write a line, so that lines of several processes do not mix. */
static void to_stderr(const char *text)
{
	const char *name = state.name ? state.name :
		program_invocation_short_name;
	char line[LINE_SIZE];
	size_t n;

	n = escape(line, 0, sizeof(line) / 4, name);
	line[n++] = ':';
	line[n++] = ' ';
	n = escape(line, n, sizeof(line) - 1, text);
	line[n++] = '\n';
	/* who reads nothing of us cannot be told so */
	(void)!write(STDERR_FILENO, line, n);
}

void log_put(const char *fmt, ...)
{
	char text[LINE_SIZE], line[LINE_SIZE];
	enum log_level level = (enum log_level)(*fmt - '0');
	int code = errno, n;		/* logging must not lose the reason */
	va_list ap;

	if (level > state.most)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt + 1, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (state.to_syslog) {
		line[escape(line, 0, sizeof(line) - 1, text)] = '\0';
		syslog(LOG_MAIL | priorities[level], "%s", line);
	} else {
		to_stderr(text);
	}
	errno = code;
}
