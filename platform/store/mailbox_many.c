#include "store/mbox_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/log.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

struct mailbox_many {
	const char *path;
	bool maildir;
	struct mbox_lock lock;	/* of an mbox */
	bool kept;
};

struct mailbox_many *mailbox_many_begin(const char *path, struct err *err)
{
	struct mailbox_many *many = calloc(1, sizeof(*many));

	if (!many) {
		err_nomem(err);
		return NULL;
	}
	many->path = path;
	many->maildir = mailbox_is_maildir(AT_FDCWD, path, false);
	if (many->maildir || mbox_lock(&many->lock, AT_FDCWD, path, MBOX_OWN,
				true, MBOX_WAIT_WRITE, err) == 0)
		return many;
	free(many);
	return NULL;
}

int mailbox_many_add(struct mailbox_many *many, const struct mailbox_add *add,
		struct err *err)
{
	if (many->maildir)
		return mailbox_append(AT_FDCWD, many->path, true, add, NULL,
				err);
	if (mbox_add(many->lock.fd, add, err) < 0)
		return -1;
	mbox_lock_added(&many->lock, false);
	return 0;
}

/* Of an mbox that was not there nothing stays behind. */
static void undo(struct mailbox_many *many)
{
	if (ftruncate(many->lock.fd, many->lock.start) < 0)
		log_error("%s: what was added cannot be removed: %s",
				many->path, strerror(errno));
	else if (many->lock.made)
		unlinkat(AT_FDCWD, many->path, 0);
}

int mailbox_many_keep(struct mailbox_many *many)
{
	if (!many || many->maildir || many->kept)
		return 0;
	if (fsync(many->lock.fd) < 0)
		return -1;
	if (many->lock.made)
		disk_flush_folder(AT_FDCWD, many->path);
	many->kept = true;
	mbox_lock_added(&many->lock, true);
	return 0;
}

int mailbox_many_end(struct mailbox_many *many, bool keep, struct err *err)
{
	int rc = 0;

	if (keep && mailbox_many_keep(many) < 0)
		rc = disk_err(err, many->path);
	if (!many->maildir) {
		if (!many->kept)
			undo(many);
		mbox_unlock(&many->lock);
	}
	free(many);
	return rc;
}
