#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	short smtp;
	char enhanced[6];	/* RFC 3463 */
	unsigned char exit;
} kinds[ERR_KIND_COUNT] = {
	[ERR_NONE] = { 250, "2.0.0", EX_OK },
	[ERR_TEMP] = { 451, "4.3.0", EX_TEMPFAIL },
	[ERR_PERM] = { 550, "5.0.0", EX_UNAVAILABLE },
	[ERR_PROTO] = { 501, "5.5.2", EX_PROTOCOL },
	[ERR_AUTH] = { 535, "5.7.8", EX_NOPERM },
	/* EX_TEMPFAIL: the one code that every caller takes as "try later" */
	[ERR_NOMEM] = { 452, "4.3.1", EX_TEMPFAIL },
};

/* Texts of others (a server's reply, a file name) may not break our lines. */
static void one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = ' ';
}

__attribute__((format(printf, 3, 0)))
static void set(struct err *err, enum err_kind kind, const char *fmt,
		va_list ap)
{
	err->kind = kind;
	if (vsnprintf(err->text, sizeof(err->text), fmt, ap) < 0)
		err->text[0] = '\0';
	one_line(err->text);
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	set(err, kind, fmt, ap);
	va_end(ap);
	return -1;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int code = errno;
	size_t n;
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	set(err, code == ENOMEM ? ERR_NOMEM : ERR_TEMP, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(code));
	errno = code;
	return -1;
}

int err_nomem(struct err *err)
{
	return err_set(err, ERR_NOMEM, "out of memory");
}

static enum err_kind known(enum err_kind kind)
{
	return (unsigned)kind < ERR_KIND_COUNT ? kind : ERR_TEMP;
}

int err_smtp(enum err_kind kind)
{
	return kinds[known(kind)].smtp;
}

const char *err_enhanced(enum err_kind kind)
{
	return kinds[known(kind)].enhanced;
}

int err_exit(enum err_kind kind)
{
	return kinds[known(kind)].exit;
}
