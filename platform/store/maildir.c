#include "store/mailbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/sha256.h"
#include "os/clock.h"
#include "store/disk.h"
#include "store/maildir_private.h"
#include "store/maildir.h"

#define NAMES_MOST (64u << 20)	/* octets of file names of one Maildir */
#define SIZE_UNKNOWN UINT64_MAX
#define SWEEP_AGE (36 * 3600)	/* seconds; as the Maildir manual says */

struct maildir_entry {
	const char *name;	/* of the file: "new/..." or "cur/..." */
	int64_t when;
	uint64_t size;		/* with CRLF */
	bool gone;		/* removed by save */
};

struct maildir {
	struct mailbox m;
	int dir;		/* holds new/, cur/, tmp/ */
	struct arena *names;
	struct maildir_entry *list;
	unsigned room;
};

static struct maildir *maildir_of(struct mailbox *m)
{
	return container_of(m, struct maildir, m);
}

/* -- names: SECONDS.UNIQUE.HOST,S=SIZE,W=SIZE:2,FLAGS -- */

/* On FAT, whose names have no colon, ";2," stands for ":2,". */
static size_t info_at(struct span name)
{
	size_t semicolon = span_find(name, ';');

	return span_starts(span_rest(name, semicolon), ";2,") ? semicolon
			: span_find(name, ':');
}

/* What stays when flags change. */
static struct span unique_part(const char *name)
{
	struct span s = span_of(name + 4);

	return span_sub(s, 0, info_at(s));
}

static struct span flag_part(const char *name)
{
	struct span s = span_of(name);

	s = span_rest(s, info_at(s) + 1);
	return span_starts(s, "2,") ? span_rest(s, 2) : SPAN("");
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
		if (span_has(text, letters[i].letter))
			flags |= letters[i].flag;
	return flags;
}

/* Our letters anew, those of others kept, all in order. */
static void put_flags(char out[64], struct span old, unsigned flags)
{
	size_t n = 0;

	for (int c = 33; c < 127 && n < 63; c++) {
		bool set = !strchr("FRS/", c) && span_has(old, (char)c);

		for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
			if (letters[i].letter == c)
				set = flags & letters[i].flag;
		if (set)
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

/* The number after ",W=", or SIZE_UNKNOWN. */
static uint64_t name_size(struct span name)
{
	unsigned long long v;

	while (name.n) {
		struct span part = span_cut(&name, ',');

		if (span_starts(part, "W=") && span_number64(
				span_rest(part, 2), INT64_MAX, &v))
			return v;
	}
	return SIZE_UNKNOWN;
}

static int64_t name_time(const char *name)
{
	struct span s = span_of(name);
	unsigned long long v;

	s = span_sub(s, 0, span_find(s, '.'));
	return span_number64(s, INT64_MAX, &v) ? (int64_t)v : 0;
}

/* -- listing -- */

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
	/* of two, cur/ is the newer one */
	return c ? c : x->name[0] - y->name[0];
}

static int by_unique(const void *a, const void *b)
{
	const struct maildir_entry *const *x = a, *const *y = b;

	return span_order(unique_part((*x)->name), unique_part((*y)->name));
}

/* What is known already, in order of unique names, and what is new. */
struct listing {
	struct maildir *md;
	struct maildir_entry **known;
	unsigned nknown;
	const char *folder;
	struct maildir_entry *list;
	unsigned n, room;
	struct err *err;
};

/* A known one gets its present name: another program may have changed it. */
static int list_one(void *arg, const char *file)
{
	struct listing *l = arg;
	char name[4 + NAME_MAX + 1];
	struct maildir_entry e = { .name = name };
	struct maildir_entry *key = &e, **at = NULL, *list;

	snprintf(name, sizeof(name), "%s/%s", l->folder, file);
	if (l->nknown)
		at = bsearch(&key, l->known, l->nknown, sizeof(*at), by_unique);
	if (at && strcmp((*at)->name, name) == 0)
		return 0;
	e.when = name_time(name + 4);
	e.size = name_size(unique_part(name));
	e.name = arena_dup(l->md->names, span_of(name));
	if (!e.name)
		return err_set(l->err, ERR_NOMEM, "Maildir too big");
	if (at) {
		(*at)->name = e.name;
		return 0;
	}
	list = mailbox_room(l->list, l->n, &l->room, sizeof(e), l->err);
	if (!list)
		return -1;
	l->list = list;
	list[l->n++] = e;
	return 0;
}

/*
 * new/ before cur/: a message that another program moves meanwhile is seen
 * twice and not missed; the one in cur/ stays.
 */
static int list_all(struct listing *l)
{
	unsigned n = l->md->m.count;

	l->known = calloc(n + 1, sizeof(*l->known));
	if (!l->known)
		return err_errno(l->err, "Maildir");
	for (l->nknown = 0; l->nknown < n; l->nknown++)
		l->known[l->nknown] = &l->md->list[l->nknown];
	qsort(l->known, n, sizeof(*l->known), by_unique);
	l->folder = "new";
	if (disk_each(l->md->dir, l->folder, list_one, l, l->err) < 0)
		return -1;
	l->folder = "cur";
	return disk_each(l->md->dir, l->folder, list_one, l, l->err);
}

/* Adds an entry to the mailbox itself. */
static int take(struct maildir *md, const struct maildir_entry *e,
		struct err *err)
{
	struct maildir_entry *list = mailbox_room(md->list, md->m.count,
			&md->room, sizeof(*list), err);

	if (!list)
		return -1;
	md->list = list;
	list[md->m.count] = *e;
	return mailbox_grow(&md->m, flags_of(flag_part(e->name))
			| (e->name[0] == 'c' ? MAILBOX_OLD : 0), err);
}

/* New ones go to the end. How many, or -1. */
static int maildir_refresh(struct mailbox *m, struct err *err)
{
	struct maildir *md = maildir_of(m);
	struct listing l = { .md = md, .err = err };
	unsigned before = m->count;
	int rc = list_all(&l);

	if (rc == 0 && l.n)
		qsort(l.list, l.n, sizeof(*l.list), by_time);
	for (unsigned i = 0; rc == 0 && i < l.n; i++)
		if (!i || !span_eq(unique_part(l.list[i].name),
					unique_part(l.list[i - 1].name)))
			rc = take(md, &l.list[i], err);
	free(l.list);
	free(l.known);
	return rc < 0 ? -1 : (int)(m->count - before);
}

/* -- one message -- */

static int open_entry(struct maildir *md, const struct maildir_entry *e)
{
	return openat(md->dir, e->name,
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
	struct lines l;
	uint64_t size = 0;

	if (fd < 0)
		return 0;
	if (lines_open(&l, fd, 0, -1, NULL) == 0) {
		while (lines_next(&l, NULL) > 0)
			size += l.text.n + (l.ended ? 2 : 0);
		lines_close(&l);
		size += l.ended ? 0 : 2;
	}
	close(fd);
	return size;
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
	unsigned char hash[SHA256_SIZE];
	struct span id;

	if (md->list[i].size == SIZE_UNKNOWN)
		md->list[i].size = measure(md, i);
	out->size = md->list[i].size;
	out->arrived = md->list[i].when;
	id = unique_part(md->list[i].name);
	id = span_sub(id, 0, span_find(id, ','));
	/* RFC 1939 section 7, UIDL: 1 to 70 characters 0x21 to 0x7E */
	if (id.n < 1 || id.n > 70 || !printable(id)) {
		sha256(hash, unique_part(md->list[i].name));
		mailbox_hex(out->uid, hash, 20);
	} else {
		str_copy(out->uid, sizeof(out->uid), id);
	}
}

/* -- saving -- */

static int rename_entry(struct maildir *md, struct maildir_entry *e,
		unsigned flags)
{
	char text[64], name[4 + 256 + 64];
	struct span unique = unique_part(e->name);
	char *kept;
	int rc;

	put_flags(text, flag_part(e->name), flags);
	snprintf(name, sizeof(name), "cur/%.*s:2,%s", SPAN_ARG(unique), text);
	kept = arena_dup(md->names, span_of(name));
	if (!kept) {
		errno = ENOMEM;
		return -1;
	}
	rc = renameat(md->dir, e->name, md->dir, kept);
	if (rc < 0 && errno == EINVAL) {
		kept[4 + unique.n] = ';';
		rc = renameat(md->dir, e->name, md->dir, kept);
	}
	if (rc == 0)
		e->name = kept;
	return rc;
}

static int remove_entry(struct maildir *md, struct maildir_entry *e)
{
	if (unlinkat(md->dir, e->name, 0) < 0)
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
	if (!changed)
		return 0;
	errno = disk_flush_path(md->dir, "new", O_DIRECTORY);
	if (!errno)
		errno = disk_flush_path(md->dir, "cur", O_DIRECTORY);
	return errno ? disk_err(err, "Maildir") : 0;
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

/* -- opening -- */

static void maildir_close(struct mailbox *m)
{
	struct maildir *md = maildir_of(m);

	if (md->dir >= 0)
		close(md->dir);
	arena_free(md->names);
	free(md->list);
	free(md);
}

static const struct mailbox_ops ops = {
	maildir_close, maildir_describe, maildir_reader, maildir_save,
	maildir_refresh
};

struct mailbox *maildir_open(int dirfd, const char *path, bool make, bool write,
		struct err *err)
{
	struct maildir *md = calloc(1, sizeof(*md));

	if (!md) {
		disk_err(err, path);
		return NULL;
	}
	md->m.ops = &ops;
	md->m.write = write;
	md->names = arena_new(NAMES_MOST);
	md->dir = maildir_folder(dirfd, path, make, err);
	if (!md->names)
		err_nomem(err);
	if (!md->names || md->dir < 0)
		goto out;
	if (write && clock_plausible())
		disk_sweep(md->dir, "tmp", SWEEP_AGE);
	if (maildir_refresh(&md->m, err) < 0)
		goto out;
	return &md->m;
out:
	mailbox_close(&md->m);
	return NULL;
}
