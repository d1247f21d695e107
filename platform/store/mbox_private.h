/* mbox_private - what the mbox*.c files share
 *
 * The form is mboxrd: "From " begins a message after an empty line, lines like
 * it inside a message carry one ">" more, an empty line ends a message.
 * Header lines of ours, which readers do not see:
 *	Status:, X-Status:	flags, as every Unix mail program keeps them
 *	X-Pillarbox-Id: KEY N	the delivery; N: octets of the message behind
 *				its From_ line, 0 while it is being written, "-"
 *				once the file was rewritten
 */
#ifndef STORE_MBOX_PRIVATE_H
#define STORE_MBOX_PRIVATE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include "base/err.h"
#include "base/span.h"

struct mailbox_many;
struct out;

#define MBOX_KEY "X-Pillarbox-Id: "
#define MBOX_KEY_DIGITS 10
#define MBOX_LENGTH_MOST INT64_C(9999999999)
#define MBOX_PATH_SIZE 1024

/* -- mbox_lock.c: fcntl and, where the folder allows, NAME.lock -- */

#define MBOX_WAIT_READ 3000	/* ms */
#define MBOX_WAIT_WRITE 10000

struct mbox_lock {
	int dirfd;
	const char *path;
	int fd;			/* the mbox, open for reading and writing */
	bool made;		/* it was not there before */
	char dot[MBOX_PATH_SIZE];	/* "": no dot-lock held */
	int dot_fd;		/* of it */
	int64_t start;		/* where the mbox ended */
};

/*
 * Opens and locks, then repairs what a cut-off writer left (a half append, a
 * half rewrite). make: an mbox that is not there; else ERR_PERM with errno
 * ENOENT. ERR_TEMP: locked by somebody else all the time. ERR_PERM: not owner's
 * (MBOX_OWN, or a uid). path is kept.
 */
int mbox_lock(struct mbox_lock *l, int dirfd, const char *path, uid_t owner,
		bool make, int ms, struct err *err);
void mbox_unlock(struct mbox_lock *l);
/*
 * One message more is whole. keep: who is killed from here on leaves them all in,
 * otherwise none.
 */
void mbox_lock_added(struct mbox_lock *l, bool keep);

/*
 * Only where the path is the caller's own affair is it followed to elsewhere.
 */
static inline int mbox_nofollow(int dirfd)
{
	return dirfd == AT_FDCWD ? 0 : O_NOFOLLOW;
}

/* PATH with its last part changed: FOLDER/[before]NAME[after]. -1: too long. */
int mbox_beside(char out[MBOX_PATH_SIZE], const char *path, const char *before,
		const char *after);

/* -- mbox_index.c -- */

#define MBOX_MESSAGES_MOST (1u << 21)	/* 64 MB of these */
#define MBOX_MESSAGE_MOST (INT64_C(1) << 39)	/* octets */

/* 32 octets, as a mailbox can have very many. */
struct mbox_entry {
	uint64_t from : 48;	/* where the From_ line begins */
	uint64_t skip : 16;	/* octets of it, at most LINES_WIDE */
	uint64_t length : 40;	/* with it, without the separator behind */
	uint64_t twin : 24;	/* how many with this hash are before it */
	uint64_t size : 40;	/* as readers see it, with CRLF */
	uint64_t flags : 5;
	uint64_t partial : 1;	/* its key says that it was not written whole */
	uint64_t has_key : 1;	/* it has the key that was looked for */
	uint64_t gone : 1;
	uint64_t hash_end : 16;	/* octets 9 and 10 of: */
	uint64_t hash;		/* ... the header section's hash, 8 octets: SHA-256,
				 * or NH and nothing behind it */
};

/* Of a From_ line where HH:MM is; its length: nowhere. */
size_t mbox_time(struct span line);
/* Where it ends, and where its header section begins. */
int64_t mbox_end(const struct mbox_entry *e);
int64_t mbox_text(const struct mbox_entry *e);

struct mbox_index {
	struct mbox_entry *e;
	unsigned n, room;
};

#define MBOX_SAMPLE 4096	/* octets of a header section that make the hash */
#define MBOX_NH (MBOX_SAMPLE / 4 + 2)

struct mbox_look {
	const char *key;	/* a delivery's, to look for; NULL: none */
	const uint32_t *nh;	/* MBOX_NH random words, for NH; NULL: SHA-256 */
	unsigned most;		/* messages; 0: all */
	unsigned *left;		/* for mbox_index_check: flags to be written */
};

/*
 * From `start` to the end of the file. ERR_PERM: this is no mbox.
 */
int mbox_index_read(struct mbox_index *ix, int fd, int64_t start,
		const struct mbox_look *look, struct err *err);
/*
 * Is each of n messages' header section still where it was? Their flags may have
 * changed, and are taken. 1, 0, or -1. With look->left flags are written over
 * those that are there, and taken out of it where a line is wide enough; a cut
 * leaves a flag or does not.
 */
int mbox_index_check(struct mbox_entry *e, unsigned n, int fd,
		const struct mbox_look *look, struct err *err);
void mbox_index_free(struct mbox_index *ix);
/* What a Status: and an X-Status: line keep: */
#define MBOX_STATUS (MAILBOX_SEEN | MAILBOX_OLD)
#define MBOX_MORE (MAILBOX_ANSWERED | MAILBOX_FLAGGED)
/* The lines: as wide as mbox_index_check takes for others. */
void mbox_put_status(struct out *o, unsigned flags);
/* The letters of one's flags. How many. */
size_t mbox_put_letters(char out[2], unsigned flags);
/* Pointers to all entries in that order; NULL with err: no memory. */
struct mbox_entry **mbox_sorted(const struct mbox_index *ix,
		int (*order)(const void *, const void *), struct err *err);
/* By hash and twin, for qsort and bsearch over pointers. */
int mbox_by_hash(const void *a, const void *b);

/* -- mbox_redo.c: a change in the middle of an mbox, safe against any cut -- */

struct mbox_redo {
	int dirfd;		/* the journal's folder: kept open when own */
	bool own;
	char name[MBOX_PATH_SIZE];
	int fd;			/* write what is to stand from `offset` on here */
	int64_t offset;
};

/* Finishes what a journal says, if there is one. 0 or -1. */
int mbox_redo_recover(const struct mbox_lock *l, struct err *err);
/*
 * A new journal: its fd stands where the octets are to be written. To be
 * dropped in any case.
 */
int mbox_redo_begin(struct mbox_redo *r, const struct mbox_lock *l,
		int64_t offset, struct err *err);
/*
 * Makes it durable, then makes the mbox what it says; durable. with: what was
 * added there is kept as soon as, and only if, this change is.
 */
int mbox_redo_finish(struct mbox_redo *r, const struct mbox_lock *l,
		struct mailbox_many *with, struct err *err);
void mbox_redo_drop(struct mbox_redo *r);

#endif
