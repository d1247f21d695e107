#include "net/smtp_reply.h"

#define TEXT_MOST 400		/* RFC 5321 4.5.3.1.5: 512 with code and CRLF */

static const struct smtp_reply_row rows[SMTP_REPLY_COUNT] = {
	[SMTP_NO_REPLY] = { 250, "2.0.0", "OK" },

	[SMTP_AUTH_OK] = { 235, "2.7.0", "Authentication successful" },
	[SMTP_SENDER_OK] = { 250, "2.1.0", "Sender OK" },
	[SMTP_RCPT_OK] = { 250, "2.1.5", "Recipient OK" },
	[SMTP_SEND_DATA] = { 354, "", "End data with <CR><LF>.<CR><LF>" },
	[SMTP_MESSAGE_OK] = { 250, "2.0.0", "Message accepted" },
	[SMTP_FLUSHED] = { 250, "2.0.0", "Flushed" },
	[SMTP_NOTHING_DONE] = { 250, "2.0.0", "OK" },
	[SMTP_HELP] = { 214, "2.0.0", "See RFC 5321" },
	[SMTP_CANNOT_VERIFY] = { 252, "2.5.2",
		"Cannot verify; mail will be tried" },
	[SMTP_BYE] = { 221, "2.0.0", "Bye" },
	[SMTP_START_TLS] = { 220, "2.0.0", "Ready to start TLS" },

	[SMTP_UNKNOWN_COMMAND] = { 500, "5.5.1", "Command unknown" },
	[SMTP_NOT_IMPLEMENTED] = { 502, "5.5.1", "Command not implemented" },
	[SMTP_LINE_TOO_LONG] = { 500, "5.5.2", "Line too long" },
	[SMTP_BARE_LINE_END] = { 500, "5.5.2",
		"Lines end in CR LF, and neither comes alone" },
	[SMTP_BAD_BYTES] = { 500, "5.5.2", "Bytes that no command may hold" },
	[SMTP_NO_ARGUMENT_TAKEN] = { 501, "5.5.4", "No argument is taken" },
	[SMTP_ARGUMENT_MISSING] = { 501, "5.5.4", "Argument missing" },
	[SMTP_BAD_HELLO] = { 501, "5.5.4",
		"Not a host name or address literal" },

	[SMTP_HELLO_FIRST] = { 503, "5.5.1", "Say hello first" },
	[SMTP_MAIL_FIRST] = { 503, "5.5.1", "MAIL first" },
	[SMTP_RCPT_FIRST] = { 503, "5.5.1", "No valid recipients" },
	[SMTP_SENDER_GIVEN] = { 503, "5.5.1", "Sender already given" },
	[SMTP_IN_TRANSACTION] = { 503, "5.5.1",
		"Not during a mail transaction" },

	[SMTP_BAD_SENDER] = { 501, "5.1.7", "Syntax: MAIL FROM:<address>" },
	[SMTP_BAD_RCPT] = { 501, "5.1.3", "Syntax: RCPT TO:<address>" },
	[SMTP_BAD_PARAMETER] = { 501, "5.5.4", "Parameter's value is wrong" },
	[SMTP_UNKNOWN_PARAMETER] = { 555, "5.5.4", "Parameter unknown" },
	[SMTP_TOO_MANY_RCPT] = { 452, "4.5.3", "Too many recipients" },
	[SMTP_NO_MEMORY] = { 452, "4.3.1", "Out of memory for this session" },

	[SMTP_NO_TLS] = { 502, "5.5.1", "TLS is not offered here" },
	[SMTP_TLS_ALREADY] = { 503, "5.5.1", "TLS is on already" },
	[SMTP_TLS_FIRST] = { 530, "5.7.0", "STARTTLS first" },
	[SMTP_AUTH_FIRST] = { 530, "5.7.0", "Authentication required" },
	[SMTP_NO_AUTH] = { 502, "5.5.1", "AUTH is not offered here" },
	[SMTP_AUTH_ALREADY] = { 503, "5.5.1", "Authenticated already" },
	[SMTP_AUTH_MECHANISM] = { 504, "5.5.4", "Mechanism unknown" },
	[SMTP_AUTH_CANCELLED] = { 501, "5.7.0", "Authentication cancelled" },
	[SMTP_AUTH_NOT_BASE64] = { 501, "5.5.2",
		"Cannot decode what was sent" },
	[SMTP_AUTH_TOO_LONG] = { 500, "5.5.6",
		"Authentication line too long" },

	[SMTP_TOO_BIG] = { 552, "5.3.4", "Message too big" },
	[SMTP_BARE_LF] = { 550, "5.6.0", "Message holds a LF without CR" },
	[SMTP_BARE_CR] = { 550, "5.6.0", "Message holds a CR without LF" },
	[SMTP_LOOP] = { 554, "5.4.6", "Too many hops, mail goes in a loop" },

	[SMTP_TIMED_OUT] = { 421, "4.4.2", "Nothing came for too long" },
	[SMTP_TOO_MANY_ERRORS] = { 421, "4.7.0", "Too many errors" },
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply why)
{
	return &rows[why];
}

void smtp_reply_write(struct conn *c, int code, const char *enhanced,
		const char *text)
{
	bool status = enhanced && *enhanced;

	conn_printf(c, "%d %s%s%.*s\r\n", code, status ? enhanced : "",
			status ? " " : "", TEXT_MOST, text);
}
