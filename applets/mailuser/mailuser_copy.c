/* A copy of users.db, and users.db from a copy. */
#include "mailuser/mailuser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "applet.h"
#include "os/file.h"
#include "os/priv.h"
#include "store/disk.h"

static int copy(const char *from, const char *to, bool check, struct err *err)
{
	struct user_db *db = user_open(from, false, err);
	int rc = db ? 0 : -1;

	if (rc == 0 && check)
		rc = user_sound(db, err);
	if (rc == 0)
		rc = user_backup(db, to, err);
	user_close(db);
	return rc;
}

int mailuser_backup(struct mailuser *m)
{
	struct err err;

	if (copy(m->file, m->operand[1], false, &err) < 0)
		return applet_fail("mailuser", &err);
	return EX_OK;
}

static int give(const struct mailuser *m, const char *path, struct err *err)
{
	struct priv_user owner;

	if (geteuid() != 0)
		return 0;
	if (priv_find(m->conf->user_auth, &owner, err) < 0)
		return -1;
	if (chown(path, owner.uid, owner.gid) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

/* What a killed writer left to be undone is not for the new file. */
static int put_in_place(const struct mailuser *m, const char *new,
		struct err *err)
{
	char journal[sizeof(m->file) + 16];
	struct err ignored;
	struct user_db *old = NULL;
	int rc;

	if (access(m->file, F_OK) == 0)
		old = user_open(m->file, true, &ignored);
	/* who writes now comes first; a damaged file keeps nobody waiting */
	if (old)
		user_batch_begin(old, &ignored);
	snprintf(journal, sizeof(journal), "%s-journal", m->file);
	unlink(journal);
	rc = rename(new, m->file);
	if (rc == 0)
		rc = (errno = disk_flush_folder(AT_FDCWD, m->file)) ? -1 : 0;
	if (rc < 0)
		err_errno(err, "%s", m->file);
	user_close(old);
	return rc;
}

/* Its domains and aliases with it: others read them from files of their own. */
int mailuser_restore(struct mailuser *m)
{
	char new[sizeof(m->file) + 16];
	struct user_db *db = NULL;
	struct err err;
	int rc;

	snprintf(new, sizeof(new), "%s.new", m->file);
	unlink(new);
	rc = file_mkdirs(AT_FDCWD, m->conf->state_dir, 0755, &err);
	if (rc == 0)
		rc = copy(m->operand[1], new, true, &err);
	if (rc == 0)
		rc = give(m, new, &err);
	if (rc == 0)
		rc = put_in_place(m, new, &err);
	if (rc < 0)
		unlink(new);
	else if (!(db = mailuser_open(m, &err)))
		rc = -1;
	else
		rc = user_publish(db, m->conf->state_dir, &err);
	user_close(db);
	return rc < 0 ? applet_fail("mailuser", &err) : EX_OK;
}
