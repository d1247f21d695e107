/*
 * Rules of Maildir++: who goes over the limit by what maildirsize says is
 * believed only when that was just counted. A new file is written in tmp/ and
 * takes the name; if a folder has changed meanwhile it goes again, and the next
 * one counts.
 */
#include "store/maildir_quota.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"
#include "store/disk.h"
#include "store/maildir_private.h"

#define FILE_NAME "maildirsize"
#define STALE_AGE (15 * 60)	/* seconds */
#define SUM_MOST (INT64_MAX / 2)

/* -- the text -- */

static bool read_limits(struct span line, struct maildirsize *out)
{
	while (line.n) {
		struct span part = span_cut(&line, ',');
		struct span number = span_sub(part, 0, part.n - (part.n > 0));
		unsigned long long v;

		if (!span_number64(number, INT64_MAX, &v))
			return false;
		if (part.p[number.n] == 'S')
			out->size_limit = v;
		else if (part.p[number.n] == 'C')
			out->count_limit = v;
		else
			return false;
	}
	return true;
}

static bool add_number(struct span word, int64_t *sum)
{
	bool minus = word.n && word.p[0] == '-';
	unsigned long long v;

	if (!span_number64(span_rest(word, minus), SUM_MOST, &v))
		return false;
	*sum += minus ? -(int64_t)v : (int64_t)v;
	return *sum >= -SUM_MOST && *sum <= SUM_MOST;
}

bool maildirsize_parse(struct span text, struct maildirsize *out)
{
	size_t end = span_rfind(text, '\n');

	*out = (struct maildirsize){ 0 };
	if (end == text.n)
		return false;
	text.n = end;
	if (!read_limits(span_trim(span_cut(&text, '\n')), out))
		return false;
	while (text.n) {
		struct span line = span_cut(&text, '\n');

		if (!add_number(span_word(&line), &out->size)
				|| !add_number(span_word(&line), &out->count)
				|| span_word(&line).n)
			return false;
		out->lines++;
	}
	return out->lines && out->size >= 0 && out->count >= 0;
}

/* -- counting -- */

struct count {
	int dir;		/* new/ or cur/ in work */
	uint64_t size, count;
	uint64_t stamp;		/* of all folders' times: did one change? */
	bool look;		/* at the stamps alone */
	struct err *err;
};

static int count_file(void *arg, const char *name)
{
	struct count *c = arg;
	int64_t size = maildir_name_size(name);
	struct stat st;

	if (size < 0) {
		if (fstatat(c->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0
				|| !S_ISREG(st.st_mode))
			return 0;
		size = st.st_size;
	}
	c->size += (uint64_t)size;
	c->count++;
	return 0;
}

/* One that is not there, or no folder, holds nothing. */
static int count_folder(struct count *c, int dirfd, const char *name)
{
	struct stat st;
	int rc = 0;

	c->dir = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC
			| O_NOFOLLOW);
	if (c->dir < 0 && errno != EACCES)
		return 0;
	if (c->dir < 0 || fstat(c->dir, &st) < 0)
		rc = disk_err(c->err, name);
	else
		c->stamp += (uint64_t)st.st_mtim.tv_sec * 1000000000u
			+ (uint64_t)st.st_mtim.tv_nsec;
	if (rc == 0 && !c->look)
		rc = disk_each(c->dir, ".", count_file, c, c->err);
	if (c->dir >= 0)
		close(c->dir);
	return rc;
}

static int count_maildir(struct count *c, int dir)
{
	int rc = count_folder(c, dir, "new");

	return rc < 0 ? rc : count_folder(c, dir, "cur");
}

struct folders {
	struct count *c;
	int root;
};

static int count_subfolder(void *arg, const char *name)
{
	struct folders *f = arg;
	int fd, rc;

	if (name[0] != '.')
		return 0;
	fd = openat(f->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC
			| O_NOFOLLOW);
	if (fd < 0)
		return 0;
	rc = count_maildir(f->c, fd);
	close(fd);
	return rc;
}

static int count_all(struct count *c, int root)
{
	struct folders f = { c, root };
	int rc = count_maildir(c, root);

	return rc < 0 ? rc : disk_each_hidden(root, ".", count_subfolder, &f,
			c->err);
}

/* -- the file -- */

static int open_size(int dir, int flags)
{
	struct stat st;
	int fd = openat(dir, FILE_NAME, flags | O_CLOEXEC | O_NOFOLLOW
			| O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* age: seconds since it was written. False: there is none that is any good. */
static bool read_size(int dir, struct maildirsize *out, int64_t *age)
{
	char text[MAILDIRSIZE_MOST + 1];
	struct stat st;
	ssize_t n = -1;
	int fd = open_size(dir, O_RDONLY);

	*out = (struct maildirsize){ 0 };
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0) {
		n = file_pread(fd, text, sizeof(text), 0);
		*age = clock_now() - st.st_mtime;
	}
	close(fd);
	if (n < 0)
		return false;
	return maildirsize_parse(span_make(text, (size_t)n), out)
		&& n <= MAILDIRSIZE_MOST;
}

static size_t put_limits(char *out, size_t size, const struct maildir_quota *q)
{
	int n = 0;

	if (q->size_limit || !q->count_limit)
		n = snprintf(out, size, "%" PRIu64 "S%s", q->size_limit,
				q->count_limit ? "," : "");
	if (q->count_limit)
		n += snprintf(out + n, size - (size_t)n, "%" PRIu64 "C",
				q->count_limit);
	return (size_t)n;
}

/* True when it took the name. */
static bool write_size(int dir, const struct maildir_quota *q)
{
	char tmp[25] = "tmp/", text[128];
	size_t n = put_limits(text, sizeof(text), q);
	bool good;
	int fd;

	n += (size_t)snprintf(text + n, sizeof(text) - n, "\n%" PRIu64 " %"
			PRIu64 "\n", q->size, q->count);
	rand_word(tmp + 4, 20);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	good = file_write(fd, text, n) == 0;
	if (close(fd) == 0 && good && renameat(dir, tmp, dir, FILE_NAME) == 0)
		return true;
	unlinkat(dir, tmp, 0);
	return false;
}

static int recount(int dir, struct maildir_quota *q, struct err *err)
{
	struct count c = { .err = err }, again = { .look = true };

	if (count_all(&c, dir) < 0)
		return -1;
	q->size = c.size;
	q->count = c.count;
	if (write_size(dir, q) && (count_all(&again, dir) < 0
				|| again.stamp != c.stamp))
		unlinkat(dir, FILE_NAME, 0);
	return 0;
}

/* -- the two calls -- */

/* The Maildir that the folder `path` is in. The fd or -1 with errno. */
static int open_root(int dirfd, const char *path)
{
	int fd = disk_folder_below(dirfd, path, false), up;

	if (fd < 0 || faccessat(fd, "maildirfolder", F_OK, 0) < 0)
		return fd;
	up = disk_folder(fd, "..");
	close(fd);
	return up;
}

static bool is_over(const struct maildir_quota *q, uint64_t more)
{
	return (q->size_limit && (more > q->size_limit
				|| q->size > q->size_limit - more))
		|| (q->count_limit && q->count >= q->count_limit);
}

static int ask(int dir, struct maildir_quota *q, uint64_t more,
		struct err *err)
{
	struct maildirsize file;
	int64_t age = 0;
	bool good = read_size(dir, &file, &age);

	if (!q->size_limit && !q->count_limit) {
		q->size_limit = file.size_limit;
		q->count_limit = file.count_limit;
		if (!q->size_limit && !q->count_limit)
			return 0;
	}
	good = good && file.size_limit == q->size_limit
		&& file.count_limit == q->count_limit;
	q->size = (uint64_t)file.size;
	q->count = (uint64_t)file.count;
	if (good && is_over(q, more))
		good = file.lines == 1 && age >= 0 && age <= STALE_AGE;
	if (!good && recount(dir, q, err) < 0)
		return -1;
	return is_over(q, more);
}

int maildir_quota_ask(int dirfd, const char *path, struct maildir_quota *q,
		uint64_t more, struct err *err)
{
	int dir = open_root(dirfd, path), rc;

	q->size = q->count = 0;
	if (dir < 0 && errno == ENOENT)
		return is_over(q, more);
	if (dir < 0)
		return disk_err(err, path);
	rc = ask(dir, q, more, err);
	close(dir);
	return rc;
}

int maildir_quota_add(int dirfd, const char *path, int64_t size, int64_t count)
{
	int dir = open_root(dirfd, path), fd, n, rc = 0;
	char line[64];

	if (dir < 0)
		return -1;
	fd = open_size(dir, O_WRONLY | O_APPEND);
	if (fd < 0) {
		rc = errno == ENOENT ? 0 : -1;
	} else {
		n = snprintf(line, sizeof(line), "%" PRId64 " %" PRId64 "\n",
				size, count);
		rc = file_write(fd, line, (size_t)n);
		close(fd);
	}
	close(dir);
	return rc;
}
