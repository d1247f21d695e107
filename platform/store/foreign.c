#include "store/foreign.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/scram.h"
#include "base/sha1.h"
#include "base/sha256.h"
#include "base/sha512.h"
#include "base/str.h"

#define SALT_MOST 64
#define PASSWORD_MOST 255
#define BLOWFISH_MOST 15	/* 2^15 rounds are seconds */
#define ROUNDS_MOST 1000000	/* of SHA-crypt, likewise */

enum how { HOW_PLAIN, HOW_SCRAM, HOW_CRYPT, HOW_SHA1, HOW_SHA256, HOW_SHA512 };

static const struct scheme {
	const char *name;
	unsigned char how;
	const char *start;	/* of a hash of crypt's, NULL: any */
} schemes[] = {
	{ "PLAIN", HOW_PLAIN, NULL }, { "CLEARTEXT", HOW_PLAIN, NULL },
	{ "CLEAR", HOW_PLAIN, NULL }, { "SCRAM-SHA-256", HOW_SCRAM, NULL },
	{ "CRYPT", HOW_CRYPT, NULL }, { "DES-CRYPT", HOW_CRYPT, "" },
	{ "MD5-CRYPT", HOW_CRYPT, "$1$" }, { "BLF-CRYPT", HOW_CRYPT, "$2" },
	{ "SHA256-CRYPT", HOW_CRYPT, "$5$" },
	{ "SHA512-CRYPT", HOW_CRYPT, "$6$" },
	{ "SHA", HOW_SHA1, NULL }, { "SHA1", HOW_SHA1, NULL },
	{ "SSHA", HOW_SHA1, NULL }, { "SHA256", HOW_SHA256, NULL },
	{ "SSHA256", HOW_SHA256, NULL }, { "SHA512", HOW_SHA512, NULL },
	{ "SSHA512", HOW_SHA512, NULL }, { NULL, 0, NULL }
};

/* "{SSHA256.HEX}text" in its parts; no scheme: crypt's. */
struct parts {
	const struct scheme *scheme;	/* NULL: not known here */
	struct span name, text;
	bool hex;
};

static bool split(struct parts *p, struct span in)
{
	struct span suffix;

	p->name = SPAN("CRYPT");
	p->text = in;
	p->hex = false;
	if (in.n && in.p[0] == '{') {
		p->text = span_rest(in, 1);
		p->name = span_cut(&p->text, '}');
	}
	suffix = p->name;
	p->name = span_cut(&suffix, '.');
	if (suffix.n) {
		p->hex = span_is(suffix, "hex");
		if (!p->hex && !span_is(suffix, "b64") &&
				!span_is(suffix, "base64"))
			return false;
	}
	for (p->scheme = schemes; p->scheme->name; p->scheme++)
		if (span_is(p->name, p->scheme->name))
			return true;
	return false;
}

/* -- digests -- */

/* The digest and the salt behind it. */
struct digest {
	unsigned char bytes[SHA512_SIZE + SALT_MOST];
	size_t size, salt;
};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
		c >= 'a' && c <= 'f' ? c - 'a' + 10 :
		c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static ssize_t get_hex(unsigned char *out, size_t size, struct span in)
{
	if (in.n % 2 || in.n / 2 > size)
		return -1;
	for (size_t i = 0; i < in.n; i += 2) {
		int high = hex_digit(in.p[i]), low = hex_digit(in.p[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		out[i / 2] = (unsigned char)(high << 4 | low);
	}
	return (ssize_t)(in.n / 2);
}

static bool get_digest(struct digest *d, const struct parts *p)
{
	bool salted = ascii_lower(p->name.p[1]) == 's';
	ssize_t n = p->hex ? get_hex(d->bytes, sizeof(d->bytes), p->text) :
		base64_get(d->bytes, sizeof(d->bytes), p->text);

	d->size = p->scheme->how == HOW_SHA1 ? SHA1_SIZE :
		p->scheme->how == HOW_SHA256 ? SHA256_SIZE : SHA512_SIZE;
	if (n < (ssize_t)d->size)
		return false;
	d->salt = (size_t)n - d->size;
	return salted == (d->salt > 0) && d->salt <= SALT_MOST;
}

static bool verify_digest(const struct parts *p, struct span password)
{
	char in[PASSWORD_MOST + SALT_MOST];
	unsigned char out[SHA512_SIZE];
	struct digest d;
	struct span text;
	bool same;

	if (!get_digest(&d, p) || password.n > PASSWORD_MOST)
		return false;
	memcpy(in, password.p, password.n);
	memcpy(in + password.n, d.bytes + d.size, d.salt);
	text = span_make(in, password.n + d.salt);
	if (p->scheme->how == HOW_SHA1)
		sha1(out, text);
	else if (p->scheme->how == HOW_SHA256)
		sha256(out, text);
	else
		sha512(out, text);
	same = scram_same(out, d.bytes, d.size);
	explicit_bzero(in, sizeof(in));
	return same;
}

/* -- crypt -- */

static bool verify_crypt(const char *hash, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *made = data ? crypt_r(password, hash, data) : NULL;
	size_t n = strlen(hash);
	/* crypt tells that it failed by NULL or by a text with "*" first */
	bool same = made && made[0] != '*' && strlen(made) == n &&
		scram_same(made, hash, n);

	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}

static bool is_slow(struct span hash)
{
	struct span rest = span_rest(hash, 1), method = span_cut(&rest, '$');
	struct span cost = span_cut(&rest, '$');
	unsigned long n;

	if (span_starts(method, "2"))
		return !span_number(cost, BLOWFISH_MOST, &n);
	return span_starts(cost, "rounds=") && !span_number(span_rest(cost, 7),
			ROUNDS_MOST, &n);
}

static bool is_crypt_text(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_isalnum(s.p[i]) && !memchr("./$=,", s.p[i], 5))
			return false;
	return s.n > 0;
}

/* "$6$rounds=9000$" of a hash: what crypt has to know; "": DES's. */
static struct span method_of(struct span hash)
{
	struct span rest = hash, word;

	if (hash.p[0] != '$')
		return span_sub(hash, 0, 0);
	rest = span_rest(hash, 1);
	word = span_cut(&rest, '$');
	if ((word.n && word.p[0] == '2') || word.n > 1 ||
			span_starts(rest, "rounds="))
		span_cut(&rest, '$');
	return span_sub(hash, 0, (size_t)(rest.p - hash.p));
}

/* Octets of the hash proper; 0: this crypt cannot do it. */
static size_t try_crypt(const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *made = data ? crypt_r("x", hash, data) : NULL;
	size_t n = 0;

	if (made && made[0] != '*' && strlen(made) == strlen(hash))
		n = made[0] == '$' ? strlen(strrchr(made, '$')) : strlen(made);
	free(data);
	return n;
}

/* Each method is tried once: a hundred thousand hashes would take a day. */
static bool check_crypt(struct foreign_seen *seen, struct span hash,
		const char *text)
{
	struct span method;
	size_t at, n;

	if (!is_crypt_text(hash) || is_slow(hash))
		return false;
	method = method_of(hash);
	at = span_rfind(hash, '$');
	n = at < hash.n ? hash.n - at : hash.n;
	for (unsigned i = 0; i < seen->n; i++)
		if (span_eq(method, span_of(seen->row[i].method)))
			return seen->row[i].n == n;
	at = try_crypt(text);
	/* only a hash that came out long enough says how long they are */
	if (at && seen->n < FOREIGN_METHODS && str_copy(
			seen->row[seen->n].method, sizeof(seen->row[0].method),
			method) == 0)
		seen->row[seen->n++].n = at;
	return at == n;
}

/* -- what others call -- */

static bool starts_right(const struct parts *p)
{
	const char *start = p->scheme->start;

	if (!start)
		return true;
	return *start ? span_starts(p->text, start) :
		p->text.n && p->text.p[0] != '$';
}

static int refuse(struct err *err, const struct parts *p)
{
	/* an unknown word without braces may be a password */
	if (span_is(p->name, "CRYPT"))
		return err_set(err, ERR_PERM, "no hash that can be verified "
				"here; a password as it is has {PLAIN} before "
				"it");
	return err_set(err, ERR_PERM, "a password of {%.*s} cannot be "
			"verified here", p->name.n < 32 ? (int)p->name.n : 32,
			p->name.p);
}

int foreign_check(struct foreign_seen *seen, struct span in,
		char text[FOREIGN_SIZE], struct err *err)
{
	struct digest d;
	struct parts p;
	bool good = split(&p, in);

	if (!good)
		return refuse(err, &p);
	if (p.scheme->how == HOW_CRYPT || p.scheme->how == HOW_PLAIN)
		in = p.text;
	if (!in.n || span_has(in, '\0') || str_copy(text, FOREIGN_SIZE, in) < 0)
		return refuse(err, &p);
	if (p.scheme->how == HOW_PLAIN)
		return FOREIGN_PLAIN;
	if (p.scheme->how == HOW_SCRAM) {
		struct scram_keys keys;

		return scram_parse(&keys, in) ? FOREIGN_SCRAM : refuse(err, &p);
	}
	good = p.scheme->how == HOW_CRYPT ? starts_right(&p) &&
		check_crypt(seen, in, text) : get_digest(&d, &p);
	return good ? FOREIGN_HASH : refuse(err, &p);
}

bool foreign_verify(const char *text, const char *password)
{
	struct parts p;

	if (!split(&p, span_of(text)))
		return false;
	return p.scheme->how == HOW_CRYPT ? verify_crypt(text, password) :
		p.scheme->how >= HOW_SHA1 &&
		verify_digest(&p, span_of(password));
}
