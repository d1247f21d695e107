/* The commands remove and rename. */
#include "mail/command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mail/args.h"

static int failed(struct mail *m, const char *path)
{
	err_set(&m->err, ERR_PERM, "%s: %s", path, strerror(errno));
	return mail_failed(m);
}

/* Not what is open: its mail would come back on quit, or be lost. */
static int find(struct mail *m, struct span arg, char path[PATH_MAX])
{
	char absolute[PATH_MAX];

	if (mail_path(m, arg, path) < 0)
		return mail_failed(m);
	mail_path_absolute(path, absolute);
	if (!m->box || strcmp(absolute, m->path) != 0)
		return 0;
	err_set(&m->err, ERR_PERM, T("%s: this mailbox is open"), path);
	return mail_failed(m);
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

/* Of a Maildir, its quota and what Dovecot keeps beside it; not folders. */
static bool is_part(const char *name)
{
	static const char names[][16] = {
		".", "..", "new", "cur", "tmp", "maildirsize", "maildirfolder"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return span_starts(span_of(name), "dovecot");
}

/* All names in dir through fn, until one gives -1. */
static int each(DIR *d, int (*fn)(DIR *d, const char *name))
{
	struct dirent *e;
	int rc = 0;

	rewinddir(d);
	while (rc == 0 && (e = readdir(d)))
		rc = fn(d, e->d_name);
	return rc;
}

static int check(DIR *d, const char *name)
{
	(void)d;
	errno = ENOTEMPTY;
	return is_part(name) ? 0 : -1;
}

static int remove_file(DIR *d, const char *name)
{
	return name[0] == '.' ? 0 : unlinkat(dirfd(d), name, 0);
}

static int remove_part(DIR *d, const char *name)
{
	DIR *part = name[0] == '.' ? NULL : open_dir(dirfd(d), name);
	int rc;

	if (!part)
		return remove_file(d, name);
	rc = each(part, remove_file);
	closedir(part);
	return rc < 0 ? -1 : unlinkat(dirfd(d), name, AT_REMOVEDIR);
}

/* Anything that is no Maildir, or has folders in it, stays whole. */
static int remove_maildir(const char *path)
{
	DIR *d = open_dir(AT_FDCWD, path);
	struct stat st;
	int rc;

	if (!d)
		return -1;
	rc = fstatat(dirfd(d), "cur", &st, AT_SYMLINK_NOFOLLOW);
	if (rc == 0)
		rc = each(d, check);
	if (rc == 0)
		rc = each(d, remove_part);
	closedir(d);
	return rc < 0 ? -1 : rmdir(path);
}

static bool agrees(struct mail *m, const char *path)
{
	struct str answer;
	bool yes;

	if (!m->term.tty_in)
		return true;
	mail_term_printf(&m->term, T("Remove \"%s\" (y/n)"), path);
	str_init(&answer, 80);
	yes = mail_term_line(&m->term, "? ", &answer) == MAIL_LINE &&
			answer.n && ascii_lower(answer.p[0]) == 'y';
	str_free(&answer);
	return yes;
}

static int remove_one(struct mail *m, struct span arg)
{
	char path[PATH_MAX];
	struct stat st;
	int rc;

	if (find(m, arg, path) < 0)
		return -1;
	rc = lstat(path, &st);
	if (rc == 0 && !agrees(m, path))
		return 0;
	if (rc == 0)
		rc = S_ISDIR(st.st_mode) ? remove_maildir(path) : unlink(path);
	return rc < 0 ? failed(m, path) : 0;
}

int mail_do_remove(struct mail *m)
{
	struct span rest = m->arg, arg = mail_arg(&rest);
	int rc = 0;

	if (!arg.n)
		return mail_tell(m, T("Which mailbox?"));
	for (; arg.n; arg = mail_arg(&rest))
		if (remove_one(m, arg) < 0)
			rc = -1;
	return rc;
}

/* What has the new name already stays what it is. */
int mail_do_rename(struct mail *m)
{
	struct span rest = m->arg, old = mail_arg(&rest), new = mail_arg(&rest);
	char from[PATH_MAX], to[PATH_MAX];
	struct stat st;

	if (!new.n || mail_arg(&rest).n)
		return mail_tell(m, T("Say the old name and the new one"));
	if (find(m, old, from) < 0 || find(m, new, to) < 0)
		return -1;
	if (lstat(to, &st) == 0) {
		errno = EEXIST;
		return failed(m, to);
	}
	return rename(from, to) < 0 ? failed(m, from) : 0;
}
