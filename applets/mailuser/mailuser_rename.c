/* Another address for a user: passwords, aliases and the mailbox go with it. */
#include "mailuser/mailuser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"
#include "os/priv.h"

/* What the child tells: 0, or the errno of what failed. */
static int move_here(const char *from, const char *to)
{
	char parent[512];
	struct err err;

	str_copy(parent, sizeof(parent), span_before(span_of(to), '/'));
	if (file_mkdirs(AT_FDCWD, parent, 0700, &err) < 0)
		return errno;
	/* an empty one may be in the way; one with mail in it stays */
	if (rename(from, to) < 0 && errno != ENOENT)
		return errno;
	return 0;
}

/*
 * As the owner of the Maildirs, in a process of its own: users.db still needs
 * our rights, and what user-store may have put in the way must not be followed
 * as root.
 */
static int move(void *arg, const char *from, const char *to, struct err *err)
{
	const struct mailuser *m = arg;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return err_errno(err, "fork");
	if (pid == 0) {
		if (priv_drop(m->conf->user_store, (gid_t)-1, NULL, NULL,
					err) < 0)
			_exit(EPERM);
		umask(077);
		_exit(chdir(m->conf->mail_dir) < 0 ? errno == ENOENT ? 0 :
				errno : move_here(from, to));
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "waitpid");
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	if (!errno)
		return 0;
	err_errno(err, "%s/%s to %s/%s", m->conf->mail_dir, from,
			m->conf->mail_dir, to);
	return -1;
}

int mailuser_rename(struct mailuser *m)
{
	struct span to = span_of(m->operand[2]);
	struct user_db *db = NULL;
	struct err err;
	int result;

	if (!user_address_valid(to)) {
		fprintf(stderr, "mailuser: %s: not an address for a user\n",
				m->operand[2]);
		return EX_DATAERR;
	}
	if (!mailuser_is_ours(m, to))
		return EX_NOHOST;
	db = mailuser_open(m, &err);
	result = db ? user_rename(db, m->address, to, move, m, &err) : -1;
	if (result == 0)
		result = user_publish(db, m->conf->state_dir, &err);
	user_close(db);
	return mailuser_status(m, result, &err);
}
