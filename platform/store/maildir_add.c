#include "store/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"
#include "store/mailbox_private.h"
#include "store/maildir_private.h"

#define HOST_MOST 28		/* characters: so that the UIDL is the name itself */

/* -- folders -- */

void maildir_folders_none(struct maildir_folders *f)
{
	f->new = f->cur = f->tmp = -1;
}

void maildir_folders_close(struct maildir_folders *f)
{
	if (f->new >= 0)
		close(f->new);
	if (f->cur >= 0)
		close(f->cur);
	if (f->tmp >= 0)
		close(f->tmp);
	maildir_folders_none(f);
}

static int open_folder(int dirfd, const char *path, const char *name)
{
	char whole[PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "%s/%s", path, name);

	if (n < 0 || n >= (int)sizeof(whole)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return openat(dirfd, whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_all(struct maildir_folders *f, int dirfd, const char *path)
{
	f->new = open_folder(dirfd, path, "new");
	if (f->new >= 0)
		f->cur = open_folder(dirfd, path, "cur");
	if (f->cur >= 0)
		f->tmp = open_folder(dirfd, path, "tmp");
	return f->tmp < 0 ? -1 : 0;
}

static int make_all(int dirfd, const char *path, struct err *err)
{
	static const char *const names[] = { "tmp", "cur", "new" };
	char whole[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int n = snprintf(whole, sizeof(whole), "%s/%s", path, names[i]);

		if (n < 0 || n >= (int)sizeof(whole))
			return err_set(err, ERR_PERM, "%s: name too long", path);
		if (file_mkdirs(dirfd, whole, 0700, err) < 0)
			return -1;
	}
	return 0;
}

int maildir_folders_open(struct maildir_folders *f, int dirfd, const char *path,
		bool make, struct err *err)
{
	maildir_folders_none(f);
	if (open_all(f, dirfd, path) == 0)
		return 0;
	if (errno == ENOENT && make) {
		maildir_folders_close(f);
		if (make_all(dirfd, path, err) < 0)
			return -1;
		if (open_all(f, dirfd, path) == 0)
			return 0;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		err_set(err, ERR_PERM, "%s: no such mailbox", path);
	else
		err_errno(err, "%s", path);
	maildir_folders_close(f);
	return -1;
}

/* -- names -- */

/* The Maildir manual: "/" and ":" of a host name are written in octal. */
static void put_host(struct str *out)
{
	struct utsname name;
	const char *p = uname(&name) < 0 ? "localhost" : name.nodename;
	size_t start = out->n;

	for (; *p && out->n - start < HOST_MOST; p++) {
		if (*p == '/' || *p == ':' || *p == ',' || *p < '!'
				|| *p > '~')
			str_addf(out, "\\%03o", (unsigned)(unsigned char)*p);
		else
			str_addc(out, *p);
	}
}

/* key NULL: a part of our own that nobody else has. */
static void put_name(struct str *out, int64_t when, const char *key)
{
	char word[13];

	str_addf(out, "%" PRId64 ".", when);
	if (key) {
		str_adds(out, key);
	} else {
		rand_word(word, sizeof(word) - 1);
		str_addf(out, "M%06" PRId64 "R%s", clock_now_us() % 1000000,
				word);
	}
	str_addc(out, '.');
	put_host(out);
}

/* Is this "SECONDS.KEY.HOST..."? */
static bool has_key(const char *name, const char *key)
{
	struct span rest = span_of(name);

	span_cut(&rest, '.');
	return span_eq(span_cut(&rest, '.'), span_of(key));
}

/* 1: there, and name is "FOLDER/NAME"; 0: not; -1. */
static int search(int dirfd, const char *folder, const char *key,
		char name[MAILDIR_NAME_SIZE], struct err *err)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		err_errno(err, "Maildir");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!rc && (errno = 0, entry = readdir(dir)) != NULL)
		if (has_key(entry->d_name, key))
			rc = snprintf(name, MAILDIR_NAME_SIZE, "%s/%s", folder,
					entry->d_name);
	if (!rc && errno)
		rc = err_errno(err, "Maildir");
	closedir(dir);
	if (rc >= MAILDIR_NAME_SIZE)	/* none of our names is that long */
		rc = 0;
	return rc;
}

/*
 * An earlier delivery that was not acknowledged. new/ first: a reader
 * that moves the file meanwhile moves it to where we look next.
 */
static int delivered_before(const struct maildir_folders *f,
		const struct mailbox_add *add, char name[MAILDIR_NAME_SIZE],
		bool *found, struct err *err)
{
	int rc;

	*found = false;
	if (!add->again || !add->key)
		return 0;
	rc = search(f->new, "new", add->key, name, err);
	if (rc == 0)
		rc = search(f->cur, "cur", add->key, name, err);
	*found = rc > 0;
	return rc < 0 ? -1 : 0;
}

/* -- adding -- */

/* 0 or -1 with errno: the file tmp becomes new/NAME,S=...,W=... */
static int make_visible(const struct maildir_folders *f, int from,
		const char *tmp, const struct mailbox_add *add, uint64_t size,
		uint64_t lines, char name[MAILDIR_NAME_SIZE])
{
	struct str s;
	int rc = -1;

	str_init(&s, MAILDIR_NAME_SIZE - 1);
	str_adds(&s, "new/");
	put_name(&s, add->when, add->key);
	str_addf(&s, ",S=%" PRIu64 ",W=%" PRIu64, size, size + lines);
	if (s.bad || str_copy(name, MAILDIR_NAME_SIZE, str_span(&s)) < 0)
		errno = ENAMETOOLONG;
	else
		rc = renameat(from, tmp, f->new, name + strlen("new/"));
	str_free(&s);
	return rc;
}

static int write_file(int fd, const struct mailbox_add *add, uint64_t *size,
		uint64_t *lines, struct err *err)
{
	struct out out;
	int rc;

	if (out_open(&out, fd, err) < 0)
		return -1;
	rc = out_message(&out, add, false, err);
	if (out_close(&out) < 0)
		rc = err_errno(err, "Maildir");
	*size = (uint64_t)out.written;
	*lines = out.lines;
	return rc;
}

/* The same for octets whose lines are counted already. */
static int copy_file(int fd, const struct mailbox_add *add,
		const struct maildir_staged *staged, uint64_t *size,
		uint64_t *lines, struct err *err)
{
	if (file_write(fd, add->head.p, add->head.n) < 0
			|| file_copy(add->fd, add->start, add->length, fd) < 0)
		return err_errno(err, "Maildir");
	*size = staged->size + add->head.n;
	*lines = staged->lines;
	for (size_t i = 0; i < add->head.n; i++)
		*lines += add->head.p[i] == '\n';
	return 0;
}

static int fill(int fd, const struct mailbox_add *add,
		const struct maildir_staged *staged, uint64_t *size,
		uint64_t *lines, struct err *err)
{
	int rc = staged ? copy_file(fd, add, staged, size, lines, err)
			: write_file(fd, add, size, lines, err);

	if (rc == 0 && !staged && add->flush && fsync(fd) < 0)
		rc = err_errno(err, "Maildir");
	return rc;
}

/* Writes in tmp/ and moves to new/. */
static int add_file(const struct maildir_folders *f,
		const struct mailbox_add *add,
		const struct maildir_staged *staged,
		char name[MAILDIR_NAME_SIZE], struct err *err)
{
	uint64_t size = 0, lines = 0;
	char tmp[32];
	int fd, rc;

	rand_word(tmp, 20);
	fd = openat(f->tmp, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "Maildir");
	rc = fill(fd, add, staged, &size, &lines, err);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(err, "Maildir");
	if (rc == 0 && make_visible(f, f->tmp, tmp, add, size, lines, name) < 0)
		rc = err_errno(err, "Maildir");
	if (rc < 0)
		unlinkat(f->tmp, tmp, 0);
	return rc;
}

/* A full disk is no accident: callers answer 452 to it. */
static int full_disk(int rc, struct err *err)
{
	if (rc < 0 && err && (errno == ENOSPC || errno == EDQUOT))
		err->kind = ERR_NOMEM;
	return rc;
}

/* Of a file that an earlier delivery has left, perhaps without a flush. */
static int flush_found(const struct maildir_folders *f, const char *name,
		struct err *err)
{
	int folder = name[0] == 'n' ? f->new : f->cur, rc;
	int fd = openat(folder, strchr(name, '/') + 1,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return 0;	/* a reader has just had it in hand */
	rc = fd < 0 ? -1 : fsync(fd);
	if (rc == 0)
		rc = fsync(folder);
	if (rc < 0)
		err_errno(err, "Maildir");
	if (fd >= 0)
		close(fd);
	return rc;
}

int maildir_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err)
{
	char name[MAILDIR_NAME_SIZE];
	struct maildir_folders f;
	int rc;

	errno = 0;
	if (maildir_folders_open(&f, dirfd, path, true, err) < 0)
		return full_disk(-1, err);
	rc = delivered_before(&f, add, name, found, err);
	if (rc == 0 && !*found)
		rc = full_disk(add_file(&f, add, NULL, name, err), err);
	if (rc == 0 && *found && add->flush)
		rc = flush_found(&f, name, err);
	else if (rc == 0 && add->flush && fsync(f.new) < 0)
		rc = err_errno(err, "Maildir");
	maildir_folders_close(&f);
	return rc;
}

int maildir_place(int dirfd, const char *path, const struct mailbox_add *add,
		const struct maildir_staged *staged,
		char name[MAILDIR_NAME_SIZE], bool *found, struct err *err)
{
	struct maildir_folders f;
	int rc;

	errno = 0;
	if (maildir_folders_open(&f, dirfd, path, true, err) < 0)
		return full_disk(-1, err);
	rc = delivered_before(&f, add, name, found, err);
	if (rc == 0 && !*found && staged->name) {
		rc = make_visible(&f, staged->dirfd, staged->name, add,
				staged->size, staged->lines, name);
		if (rc < 0)
			err_errno(err, "Maildir");
	} else if (rc == 0 && !*found) {
		rc = add_file(&f, add, staged, name, err);
	}
	rc = full_disk(rc, err);
	maildir_folders_close(&f);
	return rc;
}
