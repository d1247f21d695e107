/*
 * As comsat always did it: who has said "biff y" (the owner's execute bit of
 * the terminal) sees that mail has come. No utmp: the terminals in /dev that
 * belong to the user are those that the user sits at. Who has said "mesg n"
 * (no write bit for the group) is left in peace.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "deliver/system.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/file.h"

#define TEXT_MOST 1024
#define LINE_MOST 76		/* columns */
#define LINES_MOST 3		/* of the text */
#define HEAD_MOST 8192		/* octets of the message that are looked at */

/* Nothing that a terminal takes for a command may come from outside. */
static void put_line(struct str *out, const char *name, struct span value)
{
	size_t end = out->n + LINE_MOST;

	str_adds(out, name);
	while (value.n && out->n < end) {
		uint32_t c = utf8_next(&value);

		str_addc(out, c > ' ' && c < 127 ? (char)c :
				c <= ' ' ? ' ' : '?');
	}
	str_adds(out, "\r\n");
}

static void put_field(struct str *out, const char *name, struct span value)
{
	struct str text;

	str_init(&text, HEAD_MOST);
	word_decode(&text, value);
	put_line(out, name, str_span(&text));
	str_free(&text);
}

/* The first lines, where they are text as it is. */
static void put_text(struct str *out, struct span header, struct span text)
{
	struct header_field f;
	unsigned n = 0;

	if ((header_find(header, "Content-Type", &f) &&
				!span_starts(f.value, "text/plain")) ||
			(header_find(header, "Content-Transfer-Encoding", &f) &&
			 !span_ends(f.value, "bit")))
		return;
	while (text.n && n < LINES_MOST) {
		struct span line = span_trim(span_cut(&text, '\n'));

		if (line.n && ++n)
			put_line(out, "", line);
	}
}

static void compose(struct str *out, const struct system_mail *m)
{
	size_t most = m->length < HEAD_MOST ? (size_t)m->length : HEAD_MOST;
	char piece[HEAD_MOST];
	ssize_t got = file_pread(m->fd, piece, most, m->start);
	struct span all = span_make(piece, got > 0 ? (size_t)got : 0);
	struct span header = span_sub(all, 0, header_size(all));
	struct header_field f;

	str_addf(out, "\r\n\aNew mail for %.99s", m->user);
	put_line(out, " from ", m->sender[0] ? span_of(m->sender) :
			SPAN("mail system"));
	if (header_find(header, "From", &f))
		put_field(out, "From: ", f.value);
	if (header_find(header, "Subject", &f))
		put_field(out, "Subject: ", f.value);
	put_text(out, header, span_rest(all, header.n));
}

static void tell(int dirfd, const char *name, struct span text)
{
	struct stat st;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0
			|| !S_ISCHR(st.st_mode) || st.st_uid != geteuid()
			|| !(st.st_mode & S_IXUSR) || !(st.st_mode & S_IWGRP))
		return;
	fd = openat(dirfd, name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC
			| O_NOFOLLOW);
	if (fd < 0)
		return;
	/* a terminal that is stopped must not stop us; nobody waits for this */
	if (isatty(fd))
		(void)!write(fd, text.p, text.n);
	close(fd);
}

static void tell_all(const char *folder, const char *prefix, struct span text)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			tell(dirfd(dir), entry->d_name, text);
	if (dir)
		closedir(dir);
}

void notice_new_mail(const struct system_mail *m)
{
	struct str text;

	str_init(&text, TEXT_MOST);
	compose(&text, m);
	tell_all("/dev/pts", "", str_span(&text));
	tell_all("/dev", "tty", str_span(&text));
	str_free(&text);
}
