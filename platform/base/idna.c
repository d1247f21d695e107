#include "base/idna.h"

#include <stdint.h>

#include "base/punycode.h"
#include "base/utf8.h"
#include "config.h"

#define LABEL_MOST 63		/* RFC 1035 2.3.4 */
#define PREFIX "xn--"

/* -- characters -- */

/* What is upper case: each `step`-th from first to last, and what is added. */
static const struct fold {
	uint16_t first, last, step;
	int16_t add;
} folds[] = {
	/* Latin */
	{ 0xc0, 0xd6, 1, 32 }, { 0xd8, 0xde, 1, 32 },
	/* but U+0130, whose lower case has two characters */
	{ 0x100, 0x12e, 2, 1 }, { 0x132, 0x136, 2, 1 }, { 0x139, 0x147, 2, 1 },
	{ 0x14a, 0x176, 2, 1 }, { 0x178, 0x178, 1, -121 },
	{ 0x179, 0x17d, 2, 1 }, { 0x1a0, 0x1a4, 2, 1 }, { 0x1af, 0x1af, 1, 1 },
	{ 0x1cd, 0x1db, 2, 1 }, { 0x1de, 0x1ee, 2, 1 },
	{ 0x1f8, 0x21e, 2, 1 }, { 0x222, 0x232, 2, 1 },
	{ 0x1e00, 0x1e94, 2, 1 }, { 0x1ea0, 0x1efe, 2, 1 },
	/* Greek */
	{ 0x386, 0x386, 1, 38 }, { 0x388, 0x38a, 1, 37 },
	{ 0x38c, 0x38c, 1, 64 }, { 0x38e, 0x38f, 1, 63 },
	{ 0x391, 0x3a1, 1, 32 }, { 0x3a3, 0x3ab, 1, 32 },
	/* Cyrillic, Armenian */
	{ 0x400, 0x40f, 1, 80 }, { 0x410, 0x42f, 1, 32 },
	{ 0x460, 0x480, 2, 1 }, { 0x48a, 0x4be, 2, 1 },
	{ 0x4c0, 0x4c0, 1, 15 }, { 0x4c1, 0x4cd, 2, 1 },
	{ 0x4d0, 0x52e, 2, 1 }, { 0x531, 0x556, 1, 48 },
};

static uint32_t lower(uint32_t c)
{
	if (c < 128)
		return (unsigned char)ascii_lower((char)c);
	for (size_t i = 0; i < sizeof(folds) / sizeof(folds[0]); i++) {
		const struct fold *f = &folds[i];

		if (c >= f->first && c <= f->last)
			return (c - f->first) % f->step ? c :
				(uint32_t)((int32_t)c + f->add);
	}
	return c;
}

/*
 * Of what is not ASCII: controls, blanks, what cannot be seen, other forms of
 * the dot and of ASCII, private use. All of it is DISALLOWED in RFC 5892.
 */
static bool is_barred(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} barred[] = {
		{ 0x80, 0xb6 }, { 0xb8, 0xbf }, { 0xd7, 0xd7 },
		{ 0xf7, 0xf7 }, { 0x1680, 0x1680 }, { 0x180b, 0x180e },
		/* then the two joiners of RFC 5892 A.1 and A.2 */
		{ 0x2000, 0x200b }, { 0x200e, 0x206f }, { 0x2ff0, 0x3002 },
		{ 0xe000, 0xf8ff }, { 0xfe00, 0xfe0f }, { 0xfe50, 0xfe52 },
		{ 0xfeff, 0xffff }, { 0xe0000, 0x10ffff }
	};

	for (size_t i = 0; i < sizeof(barred) / sizeof(barred[0]); i++)
		if (c >= barred[i].first && c <= barred[i].last)
			return true;
	return false;
}

/* Letters, digits and hyphens; underscores, as hosts have them. */
static bool is_ldh(uint32_t c)
{
	return c == '-' || c == '_' || (c < 128 && ascii_isalnum((char)c));
}

/* -- labels -- */

/* How many code points are in out; 0: no U-label (RFC 5890 2.3.2.1). */
static size_t take_points(uint32_t out[PUNYCODE_MOST], struct span label)
{
	size_t n = 0;

	if (!utf8_valid(label))
		return 0;
	while (label.n) {
		uint32_t c = lower(utf8_next(&label));

		if (n == PUNYCODE_MOST || (c < 128 ? !is_ldh(c) : is_barred(c)))
			return 0;
		out[n++] = c;
	}
	/* RFC 5891 4.2.3.1: hyphens */
	return out[0] == '-' || out[n - 1] == '-' ||
		(n > 3 && out[2] == '-' && out[3] == '-') ? 0 : n;
}

/* The label as DNS has it, NUL behind it. False: there is none, or no room. */
static bool put_label(char *out, size_t size, struct span label)
{
	char code[sizeof(PREFIX) - 1 + PUNYCODE_SIZE] = PREFIX;
	uint32_t points[PUNYCODE_MOST];
	size_t n;

	if (utf8_ascii(label)) {
		if (str_copy(out, size, label) < 0)
			return false;
		for (; *out; out++)
			*out = ascii_lower(*out);
		return true;
	}
	n = CFG_SMTPUTF8 ? take_points(points, label) : 0;
	return n && punycode_put(code + sizeof(PREFIX) - 1, points, n) &&
		span_of(code).n <= LABEL_MOST &&
		str_copys(out, size, code) == 0;
}

/* -- names -- */

bool idna_ascii(char out[IDNA_SIZE], struct span name)
{
	size_t at = 0, n;

	out[0] = '\0';
	if (!CFG_SMTPUTF8)
		return utf8_ascii(name) && put_label(out, IDNA_SIZE, name);
	while (name.n) {
		n = span_find(name, '.');
		if (!put_label(out + at, IDNA_SIZE - at, span_sub(name, 0, n)))
			goto bad;
		at += span_of(out + at).n;
		if (n < name.n && at < IDNA_SIZE - 1)
			out[at++] = '.';
		else if (n < name.n)
			goto bad;
		out[at] = '\0';
		name = span_rest(name, n + 1);
	}
	return true;
bad:
	out[0] = '\0';
	return false;
}

bool idna_same(struct span a, struct span b)
{
	char left[IDNA_SIZE], right[IDNA_SIZE];

	if (span_caseeq(a, b))
		return true;
	if (!CFG_SMTPUTF8 || (utf8_ascii(a) && utf8_ascii(b)))
		return false;
	return idna_ascii(left, a) && idna_ascii(right, b) &&
		span_is(span_of(left), right);
}

/* What would not come back as this label is no A-label: shown as it is. */
static void put_text(struct str *out, struct span label)
{
	uint32_t points[PUNYCODE_MOST];
	char again[IDNA_SIZE];
	struct str text;
	size_t n = 0;

	str_init(&text, 4 * PUNYCODE_MOST);
	if (span_starts(label, PREFIX))
		n = punycode_get(points, span_rest(label, sizeof(PREFIX) - 1));
	for (size_t i = 0; i < n; i++)
		utf8_put(&text, points[i]);
	if (n && !utf8_ascii(str_span(&text)) &&
			idna_ascii(again, str_span(&text)) &&
			span_is(label, again))
		str_add(out, str_span(&text));
	else
		str_add(out, label);
	str_free(&text);
}

void idna_text(struct str *out, struct span name)
{
	if (!CFG_SMTPUTF8) {
		str_add(out, name);
		return;
	}
	while (name.n) {
		size_t n = span_find(name, '.');

		put_text(out, span_sub(name, 0, n));
		if (n < name.n)
			str_addc(out, '.');
		name = span_rest(name, n + 1);
	}
}
