#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "deliver/system.h"
#include "os/file.h"
#include "store/disk.h"
#include "store/mailbox.h"

/* As Debian has it: the store's group may read the boxes and lock them. */
static int give_to_group(int fd, const struct conf *conf, struct err *err)
{
	struct priv_user store;

	if (geteuid() != 0)
		return 0;
	if (priv_find(conf->user_store, &store, err) < 0)
		return -1;
	if (store.gid != 0 && (fchown(fd, 0, store.gid) < 0
				|| fchmod(fd, 02775) < 0))
		return disk_err(err, conf->mbox_dir);
	return 0;
}

int system_mbox_dir(const struct conf *conf, struct err *err)
{
	struct stat st;
	bool missing = stat(conf->mbox_dir, &st) < 0;
	int fd;

	if (file_mkdirs(AT_FDCWD, conf->mbox_dir, 0755, err) < 0)
		return -1;
	fd = disk_folder(AT_FDCWD, conf->mbox_dir);
	if (fd < 0)
		return disk_err(err, conf->mbox_dir);
	if (!missing || give_to_group(fd, conf, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* An account's name that is no path. */
static bool is_plain(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

/*
 * The group that may write to the mail folder (mail, on Debian), for the
 * dot-lock. Never root's: that would be more than a lock.
 */
static gid_t folder_group(int mbox_dir)
{
	struct stat st;

	if (fstat(mbox_dir, &st) < 0 || st.st_gid == 0
			|| !(st.st_mode & S_IWGRP))
		return (gid_t)-1;
	return st.st_gid;
}

/* Only root may put a file into the folder; it makes an empty one, as the user's. */
static int make_mbox(int mbox_dir, const struct priv_user *user, gid_t group,
		struct err *err)
{
	struct stat st;
	int fd, rc;

	if (fstatat(mbox_dir, user->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	fd = openat(mbox_dir, user->name, O_WRONLY | O_CREAT | O_EXCL
			| O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return disk_err(err, user->name);
	rc = fchown(fd, user->uid, group == (gid_t)-1 ? user->gid : group);
	if (rc == 0)
		rc = fchmod(fd, 0660);
	if (rc < 0) {
		disk_err(err, user->name);
		unlinkat(mbox_dir, user->name, 0);
	}
	close(fd);
	return rc;
}

static int drop_to(const struct priv_user *user, gid_t group, struct err *err)
{
	if (setgroups(group == (gid_t)-1 ? 0 : 1, &group) < 0
			|| setgid(user->gid) < 0 || setuid(user->uid) < 0)
		return err_errno(err, "becoming %s", user->name);
	if (user->uid != 0 && setuid(0) == 0)
		return err_set(err, ERR_TEMP, "rights were not given up");
	return 0;
}

int system_become(int mbox_dir, const struct priv_user *user, struct err *err)
{
	gid_t group = folder_group(mbox_dir);

	if (!is_plain(user->name))
		return err_set(err, ERR_PERM, "no name for a mailbox");
	if (geteuid() != 0) {
		if (user->uid == geteuid())
			return 0;
		return err_set(err, ERR_TEMP, "only root can write for %s",
				user->name);
	}
	/* a second account with uid 0 is no way to root's mail */
	if (user->uid == 0 && strcmp(user->name, "root") != 0)
		return err_set(err, ERR_PERM, "%s has uid 0", user->name);
	if (make_mbox(mbox_dir, user, group, err) < 0)
		return -1;
	return drop_to(user, group, err);
}

int system_become_whole(const struct priv_user *user, struct err *err)
{
	if (geteuid() != 0)
		return user->uid == geteuid() ? 0 : err_set(err, ERR_TEMP,
				"only root can act for %s", user->name);
	if (initgroups(user->name, user->gid) < 0 || setgid(user->gid) < 0 ||
			setuid(user->uid) < 0)
		return err_errno(err, "becoming %s", user->name);
	if (user->uid != 0 && setuid(0) == 0)
		return err_set(err, ERR_TEMP, "rights were not given up");
	return 0;
}

int system_mail_append(int dir, const char *path, bool maildir,
		const struct system_mail *m, bool *before, struct err *err)
{
	struct mailbox_add add = {
		.from = m->sender, .when = m->when, .head = m->head,
		.fd = m->fd, .start = m->start, .length = m->length,
		.key = m->key, .again = m->again, .flush = true,
		.gzip = CFG_MAILBOX_GZIP && m->gzip
	};

	umask(007);
	return mailbox_append(dir, path, maildir, &add, before, err);
}
