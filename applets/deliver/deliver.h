/* deliver - the LMTP daemon's state: sessions, what is staged, what is under way */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"
#include "deliver/system.h"
#include "net/auth.h"
#include "net/daemon.h"
#include "net/door.h"
#include "net/smtp_server.h"
#include "store/maildir_quota.h"
#include "store/out.h"
#include "store/sync.h"

#define DELIVER_SOCKET "deliver"	/* below run-dir */
#define DELIVER_STAGING ".staging"	/* below mail-dir */

struct deliver {
	struct daemon daemon;
	struct auth *auth;
	struct sync *sync;
	struct system *system;		/* NULL: no system users, no aliases */
	struct listen *listen;
	struct list sessions;
	struct door door;		/* of TCP */
	struct loop_timer grace;	/* while stopping */
	uid_t queue_uid, lmtp_uid;
	int mail_dir, staging;
	int mbox_dir;			/* with DELIVER_QUOTA, for looking */
};

/* The body of a message while it streams in and until all have it. */
struct stage {
	struct out out;			/* fd -1: none */
	char name[24];			/* in .staging; "" once it was moved */
	/* octets of its only recipient's head, which it begins with; 0: none */
	size_t head;
};

struct deliver_session {
	struct list link;
	struct deliver *deliver;
	struct smtp_session *smtp;
	struct auth_request *request;	/* authd is asked for: */
	struct smtp_rcpt *asked;
	struct loop_timer leave;	/* a session that is to end when stopping */
	struct stage stage;
	bool coming;			/* its flush is on the way */
	struct list pending;		/* deliveries without an answer */
};

/* One recipient; smtp_rcpt.data, in the transaction's arena. */
struct delivery {
	struct list link;		/* in pending */
	struct deliver_session *session;
	struct smtp_rcpt *rcpt;
	enum auth_kind kind;
	const char *name;		/* of the user, canonical */
	const char *mailbox;
	struct sync_request request;	/* virtual */
	/* system, and who has something to decide */
	struct system_job *job;
	/* its mailbox has no room; NULL */
	const struct deliver_reply *full;
	const char *hook;		/* the command that decides; or NULL */
	bool forward;			/* .forward counts */
	/* virtual: in place of mailbox; NULL: none */
	const char *folder;
	/* a failure is what the recipient has said */
	bool decided;
	bool before;			/* an earlier delivery was found */
	struct maildir_quota quota;
};

/* Why one recipient does not get the message. */
struct deliver_reply {
	int code;
	const char *enhanced, *text;
};

#define DELIVER_HEAD_SIZE 1200	/* octets */

/* session.c: the calls of struct smtp_policy; owner: a struct deliver_session. */
void deliver_mail(struct smtp_session *s);
void deliver_rcpt(struct smtp_session *s, struct smtp_rcpt *r);
void deliver_data(struct smtp_session *s);
int deliver_piece(struct smtp_session *s, struct span piece, struct err *err);
void deliver_message(struct smtp_session *s);
void deliver_reset(struct smtp_session *s);
/* Lets go of all that is under way for this session. */
void deliver_let_go(struct deliver_session *x);

/* delivery.c: one recipient */

/* NULL: no memory. */
struct delivery *delivery_new(struct deliver_session *x, struct smtp_rcpt *r,
		const struct auth_user *user);
/* A virtual user whose mail needs more than a place: the helper sees to it. */
bool delivery_decides(const struct delivery *d);
/* Who may want it elsewhere, so that a full mailbox does not matter yet. */
bool delivery_is_asked(const struct delivery *d);
struct span delivery_head(char out[DELIVER_HEAD_SIZE],
		const struct delivery *d);
/* The message is in stage, d in pending: his answer comes now or later. */
void delivery_begin(struct delivery *d);

/* stage.c */
void stage_none(struct stage *g);
int stage_open(struct stage *g, int staging, struct err *err);
/* CR are left out: the engine lets none through but before LF. */
int stage_write(struct stage *g, struct span piece, struct err *err);
int stage_flush(struct stage *g, struct err *err);
/* Closes, and removes the file where it was not moved. */
void stage_drop(struct stage *g, int staging);

/* head.c */
/* Return-Path:, Delivered-To:, X-Original-To: where it differs. */
struct span deliver_head(char out[DELIVER_HEAD_SIZE], const char *sender,
		const char *delivered_to, const char *original_to);
/*
 * Has the message at `start` been delivered to this address before, under
 * either name, and come back?
 */
bool deliver_loops(int fd, int64_t start, const char *delivered_to,
		const char *address);
#define DELIVER_KEY_SIZE 40
/* From spool id and recipient; NULL without an id. */
const char *deliver_key(char out[DELIVER_KEY_SIZE], const char *spool_id,
		const char *address);

/* quota.c, only with DELIVER_QUOTA */
/* What this user's mailbox may hold. */
struct maildir_quota quota_of(const struct conf *conf,
		const struct auth_user *user);
/*
 * Is there room for so many octets more? Fills in what there is. A mailbox
 * that cannot be read says so when it is written.
 */
bool quota_has_room(int dir, bool maildir, const char *name,
		struct maildir_quota *q, uint64_t more);
/* Is there room for so many octets more (0: not known)? NULL: yes. */
const struct deliver_reply *quota_check(struct delivery *d, uint64_t more);
/* A message of that size is there: counts it, and warns once near the limit. */
void quota_count(const struct delivery *d, uint64_t size);

/* command.c: deliver -d USER < message */
bool command_wanted(int argc, char **argv);
int command_main(int argc, char **argv);
/* Is it short enough for an address, without control characters? */
bool command_is_plain(const char *s);

#endif
