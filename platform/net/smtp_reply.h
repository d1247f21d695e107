/* smtp_reply - what an SMTP or LMTP server says, named by its cause
 *
 * RFC 5321 4.2 (codes), RFC 3463 and 2034 (enhanced status codes).
 */
#ifndef NET_SMTP_REPLY_H
#define NET_SMTP_REPLY_H

#include "net/conn.h"

/* Why, and what is said: the code, the status (RFC 2034 4) and a text. */
#define SMTP_REPLIES(X) \
	X(SMTP_NO_REPLY, "250 2.0.0 OK") \
	/* good news; the first group answers smtp_policy's questions */ \
	X(SMTP_AUTH_MORE, "334 Go on") \
	X(SMTP_AUTH_OK, "235 2.7.0 Authentication successful") \
	X(SMTP_SENDER_OK, "250 2.1.0 Sender OK") \
	X(SMTP_RCPT_OK, "250 2.1.5 Recipient OK") \
	X(SMTP_SEND_DATA, "354 End data with <CR><LF>.<CR><LF>") \
	X(SMTP_MESSAGE_OK, "250 2.0.0 Message accepted") \
	X(SMTP_CHUNK_OK, "250 2.0.0 Octets received") \
	X(SMTP_FLUSHED, "250 2.0.0 Flushed") \
	X(SMTP_NOTHING_DONE, "250 2.0.0 OK") \
	X(SMTP_HELP, "214 2.0.0 See RFC 5321") \
	X(SMTP_CANNOT_VERIFY, "252 2.5.2 Cannot verify; mail will be tried") \
	X(SMTP_BYE, "221 2.0.0 Bye") \
	X(SMTP_START_TLS, "220 2.0.0 Ready to start TLS") \
	/* the line is no command */ \
	X(SMTP_UNKNOWN_COMMAND, "500 5.5.1 Command unknown") \
	X(SMTP_NOT_IMPLEMENTED, "502 5.5.1 Command not implemented") \
	X(SMTP_LINE_TOO_LONG, "500 5.5.2 Line too long") \
	X(SMTP_BARE_LINE_END, \
		"500 5.5.2 Lines end in CR LF, and neither comes alone") \
	X(SMTP_BAD_BYTES, "500 5.5.2 Bytes that no command may hold") \
	X(SMTP_NO_ARGUMENT_TAKEN, "501 5.5.4 No argument is taken") \
	X(SMTP_ARGUMENT_MISSING, "501 5.5.4 Argument missing") \
	X(SMTP_BAD_HELLO, "501 5.5.4 Not a host name or address literal") \
	/* out of order */ \
	X(SMTP_HELLO_FIRST, "503 5.5.1 Say hello first") \
	X(SMTP_MAIL_FIRST, "503 5.5.1 MAIL first") \
	X(SMTP_RCPT_FIRST, "503 5.5.1 No valid recipients") \
	X(SMTP_SENDER_GIVEN, "503 5.5.1 Sender already given") \
	X(SMTP_IN_TRANSACTION, "503 5.5.1 Not during a mail transaction") \
	X(SMTP_XCLIENT_DENIED, "550 5.7.1 You are no front end of ours") \
	X(SMTP_BAD_CHUNK, "501 5.5.4 Syntax: BDAT octets [LAST]") \
	/* MAIL and RCPT */ \
	X(SMTP_BAD_SENDER, "501 5.1.7 Syntax: MAIL FROM:<address>") \
	X(SMTP_BAD_RCPT, "501 5.1.3 Syntax: RCPT TO:<address>") \
	/* RFC 6531 3.5: MAIL, and RCPT and VRFY */ \
	X(SMTP_ASCII_SENDER, "550 5.6.7 Address needs SMTPUTF8 in MAIL") \
	X(SMTP_ASCII_RCPT, "553 5.6.7 Address needs SMTPUTF8") \
	X(SMTP_BAD_PARAMETER, "501 5.5.4 Parameter's value is wrong") \
	X(SMTP_UNKNOWN_PARAMETER, "555 5.5.4 Parameter unknown") \
	X(SMTP_TOO_MANY_RCPT, "452 4.5.3 Too many recipients") \
	X(SMTP_NO_MEMORY, "452 4.3.1 Out of memory for this session") \
	/* TLS and AUTH */ \
	X(SMTP_NO_TLS, "502 5.5.1 TLS is not offered here") \
	X(SMTP_TLS_ALREADY, "503 5.5.1 TLS is on already") \
	X(SMTP_TLS_FIRST, "530 5.7.0 STARTTLS first") \
	X(SMTP_AUTH_FIRST, "530 5.7.0 Authentication required") \
	X(SMTP_NO_AUTH, "502 5.5.1 AUTH is not offered here") \
	X(SMTP_AUTH_ALREADY, "503 5.5.1 Authenticated already") \
	X(SMTP_AUTH_MECHANISM, "504 5.5.4 Mechanism unknown") \
	X(SMTP_AUTH_CANCELLED, "501 5.7.0 Authentication cancelled") \
	X(SMTP_AUTH_NOT_BASE64, "501 5.5.2 Cannot decode what was sent") \
	X(SMTP_AUTH_TOO_LONG, "500 5.5.6 Authentication line too long") \
	/* the message */ \
	X(SMTP_TOO_BIG, "552 5.3.4 Message too big") \
	X(SMTP_BARE_LF, "550 5.6.0 Message holds a LF without CR") \
	X(SMTP_BARE_CR, "550 5.6.0 Message holds a CR without LF") \
	X(SMTP_LOOP, "554 5.4.6 Too many hops, mail goes in a loop") \
	/* the session ends */ \
	X(SMTP_TIMED_OUT, "421 4.4.2 Nothing came for too long") \
	X(SMTP_TOO_MANY_ERRORS, "421 4.7.0 Too many errors")

#define SMTP_REPLY_NAME(why, line) why,
enum smtp_reply { SMTP_REPLIES(SMTP_REPLY_NAME) SMTP_REPLY_COUNT };

/* A line without CR LF. */
const char *smtp_reply_line_of(enum smtp_reply why);

struct smtp_reply_row {
	int code;
	char enhanced[6];		/* "": none */
	const char *text;
};

/* The same, taken apart. */
struct smtp_reply_row smtp_reply_row(enum smtp_reply why);
/*
 * A line for each of the text's, which LF parts; each is cut at 400 octets.
 * enhanced may be NULL or empty.
 */
void smtp_reply_write(struct conn *c, int code, const char *enhanced,
		const char *text);

#endif
