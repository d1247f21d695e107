/* maildir_quota - Maildir++ quota: what a Maildir and its folders hold, and may
 *
 * The file maildirsize in the Maildir, shared with Dovecot, Courier, maildrop
 * and Exim: its first line the limits ("1000000S,1000C"), then one line of
 * octets and messages each, which add up. It is a cache: never flushed, counted
 * anew when it does not look right. All folders count, .Trash too, as
 * Dovecot has it.
 */
#ifndef STORE_MAILDIR_QUOTA_H
#define STORE_MAILDIR_QUOTA_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

struct maildir_quota {
	uint64_t size_limit, count_limit;	/* octets, messages; 0: none */
	uint64_t size, count;			/* what is there */
};

/*
 * Is there room for one message more, of `more` octets (0: not known yet)?
 * Fills in size and count; one who goes over a limit is counted anew first,
 * unless that was done within 15 minutes and nothing came since. With no limits
 * those of maildirsize are taken, if there are any, and nothing is counted
 * otherwise. path: a Maildir, or a folder in one. One that is not there yet is
 * empty. 0: room; 1: none; -1: it cannot be read, ERR_TEMP.
 */
int maildir_quota_ask(int dirfd, const char *path, struct maildir_quota *q,
		uint64_t more, struct err *err);

/*
 * After a message came (or, negative, went): `size` as its name says behind
 * S=. Does nothing where there is no maildirsize. It is no harm to the mail
 * when this fails: -1 with errno.
 */
int maildir_quota_add(int dirfd, const char *path, int64_t size, int64_t count);

/* -- the file's text, pure -- */

#define MAILDIRSIZE_MOST 5120	/* octets; a longer one is written anew */

struct maildirsize {
	uint64_t size_limit, count_limit;
	int64_t size, count;
	unsigned lines;		/* that were added up */
};

/* False: not what it should be. A last line without LF is not taken. */
bool maildirsize_parse(struct span text, struct maildirsize *out);

#endif
