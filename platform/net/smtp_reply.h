/* smtp_reply - what an SMTP or LMTP server says, named by its cause
 *
 * RFC 5321 4.2 (codes), RFC 3463 and 2034 (enhanced status codes).
 */
#ifndef NET_SMTP_REPLY_H
#define NET_SMTP_REPLY_H

#include "net/conn.h"

enum smtp_reply {
	SMTP_NO_REPLY,			/* nothing is wrong */
	/* good news; the first group answers smtp_policy's questions */
	SMTP_AUTH_OK,
	SMTP_SENDER_OK,
	SMTP_RCPT_OK,
	SMTP_SEND_DATA,
	SMTP_MESSAGE_OK,
	SMTP_FLUSHED,
	SMTP_NOTHING_DONE,
	SMTP_HELP,
	SMTP_CANNOT_VERIFY,
	SMTP_BYE,
	SMTP_START_TLS,
	/* the line is no command */
	SMTP_UNKNOWN_COMMAND,
	SMTP_NOT_IMPLEMENTED,
	SMTP_LINE_TOO_LONG,
	SMTP_BARE_LINE_END,
	SMTP_BAD_BYTES,
	SMTP_NO_ARGUMENT_TAKEN,
	SMTP_ARGUMENT_MISSING,
	SMTP_BAD_HELLO,
	/* out of order */
	SMTP_HELLO_FIRST,
	SMTP_MAIL_FIRST,
	SMTP_RCPT_FIRST,
	SMTP_SENDER_GIVEN,
	SMTP_IN_TRANSACTION,
	/* MAIL and RCPT */
	SMTP_BAD_SENDER,
	SMTP_BAD_RCPT,
	SMTP_BAD_PARAMETER,
	SMTP_UNKNOWN_PARAMETER,
	SMTP_TOO_MANY_RCPT,
	SMTP_NO_MEMORY,
	/* TLS and AUTH */
	SMTP_NO_TLS,
	SMTP_TLS_ALREADY,
	SMTP_TLS_FIRST,
	SMTP_AUTH_FIRST,
	SMTP_NO_AUTH,
	SMTP_AUTH_ALREADY,
	SMTP_AUTH_MECHANISM,
	SMTP_AUTH_CANCELLED,
	SMTP_AUTH_NOT_BASE64,
	SMTP_AUTH_TOO_LONG,
	/* the message */
	SMTP_TOO_BIG,
	SMTP_BARE_LF,
	SMTP_BARE_CR,
	SMTP_LOOP,
	/* the session ends */
	SMTP_TIMED_OUT,
	SMTP_TOO_MANY_ERRORS,
	SMTP_REPLY_COUNT
};

/* No pointers: a table of them costs a relocation each. */
struct smtp_reply_row {
	short code;
	char enhanced[6];		/* "": none, RFC 2034 section 4 */
	char text[48];
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply why);
/* One line; text is cut at 400 octets. enhanced may be NULL or empty. */
void smtp_reply_write(struct conn *c, int code, const char *enhanced,
		const char *text);

#endif
