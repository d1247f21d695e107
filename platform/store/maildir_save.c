#include "store/maildir_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "store/disk.h"
#include "store/maildir.h"
#include "store/maildir_private.h"
#include "store/maildir_quota.h"

#define PASSES_MOST 100		/* one who renames all the time is not outrun */

/*
 * The folders are read, and what a name's message is marked for is done to the
 * name it has now. Again, until nothing is left to do: a name that another
 * program changes meanwhile may not be seen.
 */
struct saving {
	struct maildir *md;
	unsigned done, failed;
	unsigned missed;	/* had another name when it was to be changed */
	int64_t size, count;	/* octets and messages removed, for the quota */
	struct err *err;	/* of the first that failed */
};

/* Its name in cur/ with flags. 0 or -1 with errno. */
static int move(struct maildir *md, const char *path, const char *file,
		unsigned flags)
{
	char to[MAILDIR_PATH_SIZE + MAILDIR_FLAGS_SIZE + 3];
	char letters[MAILDIR_FLAGS_SIZE];
	struct span unique = maildir_unique_part(span_of(file));
	int rc;

	maildir_flags_put(letters, span_of(file), flags);
	snprintf(to, sizeof(to), "cur/%.*s:2,%s", SPAN_ARG(unique), letters);
	rc = renameat(md->dir, path, md->dir, to);
	if (rc < 0 && errno == EINVAL) {
		to[4 + unique.n] = ';';
		rc = renameat(md->dir, path, md->dir, to);
	}
	return rc;
}

static int64_t size_of(const struct maildir *md, const char *path)
{
	int64_t size = maildir_name_size(path);
	struct stat st;

	if (size < 0 && fstatat(md->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		size = st.st_size;
	return size < 0 ? 0 : size;
}

static int remove_file(struct saving *s, const char *path)
{
	int64_t size = CFG_DELIVER_QUOTA ? size_of(s->md, path) : 0;

	if (unlinkat(s->md->dir, path, 0) < 0)
		return -1;
	s->size += size;
	s->count++;
	return 0;
}

static void done(struct saving *s, struct mailbox_mark *mark)
{
	mark->was = mark->flags;
	if (mark->flags & MAILBOX_DELETED)
		mark->was |= MAILDIR_GONE;
	s->done++;
}

static int save_one(void *arg, const struct maildir_seen *seen)
{
	struct saving *s = arg;
	struct maildir *md = s->md;
	char path[MAILDIR_PATH_SIZE];
	struct maildir_entry e = maildir_entry_of(span_of(seen->file), false);
	long i = maildir_find(md, &e);
	struct mailbox_mark *mark = i < 0 ? NULL : &md->m.marks[i];
	int rc;

	/* the same name with other flags goes with it */
	if (!mark || mark->was & MAILDIR_FAILED || (mark->flags == mark->was
				&& !(mark->flags & MAILBOX_DELETED)))
		return 0;
	maildir_path(path, seen);
	if (mark->flags & MAILBOX_DELETED)
		rc = remove_file(s, path);
	else
		rc = move(md, path, seen->file, mark->flags);
	if (rc == 0) {
		done(s, mark);
	} else if (errno == ENOENT) {
		s->missed++;
	} else {
		err_errno(s->failed++ ? NULL : s->err, "message %ld", i + 1);
		mark->was |= MAILDIR_FAILED;
	}
	return 0;
}

static int pass(struct saving *s)
{
	s->done = s->missed = 0;
	return maildir_each(s->md, save_one, s, s->err);
}

/* How many are still to be saved. */
static unsigned left(const struct mailbox *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->count; i++)
		n += !(m->marks[i].was & (MAILDIR_GONE | MAILDIR_FAILED))
			&& m->marks[i].flags != m->marks[i].was;
	return n;
}

/* All or nothing, as far as one can know: a disk that is read only, say. */
static int may_write(const struct maildir *md, struct err *err)
{
	if (faccessat(md->dir, "new", W_OK | X_OK, 0) < 0
			|| faccessat(md->dir, "cur", W_OK | X_OK, 0) < 0)
		return disk_err(err, "Maildir");
	return 0;
}

/* What no pass has found somebody else has removed: nothing is left to do. */
static void settle(struct mailbox *m)
{
	for (unsigned i = 0; i < m->count; i++) {
		struct mailbox_mark *mark = &m->marks[i];

		if (mark->was & MAILDIR_FAILED)
			mark->was &= (unsigned char)~MAILDIR_FAILED;
		else if (mark->flags != (mark->was & ~MAILDIR_GONE))
			mark->was = mark->flags | MAILDIR_GONE;
	}
}

static int flush(const struct maildir *md, struct err *err)
{
	errno = disk_flush_path(md->dir, "new", O_DIRECTORY);
	if (!errno)
		errno = disk_flush_path(md->dir, "cur", O_DIRECTORY);
	return errno ? disk_err(err, "Maildir") : 0;
}

int maildir_save(struct mailbox *m, struct err *err)
{
	struct saving s = { .md = maildir_of(m), .err = err };
	unsigned passes = 0;
	int rc = 0;

	if (!left(m))
		return 0;
	if (may_write(s.md, err) < 0)
		return -1;
	do
		rc = pass(&s);
	while (rc == 0 && (s.done || s.missed) && left(m)
			&& ++passes < PASSES_MOST);
	if (rc == 0)
		settle(m);
	if (CFG_DELIVER_QUOTA && s.count)
		maildir_quota_add(s.md->dir, ".", -s.size, -s.count);
	/* what is done is done, whatever went wrong later */
	if (flush(s.md, s.failed || rc < 0 ? NULL : err) < 0)
		rc = -1;
	return s.failed ? -1 : rc;
}

bool maildir_takes_colons(int dirfd)
{
	int fd = openat(dirfd, ":2,", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno != EINVAL;
	close(fd);
	unlinkat(dirfd, ":2,", 0);
	return true;
}
