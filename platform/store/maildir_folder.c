#include "store/maildir_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/str.h"
#include "base/utf8.h"
#include "store/disk.h"
#include "store/maildir_private.h"

/* -- names: RFC 3501 section 5.1.3, modified UTF-7 -- */

static bool is_itself(uint32_t c)
{
	return c >= ' ' && c <= '~' && c != '&';
}

static void put_unit(struct str *out, uint32_t unit)
{
	str_addc(out, (char)(unit >> 8));
	str_addc(out, (char)(unit & 0xFF));
}

static void put_utf16(struct str *out, uint32_t c)
{
	if (c > 0xFFFF) {
		put_unit(out, 0xD800 + ((c - 0x10000) >> 10));
		c = 0xDC00 + ((c - 0x10000) & 0x3FF);
	}
	put_unit(out, c);
}

/* What of *s does not stand for itself, as one "&...-". */
static void put_shifted(struct str *out, struct span *s)
{
	struct str units, code;
	struct span rest = *s;

	str_init(&units, 4 * MAILDIR_FOLDER_MOST);
	str_init(&code, 6 * MAILDIR_FOLDER_MOST);
	while (rest.n) {
		uint32_t c = utf8_next(&rest);

		if (is_itself(c) || c == '&')
			break;
		put_utf16(&units, c);
		*s = rest;
	}
	base64_put(&code, str_span(&units));
	str_addc(out, '&');
	for (size_t i = 0; i < code.n && code.p[i] != '='; i++)
		str_addc(out, code.p[i] == '/' ? ',' : code.p[i]);
	str_addc(out, '-');
	out->bad = out->bad || units.bad || code.bad;
	str_free(&units);
	str_free(&code);
}

static void put_level(struct str *out, struct span level)
{
	str_addc(out, '.');
	while (level.n && !out->bad) {
		struct span rest = level;
		uint32_t c = utf8_next(&rest);

		if (!is_itself(c) && c != '&') {
			put_shifted(out, &level);
			continue;
		}
		str_addc(out, (char)c);
		if (c == '&')
			str_addc(out, '-');
		level = rest;
	}
}

/* Empty levels would make "..", or a name that two spellings lead to. */
static bool put_name(struct str *out, struct span name)
{
	bool first = true, more = name.n > 0;

	if (!utf8_clean(name))
		return false;
	while (more) {
		size_t dot = span_find(name, '.'), slash = span_find(name, '/');
		struct span level = span_sub(name, 0, dot < slash ? dot
				: slash);

		more = level.n < name.n;
		name = span_rest(name, level.n + 1);
		if (!level.n)
			return false;
		if (!first || !span_is(level, "INBOX"))
			put_level(out, level);
		first = false;
	}
	return !first && !out->bad;
}

int maildir_folder_path(char *out, size_t size, const char *maildir,
		struct span name, struct err *err)
{
	struct str s;
	int n = -1;

	str_init(&s, MAILDIR_FOLDER_MOST);
	if (put_name(&s, name))
		n = snprintf(out, size, "%s%s%s", maildir, s.n ? "/" : "",
				str_c(&s));
	str_free(&s);
	if (n < 0 || (size_t)n >= size)
		return err_set(err, ERR_PERM, "no name for a folder");
	return 0;
}

/* -- folders -- */

bool maildir_folder_exists(int dirfd, const char *path)
{
	char whole[PATH_MAX];
	struct stat st;

	return snprintf(whole, sizeof(whole), "%s/cur", path)
			< (int)sizeof(whole)
		&& fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0
		&& S_ISDIR(st.st_mode)
		&& fstatat(dirfd, whole, &st, AT_SYMLINK_NOFOLLOW) == 0
		&& S_ISDIR(st.st_mode);
}

/* An empty file, by which programs know a folder from a Maildir. */
static int mark(int dir, struct err *err)
{
	int fd = openat(dir, "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC
			| O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return disk_err(err, "maildirfolder");
	close(fd);
	return 0;
}

int maildir_folder_make(int dirfd, const char *maildir, const char *path,
		struct err *err)
{
	int dir = maildir_folder(dirfd, maildir, true, err), rc;

	if (dir < 0)
		return -1;
	close(dir);
	if (strcmp(maildir, path) == 0)
		return 0;
	dir = maildir_folder(dirfd, path, true, err);
	if (dir < 0)
		return -1;
	rc = mark(dir, err);
	close(dir);
	return rc;
}
