#include "store/mbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/log.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

struct mailbox_many {
	char *path;
	bool maildir;
	struct mbox_lock lock;	/* of an mbox */
	off_t start;		/* how long it was */
};

static int begin(struct mailbox_many *many, struct err *err)
{
	if (!many->path)
		return err_nomem(err);
	many->maildir = mailbox_is_maildir(AT_FDCWD, many->path, false);
	if (many->maildir)
		return 0;
	if (mbox_lock(&many->lock, AT_FDCWD, many->path, MBOX_OWN, true,
				MBOX_WAIT_WRITE, err) < 0)
		return -1;
	many->start = lseek(many->lock.fd, 0, SEEK_END);
	if (many->start >= 0)
		return 0;
	mbox_unlock(&many->lock);
	return disk_err(err, many->path);
}

static void discard(struct mailbox_many *many)
{
	free(many->path);
	free(many);
}

struct mailbox_many *mailbox_many_begin(const char *path, struct err *err)
{
	struct mailbox_many *many = calloc(1, sizeof(*many));

	if (!many) {
		err_nomem(err);
		return NULL;
	}
	many->path = strdup(path);
	if (begin(many, err) == 0)
		return many;
	discard(many);
	return NULL;
}

int mailbox_many_add(struct mailbox_many *many, const struct mailbox_add *add,
		struct err *err)
{
	bool found;

	if (many->maildir)
		return maildir_append(AT_FDCWD, many->path, add, &found, err);
	if (mbox_add(many->lock.fd, add, err) < 0)
		return -1;
	mbox_lock_added(&many->lock);
	return 0;
}

/* Of an mbox that was not there nothing stays behind. */
static void undo(struct mailbox_many *many)
{
	if (ftruncate(many->lock.fd, many->start) < 0)
		log_error("%s: what was added cannot be removed: %s",
				many->path, strerror(errno));
	else if (many->lock.made)
		unlinkat(AT_FDCWD, many->path, 0);
}

int mailbox_many_end(struct mailbox_many *many, bool keep, struct err *err)
{
	int rc = 0;

	if (!many->maildir) {
		if (keep && fsync(many->lock.fd) < 0) {
			rc = disk_err(err, many->path);
			keep = false;
		}
		if (!keep)
			undo(many);
		else if (many->lock.made)
			disk_flush_folder(AT_FDCWD, many->path);
		mbox_unlock(&many->lock);
	}
	discard(many);
	return rc;
}
