/* system - mail for accounts of this machine, appended with their own rights;
 * for what aliases have of commands and files, with alias-user's; and for
 * virtual users who have something to decide about it (recipient.h)
 *
 * A helper process, forked while the daemon is still root, forks once more
 * for each message and becomes the user. Several go on at once.
 */
#ifndef DELIVER_SYSTEM_H
#define DELIVER_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "net/loop.h"
#include "os/conf.h"
#include "os/priv.h"

struct system;
struct system_job;

struct system_mail {
	/* account, or "|NAME#N@domain" of an alias; a virtual user's address */
	const char *user;
	const char *address;	/* the recipient's, as it came */
	/* of a virtual user, below mail-dir; NULL: an account */
	const char *box;
	/* NULL, or: a command that decides about it (hook.c) */
	const char *hook;
	const char *sender;
	const char *key;	/* NULL: none */
	bool again;
	/* the mailbox takes no more, with DELIVER_RECIPIENT */
	bool full;
	/* .forward counts, as much as its owner's word does */
	bool forward;
	bool gzip;		/* a Maildir's file is compressed */
	int64_t when;
	struct span head;
	int fd;			/* octets [start, start+length) */
	int64_t start, length;
};

/* What has become of it. */
struct system_end {
	bool before;		/* an earlier delivery was found */
	bool kept;		/* it has come into the mailbox */
	bool full;		/* ... which would have been its place */
	/* "", or who is to get it, by queue: an address a line */
	const char *forward;
	/*
	 * NULL: all is done, and durable. ERR_PERM: that is final, the text
	 * begins with the enhanced status.
	 */
	const struct err *err;
};
typedef void system_fn(void *arg, const struct system_end *end);

struct system *system_open(struct loop *loop, const struct conf *conf,
		struct err *err);
void system_close(struct system *s);
/*
 * m is copied, its fd kept by the caller until fn or system_cancel. fn comes
 * from the loop. NULL: no memory or text too long.
 */
struct system_job *system_append(struct system *s, const struct system_mail *m,
		system_fn *fn, void *arg);
void system_cancel(struct system_job *job);

/* system_mbox.c, also for the command form. Blocks. */

/* Opens mbox-dir; made when missing. fd or -1. */
int system_mbox_dir(const struct conf *conf, struct err *err);
/*
 * As root: makes the user's mbox when there is none, and becomes the user for
 * good. As anybody else: only oneself.
 */
int system_become(int mbox_dir, const struct priv_user *user, struct err *err);
/* To be called as that user. path, maildir: as of mailbox_append. */
int system_mail_append(int dir, const char *path, bool maildir,
		const struct system_mail *m, bool *before, struct err *err);

/* Becomes that user for good, with his groups: nothing of the mail folder's. */
int system_become_whole(const struct priv_user *user, struct err *err);
#define SYSTEM_FORWARD_MOST 16384	/* octets of system_end's forward */

/*
 * alias.c, only with ALIASES: the command or file that m->user says, in a
 * process of its own. ERR_PERM: the text begins with the enhanced status.
 */
int alias_deliver(const struct conf *conf, const struct system_mail *m,
		bool *before, struct err *err);
/* By who has become its owner. */
int alias_to_file(const char *path, const struct system_mail *m, bool *before,
		struct err *err);

/* notice.c: tells the user's terminals that ask for it (see biff). */
void notice_new_mail(const struct system_mail *m);

#endif
