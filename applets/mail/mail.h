/* mail - what all files of the mail program share: one session */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include <limits.h>
#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "mail/term.h"
#include "mail/vars.h"
#include "os/conf.h"
#include "store/mailbox.h"

/* What the session has done to a message; the mailbox learns it on quit. */
enum {
	MAIL_TOUCHED = 1,	/* read: a system mailbox gives it to ~/mbox */
	MAIL_DELETED = 2,
	MAIL_SAVED = 4,		/* save, write: goes from a system mailbox */
	MAIL_HELD = 8,		/* hold: stays */
	MAIL_MBOX = 16,		/* mbox: goes to ~/mbox */
	MAIL_SEEN = 32, MAIL_UNSEEN = 64, MAIL_ANSWERED = 128
};

struct mail {
	struct conf *conf;
	struct mail_term term;
	struct mail_vars vars;
	char login[256];	/* "alice", or with -u a virtual "alice@a.com" */
	char address[256];	/* our own: "alice@a.com" */
	char name[128];		/* full name (GECOS), may be empty */
	char home[PATH_MAX];
	/* the mailbox that is open */
	struct mailbox *box;
	char path[PATH_MAX];
	char previous[PATH_MAX];	/* "#": the one before; may be empty */
	char inbox[PATH_MAX];		/* "%": where this user's mail arrives */
	bool system;		/* the user's own: what was read moves to ~/mbox */
	bool maildir;
	unsigned count;		/* messages; numbers 1..count */
	unsigned dot;		/* the current one, 0: none */
	bool dot_shown;		/* Enter goes on from it, not to it */
	unsigned top;		/* the first message of the screen of headers */
	unsigned char *note;	/* MAIL_..., [count + 1] */
	unsigned char *set;	/* the message list being worked on, [count + 1] */
	/* of the session */
	bool done;		/* quit or exit was said */
	int status;		/* exit status so far */
};

/* The path behind a name that the user typed: + % & # ~ (POSIX, "File names"). 0 or -1 with err. */
int mail_path(struct mail *m, struct span name, char out[PATH_MAX],
		struct err *err);
/* An unlinked temporary file in $TMPDIR. fd or -1 with err. */
int mail_temp(struct err *err);
/*
 * Sets m->set to what a message list means (select.h). deleted: among those
 * marked for deletion. Gives how many, or -1 with err.
 */
int mail_list(struct mail *m, struct span words, bool deleted,
		struct err *err);
/* Runs a command line by $SHELL and waits. The exit status, or -1. */
int mail_shell(struct mail *m, const char *line);

#endif
