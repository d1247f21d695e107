/* alice+lists@a.com: the folder .lists of her Maildir (Maildir++). */
#include "deliver/recipient.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/addr.h"
#include "os/file.h"
#include "os/log.h"
#include "store/disk.h"

#define NAME_MOST 64

/*
 * Letters, digits and a few more, dots between levels: no way out of the
 * Maildir, and nothing that IMAP writes in another way.
 */
static bool is_name(struct span name)
{
	/* RFC 3501 5.1: the mailbox itself; IMAP would show no such folder */
	if (span_is(name, "INBOX"))
		return false;
	if (!name.n || name.n > NAME_MOST || !span_isalnum(name, "._-=+"))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '.' && (i == 0 || i == name.n - 1 ||
					name.p[i + 1] == '.'))
			return false;
	return true;
}

struct span folder_detail(const struct conf *conf, const char *user,
		const char *address)
{
	const char *delimiter = conf->delimiter ? conf->delimiter : "+";
	struct span local = addr_split(span_of(address)).local;
	struct span own = addr_split(span_of(user)).local;

	if (!own.n)
		own = span_of(user);
	if (!*delimiter || local.n <= own.n + 1 ||
			local.p[own.n] != *delimiter ||
			!span_caseeq(span_sub(local, 0, own.n), own))
		return SPAN("");
	return span_rest(local, own.n + 1);
}

/* The Maildir++ specification: a file of this name says that it is a folder. */
static int make(int dir, const char *path, struct err *err)
{
	static const char names[][16] = { "tmp", "cur", "new" };
	char whole[FOLDER_SIZE + 16];
	int fd;

	for (int i = 0; i < 3; i++) {
		snprintf(whole, sizeof(whole), "%s/%s", path, names[i]);
		if (file_mkdirs(dir, whole, 0700, err) < 0)
			return -1;
	}
	snprintf(whole, sizeof(whole), "%s/maildirfolder", path);
	fd = openat(dir, whole, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return disk_err(err, path);
	close(fd);
	return 0;
}

int folder_find(int dir, const char *box, struct span name, bool may_make,
		char out[FOLDER_SIZE], struct err *err)
{
	struct stat st;

	out[0] = '\0';
	if (!name.n)
		return 0;
	if (!is_name(name) || snprintf(out, FOLDER_SIZE, "%s/.%.*s", box,
				SPAN_ARG(name)) >= FOLDER_SIZE) {
		out[0] = '\0';
		return 0;
	}
	if (fstatat(dir, out, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(st.st_mode))
			out[0] = '\0';
		return 0;
	}
	if (errno != ENOENT && errno != ENOTDIR)
		return disk_err(err, out);
	if (may_make)
		return make(dir, out, err);
	out[0] = '\0';
	return 0;
}
