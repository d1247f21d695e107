/* mailbox - Maildir and mbox behind one interface
 *
 * For pop3d and mail (reading) and deliver (adding). Messages are numbered from
 * 1 in the order they arrived and keep their numbers while it is open. Lines
 * end in LF on disk (as every other tool expects) and in what came in is kept:
 * deliver turns CRLF into LF, readers get LF lines.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/span.h"

enum {
	MAILBOX_SEEN = 1, MAILBOX_ANSWERED = 2, MAILBOX_DELETED = 4,
	MAILBOX_FLAGGED = 8, MAILBOX_OLD = 16	/* not new since the last session */
};

struct mailbox;
struct mailbox_many;
struct mailbox_message {
	uint64_t size;		/* octets with CRLF line ends, as POP3 and RFC 5321 count */
	int64_t arrived;	/* seconds */
	unsigned flags;
	char uid[72];		/* POP3 UIDL: 1..70 characters 0x21..0x7E, never reused */
};

/*
 * path relative to dirfd; a folder is a Maildir, a file (or nothing yet) an
 * mbox; a path ending in "/" or where `maildir` is set is a Maildir that may be made.
 * write: for mailbox_save. An mbox is locked (fcntl, and dot-lock where the
 * folder allows) while it is read in and while it is saved, not in between: mail
 * can come while it is open, other programs may change it, and each message is
 * found again by its UID. A Maildir needs no locks. Two sessions do not
 * exclude each other. ERR_TEMP "locked" (after some seconds), ERR_PERM "no
 * such mailbox". A missing mbox is an empty one. A compressed one (gzip) can be
 * read with MAILBOX_GZIP.
 */
struct mailbox *mailbox_open(int dirfd, const char *path, bool maildir,
		bool write, struct err *err);
/* Forgets all changes since mailbox_save. */
void mailbox_close(struct mailbox *m);

/*
 * For a program that a user sits before: as mailbox_open for reading, but the
 * messages of an mbox have no uid (""), which costs half the time. most: as
 * many, from the first on, of an mbox suffice, only to be looked at; 0: all.
 */
struct mailbox *mailbox_open_plain(const char *path, unsigned most,
		struct err *err);
/* From now on mailbox_save may be called. */
void mailbox_writable(struct mailbox *m);
/* Is it a compressed mbox, which mailbox_save cannot write? */
bool mailbox_packed(const struct mailbox *m);
/* Flags are again what the mailbox has. */
void mailbox_revert(struct mailbox *m);

/*
 * An mbox of somebody else's, which this process reaches by its group (pop3d):
 * as mailbox_open, but it must be the user's own file: in a mail folder that
 * all may write to it could be a link to another one's. Opening and saving
 * do not wait for a lock: ERR_TEMP at once, worth trying again.
 */
struct mailbox *mailbox_open_of(int dirfd, const char *path, uid_t owner,
		bool write, struct err *err);

unsigned mailbox_count(const struct mailbox *m);
/*
 * NULL when out of range. Good until the fourth call after this one. size may
 * cost a read of the file when its name has no W=.
 */
const struct mailbox_message *mailbox_message(struct mailbox *m, unsigned n);

/* Of message n its flags alone, at no cost; 0 when out of range. */
unsigned mailbox_flags(const struct mailbox *m, unsigned n);

/*
 * The raw message (mbox: without its From_ line, >From quoting undone, without
 * Status:, X-Status: and X-Pillarbox-Id:, which are the mailbox's own),
 * in pieces through put; stops early when put gives false. 0 or -1.
 */
int mailbox_read(struct mailbox *m, unsigned n,
		bool (*put)(void *arg, struct span piece), void *arg,
		struct err *err);
/* For streaming with back-pressure: a reader that gives the next piece each time. */
struct mailbox_reader;
struct mailbox_reader *mailbox_reader_open(struct mailbox *m, unsigned n,
		struct err *err);
/* >0 bytes, 0 at the end, -1. */
long mailbox_reader_next(struct mailbox_reader *r, void *buf, unsigned long size,
		struct err *err);
void mailbox_reader_close(struct mailbox_reader *r);

void mailbox_flag(struct mailbox *m, unsigned n, unsigned set, unsigned clear);
/*
 * Writes flags and removes what is MAILBOX_DELETED, without losing what arrived
 * meanwhile. Durable; a cut in the middle loses nothing either. Numbers stay:
 * what was removed can no more be read. 0 or -1.
 */
int mailbox_save(struct mailbox *m, struct err *err);
/*
 * What was added to many, and the next save of m, an mbox: who is killed on the
 * way has done both or neither. mailbox_unlock ends this.
 */
void mailbox_with(struct mailbox *m, struct mailbox_many *many);
/*
 * An mbox's locks, to keep them over more than one step: mailbox_refresh and
 * what mailbox_save says. mailbox_close gives them back, too.
 */
int mailbox_lock(struct mailbox *m, struct err *err);
void mailbox_unlock(struct mailbox *m);
/* Has message n been removed, as far as this is known? */
bool mailbox_gone(const struct mailbox *m, unsigned n);
/* Messages that came since opening are added at the end; gives how many, or -1. */
int mailbox_refresh(struct mailbox *m, struct err *err);

/*
 * Adding. mailbox_append makes a message from fd's octets [start, start+length)
 * with `head` (LF lines) before it. CRLF becomes LF. Blocking; durable when
 * it returns unless `flush` is false (the caller then syncs). from: for the From_ line.
 * An mbox is made with mode 0660, a Maildir with 0700. key: unique delivery
 * key (spool id and recipient); when `again` is set the mailbox is first
 * searched for it and nothing is added when it is there (*found = true).
 */
struct mailbox_add {
	const char *from;	/* envelope sender, "" for the null sender */
	int64_t when;
	struct span head;	/* Return-Path:, Delivered-To:, ... */
	int fd;
	int64_t start, length;
	const char *key;	/* NULL: none */
	bool again;
	bool flush;
	unsigned flags;		/* MAILBOX_...; none: it is new */
	/* a Maildir's file is compressed (MAILBOX_GZIP) */
	bool gzip;
};
int mailbox_append(int dirfd, const char *path, bool maildir,
		const struct mailbox_add *add, bool *found, struct err *err);

/*
 * Many to one mailbox: an mbox is locked once, and all of them are there in the
 * end or (keep false, or killed) none; keys are not looked for. A Maildir has what
 * was added. path is kept.
 */
struct mailbox_many *mailbox_many_begin(const char *path, struct err *err);
int mailbox_many_add(struct mailbox_many *many, const struct mailbox_add *add,
		struct err *err);
/* Frees. Durable. keep false has no say once mailbox_with has kept them. 0 or -1. */
int mailbox_many_end(struct mailbox_many *many, bool keep, struct err *err);

#endif
