/* pop3d - what its files share */
#ifndef POP3D_POP3D_H
#define POP3D_POP3D_H

#include <stdbool.h>
#include <stdint.h>
#include "base/list.h"
#include "net/auth.h"
#include "net/daemon.h"
#include "net/dialog.h"
#include "net/door.h"
#include "net/dot.h"
#include "net/sasl.h"
#include "net/tls.h"
#include "store/mailbox.h"

struct pop3d;

/* What the two listeners differ in. */
struct pop3d_service {
	struct pop3d *pop3d;
	const char *name;		/* "pop3", "pop3s" */
	bool implicit_tls;
	bool plain_login;		/* USER and PASS without TLS */
};

enum { POP3D_PLAIN, POP3D_TLS, POP3D_PLAIN_LOGIN, POP3D_SERVICES };

struct pop3d {
	struct daemon daemon;
	struct pop3d_service services[POP3D_SERVICES];
	struct auth *auth;
	struct tls_ctx *tls;		/* NULL: a build without TLS */
	int mail_dir, mbox_dir;		/* opened before the drop; -1: none */
	int lock;			/* likewise */
	unsigned updates;		/* children at work */
	struct list sessions;
	struct loop_timer grace;
	struct door door;
};

/* RFC 1939 3: the states of a session. UPDATE begins and ends within QUIT. */
enum { POP3D_AUTHORIZATION = 1, POP3D_TRANSACTION = 2 };

#define POP3D_AUTOLOGOUT 600000	/* ms; RFC 1939 3: no less than ten minutes */

/*
 * Octets that are read at a time, and that may wait for the client before: twice
 * the former, and the latter, are CONN_OUT_MOST.
 */
#define POP3D_PIECE 16384
#define POP3D_MARK 32768

struct session;
struct pop3d_ascii;		/* pop3d_utf8.c */

/* Says the next piece of a reply of many lines. DONE: the dot was said, too. */
enum session_more { SESSION_MORE, SESSION_DONE, SESSION_BROKEN };
typedef enum session_more session_more_fn(struct session *s);

struct session {
	struct list link;
	struct pop3d_service *service;
	struct pop3d *pop3d;
	struct conn *conn;
	struct dialog dialog;
	unsigned errors;		/* commands that were none */
	bool utf8;			/* UTF8 was said */

	/* AUTHORIZATION */
	struct loop_timer deadline;	/* must have logged in by then */
	struct loop_timer later;	/* a refusal; a mailbox that is locked */
	int64_t patience;		/* clock_ms() at which that is given up */
	struct auth_request *asking;
	unsigned failures;
	char *user;			/* as USER gave it; NULL: not given */
	struct sasl *sasl;		/* of a running AUTH command */

	/* TRANSACTION */
	struct mailbox *mailbox;	/* NULL: not logged in */
	struct auth_user *owner;	/* whose it is, until it is open, */
	char *name;			/* ... and his name */
	int64_t lock;			/* pop3d_lock.c; 0: none */
	bool locks;			/* an mbox: saving may have to wait */
	unsigned deleted, retrieved;
	struct update *update;		/* QUIT is at work; NULL: no */

	/* a reply of many lines */
	session_more_fn *more;		/* NULL: none under way */
	unsigned at;			/* STAT, LIST, UIDL: next message */
	unsigned count;			/* STAT: so far */
	uint64_t total;
	bool uids;			/* UIDL */
	struct mailbox_reader *reader;	/* RETR, TOP */
	struct dot_writer dot;
	struct pop3d_ascii *ascii;	/* NULL: the message goes as it is */
	bool limited, in_header, in_line;	/* TOP: where it is, */
	unsigned long lines_left;		/* and what it still gives */
};

/* ---- pop3d.c */

void pop3d_reply(struct session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What was said is sent, then the connection closes. s is gone. */
void pop3d_end(struct session *s);
/* Ends a process that is to end, when nobody is left. */
void pop3d_check_over(struct pop3d *p);
/* A command that was none: false, and s is gone, when they were too many. */
bool pop3d_error(struct session *s, const char *text);

/* ---- pop3d_lock.c: one session a mailbox */

void pop3d_lock_open(struct pop3d *p);
/* False: another session has it. */
bool pop3d_lock(struct session *s, const struct auth_user *owner);
void pop3d_unlock(struct session *s);

/* ---- pop3d_login.c: AUTHORIZATION */

void pop3d_capa(struct dialog *d, void *session, struct span args);
void pop3d_user(struct dialog *d, void *session, struct span args);
void pop3d_pass(struct dialog *d, void *session, struct span args);
void pop3d_stls(struct dialog *d, void *session, struct span args);
/* Are passwords taken on this connection as it is now? */
bool pop3d_login_allowed(const struct session *s);
/* The same; when not, a reply was given. */
bool pop3d_may_login(struct session *s);
void pop3d_no_memory(struct session *s);	/* a reply */
/* Asks authd and goes on from there; the dialogue is held. */
void pop3d_login(struct session *s, const char *user, struct span password);
/* The answer about name and password; the dialogue is held. */
void pop3d_answer(void *session, enum auth_status status,
		const struct auth_user *user);
void pop3d_sasl_forget(struct session *s);	/* the AUTH command is over */
void pop3d_greet(struct session *s);
/* Calls fire, with s->later, in a moment: true. False: it was tried for long. */
bool pop3d_again(struct session *s, void (*fire)(struct loop_timer *));
void pop3d_login_forget(struct session *s);	/* what it holds, at the end */

/* ---- pop3d_sasl.c, only with POP3D_SASL: the AUTH command */

const char *pop3d_mechanisms(const struct session *s);
void pop3d_auth(struct dialog *d, void *session, struct span args);

/* ---- pop3d_mail.c: TRANSACTION */

void pop3d_opened(struct session *s);	/* says what there is */
void pop3d_stat(struct dialog *d, void *session, struct span args);
void pop3d_list(struct dialog *d, void *session, struct span args);
void pop3d_uidl(struct dialog *d, void *session, struct span args);
void pop3d_retr(struct dialog *d, void *session, struct span args);
void pop3d_top(struct dialog *d, void *session, struct span args);
void pop3d_dele(struct dialog *d, void *session, struct span args);
void pop3d_rset(struct dialog *d, void *session, struct span args);

/* ---- pop3d_update.c: UPDATE */

void pop3d_quit(struct dialog *d, void *session, struct span args);
/* nobody waits for it any more */
void pop3d_update_forget(struct session *s);

/* ---- pop3d_send.c: replies of many lines, as fast as the client takes them */

/* Holds the dialogue until the reply is out; its first line was said. */
void pop3d_send(struct session *s, session_more_fn *more);
/* Starts with message n. 0 or -1 with err. lines: TOP's, else -1. */
int pop3d_send_message(struct session *s, unsigned n, long lines,
		struct err *err);
/* Octets of it on their way to the client. */
void pop3d_put_message(struct session *s, struct span piece);
void pop3d_send_more(struct session *s);	/* CONN_DRAINED */
void pop3d_send_forget(struct session *s);

/* ---- pop3d_utf8.c, only with POP3D_UTF8: RFC 6856 */

void pop3d_utf8(struct dialog *d, void *session, struct span args);
void pop3d_lang(struct dialog *d, void *session, struct span args);
/* Who has not said UTF8 gets messages as surrogates. 0 or -1. */
int pop3d_ascii_begin(struct session *s, struct err *err);
/*
 * With s->ascii: the next piece. What it becomes may be more than may wait for
 * the client: pop3d_ascii_rest puts some of what is left; false: nothing is.
 */
void pop3d_ascii_write(struct session *s, struct span piece);
bool pop3d_ascii_rest(struct session *s);
/* Behind the last piece. False: there is a rest, ask again behind it. */
bool pop3d_ascii_over(struct session *s);
void pop3d_ascii_forget(struct session *s);

#endif
