/* priv - from root to just the rights that a daemon needs */
#ifndef OS_PRIV_H
#define OS_PRIV_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/err.h"

struct priv_user {
	uid_t uid;
	gid_t gid;
	char name[64];
	char home[256];
	char full_name[128];	/* of the comment; "" when there is none */
};

/* 0; -1: err->kind ERR_PERM no such user, ERR_TEMP could not be asked. */
int priv_find(const char *name, struct priv_user *out, struct err *err);
int priv_find_uid(uid_t uid, struct priv_user *out, struct err *err);

/*
 * As root: supplementary groups dropped (then extra_group taken, when it is
 * not (gid_t)-1), chroot to root (NULL: none), gid, uid, no_new_privs; checks
 * that there is no way back. As anybody else: no_new_privs only, no chroot, and
 * *chrooted says so. 0 or -1.
 */
int priv_drop(const char *user, gid_t extra_group, const char *root,
		bool *chrooted, struct err *err);

/* uid and gid of a unix socket's peer (SO_PEERCRED). 0 or -1. */
int priv_peer(int fd, uid_t *uid, gid_t *gid);

#endif
