/* smtp --serverinfo: one object, its members are in docs/smtp.md */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_put.h"
#include "config.h"
#include "os/text.h"

#define TEXT_MOST (256 * 1024)

static void put_key(struct str *out, const char *name)
{
	char last = out->n ? out->p[out->n - 1] : '{';

	str_addf(out, last == '{' || last == '[' ? "\"%s\":" : ",\"%s\":",
			name);
}

/* NULL: null */
static void put_text(struct str *out, const char *name, const char *text)
{
	put_key(out, name);
	if (text)
		json_string(out, span_of(text));
	else
		str_adds(out, "null");
}

static void put_number(struct str *out, const char *name, int64_t n)
{
	put_key(out, name);
	str_addf(out, n < 0 ? "null" : "%" PRId64, n);
}

static void put_bool(struct str *out, const char *name, bool yes)
{
	put_key(out, name);
	str_adds(out, yes ? "true" : "false");
}

/* The words, as strings in an array. */
static void put_words(struct str *out, const char *name, struct span text)
{
	struct span word;
	bool first = true;

	put_key(out, name);
	str_addc(out, '[');
	while ((word = span_word(&text)).n) {
		if (!first)
			str_addc(out, ',');
		json_string(out, word);
		first = false;
	}
	str_addc(out, ']');
}

static void put_hash(struct str *out, const char *name,
		const unsigned char hash[32])
{
	put_key(out, name);
	str_addc(out, '"');
	for (int i = 0; i < 32; i++)
		str_addf(out, "%02x", hash[i]);
	str_addc(out, '"');
}

static void put_cert(struct str *out, const struct check_port *p)
{
	const struct tls_shown *s = &p->cert;

	put_key(out, "certificate");
	if (!p->has_cert) {
		str_adds(out, "null");
		return;
	}
	str_addc(out, '{');
	put_text(out, "subject", s->subject);
	put_text(out, "issuer", s->issuer);
	put_words(out, "names", span_of(s->names));
	put_number(out, "not_before", s->from);
	put_number(out, "not_after", s->until);
	put_number(out, "key_bits", s->key_bits);
	put_hash(out, "sha256", s->hash);
	put_hash(out, "key_sha256", s->key_hash);
	put_bool(out, "verified", !s->fault);
	put_text(out, "fault", s->no_bundle ? N_("cannot be checked: "
			"there is no bundle of authorities (tls-ca)") :
			s->fault);
	str_addc(out, '}');
}

static void put_offers(struct str *out, const char *name,
		const struct check_offers *o)
{
	put_key(out, name);
	str_addc(out, '[');
	for (unsigned i = 0; i < o->n; i++) {
		if (i)
			str_addc(out, ',');
		json_string(out, span_of(o->line[i]));
	}
	str_addc(out, ']');
}

static void put_found(struct str *out, const struct check_port *p)
{
	struct span value = { 0 };
	unsigned long long size = 0;

	put_offers(out, "ehlo", &p->plain);
	put_offers(out, "ehlo_tls", &p->secure);
	check_offer(&p->plain, "AUTH", &value);
	put_words(out, "auth", value);
	value.n = 0;
	check_offer(&p->secure, "AUTH", &value);
	put_words(out, "auth_tls", value);
	if (check_offer(check_best(p), "SIZE", &value))
		span_number64(value, INT64_MAX, &size);
	put_number(out, "size", size ? (int64_t)size : -1);
}

/* -- DANE and MTA-STS -- */

static void put_list(struct str *out, const char *name, const char *words)
{
	put_key(out, name);
	str_addc(out, '[');
	for (const char *w = words; *w; w += strlen(w) + 1) {
		if (w != words)
			str_addc(out, ',');
		json_string(out, span_of(w));
	}
	str_addc(out, ']');
}

static void put_pin(struct str *out, const struct tls_pin *pin)
{
	str_addf(out, "\"%u %u %u ", pin->usage, pin->selector, pin->matching);
	for (size_t i = 0; i < pin->data.n; i++)
		str_addf(out, "%02x", (unsigned char)pin->data.p[i]);
	str_addc(out, '"');
}

static void put_dane(struct str *out, const struct check_port *p)
{
	static const char *const words[] = {
		[DANE_NONE] = "none", [DANE_PINS] = "usable",
		[DANE_UNUSABLE] = "unusable", [DANE_FAIL] = "unknown"
	};

	put_text(out, "dane", p->dane_asked ? words[p->dane] : NULL);
	put_key(out, "dane_fits");
	str_adds(out, !p->pins || !p->tls_text[0] ? "null" : p->dane_fits ?
			"true" : "false");
	put_key(out, "tlsa");
	str_addc(out, '[');
	for (unsigned i = 0; p->pins && i < p->pins->expect.npins; i++) {
		if (i)
			str_addc(out, ',');
		put_pin(out, &p->pins->expect.pins[i]);
	}
	str_addc(out, ']');
}

static void put_domain(struct str *out, const struct check *c)
{
	put_key(out, "mx");
	str_addc(out, '[');
	for (unsigned i = 0; i < c->nmx; i++) {
		str_adds(out, i ? ",{" : "{");
		put_text(out, "host", c->mx[i]);
		put_bool(out, "named", !check_unnamed(c, i));
		str_addc(out, '}');
	}
	str_addc(out, ']');
	put_text(out, "mta_sts", c->policy ? sts_mode_name(c->policy->mode) :
			NULL);
	put_text(out, "mta_sts_error", *c->no_policy ? c->no_policy : NULL);
	if (!c->policy)
		return;
	put_number(out, "mta_sts_max_age", c->policy->max_age);
	put_list(out, "mta_sts_mx", c->policy->mx);
}

static void put_port(struct str *out, const struct check *c,
		const struct check_port *p)
{
	bool wrong = p->why.kind != ERR_NONE;

	str_addc(out, '{');
	put_number(out, "port", p->port);
	put_bool(out, "good", check_good(p));
	put_text(out, "tls", p->tls == CONF_TLS_TLS ? "tls" : p->tls_text[0] ?
			"starttls" : "none");
	put_text(out, "address", p->address);
	put_number(out, "connect_ms", p->connect_ms);
	put_number(out, "greeting_ms", p->greeting_ms);
	put_number(out, "tls_ms", p->tls_ms);
	put_text(out, "greeting", p->greeting_ms < 0 ? NULL : p->greeting);
	put_text(out, "tls_text", p->tls_text[0] ? p->tls_text : NULL);
	put_cert(out, p);
	if (CFG_SMTP_CHECK_PROOF && CFG_DANE)
		put_dane(out, p);
	put_found(out, p);
	put_key(out, "login");
	str_adds(out, !p->login_tried ? "null" : p->login ? "true" : "false");
	put_number(out, "error_code", wrong && p->why.code ? p->why.code : -1);
	put_text(out, "error", wrong ? p->why.text : NULL);
	put_text(out, "cause", check_cause(c, p));
	str_addc(out, '}');
}

void check_json(const struct check *c)
{
	struct str out, line;

	str_init(&out, TEXT_MOST);
	str_init(&line, 2048);
	check_line(c, &line);
	str_addc(&out, '{');
	put_text(&out, "host", c->host);
	put_key(&out, "addresses");
	str_addc(&out, '[');
	for (unsigned i = 0; i < CHECK_ADDRESSES && c->address[i][0]; i++)
		str_addf(&out, i ? ",\"%s\"" : "\"%s\"", c->address[i]);
	str_addc(&out, ']');
	put_text(&out, "error", c->ntargets ? NULL : c->why.text);
	put_text(&out, "cause", check_cause(c, NULL));
	if (CFG_SMTP_CHECK_PROOF)
		put_domain(&out, c);
	put_key(&out, "ports");
	str_addc(&out, '[');
	for (unsigned i = 0; c->ntargets && i < c->nports; i++) {
		if (i)
			str_addc(&out, ',');
		put_port(&out, c, &c->port[i]);
	}
	str_addc(&out, ']');
	put_text(&out, "smarthost", line.n ? str_c(&line) : NULL);
	str_adds(&out, "}\n");
	fputs(str_c(&out), stdout);
	str_free(&out);
	str_free(&line);
}
