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

#include "deliver/system.h"
#include "mime/header.h"
#include "os/file.h"

#define SUBJECT_MOST 60
#define TEXT_MOST 512
#define HEAD_MOST 8192		/* octets of the message that are looked at */

/* The first line of the subject, or none. */
static struct span subject(const struct system_mail *m, char text[HEAD_MOST])
{
	size_t most = m->length < HEAD_MOST ? (size_t)m->length : HEAD_MOST;
	ssize_t n = file_pread(m->fd, text, most, m->start);
	struct header_field f;

	if (n <= 0 || !header_find(span_make(text, (size_t)n), "Subject", &f))
		return SPAN("");
	return span_sub(f.value, 0, SUBJECT_MOST);
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
	char head[HEAD_MOST];
	struct span about = subject(m, head);
	struct str text;

	str_init(&text, TEXT_MOST);
	str_addf(&text, "\r\n\aNew mail for %.99s from %.255s%s%.*s\r\n",
			m->user, m->sender[0] ? m->sender : "mail system",
			about.n ? ": " : "", SPAN_ARG(about));
	/* nothing that a terminal takes for a command may come from outside */
	for (size_t i = 3; i + 2 < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > 126)
			text.p[i] = ascii_isspace(text.p[i]) ? ' ' : '?';
	tell_all("/dev/pts", "", str_span(&text));
	tell_all("/dev", "tty", str_span(&text));
	str_free(&text);
}
