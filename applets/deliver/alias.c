/*
 * What of an alias is no address: commands and files. queue says "|NAME#N" for
 * the N-th of them; nobody else reaches deliver. All of this runs in a process
 * of its own, which becomes alias-user.
 */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/run.h"
#include "deliver/system.h"
#include "mime/addr.h"
#include "store/aliases.h"
#include "store/mailbox.h"

/* -- whose rights -- */

static int become(const struct conf *conf, struct priv_user *user,
		struct err *err)
{
	if (geteuid() != 0)
		return priv_find_uid(geteuid(), user, err);
	if (priv_find(conf->alias_user, user, err) < 0)
		return -1;
	if (user->uid == 0)
		return err_set(err, ERR_TEMP, "alias-user %s is root",
				user->name);
	if (setgroups(0, NULL) < 0 || setgid(user->gid) < 0 ||
			setuid(user->uid) < 0)
		return err_errno(err, "becoming %s", user->name);
	if (setuid(0) == 0)
		return err_set(err, ERR_TEMP, "rights were not given up");
	return 0;
}

/* -- files -- */

int alias_to_file(const char *path, const struct system_mail *m, bool *before,
		struct err *err)
{
	struct mailbox_add add = {
		.from = m->sender, .when = m->when, .head = m->head,
		.fd = m->fd, .start = m->start, .length = m->length,
		.key = m->key, .again = m->again, .flush = true
	};

	if (strcmp(path, "/dev/null") == 0)
		return 0;
	return mailbox_append(AT_FDCWD, path, span_ends(span_of(path), "/"),
			&add, before, err);
}

static int to_command(const struct conf *conf, const char *command,
		const char *name, const struct system_mail *m,
		const struct priv_user *user, struct err *err)
{
	char whose[ALIAS_NAME_SIZE + 8];
	struct run_command c = {
		.command = command, .whose = whose, .user = user->name,
		.home = user->home, .folder = "/", .local = span_of(name),
		.domain = addr_split(span_of(m->user)).domain,
		.timeout = conf->alias_timeout
	};

	snprintf(whose, sizeof(whose), "alias %s", name);
	return run_command(&c, m, err);
}

int alias_deliver(const struct conf *conf, const struct system_mail *m,
		bool *before, struct err *err)
{
	struct aliases *a = aliases_new(conf, false);
	char name[ALIAS_NAME_SIZE];
	struct priv_user user;
	struct alias_value v;
	unsigned n;
	int rc;

	if (!a)
		return err_nomem(err);
	if (!alias_get_target(addr_split(span_of(m->user)).local, name, &n))
		rc = err_set(err, ERR_PERM, "5.1.1 no such alias");
	else
		rc = aliases_target(a, name, n, &v, err);
	aliases_free(a);
	if (rc == 0)
		return err_set(err, ERR_PERM, "5.1.1 the alias %s has no such"
				" command or file any more", name);
	if (rc < 0)
		return -1;
	umask(077);
	rc = become(conf, &user, err);
	if (rc == 0 && v.kind == ALIAS_COMMAND)
		return to_command(conf, v.text, name, m, &user, err);
	if (rc == 0)
		rc = alias_to_file(v.text, m, before, err);
	/* accounts and files can be put right */
	if (rc < 0 && err->kind == ERR_PERM)
		err->kind = ERR_TEMP;
	return rc;
}
