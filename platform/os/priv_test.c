#include "os/priv.h"

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Runs what in a process of its own; its result is the exit status. */
static int in_child(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void finds(void **state)
{
	struct priv_user user;
	struct err err;

	(void)state;
	assert_int_equal(priv_find("root", &user, &err), 0);
	assert_int_equal(user.uid, 0);
	assert_int_equal(user.gid, 0);
	assert_string_equal(user.name, "root");
	assert_string_equal(user.home, "/root");
	assert_int_equal(priv_find_uid(0, &user, &err), 0);
	assert_string_equal(user.name, "root");
	assert_int_equal(priv_find("no-such-user", &user, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_string_equal(err.text, "no such user: no-such-user");
	assert_int_equal(priv_find("", &user, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(priv_find_uid(4000000000U, &user, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_string_equal(err.text, "no such user: 4000000000");
}

#define STEP(condition) do { if (!(condition)) return __LINE__ % 200 + 1; } \
	while (0)

static int drop(void)
{
	gid_t groups[8] = { 1, 2, 3 };
	struct priv_user nobody;
	bool chrooted = true;
	struct err err;

	STEP(priv_find("nobody", &nobody, &err) == 0);
	STEP(setgroups(3, groups) == 0);
	STEP(priv_drop("nobody", (gid_t)-1, NULL, &chrooted, &err) == 0);
	STEP(!chrooted);
	STEP(getuid() == nobody.uid && geteuid() == nobody.uid);
	STEP(getgid() == nobody.gid && getegid() == nobody.gid);
	STEP(getgroups(8, groups) == 0);
	STEP(setuid(0) < 0 && seteuid(0) < 0 && setgid(0) < 0);
	STEP(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
	return 0;
}

static int drop_with_group(void)
{
	gid_t groups[8];
	struct err err;

	STEP(priv_drop("nobody", 7, NULL, NULL, &err) == 0);
	STEP(getgroups(8, groups) == 1 && groups[0] == 7);
	return 0;
}

static char root[] = "/tmp/priv_test.XXXXXX";

static int drop_into_root(void)
{
	bool chrooted = false;
	char here[100];
	struct err err;

	STEP(priv_drop("nobody", (gid_t)-1, root, &chrooted, &err) == 0);
	STEP(chrooted);
	STEP(getcwd(here, sizeof(here)) && !strcmp(here, "/"));
	STEP(access("/mark", F_OK) == 0 && access("/etc", F_OK) < 0);
	STEP(access("../../../../etc", F_OK) < 0);
	return 0;
}

/* user-auth root: nothing to drop, and that is no error. */
static int drop_to_root(void)
{
	struct err err;

	STEP(priv_drop("root", (gid_t)-1, NULL, NULL, &err) == 0);
	STEP(geteuid() == 0);
	STEP(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
	return 0;
}

static int drop_fails(void)
{
	bool chrooted = true;
	struct err err;

	STEP(priv_drop("no-such-user", (gid_t)-1, root, &chrooted, &err) < 0);
	STEP(err.kind == ERR_PERM && !chrooted);
	STEP(priv_drop("nobody", (gid_t)-1, "/nowhere", &chrooted, &err) < 0);
	STEP(err.kind == ERR_TEMP && !chrooted);
	STEP(geteuid() == 0);
	return 0;
}

static int drop_as_user(void)
{
	bool chrooted = true;
	struct err err;

	STEP(geteuid() != 0 || (setgroups(0, NULL) == 0 && setuid(12345) == 0));
	STEP(priv_drop("no-such-user", 7, root, &chrooted, &err) == 0);
	STEP(!chrooted);
	STEP(access("/etc", F_OK) == 0);
	STEP(prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) == 1);
	return 0;
}

static void drops(void **state)
{
	char path[100];

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(root));
	chmod(root, 0755);
	snprintf(path, sizeof(path), "%s/mark", root);
	mkdir(path, 0755);
	assert_int_equal(in_child(drop), 0);
	assert_int_equal(in_child(drop_with_group), 0);
	assert_int_equal(in_child(drop_into_root), 0);
	assert_int_equal(in_child(drop_to_root), 0);
	assert_int_equal(in_child(drop_fails), 0);
	rmdir(path);
	rmdir(root);
}

static void drops_nothing_as_user(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_as_user), 0);
}

static void peer(void **state)
{
	int pair[2];
	uid_t uid = 77;
	gid_t gid = 77;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(priv_peer(pair[0], &uid, &gid), 0);
	assert_int_equal(uid, geteuid());
	assert_int_equal(gid, getegid());
	close(pair[0]);
	close(pair[1]);
	errno = 0;
	assert_int_equal(priv_peer(-1, &uid, &gid), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(drops),
		cmocka_unit_test(drops_nothing_as_user),
		cmocka_unit_test(peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
