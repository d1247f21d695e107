/* smtp_server - the receiving side of SMTP and LMTP: grammar, order, data, limits
 *
 * smtpd and deliver are policies over it: they fill in smtp_policy. Replies are
 * named by their cause (smtp_reply.c); every one carries an enhanced status code.
 */
#ifndef NET_SMTP_SERVER_H
#define NET_SMTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "mime/addr.h"
#include "net/conn.h"
#include "net/dialog.h"
#include "net/sasl.h"
#include "os/conf.h"

struct smtp_session;

struct smtp_rcpt {
	struct smtp_rcpt *next;
	const char *address;		/* local@domain, normal form; arena */
	const char *dsn;		/* NOTIFY= and ORCPT= (mime/dsn.h); arena, NULL: none */
	void *data;			/* the policy's own; arena */
};

/*
 * "later" calls: the policy answers by smtp_server_answer(session, ...), inside the call or
 * later; the engine holds the dialogue meanwhile.
 */
struct smtp_policy {
	bool lmtp;			/* LHLO, a reply per recipient */
	bool tls, auth, auth_required;	/* what is offered, what is asked before MAIL */
	bool auth_plain_ok;		/* AUTH without TLS */
	bool tls_required;		/* nothing before STARTTLS */
	bool repair;			/* lone CR and LF are made good (dot_repair), not refused */
	bool any_hello;			/* the name in HELO may be anything */
	unsigned char tls_client;	/* enum tls_verify: of clients' certificates */
	bool spool_param;		/* XSPOOL (deliver) */
	bool dsn;			/* RFC 3461: the policy sees to reports */
	bool utf8;			/* RFC 6531: SMTPUTF8 is offered */
	const char *banner;		/* "ESMTP Pillarbox" */

	/* NULL, or: the client's certificate is good for AUTH EXTERNAL */
	bool (*auth_external)(const struct smtp_session *s);
	/* later: auth_sasl with sasl, whose AUTH_OK goes to smtp_server_auth_ok */
	void (*auth_check)(struct smtp_session *s, const struct sasl *sasl);
	void (*mail)(struct smtp_session *s);	/* later; s->sender is set */
	void (*rcpt)(struct smtp_session *s, struct smtp_rcpt *r);	/* later */
	void (*data)(struct smtp_session *s);	/* later; 354 on OK */
	/* A piece of the message. -1: err; the rest is swallowed and the reply at the end says so. */
	int (*piece)(struct smtp_session *s, struct span piece, struct err *err);
	/* The whole message is there. smtp: one later answer; lmtp: smtp_server_answer_rcpt for each. */
	void (*message)(struct smtp_session *s);
	void (*reset)(struct smtp_session *s);	/* transaction over or dropped: free what data/piece took */
	void (*closed)(struct smtp_session *s);	/* the session ends; frees the policy's part */
	/* NULL: no ETRN. later, by smtp_server_reply or _refuse; node: what was given */
	void (*etrn)(struct smtp_session *s, struct span node);
	/*
	 * NULL: no front ends. Or: the client is at this address, says XCLIENT;
	 * sets it. Gives NULL, or why it may not come in (421).
	 */
	const char *(*moved)(struct smtp_session *s, const struct sockaddr *to);
	/*
	 * NULL, or: an error or refused recipient more; last: the session ends
	 * of it. True: no further command until smtp_server_go.
	 */
	bool (*wrong)(struct smtp_session *s, unsigned errors, bool last);
};

struct smtp_session {
	struct conn *conn;
	const struct smtp_policy *policy;
	const struct conf *conf;
	struct tls_ctx *tls;
	void *owner;			/* the policy's */

	struct arena *arena;		/* of the transaction */
	const char *hello;		/* name given by HELO/EHLO/LHLO; own memory until the next */
	bool esmtp;
	bool moved;			/* XCLIENT named another: TLS's peer is not it */
	const char *auth_user;		/* NULL: not authenticated */
	const char *sender;		/* NULL: no transaction; "" null sender */
	struct addr sender_addr;
	struct smtp_rcpt *rcpts;	/* accepted, in order */
	unsigned nrcpt;
	bool eight_bit;
	bool utf8;			/* MAIL said SMTPUTF8 */
	const char *dsn;		/* RET= and ENVID= (mime/dsn.h); NULL: none */
	uint64_t declared_size;		/* SIZE=, 0 not given */
	uint64_t size;			/* octets of data so far */
	const char *spool_id;		/* XSPOOL= */
	bool spool_again;
	/* private */
	struct smtp_server_private *priv;
};

/* Speaks the greeting. NULL: no memory, conn closed. implicit_tls: handshake first. */
struct smtp_session *smtp_server_new(struct conn *c, const struct conf *conf,
		struct tls_ctx *tls, bool implicit_tls,
		const struct smtp_policy *policy, void *owner);
/*
 * The answer to the call under way: kind ERR_NONE is 250 (235, 354) with the
 * usual text. Otherwise code and enhanced status from here, text printf-like.
 */
void smtp_server_ok(struct smtp_session *s, const char *text);	/* text NULL: usual */
/* auth_check's answer: AUTH is over, or, with SCRAM, goes on. */
void smtp_server_auth_ok(struct smtp_session *s, const struct auth_user *user);
void smtp_server_refuse(struct smtp_session *s, int code, const char *enhanced,
		const char *text);
/* Likewise with good news of another code: ETRN's 251 and 253. */
void smtp_server_reply(struct smtp_session *s, int code, const char *enhanced,
		const char *text);
/* LMTP, after message: one per accepted recipient, any order; sent in order. code 250 is OK. */
void smtp_server_answer_rcpt(struct smtp_session *s, struct smtp_rcpt *r,
		int code, const char *enhanced, const char *text);
/* After wrong() gave true. */
void smtp_server_go(struct smtp_session *s);
/* 421 and close: shutdown, overload. */
void smtp_server_end(struct smtp_session *s, const char *why);

#endif
