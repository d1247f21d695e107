#include "mime/part.h"

#include "mime/transfer.h"

/* ---- structured values */

static bool is_token(char c)
{
	return c > 32 && c < 127 && c != '=' && c != ';' && c != '"' &&
			c != '(' && c != ')';
}

static struct span take(struct span *in, size_t n)
{
	struct span taken = span_sub(*in, 0, n);

	*in = span_rest(*in, n);
	return taken;
}

/* Blanks, line ends and comments, which may stand between all tokens. */
static void skip_blanks(struct span *in)
{
	unsigned depth = 0;

	while (in->n) {
		char c = in->p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && !ascii_isspace(c))
			break;
		take(in, c == '\\' && depth ? 2 : 1);
	}
}

static struct span take_token(struct span *in)
{
	size_t n = 0;

	while (n < in->n && is_token(in->p[n]))
		n++;
	return take(in, n);
}

/* After the opening quote; takes the closing one. */
static struct span take_quoted(struct span *in)
{
	size_t n = 0;
	struct span text;

	while (n < in->n && in->p[n] != '"')
		n += in->p[n] == '\\' ? 2 : 1;
	text = take(in, n);
	take(in, 1);
	return text;
}

static struct span take_value(struct span *in)
{
	skip_blanks(in);
	if (!in->n || in->p[0] != '"')
		return take_token(in);
	take(in, 1);
	return take_quoted(in);
}

/* To the next parameter; false: there is none. */
static bool next_param(struct span *in)
{
	while (in->n && in->p[0] != ';') {
		size_t had = in->n;

		skip_blanks(in);
		if (in->n && in->p[0] == '"') {
			take(in, 1);
			take_quoted(in);
		} else if (in->n == had) {
			take(in, 1);
		}
	}
	take(in, 1);
	skip_blanks(in);
	return in->n;
}

struct span part_param(struct span value, const char *name)
{
	while (next_param(&value)) {
		struct span key = take_token(&value), text;

		skip_blanks(&value);
		if (!value.n || value.p[0] != '=')
			continue;
		take(&value, 1);
		text = take_value(&value);
		if (span_is(key, name))
			return text;
	}
	return span_make(NULL, 0);
}

struct span part_token(struct span value)
{
	skip_blanks(&value);
	return take_token(&value);
}

void part_base64(struct str *out, struct span in)
{
	struct transfer t;

	transfer_begin(&t, SPAN("base64"));
	transfer_put(&t, out, in);
	transfer_end(&t, out);
}
