#include "store/maildir_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "store/disk.h"
#include "store/maildir_private.h"

#define MESSAGES_MOST 3000000	/* of one Maildir: 64 MB */
#define NAMES_LEAST 16		/* that are remembered at a time, */
#define NAMES_PART 128		/* or this part of all */
#define NAME_SIZE 90		/* octets of an ordinary one */
#define SWEEP_AGE (36 * 3600)	/* seconds; as the Maildir manual says */

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
	for (; from < md->m.count; from++) {
		if (from < md->sorted && maildir_entry_order(&md->list[from],
					e) != 0)
			from = md->sorted;
		if (from < md->m.count && maildir_entry_same(&md->list[from],
					e))
			return from;
	}
	return -1;
}

/* What is new comes behind the list's m.count. */
struct listing {
	struct maildir *md;
	const char *folder;
	unsigned found;
	struct err *err;
};

static int list_one(void *arg, const char *file)
{
	struct listing *l = arg;
	struct maildir *md = l->md;
	struct maildir_entry e = maildir_entry_of(span_of(file),
			l->folder[0] == 'c'), *list;
	unsigned n = md->m.count + l->found;

	if (maildir_find(md, &e) >= 0)
		return 0;
	if (n >= MESSAGES_MOST)
		return err_set(l->err, ERR_NOMEM, "Maildir too big");
	list = mailbox_room(md->list, n, &md->room, sizeof(*list), l->err);
	if (!list)
		return -1;
	md->list = list;
	list[n] = e;
	l->found++;
	return 0;
}

int maildir_each(struct maildir *md, const char **folder,
		int (*fn)(void *arg, const char *name), void *arg,
		struct err *err)
{
	*folder = "new";
	if (disk_each(md->dir, *folder, fn, arg, err) < 0)
		return -1;
	*folder = "cur";
	return disk_each(md->dir, *folder, fn, arg, err);
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

	if (maildir_each(md, &l.folder, list_one, &l, err) < 0)
		return -1;
	if (l.found && take(md, l.found, err) < 0)
		return -1;
	return (int)(m->count - before);
}

/* -- names -- */

struct naming {
	struct maildir *md;
	const char *folder;
	unsigned wanted;
};

static int name_one(void *arg, const char *file)
{
	const struct naming *g = arg;
	struct maildir_names *names = g->md->names;
	struct maildir_entry e = maildir_entry_of(span_of(file), false);
	long i = maildir_find(g->md, &e);
	size_t size = strlen(file) + 2, kept = NAME_MAX + 2;

	if (i < (long)names->from || i >= (long)(names->from + names->n))
		return 0;
	/* there is always room for the one that is wanted, twice over */
	if ((unsigned)i != g->wanted && names->used + size + 2 * kept
			> names->size)
		return 0;
	if (names->used + size > names->size)
		return 0;
	names->at[i - names->from] = (uint32_t)names->used + 1;
	names->text[names->used] = g->folder[0];
	memcpy(names->text + names->used + 1, file, size - 1);
	names->used += size;
	return 0;
}

static int make_room(struct maildir *md, struct err *err)
{
	size_t n = md->m.count / NAMES_PART + NAMES_LEAST, size;
	struct maildir_names *names;

	if (n > md->m.count)
		n = md->m.count;
	if (md->names && md->names->n == n)
		return 0;
	size = n * NAME_SIZE + 4 * (NAME_MAX + 2);
	names = malloc(sizeof(*names) + n * sizeof(names->at[0]) + size);
	if (!names)
		return err_errno(err, "Maildir");
	names->text = (char *)&names->at[n];
	names->n = (unsigned)n;
	names->size = size;
	free(md->names);
	md->names = names;
	return 0;
}

/* Reads the folders once for message i and those around it. */
static int load_names(struct maildir *md, unsigned i, struct err *err)
{
	struct naming g = { .md = md, .wanted = i };
	struct maildir_names *names;

	if (make_room(md, err) < 0)
		return -1;
	names = md->names;
	names->from = i / names->n * names->n;
	names->used = 0;
	memset(names->at, 0, names->n * sizeof(names->at[0]));
	return maildir_each(md, &g.folder, name_one, &g, err);
}

static const char *known_name(const struct maildir *md, unsigned i)
{
	const struct maildir_names *names = md->names;

	if (!names || i < names->from || i - names->from >= names->n
			|| !names->at[i - names->from])
		return NULL;
	return names->text + names->at[i - names->from] - 1;
}

static int open_name(struct maildir *md, const char *name)
{
	char path[MAILDIR_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", name[0] == 'c' ? "cur" : "new",
			name + 1);
	return openat(md->dir, path,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* Another program may have moved it or given it new flags since. */
int maildir_open_message(struct maildir *md, unsigned i, struct err *err)
{
	const char *name = known_name(md, i);
	int fd = name ? open_name(md, name) : -1;

	if (fd >= 0)
		return fd;
	if (!name || errno == ENOENT) {
		if (load_names(md, i, err) < 0)
			return -1;
		name = known_name(md, i);
		if (name)
			fd = open_name(md, name);
		else
			errno = ENOENT;
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
	return r->own_fd < 0 ? -1 : maildir_reader_start(r, err);
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
	uint32_t words[] = { e->when, e->high, e->low & ~MAILDIR_FLAG_BITS,
		e->size };
	size_t n = i && maildir_entry_order(e - 1, e) == 0 ? 4 : 3;
	unsigned char octets[16];

	for (size_t k = 0; k < n * 4; k++)
		octets[k] = (unsigned char)(words[k / 4] >> (24 - k % 4 * 8));
	mailbox_hex(uid, octets, n * 4);
}

static void maildir_describe(struct mailbox *m, unsigned i,
		struct mailbox_message *out)
{
	struct maildir *md = maildir_of(m);

	out->size = size_of(md, i);
	out->arrived = md->list[i].when;
	put_uid(md, i, out->uid);
}

/* -- opening -- */

static void maildir_close(struct mailbox *m)
{
	struct maildir *md = maildir_of(m);

	if (md->dir >= 0)
		close(md->dir);
	free(md->names);
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
	md->dir = maildir_folder(dirfd, path, make, err);
	if (md->dir < 0)
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
