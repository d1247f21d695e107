#include "mime/qp.h"

#include <string.h>
#include "mime/transfer.h"

#define LINE_MOST 76		/* RFC 2045 6.7 (5), with the soft break's "=" */

static int hex_value(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

int qp_escape(struct span in)
{
	int high, low;

	if (in.n < 3 || in.p[0] != '=')
		return -1;
	high = hex_value(in.p[1]);
	low = hex_value(in.p[2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

bool qp_digit(char c)
{
	return hex_value(c) >= 0;
}

void qp_decode(struct str *out, struct span in)
{
	struct transfer t;

	transfer_begin(&t, SPAN("quoted-printable"));
	transfer_put(&t, out, in);
	transfer_end(&t, out);
}

/*
 * Must this character be written as =XX? start: a line begins here. Blanks
 * at the end of a line must; so that no gateway or mbox changes the text, "From "
 * and a lone dot at the start of a line are, too (RFC 2049 3).
 */
static bool must_escape(struct span text, size_t at, bool start)
{
	unsigned char c = (unsigned char)text.p[at];
	struct span rest = span_rest(text, at);

	if (c == ' ' || c == '\t')
		return at + 1 == text.n || text.p[at + 1] == '\n';
	if (start && c == '.')
		return rest.n == 1 || rest.p[1] == '\n';
	if (start && c == 'F')
		return rest.n >= 5 && !memcmp(rest.p, "From ", 5);
	return c < 33 || c > 126 || c == '=';
}

void qp_encode(struct str *out, struct span text)
{
	unsigned column = 0;

	for (size_t at = 0; at < text.n && !out->bad; at++) {
		bool last = at + 1 == text.n || text.p[at + 1] == '\n';
		unsigned width;

		if (text.p[at] == '\n') {
			str_addc(out, '\n');
			column = 0;
			continue;
		}
		width = must_escape(text, at, !column) ? 3 : 1;
		if (column + width + !last > LINE_MOST) {
			str_adds(out, "=\n");
			column = 0;
			width = must_escape(text, at, true) ? 3 : 1;
		}
		str_addf(out, width == 3 ? "=%02X" : "%c",
				(unsigned char)text.p[at]);
		column += width;
	}
}
