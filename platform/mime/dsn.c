#include "mime/dsn.h"

#include "base/utf8.h"
#include "config.h"

/* -- xtext -- */

/* Only upper case (RFC 3461 4); -1: no digit. */
static int hex_digit(char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes an octet's code off *in; -1: not xtext, or a control. */
static int take(struct span *in)
{
	int c = (unsigned char)in->p[0], high, low;

	if (c == '+' && in->n > 2) {
		high = hex_digit(in->p[1]);
		low = hex_digit(in->p[2]);
		if (high < 0 || low < 0)
			return -1;
		c = high * 16 + low;
		*in = span_rest(*in, 3);
	} else if (c == '+' || c == '=' || c == ' ') {
		return -1;
	} else {
		*in = span_rest(*in, 1);
	}
	return c >= ' ' && c != 127 ? c : -1;
}

/* most: the highest octet that it may stand for */
static bool decode(struct str *out, struct span xtext, int most)
{
	while (CFG_DSN && xtext.n) {
		int c = take(&xtext);

		if (c < 0 || c > most)
			return false;
		if (out)
			str_addc(out, (char)c);
	}
	return CFG_DSN;
}

bool dsn_decode(struct str *out, struct span xtext)
{
	return decode(out, xtext, 126);
}

void dsn_make_orcpt(struct str *out, const char *address)
{
	size_t before = out->n;

	if (!CFG_DSN || !utf8_ascii(span_of(address)))
		return;
	str_addf(out, "%sORCPT=rfc822;", out->n ? " " : "");
	for (const char *p = address; *p; p++)
		if (*p > ' ' && *p <= '~' && *p != '+' && *p != '=')
			str_addc(out, *p);
		else
			str_addf(out, "+%02X", (unsigned char)*p);
	if (out->n - before > DSN_ORCPT_MOST)
		out->bad = true;
}

/* -- utf-8 addresses (RFC 6533 3) -- */

#define EMBEDDED_MOST 6		/* digits in \x{10FFFF} */

/* "\x{F6}" off *in; 0: there is none, or it is no character to be shown. */
static uint32_t take_embedded(struct span *in)
{
	struct span s = *in;
	uint32_t c = 0;
	size_t end = span_find(s, '}');

	if (!span_starts(s, "\\x{") || end == s.n || end < 4 ||
			end > 3 + EMBEDDED_MOST)
		return 0;
	for (size_t i = 3; i < end; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return 0;
		c = c * 16 + (uint32_t)digit;
	}
	if (c <= ' ' || (c >= 127 && c < 160) || c == 0x2028 || c == 0x2029 ||
			(c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return 0;
	*in = span_rest(s, end + 1);
	return c;
}

void dsn_put_utf8(struct str *out, struct span address, bool ascii)
{
	if (!CFG_SMTPUTF8) {
		str_add(out, address);
		return;
	}
	while (address.n) {
		uint32_t c = ascii ? 0 : take_embedded(&address);

		if (!c)
			c = utf8_next(&address);
		if (ascii && c > 127)
			str_addf(out, "\\x{%X}", (unsigned)c);
		else
			utf8_put(out, c);
	}
}

static bool is_utf8(struct span type)
{
	return span_is(type, "utf-8");
}

/* As it is only with its type; as xtext with any, as Postfix makes it. */
static bool is_utf8_address(struct span type, struct span address)
{
	struct str text;
	bool good;

	if (!CFG_DSN || !CFG_SMTPUTF8)
		return false;
	if (!utf8_ascii(address))
		return is_utf8(type) && utf8_clean(address);
	str_init(&text, address.n);
	good = decode(&text, address, 255) && !text.bad &&
		utf8_clean(str_span(&text));
	str_free(&text);
	return good;
}

void dsn_put_orcpt(struct str *out, struct span value, bool ascii)
{
	struct span type = span_cut(&value, ';');
	struct str text;

	str_init(&text, value.n);
	if (!CFG_SMTPUTF8 || !is_utf8(type)) {
		decode(&text, value, 255);
		value = str_span(&text);
	}
	/* RFC 6533 3: no other type has such addresses */
	if (CFG_SMTPUTF8 && (is_utf8(type) || !utf8_ascii(value))) {
		str_adds(out, "utf-8; ");
		dsn_put_utf8(out, value, ascii);
	} else {
		str_addf(out, "%.*s; ", SPAN_ARG(type));
		str_add(out, value);
	}
	out->bad |= text.bad;
	str_free(&text);
}

/* -- the forms -- */

/* The bits for a value of NOTIFY; 0: it is none (RFC 3461 4.1). */
static unsigned notify_bits(struct span value)
{
	static const char words[][8] = { "NEVER", "SUCCESS", "FAILURE", "DELAY" };
	unsigned bits = 0, i;
	bool more = CFG_DSN;

	while (more) {
		struct span word = span_sub(value, 0, span_find(value, ','));

		more = word.n < value.n;
		value = span_rest(value, word.n + 1);
		for (i = 0; i < 4 && !span_is(word, words[i]); i++)
			;
		if (i == 4 || bits & 1U << i)
			return 0;
		bits |= 1U << i;
	}
	return bits & DSN_NEVER && bits != DSN_NEVER ? 0 : bits;
}

bool dsn_is_notify(struct span value)
{
	return notify_bits(value);
}

bool dsn_is_ret(struct span value)
{
	return span_is(value, "FULL") || span_is(value, "HDRS");
}

bool dsn_is_envid(struct span value)
{
	return value.n && value.n <= DSN_ENVID_MOST && dsn_decode(NULL, value);
}

bool dsn_is_orcpt(struct span value)
{
	size_t n = value.n;
	struct span type = span_cut(&value, ';');

	return n <= DSN_ORCPT_MOST && type.n && value.n
			/* an atom (RFC 5321 4.1.2) */
			&& span_isalnum(type, "!#$%&'*+-/=?^_`{|}~")
			&& (dsn_decode(NULL, value)
				|| is_utf8_address(type, value));
}

/* -- what hangs on them -- */

struct span dsn_param(const char *params, const char *name)
{
	struct span rest = span_of(CFG_DSN ? params : NULL), word;

	while ((word = span_word(&rest)).n)
		if (span_is(span_cut(&word, '='), name))
			break;
	return word;
}

bool dsn_wants(const char *params, unsigned what)
{
	unsigned bits = notify_bits(dsn_param(params, "NOTIFY"));

	/* RFC 3461 4.1: which of the two defaults is ours to choose */
	return (bits ? bits : DSN_FAILURE | DSN_DELAY) & what;
}
