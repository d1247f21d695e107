/* smtp_server_private - what the files of smtp_server share */
#ifndef NET_SMTP_SERVER_PRIVATE_H
#define NET_SMTP_SERVER_PRIVATE_H

#include "net/dot.h"
#include "net/smtp_reply.h"
#include "net/smtp_server.h"

/* States of the dialogue; the LMTP ones are the same shifted left. */
enum {
	SMTP_START = 1,			/* no hello yet */
	SMTP_READY = 2,
	SMTP_MAIL = 4,			/* in a transaction */
	SMTP_CHUNKS = 8,		/* ... whose text comes by BDAT */
	SMTP_BARE = 16,			/* policy.tls_required, and TLS is not on */
	SMTP_STATES = 31,
	SMTP_LMTP_SHIFT = 5
};

/* The question to the policy that is open. */
enum smtp_ask {
	SMTP_ASK_NONE, SMTP_ASK_AUTH, SMTP_ASK_AUTH_MORE, SMTP_ASK_MAIL, SMTP_ASK_RCPT,
	SMTP_ASK_DATA, SMTP_ASK_CHUNK, SMTP_ASK_MESSAGE, SMTP_ASK_ETRN,
	SMTP_ASK_COUNT
};

/* Counts Received: fields of the header section that streams by. */
struct smtp_hops {
	unsigned count;
	unsigned char matched;		/* octets of "received:" on this line */
	bool no_match, body;
	bool line_empty;
};

/* A recipient with its reply after LMTP's data. */
struct smtp_rcpt_slot {
	struct smtp_rcpt rcpt;		/* first: the policy's view */
	int code;			/* 0: not answered */
	const char *enhanced, *text;	/* arena */
};

struct smtp_server_private {
	struct dialog dialog;
	struct dot_reader dot;
	struct dot_repair repair;
	struct smtp_hops hops;
	struct sasl *sasl;		/* while AUTH runs */
	char *hello, *auth_user;
	struct smtp_rcpt *rcpt;		/* SMTP_ASK_RCPT: this one */
	const char *dsn;		/* RFC 3461's parameters of this command; arena */
	struct smtp_rcpt **rcpt_end;
	struct smtp_rcpt *unsent;	/* LMTP: the next to be replied to */
	uint64_t chunk;			/* BDAT: octets still to come */
	bool chunk_last, chunk_dropped;	/* the last one; read for nobody */
	int64_t refused_until;		/* clock_ms: reading on ends */
	int code;			/* the message is refused, with... */
	const char *text;
	char enhanced[6];
	struct span node;		/* SMTP_ASK_ETRN: of its line */
	enum smtp_ask asked;
	unsigned errors;		/* wrong commands since the last message */
	unsigned refused;		/* recipients, likewise */
	unsigned told;			/* of both, to the policy */
	unsigned depth;			/* calls of ours under way */
	bool asking;			/* the policy's answer would be inside */
	bool front_end;			/* in xclient-from */
	bool mail_told;			/* the policy knows this transaction */
	bool ended;			/* freed when depth is 0 */
};

/*
 * Every way into the engine: the session lives until the last leave. What
 * comes by the dialog is inside already.
 */
void smtp_enter(void *session);
void smtp_leave(void *session);
/* The policy is told; the conn closes when its output is out. */
void smtp_end(struct smtp_session *s);

void smtp_say(struct smtp_session *s, enum smtp_reply why);
void smtp_set_state(struct smtp_session *s, unsigned state);
/* fn answers now or later. */
void smtp_ask(struct smtp_session *s, enum smtp_ask what,
		void (*fn)(struct smtp_session *s));
void smtp_transaction_end(struct smtp_session *s);

void smtp_greet(struct smtp_session *s);
bool smtp_is_hello(struct span name);

/* smtp_server_xclient.c (FRONT_ENDS) */
void smtp_run_xclient(struct dialog *d, void *session, struct span args);
bool smtp_offers_xclient(const struct smtp_session *s);

/* smtp_server_mail.c */
void smtp_run_mail(struct dialog *d, void *session, struct span args);
void smtp_run_rcpt(struct dialog *d, void *session, struct span args);
void smtp_rcpt_taken(struct smtp_session *s);
/* VRFY's argument, whose last word may be SMTPUTF8 (RFC 6531 3.7.4.2). */
enum smtp_reply smtp_vrfy_reply(const struct smtp_session *s,
		struct span args);

/* smtp_server_auth.c */
void smtp_run_auth(struct dialog *d, void *session, struct span args);
void smtp_auth_taken(struct smtp_session *s);
void smtp_auth_more(struct smtp_session *s);
void smtp_auth_over(struct smtp_session *s);
bool smtp_offers_tls(const struct smtp_session *s);
/* RFC 3207 4: this listener takes nothing before STARTTLS. */
bool smtp_needs_tls(const struct smtp_session *s);
bool smtp_offers_auth(const struct smtp_session *s);
bool smtp_offers_external(const struct smtp_session *s);
void smtp_log_peer(const struct smtp_session *s);
sasl_bind_fn *smtp_auth_binding(const struct smtp_session *s);

/* smtp_server_data.c */
void smtp_run_data(struct dialog *d, void *session, struct span args);
void smtp_run_bdat(struct dialog *d, void *session, struct span args);
void smtp_data_begin(struct smtp_session *s);
void smtp_chunk_begin(struct smtp_session *s);
void smtp_chunk_refused(struct smtp_session *s);
void smtp_hops_feed(struct smtp_hops *h, struct span piece);

#endif
