/* maildir_private - the three folders, for maildir.c and maildir_add.c */
#ifndef STORE_MAILDIR_PRIVATE_H
#define STORE_MAILDIR_PRIVATE_H

#include <stdbool.h>
#include "base/err.h"
#include "base/list.h"

struct maildir_folders {
	int new, cur, tmp;	/* -1: not open */
};

void maildir_folders_none(struct maildir_folders *f);
/* make: what is missing, with mode 0700. ERR_PERM: no such mailbox. */
int maildir_folders_open(struct maildir_folders *f, int dirfd, const char *path,
		bool make, struct err *err);
void maildir_folders_close(struct maildir_folders *f);

#endif
