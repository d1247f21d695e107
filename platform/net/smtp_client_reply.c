/* smtp_client_reply - lines into replies (RFC 5321 4.2, RFC 2034) */
#include <stdio.h>
#include <string.h>

#include "net/smtp_client_private.h"

/* "2.1.5": class . subject . detail, the last two of 1 to 3 digits. */
static size_t enhanced_size(struct span s, char class)
{
	size_t i = 1, digits;

	if (s.n < 5 || s.p[0] != class)
		return 0;
	for (int part = 0; part < 2; part++) {
		if (i >= s.n || s.p[i++] != '.')
			return 0;
		for (digits = 0; i < s.n && ascii_isdigit(s.p[i]); digits++)
			i++;
		if (digits < 1 || digits > 3)
			return 0;
	}
	return i == s.n || s.p[i] == ' ' ? i : 0;
}

/* Behind what is there, one blank between; cut where it is full. */
static void add_text(struct smtp_incoming *in, struct span s)
{
	size_t n = strlen(in->text);

	if (!s.n)
		return;
	if (n && n < sizeof(in->text) - 1)
		in->text[n++] = ' ';
	for (; s.n && n < sizeof(in->text) - 1; s = span_rest(s, 1))
		in->text[n++] = s.p[0] >= ' ' && s.p[0] < 127 ? s.p[0] : '?';
	in->text[n] = '\0';
}

/* Three digits, and "-" where more lines follow. False: not a reply. */
static bool split(struct span line, int *code, bool *more, struct span *text)
{
	unsigned long n;

	if (!span_number(span_sub(line, 0, 3), 599, &n) || n < 200 ||
			line.n < 3)
		return false;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	*code = (int)n;
	*more = line.n > 3 && line.p[3] == '-';
	*text = span_trim(span_rest(line, 4));
	return true;
}

static enum err_kind kind_of(int code)
{
	return code < 400 ? ERR_NONE : code < 500 ? ERR_TEMP : ERR_PERM;
}

int smtp_reply_line(struct smtp_incoming *in, struct span line,
		struct smtp_result *r)
{
	struct span text;
	size_t n;
	bool more;
	int code;

	if (!split(line, &code, &more, &text) ||
			(in->lines && code != in->code) ||
			++in->lines > SMTP_REPLY_LINES)
		return -1;
	in->code = code;
	n = enhanced_size(text, line.p[0]);
	if (n && in->lines == 1)
		str_copy(in->enhanced, sizeof(in->enhanced),
				span_sub(text, 0, n));
	add_text(in, span_trim(span_rest(text, n)));
	if (more)
		return 0;
	*r = (struct smtp_result){ .kind = kind_of(code), .code = code };
	memcpy(r->enhanced, in->enhanced, sizeof(r->enhanced));
	memcpy(r->text, in->text, sizeof(r->text));
	memset(in, 0, sizeof(*in));
	return 1;
}

void smtp_result_set(struct smtp_result *r, enum err_kind kind,
		const char *enhanced, const char *text)
{
	struct smtp_incoming in = { 0 };

	*r = (struct smtp_result){ .kind = kind };
	str_copys(r->enhanced, sizeof(r->enhanced), enhanced);
	add_text(&in, span_of(text));
	memcpy(r->text, in.text, sizeof(r->text));
}

void smtp_result_text(const struct smtp_result *r, char *out, size_t size)
{
	if (!r->code)
		snprintf(out, size, "%s", r->text);
	else
		snprintf(out, size, "%d %s%s%s", r->code, r->enhanced,
				r->enhanced[0] ? " " : "", r->text);
}
