#include "mime/srs.h"

#include <string.h>

#include "base/idna.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "mime/addr.h"

#define HASH_SIZE 5			/* digits */
#define TIME_SIZE 2
#define TIMES 1024			/* days until the same comes again */
#define SKEW 1				/* days that a clock may be set back */
#define DAY 86400
#define TEXT_MOST 1024

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

static int digit(char c)
{
	const char *at = c ? strchr(digits, ascii_lower(c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* "SRS0=", "SRS1+", ...: the separator is for others to choose. */
static bool is_srs(struct span local, char kind)
{
	return local.n > 5 && span_starts(local, "SRS") &&
		local.p[3] == kind && memchr("=+-", local.p[4], 3);
}

/* Over all that is behind it, in lower case. */
static void make_hash(char out[HASH_SIZE], const char *secret,
		struct span text)
{
	unsigned char mac[SHA256_SIZE];
	struct str lower;

	str_init(&lower, TEXT_MOST);
	for (size_t i = 0; i < text.n; i++)
		str_addc(&lower, ascii_lower(text.p[i]));
	sha256_hmac(mac, span_of(secret), str_span(&lower));
	for (int i = 0; i < HASH_SIZE; i++)
		out[i] = digits[mac[i] % 32];
	str_free(&lower);
}

static bool hash_ok(const struct srs *s, struct span hash, struct span text)
{
	char want[HASH_SIZE];
	bool good = false;

	if (hash.n != HASH_SIZE || text.n > TEXT_MOST)
		return false;
	for (unsigned i = 0; i < s->n; i++) {
		unsigned differ = 0;

		make_hash(want, s->secret[i], text);
		for (int k = 0; k < HASH_SIZE; k++)
			differ |= (unsigned)(want[k] ^ ascii_lower(hash.p[k]));
		good |= !differ;
	}
	return good;
}

static unsigned day_of(int64_t now)
{
	return now < 0 ? 0 : (unsigned)(now / DAY % TIMES);
}

/* SRS_DAYS old at most; a day of tomorrow is fine, too. */
static bool time_ok(struct span text, int64_t now)
{
	int high = text.n == TIME_SIZE ? digit(text.p[0]) : -1;
	int low = text.n == TIME_SIZE ? digit(text.p[1]) : -1;
	unsigned age;

	if (high < 0 || low < 0)
		return false;
	if (now < 0)
		return true;
	age = (day_of(now) + SKEW + TIMES - (unsigned)(high * 32 + low)) %
		TIMES;
	return age <= SRS_DAYS + SKEW;
}

/* What a local part means, without its quotes. */
static void unquote(struct str *out, struct span local)
{
	bool quoted = local.n > 1 && local.p[0] == '"';

	for (size_t i = quoted; i + quoted < local.n; i++) {
		if (quoted && local.p[i] == '\\' && i + 2 < local.n)
			i++;
		str_addc(out, local.p[i]);
	}
}

/* local, which has no quotes, where it needs any. False: too long, or none. */
static bool put_address(struct str *out, struct span local,
		struct span domain)
{
	struct addr a = { .domain = domain }, check;
	size_t before = out->n;
	struct str quoted;

	str_init(&quoted, 2 * TEXT_MOST);
	addr_put_quoted(&quoted, local);
	a.local = str_span(&quoted);
	addr_put(out, &a);
	str_free(&quoted);
	return !out->bad && addr_parse(span_rest(str_span(out), before),
			&check, true);
}

/* What follows "SRS0=HASH=" or "SRS1=HASH=". */
static void put_text(struct str *text, char kind, struct span local,
		struct span domain, int64_t now)
{
	unsigned day = day_of(now);

	if (kind == '0')
		str_addf(text, "%c%c=%.*s=%.*s", digits[day / 32],
				digits[day % 32], SPAN_ARG(domain),
				SPAN_ARG(local));
	else if (is_srs(local, '0'))
		str_addf(text, "%.*s=%.*s", SPAN_ARG(domain),
				SPAN_ARG(span_rest(local, 4)));
	else
		/* the hash of the one before us is his */
		str_add(text, span_rest(local, 5 + 1 +
				span_find(span_rest(local, 5), '=')));
}

bool srs_forward(struct str *out, const struct srs *s, struct span sender,
		int64_t now)
{
	struct addr a = addr_split(sender);
	char ascii[IDNA_SIZE], hash[HASH_SIZE], kind;
	struct str local, text, whole;
	bool done = false;

	if (!a.local.n || !a.domain.n || !s->n)
		return false;
	if (idna_ascii(ascii, a.domain))
		a.domain = span_of(ascii);
	str_init(&local, TEXT_MOST);
	str_init(&text, TEXT_MOST);
	str_init(&whole, TEXT_MOST);
	unquote(&local, a.local);
	kind = is_srs(str_span(&local), '0') || is_srs(str_span(&local), '1') ?
		'1' : '0';
	put_text(&text, kind, str_span(&local), a.domain, now);
	make_hash(hash, s->secret[0], str_span(&text));
	str_addf(&whole, "SRS%c=%.*s=%.*s", kind, HASH_SIZE, hash,
			SPAN_ARG(str_span(&text)));
	if (text.n && !local.bad && !text.bad && !whole.bad)
		done = put_address(out, str_span(&whole),
				span_of(s->domain));
	str_free(&local);
	str_free(&text);
	str_free(&whole);
	return done;
}

/* Behind "SRS0=". */
static bool reverse_0(struct str *out, const struct srs *s, struct span rest,
		int64_t now)
{
	struct span hash = span_cut(&rest, '='), text = rest, time, domain;

	time = span_cut(&rest, '=');
	domain = span_cut(&rest, '=');
	return hash_ok(s, hash, text) && time_ok(time, now) &&
		put_address(out, rest, domain);
}

/* Behind "SRS1=": to who was first, who knows the rest. */
static bool reverse_1(struct str *out, const struct srs *s, struct span rest)
{
	struct span hash = span_cut(&rest, '='), text = rest, first;
	struct str local;
	bool good;

	first = span_cut(&rest, '=');
	str_init(&local, TEXT_MOST);
	str_addf(&local, "SRS0%.*s", SPAN_ARG(rest));
	good = hash_ok(s, hash, text) && is_srs(str_span(&local), '0') &&
		put_address(out, str_span(&local), first);
	str_free(&local);
	return good;
}

enum srs_result srs_reverse(struct str *out, const struct srs *s,
		struct span local, int64_t now)
{
	struct str plain;
	struct span text;
	enum srs_result result = SRS_NONE;

	str_init(&plain, TEXT_MOST);
	unquote(&plain, local);
	text = str_span(&plain);
	if (is_srs(text, '0'))
		result = reverse_0(out, s, span_rest(text, 5), now) ?
			SRS_GOOD : SRS_BAD;
	else if (is_srs(text, '1'))
		result = reverse_1(out, s, span_rest(text, 5)) ? SRS_GOOD :
			SRS_BAD;
	str_free(&plain);
	return result;
}
