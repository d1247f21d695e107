/* smtpd - one listening service, one session; the policy over smtp_server */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "base/list.h"
#include "config.h"
#include "net/auth.h"
#include "net/daemon.h"
#include "net/door.h"
#include "mime/srs.h"
#include "net/milter_packet.h"
#include "net/smtp_server.h"
#include "net/tls.h"
#include "smtpd/fields.h"
#include "smtpd/strip.h"
#include "store/grey.h"
#include "store/spool.h"

struct smtpd;

/* A way in: port 25, 587, 465, or the local socket. */
struct smtpd_service {
	struct smtpd *smtpd;
	const char *name;
	unsigned char kind;		/* SMTPD_SMTP, ...; a variant's too */
	struct smtp_policy policy;
	bool implicit_tls;
	bool local;			/* SO_PEERCRED says who it is */
	bool submission;		/* RFC 6409, not a relay */
	bool relays;			/* relay-from counts */
	bool checks;			/* DNS, greeting delay */
	/* those of the same name whose `listen` line has options */
	struct smtpd_service *variants;
	const struct conf_listen *at;
	const struct conf_device *device;	/* SMTPD_DEVICE; NULL: none */
};

/* The first ones are enum conf_service's. */
enum {
	SMTPD_SMTP = CONF_SMTP, SMTPD_SUBMISSION = CONF_SUBMISSION,
	SMTPD_SMTPS = CONF_SMTPS, SMTPD_LOCAL, SMTPD_SERVICES
};

struct smtpd {
	struct daemon daemon;
	struct tls_ctx *tls;
	struct auth *auth;
	char auth_path[108], queue_path[108];	/* sun_path */
	struct conf spool_conf;
	struct spool *spool;
	struct listen *local;
	struct smtpd_service services[SMTPD_SERVICES];
	struct list sessions;
	struct loop_timer grace;	/* while stopping */
	struct door door;
	/* limit.c */
	struct smtpd_tracked *tracked;
	unsigned ntracked, tracked_size;
	struct door limit;		/* only to tell of it */
	int ban_fd;			/* to maild */
	/* greeting.c */
	struct list waiting;
	/* ask.c, dnsbl.c */
	struct dns *dns;		/* NULL: there is nothing to ask */
	unsigned questions;		/* open */
	struct smtpd_dnsbl *dnsbl;
	unsigned ndnsbl;
	struct smtpd_sum *sums;
	unsigned nsums, sums_size;
	/* milter.c */
	struct smtpd_milter_paths *milter_paths;	/* NULL: no filters */
	/* greylist.c */
	struct srs *srs;		/* relay.c; NULL: off */
	struct grey *grey;		/* NULL: off, or it cannot be had */
	struct grey_rules grey_rules;
	char grey_path[128];
	int64_t grey_rest;		/* loop_now(): left alone until then */
	bool grey_told;			/* the log has it */
};

struct smtpd_session {
	struct list link;
	struct smtpd_service *service;
	struct smtp_session *smtp;
	uid_t uid;			/* local: who it is */
	const char *login;		/* while auth_check waits */
	const char *mechanism;		/* of the last AUTH */
	struct smtp_rcpt *rcpt;		/* of the RCPT under way */
	struct auth_request *request;	/* authd is asked */
	struct loop_timer timer;	/* a failure told late; leaving */
	struct spool_draft *draft;	/* DATA under way */
	size_t received;		/* octets of Received: at its beginning */
	bool committing;		/* the draft is being made durable */
	struct smtpd_milters *milters;	/* milter.c; NULL: not asked yet */
	struct smtpd_strip strip;	/* of the message that comes in */
	struct smtpd_fields fields;
	struct smtpd_etrn *etrn;	/* etrn.c; NULL: queue is not asked */
	/* ask.c */
	struct smtpd_ask *ask;		/* DNS is being asked */
	struct smtp_rcpt *held;		/* waits for it */
	bool asked;
	short refusal_code;
	const char *refusal_enhanced;
	char *refusal;			/* what is answered to RCPT; NULL */
	bool allowed;			/* by DNS lists: their sum is below 0 */
	bool grey_counted;		/* of the message that comes in */
};

/* smtpd.c: the session begins; the conn is counted and greeted. */
void smtpd_start(struct smtpd_service *v, struct conn *c);
/* ... and one is over: the last one ends a daemon that stops or drains. */
void smtpd_check_over(struct smtpd *m);

/* policy.c: the calls of struct smtp_policy; owner: a struct smtpd_session. */
void smtpd_auth_check(struct smtp_session *s, const struct sasl *sasl);
void smtpd_mail(struct smtp_session *s);
void smtpd_data(struct smtp_session *s);
int smtpd_piece(struct smtp_session *s, struct span piece, struct err *err);
void smtpd_message(struct smtp_session *s);
void smtpd_reset(struct smtp_session *s);
/* We have nothing against it: the filters have the last word on MAIL, ... */
void smtpd_ok(struct smtpd_session *x, enum milter_stage stage);
/* The envelope as it is; its strings are the session's. 0 or -1. */
int smtpd_envelope(struct smtpd_session *x, struct spool_envelope *e,
		struct err *err);
/* x->draft is what is wanted: answers when it is durable. */
void smtpd_commit(struct smtpd_session *x);
void smtpd_refuse_for(struct smtp_session *s, const struct err *err);
/* Lets go of what authd and the spool still hold for this session. */
void smtpd_let_go(struct smtpd_session *x);

/* sender.c: answers MAIL: may the user send under this address? */
void smtpd_sender(struct smtpd_session *x);

/* ... auth_check's answer; user: with AUTH_OK. x->login is who it was */
void smtpd_auth_answer(struct smtpd_session *x, enum auth_status status,
		const struct auth_user *user);

/* cert.c (TLS_CLIENT_CERTS): what the client's certificate is good for. */
bool smtpd_cert_logs_in(const struct smtp_session *s);
bool smtpd_cert_relays(const struct smtp_session *s);
void smtpd_cert_check(struct smtpd_session *x, const struct sasl *sasl);

/* relay.c: may mail for this recipient come in here? */
void smtpd_rcpt(struct smtp_session *s, struct smtp_rcpt *r);
/* May it send mail for others, by address, login, certificate or socket? */
bool smtpd_may_relay(const struct smtp_session *s);
/* Neither this machine nor in relay-from. */
bool smtpd_is_stranger(const struct smtpd *m, const struct sockaddr *peer);
/* [192.0.2.1], and that is the address which the client has called? */
bool smtpd_is_own_literal(const struct smtp_session *s, struct span domain);
/* RFC 5321 4.5.1: he gets mail from everybody. */
bool smtpd_is_postmaster(const struct smtp_session *s, const char *rcpt);

/* etrn.c (SMTPD_ETRN): the call of struct smtp_policy, and its end. */
void smtpd_etrn(struct smtp_session *s, struct span node);
void smtpd_etrn_end(struct smtpd_session *x);

/* device.c (SMTPD_DEVICE), for a service that is one. */
/* False: it was turned away, and is gone. */
bool smtpd_device_in(const struct smtpd_service *v, struct conn *c);
void smtpd_device_sender(struct smtpd_session *x);	/* answers MAIL */
bool smtpd_device_takes(const struct smtpd_session *x, const char *rcpt);

/* limit.c (SMTPD_LIMITS): what strangers and users may do in a time. */
enum smtpd_limit {
	SMTPD_CONNECTIONS, SMTPD_MESSAGES, SMTPD_RECIPIENTS, SMTPD_FAILURES,
	SMTPD_LIMITS_COUNT
};
enum door_answer smtpd_limit_door(struct door *door,
		const struct sockaddr *peer);
/* True: one too many, and the command is answered. */
bool smtpd_limit_reached(struct smtpd_session *x, enum smtpd_limit what);
/* Counts; true: the address is banned now. */
bool smtpd_limit_failure(struct smtpd *m, const struct sockaddr *peer);
bool smtpd_limit_wrong(struct smtp_session *s, unsigned errors, bool last);

/* greeting.c (SMTPD_GREETING): true, and the conn is greeted later. */
bool smtpd_greet_later(struct smtpd_service *v, struct conn *c);
void smtpd_greet_nobody(struct smtpd *m);	/* 421 for those that wait */

/* ask.c (SMTPD_ASK): what DNS says of a stranger. Starts at MAIL, once. */
void smtpd_ask_start(struct smtpd_session *x);
/* True: RCPT was refused, or smtpd_rcpt is called again when all is known. */
bool smtpd_ask_stops(struct smtpd_session *x, struct smtp_rcpt *r);
void smtpd_ask_end(struct smtpd_session *x);
/* Before the chroot; 0 or -1 with err. */
int smtpd_ask_open(struct smtpd *m, struct err *err);
void smtpd_ask_close(struct smtpd *m);

/*
 * milter.c (SMTPD_MILTER). True: the filters are asked about this command; what
 * they say is answered, and MILTER_END ends in smtpd_commit.
 */
bool smtpd_milter_asks(struct smtpd_session *x, enum milter_stage stage);
void smtpd_milter_reset(struct smtpd_session *x);	/* a transaction ends */
void smtpd_milter_end(struct smtpd_session *x);
/* Before the chroot; 0 or -1 with err. */
int smtpd_milter_open(struct smtpd *m, struct err *err);
void smtpd_milter_close(struct smtpd *m);
#define SMTPD_MILTER_ADDS (128 * 1024)	/* octets beyond max-message-size */

/*
 * greylist.c (SMTPD_GREYLIST). True: it has to wait, and RCPT or DATA was
 * refused.
 */
bool smtpd_grey_rcpt(struct smtpd_session *x);
bool smtpd_grey_data(struct smtpd_session *x);
void smtpd_grey_prepare(struct smtpd *m);	/* before the chroot */
void smtpd_grey_open(struct smtpd *m);		/* behind it */

/* received.c: the trace field (RFC 5321 4.4), or an empty span: no room. */
#define SMTPD_RECEIVED_SIZE 2048
struct span smtpd_received(const struct smtpd_session *x, const char *id,
		char out[SMTPD_RECEIVED_SIZE]);

#endif
