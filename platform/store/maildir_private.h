/* maildir_private - for maildir.c and maildir_add.c */
#ifndef STORE_MAILDIR_PRIVATE_H
#define STORE_MAILDIR_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

/*
 * The folder that holds new/, cur/ and tmp/. make: what is missing, with mode
 * 0700. The fd, or -1: ERR_PERM: no such mailbox.
 */
int maildir_folder(int dirfd, const char *path, bool make, struct err *err);
/* Octets of the file, as its name says behind ",S="; -1: nothing. */
int64_t maildir_name_size(const char *name);

#endif
