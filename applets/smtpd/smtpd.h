/* smtpd - one listening service, one session; the policy over smtp_server */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "base/list.h"
#include "net/auth.h"
#include "net/daemon.h"
#include "net/door.h"
#include "net/smtp_server.h"
#include "net/tls.h"
#include "store/spool.h"

struct smtpd;

/* A way in: port 25, 587, 465, or the local socket. */
struct smtpd_service {
	struct smtpd *smtpd;
	const char *name;
	struct smtp_policy policy;
	bool implicit_tls;
	bool local;			/* SO_PEERCRED says who it is */
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
};

struct smtpd_session {
	struct list link;
	struct smtpd_service *service;
	struct smtp_session *smtp;
	uid_t uid;			/* local: who it is */
	char *user;			/* authenticated as; NULL */
	const char *login;		/* while auth_check waits */
	struct auth_request *request;	/* authd is asked */
	struct loop_timer timer;	/* a failure told late; leaving */
	struct spool_draft *draft;	/* DATA under way */
	bool committing;		/* the draft is being made durable */
};

/* policy.c: the calls of struct smtp_policy; owner: a struct smtpd_session. */
void smtpd_auth_check(struct smtp_session *s, const char *user,
		const char *password);
void smtpd_mail(struct smtp_session *s);
void smtpd_data(struct smtp_session *s);
int smtpd_piece(struct smtp_session *s, struct span piece, struct err *err);
void smtpd_message(struct smtp_session *s);
void smtpd_reset(struct smtp_session *s);
/* Lets go of what authd and the spool still hold for this session. */
void smtpd_let_go(struct smtpd_session *x);

/* relay.c: may mail for this recipient come in here? */
void smtpd_rcpt(struct smtp_session *s, struct smtp_rcpt *r);

/* received.c: the trace field (RFC 5321 4.4), or an empty span: no room. */
#define SMTPD_RECEIVED_SIZE 1536
struct span smtpd_received(const struct smtpd_session *x, const char *id,
		char out[SMTPD_RECEIVED_SIZE]);

#endif
