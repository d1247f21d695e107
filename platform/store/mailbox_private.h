/* mailbox_private - what mailbox.c and its two back ends share */
#ifndef STORE_MAILBOX_PRIVATE_H
#define STORE_MAILBOX_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "store/mailbox.h"

/* -- lines: a file's octets [start, end) line by line, however long they are -- */

#define LINES_SIZE 8192

struct lines {
	int fd;
	int64_t at, end;	/* of the next read */
	char *buffer;		/* LINES_SIZE octets */
	size_t from, to;
	bool inside;		/* the last piece did not end its line */
};

/* end < 0: up to the end of the file. -1: no memory. */
int lines_open(struct lines *l, int fd, int64_t start, int64_t end,
		struct err *err);
void lines_close(struct lines *l);
/*
 * 1 and the next line with its line end, or a piece of one that does not fit:
 * *first says whether the line begins here. 0 at the end, -1 err.
 */
int lines_next(struct lines *l, struct span *piece, bool *first,
		struct err *err);
/* Where the piece just given lies in the file. */
int64_t lines_offset(const struct lines *l, struct span piece);
/* Without LF or CRLF; *ended: there was one. */
struct span lines_text(struct span piece, bool *ended);

/* -- out: buffered writing that counts -- */

#define OUT_SIZE 8192

struct out {
	int fd;
	size_t n;
	int64_t written;	/* octets, those in the buffer included */
	uint64_t lines;		/* LFs */
	bool bad;		/* a write failed; `error` is its errno */
	int error;
	char *buffer;
};

int out_open(struct out *o, int fd, struct err *err);	/* -1: no memory */
void out_add(struct out *o, struct span s);
/* Writes what is left and frees. 0 or -1 with errno. */
int out_close(struct out *o);
/* add's message with LF lines; quote: as mboxrd. -1: add->fd cannot be read. */
int out_message(struct out *o, const struct mailbox_add *add, bool quote,
		struct err *err);

/* -- mailbox -- */

struct mailbox_mark {
	unsigned char flags, was;	/* was: on disk */
};

struct mailbox_reader {
	struct lines lines;
	int own_fd;		/* closed at the end; -1: none */
	bool mbox;		/* hide our header lines, undo >From */
	bool header, hiding;
	struct span rest;	/* of the piece in work */
	bool line_end;		/* a LF is to follow it */
};

struct mailbox_ops {
	void (*close)(struct mailbox *m);
	/* Fills in all but flags. */
	void (*describe)(struct mailbox *m, unsigned i,
			struct mailbox_message *out);
	/* Sets r->lines, own_fd and mbox. */
	int (*reader)(struct mailbox *m, unsigned i, struct mailbox_reader *r,
			struct err *err);
	int (*save)(struct mailbox *m, struct err *err);
	int (*refresh)(struct mailbox *m, struct err *err);
};

#define MAILBOX_SCRATCH 4

struct mailbox {
	const struct mailbox_ops *ops;
	bool write;
	unsigned count, room;		/* of marks */
	struct mailbox_mark *marks;	/* marks[n - 1] is message n's */
	struct mailbox_message scratch[MAILBOX_SCRATCH];
	unsigned turn;
};

/* Room for one message more; its mark is count's, which is then raised. */
int mailbox_grow(struct mailbox *m, unsigned flags, struct err *err);
/* A UID of 40 characters from any bytes. */
void mailbox_hash(char out[72], struct span name);
/* "Status:" and the like, which readers do not see. */
bool mailbox_hidden(struct span line);
/* Is this ">From ", ">>From ", ...? least: how many > there must be. */
bool mailbox_quoted(struct span line, unsigned least);

struct mailbox *maildir_open(int dirfd, const char *path, bool make, bool write,
		struct err *err);
int maildir_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err);
#define MBOX_OWN ((uid_t)-1)	/* this process's user, or anybody for root */
struct mailbox *mbox_open(int dirfd, const char *path, uid_t owner, bool write,
		struct err *err);
int mbox_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err);

#endif
