/*
 * As comsat always did it: who has said "biff y" (the owner's execute bit of
 * the terminal) sees that mail has come. No utmp: the terminals in /dev that
 * belong to the user are those that the user sits at.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "deliver/system.h"
#include "mime/header.h"
#include "os/file.h"

#define SUBJECT_MOST 60
#define HEAD_MOST 8192		/* octets of the message that are looked at */

/* Nothing that a terminal takes for a command may come from outside. */
static void add_plain(struct str *out, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\r' || c == '\n')
			continue;
		str_addc(out, c >= ' ' && c < 127 ? c : c == '\t' ? ' ' : '?');
	}
}

static void add_subject(struct str *out, const struct system_mail *m)
{
	char text[HEAD_MOST];
	size_t most = m->length < HEAD_MOST ? (size_t)m->length : HEAD_MOST;
	ssize_t n = file_pread(m->fd, text, most, m->start);
	struct header_field f;

	if (n <= 0 || !header_find(span_make(text, (size_t)n), "Subject", &f))
		return;
	str_adds(out, ": ");
	add_plain(out, span_sub(f.value, 0, SUBJECT_MOST));
}

static void tell(int dirfd, const char *name, struct span text)
{
	struct stat st;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0
			|| !S_ISCHR(st.st_mode) || st.st_uid != geteuid()
			|| !(st.st_mode & S_IXUSR))
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

	str_init(&text, 512);
	str_adds(&text, "\r\n\aNew mail for ");
	add_plain(&text, span_of(m->user));
	str_adds(&text, " from ");
	add_plain(&text, span_of(m->sender[0] ? m->sender : "mail system"));
	add_subject(&text, m);
	str_adds(&text, "\r\n");
	if (!text.bad) {
		tell_all("/dev/pts", "", str_span(&text));
		tell_all("/dev", "tty", str_span(&text));
	}
	str_free(&text);
}
