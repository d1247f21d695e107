/* mailbox_private - what mailbox.c and its two back ends share */
#ifndef STORE_MAILBOX_PRIVATE_H
#define STORE_MAILBOX_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "store/mailbox.h"
#include "store/out.h"

/* -- lines: a file's octets [start, end) line by line, however long they are -- */

#define LINES_SIZE 8192
#define LINES_WIDE 32768	/* where a whole file is read */
#define LINES_ALL INT64_MAX

struct lines {
	int fd;
	int64_t at, end;	/* of the next read */
	char *buffer;
	size_t size;		/* of it */
	size_t from, to;
	struct span piece;	/* what lines_next has read, */
	struct span text;	/* ... without LF or CRLF */
	bool first;		/* the line begins here */
	bool ended;		/* it ends here; true before the first */
};

/* end: LINES_ALL, or where to stop. size: of the buffer. -1: no memory. */
int lines_open(struct lines *l, int fd, int64_t start, int64_t end,
		size_t size, struct err *err);
/* On to other octets of the same file. */
void lines_seek(struct lines *l, int64_t start, int64_t end);
void lines_close(struct lines *l);
/* 1 and the next line, or a piece of one that does not fit; 0 at the end, -1. */
int lines_next(struct lines *l, struct err *err);
/*
 * The same, but the piece is all that is there before octet `end` of the file:
 * lines for which nobody asks.
 */
int lines_block(struct lines *l, int64_t end, struct err *err);
/*
 * The same where the next line has been read and begins with a letter that means
 * nothing in an mbox: most do. header: nor is it one of mailbox_hides.
 */
bool lines_plain(struct lines *l, bool header);
/* Where the piece lies in the file. */
int64_t lines_offset(const struct lines *l);
/* Where the next one begins. */
int64_t lines_here(const struct lines *l);

/* add's message with LF lines; quote: as mboxrd. -1: add->fd cannot be read. */
int out_message(struct out *o, const struct mailbox_add *add, bool quote,
		struct err *err);

/* -- mailbox -- */

struct mailbox_mark {
	unsigned char flags, was;	/* was: on disk */
};

/* Where a reader of lines is: in the header, in one of our own lines? */
struct mailbox_hide {
	bool header, hiding;
};

struct mailbox_reader {
	struct lines lines;
	int own_fd;		/* closed at the end; -1: none */
	int64_t at, end;	/* of a Maildir's file: next octet, */
	struct gunzip *gunzip;	/* ... or what it comes out of */
	bool mbox;		/* hide our header lines, undo >From */
	struct mailbox *mailbox;	/* of an mbox: */
	unsigned index;
	int64_t start;		/* where lines began */
	struct mailbox_hide hide;
	struct span rest;	/* of the piece in work */
	bool line_end;		/* a LF is to follow it */
};

struct mailbox_ops {
	void (*close)(struct mailbox *m);
	/* Fills in all but flags. */
	void (*describe)(struct mailbox *m, unsigned i,
			struct mailbox_message *out);
	bool (*gone)(const struct mailbox *m, unsigned i);
	/* Sets r->lines, own_fd and mbox. */
	int (*reader)(struct mailbox *m, unsigned i, struct mailbox_reader *r,
			struct err *err);
	/* NULL: needs no locks */
	int (*hold)(struct mailbox *m, bool held, struct err *err);
	int (*save)(struct mailbox *m, struct err *err);
	int (*refresh)(struct mailbox *m, struct err *err);
};

#define MAILBOX_SCRATCH 4

struct mailbox {
	const struct mailbox_ops *ops;
	bool write;
	bool packed;			/* a compressed mbox */
	struct mailbox_many *with;	/* for the next save */
	unsigned count, room;		/* of marks */
	struct mailbox_mark *marks;	/* marks[n - 1] is message n's */
	struct mailbox_message scratch[MAILBOX_SCRATCH];
	unsigned turn;
};

/* Room for one message more; its mark is count's, which is then raised. */
int mailbox_grow(struct mailbox *m, unsigned flags, struct err *err);
/*
 * A list of n with room for one more, perhaps moved: list itself or NULL with
 * err. What was there stays good when it fails.
 */
void *mailbox_room(void *list, unsigned n, unsigned *room, size_t size,
		struct err *err);
/* The list without room for more, perhaps moved; NULL for none. */
void *mailbox_fitted(void *list, unsigned n, unsigned *room, size_t size);
void mailbox_fit(struct mailbox *m);	/* the same for marks */
/* n octets in hex, with a NUL. */
void mailbox_hex(char *out, const unsigned char *p, size_t n);
/* Is this line, or piece of one, hidden: "Status:" and the like? */
bool mailbox_hides(struct mailbox_hide *h, struct span text, bool first);
/* Is this ">From ", ">>From ", ...? least: how many > there must be. */
bool mailbox_quoted(struct span line, unsigned least);

/* mailbox_open chooses so. */
bool mailbox_is_maildir(int dirfd, const char *path, bool maildir);
struct mailbox *maildir_open(int dirfd, const char *path, bool make, bool write,
		struct err *err);
int maildir_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err);
#define MBOX_OWN ((uid_t)-1)	/* this process's user, or anybody for root */
struct mailbox *mbox_open(int dirfd, const char *path, uid_t owner, bool write,
		struct err *err);
struct mailbox *mbox_open_plain(const char *path, unsigned most,
		struct err *err);
/*
 * After reading: another program writes into an mbox where it is. Is the
 * message still where it was? 0 or -1, ERR_TEMP.
 */
int mbox_still(struct mailbox_reader *r, struct err *err);
/*
 * NULL: nothing. Durable; from here on mailbox_many_end does not undo it. 0 or -1
 * with errno.
 */
int mailbox_many_keep(struct mailbox_many *many);
/* Behind the last message of a locked mbox; durable with add->flush. */
int mbox_add(int fd, const struct mailbox_add *add, struct err *err);
int mbox_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err);

#endif
