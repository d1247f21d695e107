/* smtp_client - the sending side of SMTP and LMTP (RFC 5321, 2033), on the loop
 *
 * One object is one connection; messages go over it one after another. Used
 * by queue, smtp, sendmail and mail.
 */
#ifndef NET_SMTP_CLIENT_H
#define NET_SMTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "net/loop.h"
#include "os/conf.h"

/* What the other side said of one recipient, or of the connection. */
struct smtp_result {
	enum err_kind kind;	/* ERR_NONE: taken */
	int code;		/* 250, 550 ...; 0: no reply, see text */
	char enhanced[12];	/* "5.1.1", "" when not given */
	char text[256];		/* the reply's lines joined, or why there was none; printable ASCII */
	bool maybe;		/* all was sent, then the connection broke: may have been taken */
	unsigned char about;	/* SMTP_ABOUT_ bits: what it was about (net/smtp_advice.h) */
	bool tls_failed;	/* gone: the handshake broke; with CONF_TLS_MAY try again with NONE */
	unsigned char tls_fault;	/* enum tls_fault; gone: TLS was wanted */
};

/* "550 5.1.1 no such user", or just the text where there was no reply. */
void smtp_result_text(const struct smtp_result *r, char *out, size_t size);

struct conn;
enum {
	SMTP_ABOUT_LOGIN = 1,		/* we had a password */
	SMTP_ABOUT_TOKEN = 2,		/* ... an access token */
	SMTP_ABOUT_ANONYMOUS = 4,	/* ... neither, and not to port 25 */
	SMTP_ABOUT_PORT25 = 8,
	SMTP_ABOUT_CONNECT = 16,	/* there was no connection yet */
	SMTP_ABOUT_SILENT = 32		/* the owner's: nor to several others */
};

struct smtp_target {
	struct sockaddr_storage addr;	/* ss_family AF_UNSPEC: unix_path */
	socklen_t addr_len;
	const char *unix_path;		/* used up when smtp_client_new returns */
	struct conn *conn;		/* connected already, by net/dial.h; or NULL */
	const char *name;		/* host name for SNI, verification, messages */
	bool lmtp;
	enum conf_tls tls;		/* MAY: when offered, unverified, plain again when the handshake breaks */
	bool verify;
	/* or NULL; kept until ready. With CONF_TLS_MAY only if it is a note */
	const struct tls_expect *expect;
	const char *user, *password;	/* NULL: no AUTH; plain only when tls is NONE */
	bool bearer;			/* password is an OAuth access token */
	const char *mechanism;		/* NULL: the best that both know; else only this one */
	const char *hello;		/* our name */
	unsigned connect_timeout;	/* seconds */
};

struct smtp_message {
	const char *sender;
	unsigned nrcpt;
	const char *const *rcpt;
	int fd;				/* the octets [start, start+size), CRLF lines; not closed */
	const char *head;		/* fields to send before these, or NULL */
	int64_t start;
	uint64_t size;
	bool eight_bit;
	bool utf8_header;		/* RFC 6532: only for who offers SMTPUTF8 */
	/* RFC 3461's parameters (mime/dsn.h): said to who offers DSN */
	const char *dsn;		/* NULL: none */
	const char *const *rcpt_dsn;	/* one a recipient, each may be NULL; NULL: none at all */
	bool lf_lines;			/* fd has LF lines: sent as CRLF */
	const char *spool_id;		/* for deliver's XSPOOL, NULL: none */
	bool again;			/* may have been delivered before (see deliver) */
};

struct smtp_client;
struct smtp_client_events {
	/* Ready for smtp_client_send: after connecting, and after each message. */
	void (*ready)(void *arg);
	/* One recipient's fate; each recipient of a message gets exactly one. */
	void (*result)(void *arg, unsigned rcpt, const struct smtp_result *r);
	/* No more messages over this one (never connected, broken, closed, QUIT done); after it the client is freed.
	 * r->kind ERR_NONE after a normal end. Results of a message under way have come before. */
	void (*gone)(void *arg, const struct smtp_result *r);
	/*
	 * NULL, or: a line of a 551 (RFC 5321 3.4) behind which more come,
	 * before its result.
	 */
	void (*moved)(void *arg, struct span line);
};

struct tls_ctx;
/* t is copied, its conn taken (but for NULL); its strings are kept by the caller until gone. tls may be NULL. NULL: no memory. */
struct smtp_client *smtp_client_new(struct loop *l, const struct smtp_target *t,
		struct tls_ctx *tls, const struct smtp_client_events *events, void *arg);
/* m and all in it stay the caller's, unchanged until the last result. Only after ready. */
void smtp_client_send(struct smtp_client *c, const struct smtp_message *m);
/* QUIT; gone follows. */
void smtp_client_quit(struct smtp_client *c);
/* At once, no further call. */
void smtp_client_abort(struct smtp_client *c);
/* "[192.0.2.1]"; "TLSv1.3 with CIPHER" or "": for logs. "" when there is no connection. */
const char *smtp_client_peer(const struct smtp_client *c);
const char *smtp_client_tls(const struct smtp_client *c);
/* What was wrong with the certificate, where expect has had it noted. */
unsigned smtp_client_tls_fault(const struct smtp_client *c);
/* The other side offers DSN: reports of what it took are its business. */
bool smtp_client_dsn(const struct smtp_client *c);

/* Reads the first line of a password file: 0 or -1. Refuses files that others can read. */
int smtp_password(const char *path, char *out, size_t size, struct err *err);

#endif
