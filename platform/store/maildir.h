/* maildir - what deliver needs of a Maildir beyond mailbox.h: placing a staged file */
#ifndef STORE_MAILDIR_H
#define STORE_MAILDIR_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "store/mailbox.h"

/* A file with LF lines on the Maildir's file system: the whole message. */
struct maildir_staged {
	const char *name;
	int dirfd;
	uint64_t size, lines;	/* octets and LFs */
};

#define MAILDIR_NAME_SIZE 200

/*
 * As mailbox_append into a Maildir, which is made when missing. staged: the file
 * that is renamed into it; NULL: add's head and octets are copied. name: what
 * the file is called below path ("new/..."), for sync_ask. *found: it was there
 * before, nothing was added; it still wants its flush.
 */
int maildir_place(int dirfd, const char *path, const struct mailbox_add *add,
		const struct maildir_staged *staged,
		char name[MAILDIR_NAME_SIZE], bool *found, struct err *err);

/*
 * False where a name cannot have a colon (FAT). Flags are then written as
 * ";2,S", which other programs do not know.
 */
bool maildir_takes_colons(int dirfd);

#endif
