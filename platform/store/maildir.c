#include "store/maildir_list.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"
#include "store/disk.h"
#include "store/maildir_private.h"

#define MESSAGES_MOST 3000000	/* of one Maildir: 64 MB */
#define ALL_SIZE 32768		/* octets of names read at a time, */
#define PLACE_SIZE 1024		/* and where one is wanted */
#define PLACE_TRIES 4		/* names to look at there */
#define SWEEP_AGE (36 * 3600)	/* seconds; as the Maildir manual says */

/* -- folders -- */

/*
 * getdents, as readdir would not say where a name stands, and would read on
 * when one name is wanted.
 */
struct maildir_dir {
	bool cur;
	char *room;		/* for names, of an alignment that fits */
	size_t size;
	int64_t place;		/* where to begin */
};

struct dirent_head {		/* as getdents64(2) has it */
	uint64_t inode;
	int64_t next;		/* place of the name behind it */
	uint16_t size;		/* of all of this */
	uint8_t type;
};
#define DIRENT_NAME 19		/* where the name begins, with its NUL */

static int each_in(struct maildir_dir *d, size_t n, maildir_fn *fn, void *arg)
{
	struct dirent_head head;
	int rc = 0;

	for (size_t at = 0; !rc && at + DIRENT_NAME < n; at += head.size) {
		struct maildir_seen seen = {
			.cur = d->cur, .place = d->place,
			.file = d->room + at + DIRENT_NAME
		};

		memcpy(&head, d->room + at, sizeof(head));
		/* folders, links and pipes are no messages */
		if (seen.file[0] != '.' && (head.type == DT_REG
					|| head.type == DT_UNKNOWN))
			rc = fn(arg, &seen);
		d->place = head.next;
	}
	return rc;
}

static int open_folder(struct maildir *md, bool cur)
{
	if (md->folder[cur] < 0)
		md->folder[cur] = disk_folder(md->dir, cur ? "cur" : "new");
	return md->folder[cur];
}

static int each_from(struct maildir *md, struct maildir_dir *d,
		maildir_fn *fn, void *arg, struct err *err)
{
	int fd = open_folder(md, d->cur), rc = 0;
	long n;

	if (fd < 0 || lseek(fd, d->place, SEEK_SET) < 0)
		return disk_err(err, "Maildir");
	while (!rc && (n = syscall(SYS_getdents64, fd, d->room, d->size)) > 0)
		rc = each_in(d, (size_t)n, fn, arg);
	return !rc && n < 0 ? disk_err(err, "Maildir") : rc;
}

int maildir_each(struct maildir *md, maildir_fn *fn, void *arg,
		struct err *err)
{
	char room[ALL_SIZE];
	struct maildir_dir d = { .room = room, .size = sizeof(room) };
	int rc = each_from(md, &d, fn, arg, err);

	d.cur = true;
	d.place = 0;
	return rc ? rc : each_from(md, &d, fn, arg, err);
}

void maildir_path(char out[MAILDIR_PATH_SIZE], const struct maildir_seen *seen)
{
	snprintf(out, MAILDIR_PATH_SIZE, "%s/%s", seen->cur ? "cur" : "new",
			seen->file);
}

/* Not for sessions that only wait. */
static void close_folders(struct maildir *md)
{
	for (int i = 0; i < 2; i++) {
		if (md->folder[i] >= 0)
			close(md->folder[i]);
		md->folder[i] = -1;
	}
}

/* -- listing -- */

long maildir_find(const struct maildir *md, const struct maildir_entry *e)
{
	unsigned from = 0, to = md->sorted;

	while (from < to) {
		unsigned half = from + (to - from) / 2;

		if (maildir_entry_order(&md->list[half], e) < 0)
			from = half + 1;
		else
			to = half;
	}
	for (; from < md->sorted && maildir_entry_order(&md->list[from], e)
			== 0; from++)
		if (maildir_entry_same(&md->list[from], e))
			return from;
	for (from = md->sorted; from < md->m.count; from++)
		if (maildir_entry_same(&md->list[from], e))
			return from;
	return -1;
}

/* Where it was seen; of places that need 64 bits half is kept. */
static void note_place(struct maildir *md, struct maildir_entry *e,
		const struct maildir_seen *seen)
{
	md->wide |= seen->place >> 32 != 0;
	e->place = maildir_kept_place(md, seen);
	e->low = (e->low & ~(uint32_t)MAILBOX_OLD)
		| (seen->cur ? MAILBOX_OLD : 0);
}

/* What is new comes behind the list's m.count. */
struct listing {
	struct maildir *md;
	unsigned found;
	struct err *err;
};

static int list_one(void *arg, const struct maildir_seen *seen)
{
	struct listing *l = arg;
	struct maildir *md = l->md;
	struct maildir_entry e = maildir_entry_of(span_of(seen->file),
			seen->cur), *list;
	unsigned n = md->m.count + l->found;

	if (maildir_find(md, &e) >= 0)
		return 0;
	if (n >= MESSAGES_MOST)
		return err_set(l->err, ERR_NOMEM, "Maildir too big");
	list = mailbox_room(md->list, n, &md->room, sizeof(*list), l->err);
	if (!list)
		return -1;
	note_place(md, &e, seen);
	md->list = list;
	list[n] = e;
	l->found++;
	return 0;
}

/* Makes messages of what was found: one of those that are the same. */
static int take(struct maildir *md, unsigned found, struct err *err)
{
	struct mailbox *m = &md->m;
	struct maildir_entry *e = md->list + m->count, *end = e + found;
	unsigned before = m->count;

	maildir_entry_sort(e, found);
	for (; e < end; e++) {
		unsigned n = m->count, flags = e->low & MAILDIR_FLAG_BITS;

		if (n > before && maildir_entry_same(&md->list[n - 1], e)) {
			md->list[n - 1] = *e;
			m->marks[n - 1].flags = m->marks[n - 1].was =
				(unsigned char)flags;
			continue;
		}
		md->list[n] = *e;
		if (mailbox_grow(m, flags, err) < 0)
			return -1;
	}
	while (md->sorted < m->count && (!md->sorted || maildir_entry_order(
				&md->list[md->sorted - 1],
				&md->list[md->sorted]) <= 0))
		md->sorted++;
	mailbox_fit(m);
	md->list = mailbox_fitted(md->list, m->count, &md->room,
			sizeof(*md->list));
	return 0;
}

/* New ones go to the end. How many, or -1. */
static int maildir_refresh(struct mailbox *m, struct err *err)
{
	struct maildir *md = maildir_of(m);
	struct listing l = { .md = md, .err = err };
	unsigned before = m->count;

	if (maildir_each(md, list_one, &l, err) < 0)
		return -1;
	if (l.found && take(md, l.found, err) < 0)
		return -1;
	return (int)(m->count - before);
}

/* -- the name of a message -- */

struct naming {
	struct maildir *md;
	unsigned wanted;
	int tries;		/* names to look at */
	char *path;		/* of what is wanted; "": not seen */
};

/* Is it this one? */
static int look_near(void *arg, const struct maildir_seen *seen)
{
	struct naming *g = arg;
	struct maildir_entry e = maildir_entry_of(span_of(seen->file), false);

	if (maildir_entry_same(&e, &g->md->list[g->wanted]))
		maildir_path(g->path, seen);
	return g->path[0] || --g->tries == 0;
}

/* All messages' places are noted anew. */
static int look_everywhere(void *arg, const struct maildir_seen *seen)
{
	struct naming *g = arg;
	struct maildir_entry e = maildir_entry_of(span_of(seen->file), false);
	long i = maildir_find(g->md, &e);

	if (i >= 0)
		note_place(g->md, &g->md->list[i], seen);
	if (i == (long)g->wanted)
		maildir_path(g->path, seen);
	return 0;
}

static int look_at_place(struct naming *g, struct err *err)
{
	struct maildir *md = g->md;
	const struct maildir_entry *e = &md->list[g->wanted];
	char room[PLACE_SIZE];
	struct maildir_dir d = {
		.cur = e->low & MAILBOX_OLD, .room = room,
		.size = sizeof(room),
		.place = (int64_t)((uint64_t)e->place << (md->wide ? 32 : 0))
	};

	g->tries = PLACE_TRIES;
	return each_from(md, &d, look_near, g, err);
}

int maildir_open_path(const struct maildir *md, const char *path)
{
	return openat(md->dir, path,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Another program may have moved it or given it new flags since. */
int maildir_open_message(struct maildir *md, unsigned i, struct err *err)
{
	char path[MAILDIR_PATH_SIZE] = "";
	struct naming g = { .md = md, .wanted = i, .path = path };
	const char *known = maildir_window_path(md, i);
	int fd = known ? maildir_open_path(md, known) : -1;

	if (i + 1 == md->m.count)
		maildir_window_free(md);
	if (fd >= 0)
		return fd;
	if (look_at_place(&g, NULL) >= 0 && path[0])
		fd = maildir_open_path(md, path);
	if (!path[0] || (fd < 0 && errno == ENOENT)) {
		path[0] = '\0';
		if (maildir_each(md, look_everywhere, &g, err) < 0)
			return -1;
		errno = ENOENT;
		if (path[0])
			fd = maildir_open_path(md, path);
	}
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_PERM, "message %u was removed", i + 1);
	return fd < 0 ? err_errno(err, "message %u", i + 1) : fd;
}

/* -- one message -- */

static int maildir_reader(struct mailbox *m, unsigned i,
		struct mailbox_reader *r, struct err *err)
{
	r->own_fd = maildir_open_message(maildir_of(m), i, err);
	if (r->own_fd < 0)
		return -1;
	maildir_window_ahead(maildir_of(m), i, r->own_fd);
	return maildir_reader_start(r, err);
}

static uint64_t size_of(struct maildir *md, unsigned i)
{
	uint64_t size = md->list[i].size;
	int fd;

	if (size != MAILDIR_SIZE_UNKNOWN)
		return size;
	fd = maildir_open_message(md, i, NULL);
	if (fd < 0)
		return 0;
	size = maildir_measure(fd);
	close(fd);
	if (size < MAILDIR_SIZE_UNKNOWN)
		md->list[i].size = (uint32_t)size;
	return size;
}

/*
 * Time and hash in hex. Of names that differ in nothing but their sizes the
 * size tells them apart.
 */
static void put_uid(const struct maildir *md, unsigned i, char uid[72])
{
	const struct maildir_entry *e = &md->list[i];
	uint32_t words[] = { htonl(e->when), htonl(e->high),
		htonl(e->low & ~MAILDIR_FLAG_BITS), htonl(e->size) };
	size_t n = i && maildir_entry_order(e - 1, e) == 0 ? 4 : 3;

	mailbox_hex(uid, (const unsigned char *)words, n * 4);
}

static void maildir_describe(struct mailbox *m, unsigned i,
		struct mailbox_message *out)
{
	struct maildir *md = maildir_of(m);

	out->size = size_of(md, i);
	out->arrived = md->list[i].when;
	put_uid(md, i, out->uid);
}

static bool maildir_gone(const struct mailbox *m, unsigned i)
{
	return m->marks[i].was & MAILDIR_GONE;
}

/* -- opening -- */

static void maildir_close(struct mailbox *m)
{
	struct maildir *md = maildir_of(m);

	if (md->dir >= 0)
		close(md->dir);
	close_folders(md);
	maildir_window_free(md);
	free(md->list);
	free(md);
}

static const struct mailbox_ops ops = {
	maildir_close, maildir_describe, maildir_gone, maildir_reader, NULL,
	maildir_save, maildir_refresh
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
	md->folder[0] = md->folder[1] = -1;
	md->dir = maildir_folder(dirfd, path, make, err);
	if (md->dir < 0)
		goto out;
	if (write && clock_plausible())
		disk_sweep(md->dir, "tmp", SWEEP_AGE);
	if (maildir_refresh(&md->m, err) < 0)
		goto out;
	close_folders(md);
	return &md->m;
out:
	mailbox_close(&md->m);
	return NULL;
}
