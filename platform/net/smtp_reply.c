#include "net/smtp_reply.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MOST 400		/* RFC 5321 4.5.3.1.5: 512 with code and CRLF */

const char *smtp_reply_line_of(enum smtp_reply why)
{
#define LINE(name, line) line "\0"
	const char *at = SMTP_REPLIES(LINE);
#undef LINE

	while (why--)
		at += strlen(at) + 1;
	return at;
}

struct smtp_reply_row smtp_reply_row(enum smtp_reply why)
{
	const char *line = smtp_reply_line_of(why);
	struct smtp_reply_row row = { .text = line + 4 };

	row.code = (int)strtoll(line, NULL, 10);
	if (line[5] == '.') {
		memcpy(row.enhanced, line + 4, 5);
		row.text = line + 10;
	}
	return row;
}

void smtp_reply_write(struct conn *c, int code, const char *enhanced,
		const char *text)
{
	bool status = enhanced && *enhanced;
	struct span rest = span_of(text);

	/* RFC 5321 4.2.1: a hyphen behind the code says that more comes */
	do {
		struct span line = span_cut(&rest, '\n');

		line = span_sub(line, 0, TEXT_MOST);
		conn_printf(c, "%d%c%s%s%.*s\r\n", code, rest.n ? '-' : ' ',
				status ? enhanced : "", status ? " " : "",
				SPAN_ARG(line));
	} while (rest.n);
}
