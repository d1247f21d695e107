#include "os/priv.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/str.h"

#define LINE_MOST 4096		/* bytes of one line of passwd */

/* getpwnam_r's and getpwuid_r's result into out. */
static int found(const char *what, int code, const struct passwd *pw,
		struct priv_user *out, struct err *err)
{
	struct span comment;

	if (code) {
		errno = code;
		return err_errno(err, "user %s", what);
	}
	if (!pw)
		return err_set(err, ERR_PERM, "no such user: %s", what);
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	if (str_copys(out->name, sizeof(out->name), pw->pw_name) < 0)
		return err_set(err, ERR_PERM, "user %s: name too long", what);
	if (str_copys(out->home, sizeof(out->home), pw->pw_dir) < 0)
		return err_set(err, ERR_PERM, "user %s: home too long", what);
	comment = span_of(pw->pw_gecos);
	str_copy(out->full_name, sizeof(out->full_name),
			span_cut(&comment, ','));
	return 0;
}

int priv_find(const char *name, struct priv_user *out, struct err *err)
{
	char line[LINE_MOST];
	struct passwd room, *pw = NULL;
	int code = getpwnam_r(name, &room, line, sizeof(line), &pw);

	return found(name, code, pw, out, err);
}

int priv_find_uid(uid_t uid, struct priv_user *out, struct err *err)
{
	char line[LINE_MOST], what[12];
	struct passwd room, *pw = NULL;
	int code = getpwuid_r(uid, &room, line, sizeof(line), &pw);

	snprintf(what, sizeof(what), "%lu", (unsigned long)uid);
	return found(what, code, pw, out, err);
}

static int no_new_privs(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return err_errno(err, "no_new_privs");
	return 0;
}

static int enter(const char *root, struct err *err)
{
	if (chroot(root) < 0 || chdir("/") < 0)
		return err_errno(err, "chroot %s", root);
	return 0;
}

static int become(const struct priv_user *user, gid_t extra_group,
		struct err *err)
{
	size_t groups = extra_group == (gid_t)-1 ? 0 : 1;

	if (setgroups(groups, &extra_group) < 0)
		return err_errno(err, "setgroups");
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return err_errno(err, "setresgid");
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return err_errno(err, "setresuid");
	return 0;
}

/* A way back would make all the rest theatre, so ask for it. */
static int check_no_way_back(const struct priv_user *user, struct err *err)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return err_errno(err, "getresuid");
	if (r != user->uid || e != user->uid || s != user->uid ||
			rg != user->gid || eg != user->gid || sg != user->gid)
		return err_set(err, ERR_PERM, "%s: rights not dropped",
				user->name);
	if (user->uid != 0 && setuid(0) == 0)
		return err_set(err, ERR_PERM, "%s: root can be regained",
				user->name);
	return 0;
}

int priv_drop(const char *user, gid_t extra_group, const char *root,
		bool *chrooted, struct err *err)
{
	struct priv_user who;

	if (chrooted)
		*chrooted = false;
	if (geteuid() != 0)
		return no_new_privs(err);
	/* looked up first: inside root there is no passwd */
	if (priv_find(user, &who, err) < 0)
		return -1;
	if (root && enter(root, err) < 0)
		return -1;
	if (chrooted)
		*chrooted = root != NULL;
	if (become(&who, extra_group, err) < 0)
		return -1;
	if (no_new_privs(err) < 0)
		return -1;
	return check_no_way_back(&who, err);
}

int priv_peer(int fd, uid_t *uid, gid_t *gid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return -1;
	*uid = peer.uid;
	*gid = peer.gid;
	return 0;
}
