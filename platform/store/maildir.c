#include "store/mailbox_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "os/clock.h"
#include "store/maildir_private.h"

#define NAMES_MOST (64u << 20)	/* octets of file names of one Maildir */
#define SIZE_UNKNOWN UINT64_MAX
#define SWEEP_AGE (36 * 3600)	/* seconds; as the Maildir manual says */

struct maildir_entry {
	const char *name;	/* of the file, in new/ or cur/ */
	int64_t when;
	uint64_t size;		/* with CRLF */
	bool cur;
	bool gone;		/* removed by save */
};

struct maildir {
	struct mailbox m;
	struct maildir_folders dir;
	struct arena *names;
	struct maildir_entry *list;
	unsigned room;
};

static struct maildir *maildir_of(struct mailbox *m)
{
	return container_of(m, struct maildir, m);
}

/* -- names: SECONDS.UNIQUE.HOST,S=SIZE,W=SIZE:2,FLAGS -- */

/* What stays when flags change. */
static struct span unique_part(const char *name)
{
	struct span s = span_of(name);

	return span_sub(s, 0, span_find(s, ':'));
}

static struct span flag_part(const char *name)
{
	struct span s = span_of(name);
	size_t n = span_find(s, ':');

	s = span_sub(s, n, s.n);
	return span_starts(s, ":2,") ? span_sub(s, 3, s.n) : SPAN("");
}

static const struct {
	char letter;
	unsigned char flag;
} letters[] = {
	{ 'F', MAILBOX_FLAGGED }, { 'R', MAILBOX_ANSWERED },
	{ 'S', MAILBOX_SEEN }
};

/*
 * T (trashed) is not taken for MAILBOX_DELETED: another program's mark is no
 * order to us.
 */
static unsigned flags_of(struct span text)
{
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (span_find(text, letters[i].letter) < text.n)
			flags |= letters[i].flag;
	return flags;
}

static bool is_ours(char c)
{
	return c == 'F' || c == 'R' || c == 'S';
}

/* Our letters anew, those of others kept, all in order. */
static void put_flags(char out[64], struct span old, unsigned flags)
{
	size_t n = 0;

	for (int c = 33; c < 127 && n < 63; c++) {
		bool set = !is_ours((char)c)
			&& span_find(old, (char)c) < old.n;

		for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
			if (letters[i].letter == c)
				set = flags & letters[i].flag;
		if (set && c != '/')
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

/* The number after ",W=" or the like. */
static bool name_number(struct span name, const char *key, uint64_t *out)
{
	size_t n = strlen(key);
	unsigned long long v;

	for (size_t i = 0; i + n < name.n; i++) {
		struct span at = span_sub(name, i, name.n);

		if (memcmp(at.p, key, n) != 0)
			continue;
		at = span_sub(at, n, at.n);
		at = span_sub(at, 0, span_find(at, ','));
		if (!span_number64(at, INT64_MAX, &v))
			return false;
		*out = v;
		return true;
	}
	return false;
}

static int64_t name_time(const char *name)
{
	struct span s = span_of(name);
	unsigned long long v;

	s = span_sub(s, 0, span_find(s, '.'));
	return span_number64(s, INT64_MAX, &v) ? (int64_t)v : 0;
}

/* -- listing -- */

struct listing {
	struct maildir *md;
	struct arena *names;
	struct maildir_entry *list;
	unsigned n, room;
};

static int list_add(struct listing *l, const char *name, bool cur)
{
	struct maildir_entry *e;

	if (l->n == l->room) {
		unsigned room = l->room ? l->room * 2 : 64;

		e = realloc(l->list, room * sizeof(*e));
		if (!e)
			return -1;
		l->list = e;
		l->room = room;
	}
	e = &l->list[l->n];
	*e = (struct maildir_entry){ .cur = cur, .size = SIZE_UNKNOWN,
		.when = name_time(name) };
	e->name = arena_dup(l->names, span_of(name));
	if (!e->name)
		return -1;
	name_number(unique_part(name), ",W=", &e->size);
	l->n++;
	return 0;
}

static int list_folder(struct listing *l, int dirfd, bool cur, struct err *err)
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
	while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.'
				&& list_add(l, entry->d_name, cur) < 0)
			rc = err_set(err, ERR_NOMEM, "out of memory");
	if (rc == 0 && errno)
		rc = err_errno(err, "Maildir");
	closedir(dir);
	return rc;
}

static int span_order(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int by_time(const void *a, const void *b)
{
	const struct maildir_entry *x = a, *y = b;
	int c;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	c = span_order(unique_part(x->name), unique_part(y->name));
	return c ? c : y->cur - x->cur;	/* of two, cur/ is the newer one */
}

/*
 * new/ before cur/: a message that another program moves meanwhile is seen
 * twice and not missed; the one in cur/ stays.
 */
static int list_all(struct listing *l, struct err *err)
{
	unsigned n = 0;

	if (list_folder(l, l->md->dir.new, false, err) < 0
			|| list_folder(l, l->md->dir.cur, true, err) < 0)
		return -1;
	if (l->n == 0)
		return 0;
	qsort(l->list, l->n, sizeof(*l->list), by_time);
	for (unsigned i = 1; i < l->n; i++)
		if (!span_eq(unique_part(l->list[i].name),
					unique_part(l->list[n].name)))
			l->list[++n] = l->list[i];
	l->n = n + 1;
	return 0;
}

static unsigned first_flags(const struct maildir_entry *e)
{
	return flags_of(flag_part(e->name)) | (e->cur ? MAILBOX_OLD : 0);
}

/* Keeps a name that a listing has; NULL: no memory. */
static const char *keep(struct maildir *md, const struct listing *l,
		const char *name)
{
	return l->names == md->names ? name
			: arena_dup(md->names, span_of(name));
}

/* Adds an entry to the mailbox itself. */
static int take(struct maildir *md, const struct listing *l,
		const struct maildir_entry *e, struct err *err)
{
	const char *name = keep(md, l, e->name);

	if (!name)
		return err_set(err, ERR_NOMEM, "out of memory");
	if (md->m.count == md->room) {
		unsigned room = md->room ? md->room * 2 : 64;
		struct maildir_entry *list = realloc(md->list,
				room * sizeof(*list));

		if (!list)
			return err_set(err, ERR_NOMEM, "out of memory");
		md->list = list;
		md->room = room;
	}
	md->list[md->m.count] = *e;
	md->list[md->m.count].name = name;
	return mailbox_grow(&md->m, first_flags(e), err);
}

static int by_unique(const void *a, const void *b)
{
	const struct maildir_entry *const *x = a, *const *y = b;

	return span_order(unique_part((*x)->name), unique_part((*y)->name));
}

/* Pointers to all entries, in order of their unique names; NULL: no memory. */
static struct maildir_entry **index_all(struct maildir *md)
{
	struct maildir_entry **index = calloc(md->m.count + 1, sizeof(*index));

	for (unsigned i = 0; index && i < md->m.count; i++)
		index[i] = &md->list[i];
	if (index && md->m.count)
		qsort(index, md->m.count, sizeof(*index), by_unique);
	return index;
}

/* Another program has moved it or has changed its flags. */
static int follow(struct maildir *md, const struct listing *l,
		struct maildir_entry *e, const struct maildir_entry *now)
{
	const char *name;

	if (e->cur == now->cur && strcmp(e->name, now->name) == 0)
		return 0;
	name = keep(md, l, now->name);
	if (!name)
		return -1;
	e->name = name;
	e->cur = now->cur;
	return 0;
}

/* Known entries get their present names; others go to the end. How many, or -1. */
static int merge(struct maildir *md, struct listing *l, struct err *err)
{
	struct maildir_entry **index = index_all(md);
	unsigned known = md->m.count, added = 0;
	int rc = 0;

	if (!index)
		return err_set(err, ERR_NOMEM, "out of memory");
	for (unsigned i = 0; rc == 0 && i < l->n; i++) {
		const struct maildir_entry *e = &l->list[i];
		struct maildir_entry **at = !known ? NULL : bsearch(&e, index,
				known, sizeof(*index), by_unique);

		if (at)
			rc = follow(md, l, *at, e);
		else
			l->list[added++] = *e;
	}
	free(index);	/* take may move what it points to */
	if (rc < 0)
		return err_set(err, ERR_NOMEM, "out of memory");
	for (unsigned i = 0; i < added; i++)
		if (take(md, l, &l->list[i], err) < 0)
			return -1;
	return (int)added;
}

static int maildir_refresh(struct mailbox *m, struct err *err)
{
	struct maildir *md = maildir_of(m);
	struct listing l = { .md = md };
	int rc;

	/* the first listing's names stay, later ones are mostly known */
	l.names = m->count ? arena_new(NAMES_MOST) : md->names;
	if (!l.names)
		return err_set(err, ERR_NOMEM, "out of memory");
	rc = list_all(&l, err);
	if (rc == 0)
		rc = merge(md, &l, err);
	free(l.list);
	if (l.names != md->names)
		arena_free(l.names);
	return rc;
}

/* -- one message -- */

static int open_entry(struct maildir *md, const struct maildir_entry *e)
{
	return openat(e->cur ? md->dir.cur : md->dir.new, e->name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Another program may have given it new flags since. */
static int open_message(struct maildir *md, unsigned i, struct err *err)
{
	int fd = open_entry(md, &md->list[i]);

	if (fd < 0 && errno == ENOENT && !md->list[i].gone
			&& maildir_refresh(&md->m, err) >= 0)
		fd = open_entry(md, &md->list[i]);
	if (fd < 0)
		return err_errno(err, "message %u", i + 1);
	return fd;
}

static int maildir_reader(struct mailbox *m, unsigned i,
		struct mailbox_reader *r, struct err *err)
{
	r->own_fd = open_message(maildir_of(m), i, err);
	if (r->own_fd < 0)
		return -1;
	return lines_open(&r->lines, r->own_fd, 0, -1, err);
}

/* Octets with CRLF, a last line without an end completed. */
static uint64_t measure(struct maildir *md, unsigned i)
{
	int fd = open_message(md, i, NULL);
	bool first, ended = true;
	struct span piece;
	struct lines l;
	uint64_t size = 0;

	if (fd < 0)
		return 0;
	if (lines_open(&l, fd, 0, -1, NULL) == 0) {
		while (lines_next(&l, &piece, &first, NULL) > 0) {
			size += lines_text(piece, &ended).n;
			size += ended ? 2 : 0;
		}
		lines_close(&l);
	}
	close(fd);
	return size + (ended ? 0 : 2);
}

static bool printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7E)
			return false;
	return true;
}

static void maildir_describe(struct mailbox *m, unsigned i,
		struct mailbox_message *out)
{
	struct maildir *md = maildir_of(m);
	struct span id;

	if (md->list[i].size == SIZE_UNKNOWN)
		md->list[i].size = measure(md, i);
	out->size = md->list[i].size;
	out->arrived = md->list[i].when;
	id = unique_part(md->list[i].name);
	id = span_sub(id, 0, span_find(id, ','));
	/* RFC 1939 section 7, UIDL: 1 to 70 characters 0x21 to 0x7E */
	if (id.n < 1 || id.n > 70 || !printable(id))
		mailbox_hash(out->uid, unique_part(md->list[i].name));
	else
		str_copy(out->uid, sizeof(out->uid), id);
}

/* -- saving -- */

static int rename_entry(struct maildir *md, struct maildir_entry *e,
		unsigned flags)
{
	char text[64], name[256 + 64];
	struct span unique = unique_part(e->name);
	const char *kept;

	put_flags(text, flag_part(e->name), flags);
	snprintf(name, sizeof(name), "%.*s:2,%s", SPAN_ARG(unique), text);
	kept = arena_dup(md->names, span_of(name));
	if (!kept) {
		errno = ENOMEM;
		return -1;
	}
	if (renameat(e->cur ? md->dir.cur : md->dir.new, e->name, md->dir.cur,
				name) < 0)
		return -1;
	e->name = kept;
	e->cur = true;
	return 0;
}

static int remove_entry(struct maildir *md, struct maildir_entry *e)
{
	if (unlinkat(e->cur ? md->dir.cur : md->dir.new, e->name, 0) < 0)
		return -1;
	e->gone = true;
	return 0;
}

static int apply(struct maildir *md, unsigned i, unsigned flags)
{
	struct maildir_entry *e = &md->list[i];

	return flags & MAILBOX_DELETED ? remove_entry(md, e)
			: rename_entry(md, e, flags);
}

static int save_one(struct maildir *md, unsigned i, struct err *err)
{
	unsigned flags = md->m.marks[i].flags;
	int rc = apply(md, i, flags);

	if (rc < 0 && errno == ENOENT && maildir_refresh(&md->m, err) >= 0)
		rc = apply(md, i, flags);
	/* somebody else has removed it: nothing is left to do */
	if (rc < 0 && errno == ENOENT) {
		md->list[i].gone = true;
		rc = 0;
	}
	if (rc < 0)
		return err_errno(err, "message %u", i + 1);
	md->m.marks[i].was = (unsigned char)flags;
	return 0;
}

static int maildir_save(struct mailbox *m, struct err *err)
{
	struct maildir *md = maildir_of(m);
	unsigned n = m->count, changed = 0;

	for (unsigned i = 0; i < n; i++) {
		if (md->list[i].gone || m->marks[i].flags == m->marks[i].was)
			continue;
		if (save_one(md, i, err) < 0)
			return -1;
		changed++;
	}
	if (changed && (fsync(md->dir.new) < 0 || fsync(md->dir.cur) < 0))
		return err_errno(err, "Maildir");
	return 0;
}

/* -- opening -- */

static void maildir_close(struct mailbox *m)
{
	struct maildir *md = maildir_of(m);

	maildir_folders_close(&md->dir);
	arena_free(md->names);
	free(md->list);
	free(md);
}

static const struct mailbox_ops ops = {
	maildir_close, maildir_describe, maildir_reader, maildir_save,
	maildir_refresh
};

/* What deliveries left that were cut off. */
static void sweep(int tmp)
{
	int fd = openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir && fd >= 0)
		close(fd);
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && fstatat(tmp, entry->d_name, &st,
					AT_SYMLINK_NOFOLLOW) == 0
				&& st.st_mtime < clock_now() - SWEEP_AGE)
			unlinkat(tmp, entry->d_name, 0);
	if (dir)
		closedir(dir);
}

struct mailbox *maildir_open(int dirfd, const char *path, bool make, bool write,
		struct err *err)
{
	struct maildir *md = calloc(1, sizeof(*md));

	if (!md) {
		err_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	md->m.ops = &ops;
	maildir_folders_none(&md->dir);
	md->names = arena_new(NAMES_MOST);
	if (!md->names) {
		err_set(err, ERR_NOMEM, "out of memory");
		goto out;
	}
	if (maildir_folders_open(&md->dir, dirfd, path, make, err) < 0)
		goto out;
	if (write && clock_plausible())
		sweep(md->dir.tmp);
	if (maildir_refresh(&md->m, err) < 0)
		goto out;
	return &md->m;
out:
	mailbox_close(&md->m);
	return NULL;
}
