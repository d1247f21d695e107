#include "pop3d/pop3d.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"

/*
 * RFC 1939 3: one session a mailbox. Among our own sessions the list tells;
 * among processes (-s, a predecessor that drains) each mailbox is one octet of
 * one file in run-dir, locked by fcntl: nothing is written, and the lock goes
 * with its process. Other programs are not kept out: nothing of ours needs it.
 */
void pop3d_lock_open(struct pop3d *p)
{
	const struct conf *conf = p->daemon.conf;
	struct priv_user user;
	char path[512];

	snprintf(path, sizeof(path), "%s/pop3d.lock", conf->run_dir);
	file_mkdirs(AT_FDCWD, conf->run_dir, 0755, NULL);
	p->lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	/* fs.protected_regular minds O_CREAT on what another owns */
	if (p->lock < 0 && errno == ENOENT)
		p->lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
				0600);
	if (p->lock < 0) {
		log_warn("%s: cannot be opened: other processes are not kept "
				"out of a mailbox in use", path);
		return;
	}
	/* so that one that starts without root can, too */
	if (geteuid() == 0 && priv_find(conf->user_store, &user, NULL) == 0
			&& fchown(p->lock, user.uid, user.gid) < 0)
		log_warn("%s: cannot be given to %s", path, conf->user_store);
}

static int set(const struct pop3d *p, int64_t at, short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = (off_t)at, .l_len = 1 };

	return p->lock < 0 ? 0 : fcntl(p->lock, F_SETLK, &l);
}

bool pop3d_lock(struct session *s, const struct auth_user *owner)
{
	uint64_t hash = span_hash(SPAN_HASH + owner->kind,
			span_of(owner->mailbox));
	int64_t at = (int64_t)(hash >> 2) + 1;
	struct list *pos, *tmp;

	list_each(pos, tmp, &s->pop3d->sessions)
		if (container_of(pos, struct session, link)->lock == at)
			return false;
	if (set(s->pop3d, at, F_WRLCK) < 0)
		return false;
	s->lock = at;
	return true;
}

void pop3d_unlock(struct session *s)
{
	if (s->lock)
		set(s->pop3d, s->lock, F_UNLCK);
	s->lock = 0;
}
