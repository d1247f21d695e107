#include "config.h"
#include "store/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"
#include "store/disk.h"
#include "store/gzip.h"
#include "store/mailbox_private.h"
#include "store/maildir_name.h"
#include "store/maildir_private.h"

#define HOST_MOST 28		/* characters: so that the UIDL is the name itself */

/* A folder, and no link to one. errno is ENOENT where it is missing. */
static bool is_folder(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

/* new/ is the last to be made: what delivers looks for it. */
static int three_folders(int dir, const char *path, bool make, struct err *err)
{
	static const char names[][4] = { "tmp", "cur", "new" };

	for (int i = 0; i < 3; i++) {
		if (is_folder(dir, names[i]))
			continue;
		if (errno == ENOTDIR)
			return err_set(err, ERR_PERM, "%s: %s is no folder, "
					"and a link is not followed", path,
					names[i]);
		if (errno == ENOENT && !make)
			return err_set(err, ERR_PERM, "%s: no such mailbox",
					path);
		if (errno != ENOENT)
			return disk_err(err, path);
		if (file_mkdirs(dir, names[i], 0700, err) < 0)
			return -1;
	}
	return 0;
}

int maildir_folder(int dirfd, const char *path, bool make, struct err *err)
{
	int fd = disk_folder_below(dirfd, path, make);

	if (fd < 0 && !make && errno == ENOENT)
		return err_set(err, ERR_PERM, "%s: no such mailbox", path);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(err, ERR_PERM, "%s: this is no folder, and a "
				"link is not followed", path);
	if (fd < 0)
		return disk_err(err, path);
	if (three_folders(fd, path, make, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* -- names -- */

/* The Maildir manual: "/" and ":" of a host name are written in octal. */
static void put_host(char out[HOST_MOST + 5])
{
	struct utsname name;
	const char *p = uname(&name) < 0 ? "localhost" : name.nodename;
	size_t n = 0;

	for (; *p && n < HOST_MOST; p++) {
		if (*p > ' ' && *p <= '~' && !strchr("/:,", *p))
			out[n++] = *p;
		else
			n += (size_t)snprintf(out + n, 5, "\\%03o",
					(unsigned)(unsigned char)*p);
	}
	out[n] = '\0';
}

int64_t maildir_name_size(const char *name)
{
	uint32_t size = maildir_size_of(maildir_unique_part(span_of(name)),
			"S=");

	return size == MAILDIR_SIZE_UNKNOWN ? -1 : (int64_t)size;
}

/*
 * When the power fails before the flush, the name may be on the medium and its
 * content not, or not all of it: that is no delivery. 1, 0, -1.
 */
static int is_whole(int dir, const char *name, struct err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW
			| O_NONBLOCK), rc;

	if (fd < 0 && errno == ENOENT)
		return 1;	/* a reader has just moved it */
	if (fd < 0)
		return disk_err(err, "Maildir");
	if (CFG_MAILBOX_GZIP && gzip_is(fd)) {
		rc = gunzip_is_whole(fd, (uint64_t)maildir_name_size(name));
	} else {
		rc = disk_has_hole(fd, 0, maildir_name_size(name));
		rc = rc < 0 ? -1 : !rc;
	}
	if (rc < 0)
		disk_err(err, "Maildir");
	close(fd);
	return rc;
}

struct search {
	int dir;
	const char *folder, *key;
	char *name;
	struct err *err;
};

/* Is this "SECONDS.KEY.HOST..."? */
static bool is_named(const struct search *s, const char *name)
{
	struct span rest = span_of(name);

	span_cut(&rest, '.');
	/* none of our names is too long */
	return span_eq(span_cut(&rest, '.'), span_of(s->key))
		&& snprintf(s->name, MAILDIR_NAME_SIZE, "%s/%s", s->folder,
				name) < MAILDIR_NAME_SIZE;
}

static int has_key(void *arg, const char *name)
{
	const struct search *s = arg;
	int rc;

	if (!is_named(s, name))
		return 0;
	rc = is_whole(s->dir, s->name, s->err);
	/* a reader has not seen it yet, and need not */
	if (rc == 0 && strcmp(s->folder, "new") == 0)
		unlinkat(s->dir, s->name, 0);
	return rc;
}

/*
 * 1: an earlier delivery that was not acknowledged, 0: none, -1. new/ first:
 * a reader that moves the file meanwhile moves it to where we look next.
 */
static int delivered_before(int dir, const struct mailbox_add *add,
		char name[MAILDIR_NAME_SIZE], struct err *err)
{
	struct search s = { dir, "new", add->key, name, err };
	int rc;

	if (!add->again || !add->key)
		return 0;
	rc = disk_each(dir, "new", has_key, &s, err);
	s.folder = "cur";
	return rc ? rc : disk_each(dir, "cur", has_key, &s, err);
}

/* -- adding -- */

/* The file becomes new/NAME,S=...,W=..., or with flags cur/NAME...:2,FLAGS */
static int make_visible(int dir, int from, const char *file,
		const struct mailbox_add *add, uint64_t size, uint64_t lines,
		char name[MAILDIR_NAME_SIZE], struct err *err)
{
	char host[HOST_MOST + 5], word[13], own[32];
	char flags[MAILDIR_FLAGS_SIZE + 3] = ":2,";
	int n;

	put_host(host);
	rand_word(word, sizeof(word) - 1);
	/* those of one second stay in their order */
	snprintf(own, sizeof(own), "M%06dR%s", (int)(clock_now_us() % 1000000),
			word);
	maildir_flags_put(flags + 3, SPAN(""), add->flags);
	n = snprintf(name, MAILDIR_NAME_SIZE, "%s/%" PRId64 ".%s.%s,S=%" PRIu64
			",W=%" PRIu64 "%s", add->flags ? "cur" : "new",
			add->when, add->key ? add->key : own, host, size,
			size + lines, add->flags ? flags : "");
	if (n >= MAILDIR_NAME_SIZE)
		return err_set(err, ERR_PERM, "Maildir: key too long");
	return renameat(from, file, dir, name) < 0 ? disk_err(err, "Maildir")
			: 0;
}

/* Writes in tmp/ and moves to new/. */
static int add_file(int dir, const struct mailbox_add *add,
		char name[MAILDIR_NAME_SIZE], struct err *err)
{
	char tmp[25] = "tmp/";
	struct out out = { .buffer = NULL };
	int fd, rc;

	rand_word(tmp + 4, 20);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return disk_err(err, "Maildir");
	rc = out_open(&out, fd, OUT_SIZE, err);
	if (CFG_MAILBOX_GZIP && rc == 0 && add->gzip)
		rc = out_compress(&out, err);
	if (rc == 0)
		rc = out_message(&out, add, false, err);
	if (out_close(&out) < 0)
		rc = disk_err(err, "Maildir");
	if (close(fd) < 0 && rc == 0)
		rc = disk_err(err, "Maildir");
	if (rc == 0)
		rc = make_visible(dir, dir, tmp, add, out.written, out.lines,
				name, err);
	if (rc < 0)
		unlinkat(dir, tmp, 0);
	return rc;
}

/* Also of a file that an earlier delivery has left, perhaps without a flush. */
static int flush(int dir, const char *name, struct err *err)
{
	int error = disk_flush_path(dir, name, 0);

	/* a reader has just had it in hand */
	if (error != ENOENT && !error)
		error = disk_flush_folder(dir, name);
	if (!error || error == ENOENT)
		return 0;
	errno = error;
	return disk_err(err, "Maildir");
}

int maildir_place(int dirfd, const char *path, const struct mailbox_add *add,
		const struct maildir_staged *staged,
		char name[MAILDIR_NAME_SIZE], bool *found, struct err *err)
{
	int dir = maildir_folder(dirfd, path, true, err), rc;

	if (dir < 0)
		return -1;
	rc = delivered_before(dir, add, name, err);
	*found = rc > 0;
	if (rc == 0 && staged)
		rc = make_visible(dir, staged->dirfd, staged->name, add,
				staged->size, staged->lines, name, err);
	else if (rc == 0)
		rc = add_file(dir, add, name, err);
	if (rc >= 0)
		rc = add->flush ? flush(dir, name, err) : 0;
	close(dir);
	return rc;
}

int maildir_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err)
{
	char name[MAILDIR_NAME_SIZE];

	return maildir_place(dirfd, path, add, NULL, name, found, err);
}
