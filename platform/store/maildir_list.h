/* maildir_list - a Maildir that is open; for maildir*.c */
#ifndef STORE_MAILDIR_LIST_H
#define STORE_MAILDIR_LIST_H

#include <limits.h>
#include "base/list.h"
#include "store/mailbox_private.h"
#include "store/maildir_name.h"

#define MAILDIR_PATH_SIZE (4 + NAME_MAX + 1)	/* "new/..." or "cur/..." */

struct maildir {
	struct mailbox m;
	int dir;		/* holds new/, cur/, tmp/ */
	/* new/, cur/: open while names are looked for, or -1 */
	int folder[2];
	struct maildir_entry *list;
	unsigned room, sorted;	/* of list; as far as they are in order */
	bool wide;		/* entries' place is the upper half of it */
	/* behind the last that was opened; in order so far */
	unsigned next, run;
	unsigned ahead;		/* up to here nobody need look at the disk */
	struct maildir_window *window;	/* names of the next ones; or NULL */
};

static inline struct maildir *maildir_of(struct mailbox *m)
{
	return container_of(m, struct maildir, m);
}

/* of mailbox_mark.was: */
#define MAILDIR_GONE 128	/* was removed, by us or others */
#define MAILDIR_FAILED 64	/* ... could not be, while mailbox_save runs */

/* Where a name stands. */
struct maildir_seen {
	bool cur;		/* in cur/, else in new/ */
	const char *file;	/* without its folder */
	int64_t place;		/* in its folder, for lseek */
};
typedef int maildir_fn(void *arg, const struct maildir_seen *seen);
/*
 * Calls fn for each name in new/, then in cur/, until it gives something else
 * than 0, which is then given back; -1 with err: not readable. A message that
 * another program moves meanwhile is seen twice and not missed.
 */
int maildir_each(struct maildir *md, maildir_fn *fn, void *arg,
		struct err *err);
/* What an entry keeps of its place. */
static inline uint32_t maildir_kept_place(const struct maildir *md,
		const struct maildir_seen *seen)
{
	return (uint32_t)(md->wide ? seen->place >> 32 : seen->place);
}
/*
 * "cur/FILE" of message i, which is to be opened, where all of a run of
 * messages have been looked up at once; it may have another name by now. Else
 * NULL. Good until the next call.
 */
const char *maildir_window_path(struct maildir *md, unsigned i);
void maildir_window_free(struct maildir *md);
/*
 * Message i, now open as fd, is to be read: when the disk has to be waited for,
 * the next ones of a run are asked for, too.
 */
void maildir_window_ahead(struct maildir *md, unsigned i, int fd);
/* "cur/FILE" or "new/FILE"; -1 with errno. */
int maildir_open_path(const struct maildir *md, const char *path);
/* "cur/FILE" */
void maildir_path(char out[MAILDIR_PATH_SIZE], const struct maildir_seen *seen);
/* The message that this name is one of; -1: none that we know. */
long maildir_find(const struct maildir *md, const struct maildir_entry *e);
/*
 * Opens message i, whatever it is called by now. -1 with err; ERR_PERM: gone.
 */
int maildir_open_message(struct maildir *md, unsigned i, struct err *err);

int maildir_save(struct mailbox *m, struct err *err);
/* Before the first of: */
int maildir_reader_start(struct mailbox_reader *r, struct err *err);
long maildir_reader_next(struct mailbox_reader *r, char *buf, size_t size,
		struct err *err);
/*
 * What the rest of the file comes to with CRLF line ends, a last line without
 * one completed. What cannot be read counts as nothing.
 */
uint64_t maildir_measure(int fd);

#endif
