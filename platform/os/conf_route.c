/* The kinds route and fallback-route: where mail for one domain goes, or late mail. */
#include "os/conf_row.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/utf8.h"
#include "config.h"

#define ERROR_MOST 200		/* octets of a reply that we make */
#define PORT_SMTP 25
#define PORT_LMTP 24		/* IANA: any private mail system */

const char *conf_keep_host(struct conf_load *l, struct span s)
{
	unsigned char addr[16];
	char ascii[IDNA_SIZE];
	struct span name = conf_host(ascii, s);
	bool v4;

	if (!name.n && conf_address(s, addr, &v4))
		name = s;
	return name.n ? conf_keep_lower(l, name) : NULL;
}

void conf_put_host(struct str *out, const char *host, unsigned port,
		bool brackets)
{
	if (strchr(host, ':'))
		brackets = true;
	str_addf(out, brackets ? "[%s]:%u" : "%s:%u", host, port);
}

void conf_put_word(struct str *out, const char *key, const char *value)
{
	bool quotes = strchr(value, ' ') || strchr(value, '\t');

	str_addf(out, quotes ? " \"%s%s\"" : " %s%s", key, value);
}

static int bad_target(struct conf_load *l, struct span target)
{
	return conf_bad(l, target, CFG_ROUTE_ERROR ?
			"is no smtp:HOST, smtp:[HOST]:PORT, "
			"lmtp:[HOST]:PORT, lmtp:unix:PATH or error:TEXT" :
			"is no smtp:HOST, smtp:[HOST]:PORT, "
			"lmtp:[HOST]:PORT or lmtp:unix:PATH");
}

/* RFC 3463 2, of what is not delivered: "5.1.6" */
static bool is_status(struct span word)
{
	struct span class = span_cut(&word, '.');
	struct span subject = span_cut(&word, '.');
	unsigned long n;

	return (span_is(class, "4") || span_is(class, "5"))
		&& span_number(subject, 999, &n) && subject.n <= 3
		&& span_number(word, 999, &n) && word.n <= 3;
}

/* As Postfix has it: "error:5.1.6 They have moved" */
static int parse_error(struct conf_load *l, struct conf_route *r,
		struct span text)
{
	struct span rest = text, status = span_cut(&rest, ' ');

	if (!is_status(status)) {
		status = SPAN("5.0.0");
		rest = text;
	}
	rest = span_trim(rest);
	if (!rest.n || rest.n > ERROR_MOST || !utf8_ascii(rest)
			|| span_has_control(rest))
		return conf_error(l, "error: wants a text of ASCII, at most %d "
				"octets", ERROR_MOST);
	r->status = conf_keep(l, status);
	r->host = conf_keep(l, rest);
	return r->status && r->host ? 0 : -1;
}

static int parse_unix(struct conf_load *l, struct conf_route *r,
		struct span path)
{
	if (!path.n || path.p[0] != '/')
		return conf_bad(l, path, "does not begin with /");
	if (path.n >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return conf_error(l, "the socket's path is too long");
	r->is_unix = true;
	r->host = conf_keep(l, path);
	return r->host ? 0 : -1;
}

static int parse_target(struct conf_load *l, struct conf_route *r,
		struct span target)
{
	struct span rest = target, scheme = span_cut(&rest, ':'), host;
	bool brackets;

	if (CFG_ROUTE_ERROR && span_is(scheme, "error"))
		return parse_error(l, r, rest);
	r->lmtp = span_is(scheme, "lmtp");
	if (!r->lmtp && !span_is(scheme, "smtp"))
		return bad_target(l, target);
	if (r->lmtp && span_starts(rest, "unix:"))
		return parse_unix(l, r, span_rest(rest, 5));
	r->host = conf_split_port(rest, &host, &r->port, &brackets) ?
		conf_keep_host(l, host) : NULL;
	if (!r->host)
		return bad_target(l, target);
	r->mx = !brackets;
	/* LMTP has no MX (RFC 2033 5), and an MX has no port but 25 */
	if (r->mx && (r->lmtp || r->port || !conf_is_host(span_of(r->host))))
		return bad_target(l, target);
	if (!r->port)
		r->port = r->lmtp ? PORT_LMTP : PORT_SMTP;
	return 0;
}

/* "*", a domain, or all below one with a dot before it; NULL after conf_error. */
static const char *parse_domain(struct conf_load *l, struct span word)
{
	bool below = word.n > 1 && word.p[0] == '.';
	char ascii[IDNA_SIZE], text[IDNA_SIZE + 1];
	struct span domain = conf_host(ascii, span_rest(word, below));

	if (span_is(word, "*"))
		return conf_keep(l, word);
	if (!domain.n) {
		conf_bad(l, word, "is neither a domain, .DOMAIN nor *");
		return NULL;
	}
	snprintf(text, sizeof(text), below ? ".%.*s" : "%.*s",
			SPAN_ARG(domain));
	return conf_keep_lower(l, span_of(text));
}

int conf_parse_route(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_route **end = &l->c->routes;
	struct conf_route *r = conf_alloc(l, sizeof(*r));

	(void)row;
	if (!r)
		return -1;
	r->domain = parse_domain(l, words->v[0]);
	if (!r->domain || parse_target(l, r, words->v[1]) < 0)
		return -1;
	while (*end)
		end = &(*end)->next;
	*end = r;
	return 0;
}

#define AFTER "after="
#define AFTER_MOST (60 * 86400)

int conf_parse_fallback(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_route *r = conf_alloc(l, sizeof(*r));

	(void)row;
	if (!r || parse_target(l, r, words->v[0]) < 0)
		return -1;
	if (r->is_unix || (CFG_ROUTE_ERROR && r->status))
		return bad_target(l, words->v[0]);
	if (words->n > 1 && (!span_starts(words->v[1], AFTER) || !conf_seconds(
			span_rest(words->v[1], sizeof(AFTER) - 1), AFTER_MOST,
			&r->after)))
		return conf_bad(l, words->v[1], "is no after=TIME, as "
				"after=1h");
	l->c->fallback = r;
	return 0;
}

static void put_target(struct str *out, const struct conf_route *r)
{
	str_adds(out, r->lmtp ? "lmtp:" : "smtp:");
	if (r->mx)
		str_adds(out, r->host);
	else
		conf_put_host(out, r->host, r->port, true);
}

void conf_print_route(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_route *r = c->routes; r; r = r->next) {
		str_adds(out, r->domain);
		if (CFG_ROUTE_ERROR && r->status) {
			str_addf(out, " \"error:%s %s\"", r->status, r->host);
		} else if (r->is_unix) {
			conf_put_word(out, "lmtp:unix:", r->host);
		} else {
			str_addc(out, ' ');
			put_target(out, r);
		}
		if (r->next)
			str_addc(out, '\n');
	}
}

void conf_print_fallback(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const struct conf_route *r = c->fallback;

	(void)row;
	if (!r)
		return;
	put_target(out, r);
	if (r->after) {
		str_adds(out, " " AFTER);
		conf_put_seconds(out, r->after);
	}
}

const struct conf_route *conf_find_route(const struct conf *c,
		struct span domain)
{
	const struct conf_route *r;

	for (r = c->routes; r; r = r->next)
		if (strcmp(r->domain, "*") == 0 || span_is(domain, r->domain)
				|| (*r->domain == '.' && span_ends(domain,
					r->domain)))
			return r;
	return NULL;
}
