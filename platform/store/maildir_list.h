/* maildir_list - a Maildir that is open: for maildir.c, maildir_save.c, maildir_read.c */
#ifndef STORE_MAILDIR_LIST_H
#define STORE_MAILDIR_LIST_H

#include <limits.h>
#include "base/list.h"
#include "store/mailbox_private.h"
#include "store/maildir_name.h"

#define MAILDIR_PATH_SIZE (4 + NAME_MAX + 1)	/* "new/..." or "cur/..." */

/* The names of some messages in a row; where the rest is, nobody remembers. */
struct maildir_names {
	unsigned from, n;	/* messages [from, from + n) */
	size_t used, size;	/* of text */
	char *text;		/* "nNAME" in new/, "cNAME" in cur/ */
	uint32_t at[];		/* in text, one more; 0: not seen */
};

struct maildir {
	struct mailbox m;
	int dir;		/* holds new/, cur/, tmp/ */
	struct maildir_entry *list;
	unsigned room, sorted;	/* of list; as far as they are in order */
	struct maildir_names *names;
};

static inline struct maildir *maildir_of(struct mailbox *m)
{
	return container_of(m, struct maildir, m);
}

/* of mailbox_mark.was: */
#define MAILDIR_GONE 128	/* was removed, by us or others */
#define MAILDIR_FAILED 64	/* ... could not be, while mailbox_save runs */

/*
 * Calls fn for each name in new/, then in cur/, as disk_each does; *folder is
 * where it is. A message that another program moves meanwhile is seen twice
 * and not missed.
 */
int maildir_each(struct maildir *md, const char **folder,
		int (*fn)(void *arg, const char *name), void *arg,
		struct err *err);
/* The message that this name is one of; -1: none that we know. */
long maildir_find(const struct maildir *md, const struct maildir_entry *e);
/* Opens message i, whatever it is called by now. -1 with err; ERR_PERM: gone. */
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
