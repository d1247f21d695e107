/* smtp_client_private - what smtp_client*.c share */
#ifndef NET_SMTP_CLIENT_PRIVATE_H
#define NET_SMTP_CLIENT_PRIVATE_H

#include "base/str.h"
#include "mime/narrow.h"
#include "net/conn.h"
#include "net/dot.h"
#include "net/sasl_client.h"
#include "net/smtp_client.h"

#define SMTP_REPLY_LINES 100	/* of one reply; more is garbage */

/* What the other side offers (EHLO). */
enum {
	SMTP_STARTTLS = 1, SMTP_SIZE = 2, SMTP_8BITMIME = 4,
	SMTP_PIPELINING = 8, SMTP_XSPOOL = 16,
	SMTP_DSN = 32, SMTP_UTF8 = 64, SMTP_CHUNKING = 128
};

/* What we wait for: each step knows its time-out and who takes its reply. */
enum smtp_step {
	SMTP_STEP_CONNECT, SMTP_STEP_GREETING, SMTP_STEP_EHLO, SMTP_STEP_HELO,
	SMTP_STEP_STARTTLS, SMTP_STEP_TLS, SMTP_STEP_AUTH, SMTP_STEP_IDLE,
	SMTP_STEP_LOOK, SMTP_STEP_COMMANDS, SMTP_STEP_BODY, SMTP_STEP_DOT, SMTP_STEP_RSET,
	SMTP_STEP_QUIT, SMTP_STEP_OVER, SMTP_STEP_COUNT
};

/* A reply as it grows, line by line. */
struct smtp_incoming {
	int code;			/* 0: no line yet */
	unsigned lines;
	char enhanced[12];
	char text[256];
};

/* SKIPPED: told before anything was sent, no command is for it */
enum smtp_fate { SMTP_OPEN, SMTP_ACCEPTED, SMTP_TOLD, SMTP_SKIPPED };

struct smtp_client {
	struct loop *loop;
	struct smtp_target target;
	struct tls_ctx *tls;
	const struct smtp_client_events *events;
	void *arg;

	struct conn *conn;		/* NULL: could not even start */
	struct loop_timer timer;	/* for a reply: not moved by single bytes */
	struct loop_task task;		/* what must not happen inside a call */
	enum smtp_step step;
	unsigned offers;
	unsigned mechanisms;		/* of AUTH: sasl_client_bit */
	uint64_t size_limit;		/* 0: none was told */
	bool greeted;			/* TLS or not, EHLO has been said once */
	bool dead;			/* freed when the last call returns */
	unsigned depth;
	struct smtp_incoming in;
	struct sasl_login login;
	struct sasl_client sasl;
	bool auth_busy;			/* our next message takes long */
	struct span challenge;		/* of a 334, while it is taken */
	struct smtp_result end;		/* what gone will say */

	/* the transaction under way */
	const struct smtp_message *m;	/* NULL: none; gone with the last result */
	unsigned nrcpt;
	unsigned char *fate;		/* enum smtp_fate of each recipient */
	unsigned sent, got;		/* commands: 0 MAIL, 1.. RCPT, last DATA */
	unsigned accepted;
	unsigned lmtp_at;		/* LMTP: whose reply is next after the dot */
	bool utf8;			/* MAIL says SMTPUTF8 */
	bool mail_ok, dot_sent;
	bool eight_bit;			/* MAIL says BODY=8BITMIME, if it may */
	bool chunked;			/* BDAT, not DATA */
	bool flight;			/* ... together with MAIL and RCPT */
	unsigned chunks;		/* sent, but for the last: no reply yet */
	uint64_t chunk_left;		/* octets of the one that is going out */
	uint64_t body_at;		/* octets of the file that were read */
	struct narrow_scan scan;
	struct narrow *narrow;		/* NULL: it goes as it is */
	struct dot_writer dot;
};

/* -- smtp_client.c: life, results -- */
void smtp_client_enter(struct smtp_client *c);
void smtp_client_leave(struct smtp_client *c);
void smtp_client_step(struct smtp_client *c, enum smtp_step step);
/* Tells one recipient's fate, once. */
void smtp_client_tell(struct smtp_client *c, unsigned rcpt,
		const struct smtp_result *r);
/* ... and that of all who have none. */
void smtp_client_tell_all(struct smtp_client *c, const struct smtp_result *r);
/* The end: results of a message under way, then gone. */
void smtp_client_over(struct smtp_client *c, const struct smtp_result *r);
/* The same with a cause of our own. */
void smtp_client_fail(struct smtp_client *c, enum err_kind kind,
		const char *text);
void smtp_client_ready(struct smtp_client *c);
/* Of the other side; 0: it has none. */
unsigned smtp_client_port(const struct smtp_client *c);

/* -- smtp_client_reply.c -- */
/* 1: r is a whole reply; 0: more lines must come; -1: not a reply. */
int smtp_reply_line(struct smtp_incoming *in, struct span line,
		struct smtp_result *r);
/* What we say ourselves. */
void smtp_result_set(struct smtp_result *r, enum err_kind kind,
		const char *enhanced, const char *text);

/* -- smtp_client_hello.c: up to the first message -- */
/* Each takes the reply of its step. */
void smtp_client_greeting(struct smtp_client *c, const struct smtp_result *r);
void smtp_client_ehlo(struct smtp_client *c, const struct smtp_result *r);
void smtp_client_helo(struct smtp_client *c, const struct smtp_result *r);
void smtp_client_starttls(struct smtp_client *c, const struct smtp_result *r);
/* A line of the EHLO reply. */
void smtp_client_offer(struct smtp_client *c, struct span line);
void smtp_client_say_ehlo(struct smtp_client *c);
void smtp_client_handshake(struct smtp_client *c);

/* -- smtp_client_auth.c -- */
/* Logs in where a user is given; then, or else at once, the client is ready. */
void smtp_client_authenticate(struct smtp_client *c);
void smtp_client_auth(struct smtp_client *c, const struct smtp_result *r);
/* From the loop, while auth_busy. */
void smtp_client_auth_more(struct smtp_client *c);

/* -- smtp_client_look.c: what the message holds -- */
/* Before the transaction: does anything hang on it? Then look, from the loop. */
bool smtp_client_must_look(struct smtp_client *c);
void smtp_client_look(struct smtp_client *c);

/* -- smtp_client_body.c: the text, by DATA or BDAT -- */
/* The next octets of the file; 0 at its end; -1: it is too short or fails. */
ssize_t smtp_client_read(struct smtp_client *c, char *out, size_t n);
/* Is BDAT the way of this message, and can it go in one flight? */
void smtp_client_choose(struct smtp_client *c);
void smtp_client_begin_body(struct smtp_client *c);
void smtp_client_body(struct smtp_client *c);
/* A reply while the body is still going out. */
void smtp_client_early(struct smtp_client *c, const struct smtp_result *r);
void smtp_client_dot(struct smtp_client *c, const struct smtp_result *r);

/* -- smtp_client_mail.c: the transaction -- */
void smtp_client_begin(struct smtp_client *c);
/* Commands that may go out now. */
void smtp_client_more(struct smtp_client *c);
void smtp_client_command(struct smtp_client *c, const struct smtp_result *r);
/* After smtp_client_begin, or the look that it has started. */
void smtp_client_say_all(struct smtp_client *c);
void smtp_client_reset(struct smtp_client *c);

#endif
