/* maildir_folder - Maildir++ folders: ".Name.Sub" in a Maildir */
#ifndef STORE_MAILDIR_FOLDER_H
#define STORE_MAILDIR_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/span.h"

#define MAILDIR_FOLDER_MOST 200	/* octets of ".Name.Sub" */

/*
 * The path of a folder, for maildir_place and mailbox_open. name: UTF-8, "/" or
 * "." between levels: "Lists/Debian" is MAILDIR/.Lists.Debian, written as IMAP
 * servers do (RFC 3501 5.1.3). INBOX is the Maildir itself, and a first level
 * INBOX is left out. ERR_PERM: this is no name for a folder.
 */
int maildir_folder_path(char *out, size_t size, const char *maildir,
		struct span name, struct err *err);

/* Is it there, as a folder and not as a link to one? path: of a folder. */
bool maildir_folder_exists(int dirfd, const char *path);
/* Makes the Maildir and in it the folder, where they are missing. 0 or -1. */
int maildir_folder_make(int dirfd, const char *maildir, const char *path,
		struct err *err);

#endif
