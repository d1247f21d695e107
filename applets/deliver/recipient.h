/* recipient - what a recipient has decided about his mail
 *
 * In a process of its own, which begins as root (or as the user) and becomes
 * him: .forward, deliver-command, the folder of a detail, vacation, notice, in
 * this order (docs/forward.md).
 */
#ifndef DELIVER_RECIPIENT_H
#define DELIVER_RECIPIENT_H

#include "base/str.h"
#include "deliver/system.h"
#include "net/auth.h"

/* octets of it, and of all it includes */
#define FORWARD_FILE_MOST 65536
#define FORWARD_MOST 64			/* recipients that one may name */
#define FORWARD_DEPTH_MOST 8		/* :include: within each other */
/* octets of a message that are looked at */
#define HEAD_MOST 65536
#define FOLDER_SIZE 400			/* of a Maildir's path below mail-dir */

/*
 * What a filter says is to become of a message: deliver-command now. Where it
 * says nothing, keep is all.
 */
struct disposition {
	bool keep;		/* in the mailbox, */
	/* or, where it is not "", in this folder of it */
	char folder[65];
	struct str redirect;	/* addresses, a line each */
	/* ... or why the sender gets it back; "": he does not */
	char reject[200];
};

struct recipient_end {
	bool before;		/* an earlier delivery was found */
	bool kept;		/* it has come into the mailbox */
	bool full;		/* ... which would have been its place */
	bool final;		/* an ERR_PERM is a decision, not a fault */
	struct str forward;	/* as of struct system_end */
};

/* Whose mail it is. */
struct recipient {
	const struct conf *conf;
	const struct system_mail *m;
	/* whose rights: user-store's of a virtual one */
	struct priv_user user;
	char folder[512];		/* his home, or his Maildir */
	/* the message's header section, what fits */
	struct str head;
	/* times that queue has made a message of his mail */
	unsigned passed;
	bool back;		/* ... and of somebody else's since then */
};

/* 0 or -1; in both cases recipient_free. */
int recipient_init(struct recipient *r, const struct conf *conf,
		const struct system_mail *m, struct err *err);
void recipient_free(struct recipient *r);

int recipient_deliver(const struct conf *conf, int mbox_dir,
		const struct system_mail *m, struct recipient_end *end,
		struct err *err);
/*
 * "|USER#~N@domain": what N-th of his .forward is no address. With
 * DELIVER_FORWARD.
 */
bool recipient_is_target(const struct system_mail *m);
int recipient_target(const struct conf *conf, int mbox_dir,
		const struct system_mail *m, struct recipient_end *end,
		struct err *err);

/*
 * A file of his, ".forward" or (virtual) "forward": with his rights, and only
 * if neither it nor its folder can be written to by others. 1 with all of it in
 * text (its cap limits); 0: there is none that counts; -1: not now.
 */
int recipient_file(const struct recipient *r, const char *name,
		struct str *text, struct err *err);
/* His rights for a while, and root's again: only to read what he may read. */
int recipient_enter(const struct recipient *r, struct err *err);
void recipient_leave(const struct recipient *r);

/*
 * For good, to run and write what he says: as he; as alias-user in place of
 * root, as for aliases. r->user is that one then.
 */
int recipient_become(struct recipient *r, struct err *err);

/* forward.c. 1: recipients were added to out; 0: it stays here; -1: not now. */
int forward_read(const struct recipient *r, struct str *out, struct err *err);
/*
 * Has it kept a copy for him of the message that has come back? Only if it is
 * still the file of that time.
 */
bool forward_kept(const struct recipient *r);
/*
 * Mail that another server than queue has brought goes to queue, which follows
 * what .forward says. 1: it has it; 0: it is not followed; -1: not now.
 */
int forward_elsewhere(const struct recipient *r, struct err *err);

/* hook.c: his own one, for which there is room, or deliver-command, or NULL. */
const char *recipient_hook(const struct conf *conf,
		const struct auth_user *user, char hook[AUTH_SETTINGS_SIZE]);
/* What that says. 0 or -1. */
int hook_ask(const struct recipient *r, struct disposition *d,
		struct err *err);

/*
 * folder.c: the Maildir below box (below dir) for this name, as "lists" or
 * "lists.linux", made when make; "" in out: there is none, or it is no name.
 * -1: err.
 */
int folder_find(int dir, const char *box, struct span name, bool make,
		char out[FOLDER_SIZE], struct err *err);
/* What is behind the delimiter in the address of the user who is called so. */
struct span folder_detail(const struct conf *conf, const char *user,
		const char *address);

/*
 * vacation.c: answers the sender, if it should; all that goes wrong is logged.
 * file: what is said; more: other addresses of his, blanks between.
 */
void vacation_answer(const struct recipient *r, const char *file,
		struct span more);

#endif
