/* smtp --check in plain words */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/date.h"
#include "config.h"
#include "os/clock.h"

#define DAY 86400

static void print_hash(const char *what, const unsigned char hash[32])
{
	printf("    %s", what);
	for (int i = 0; i < 32; i++)
		printf(i ? ":%02x" : "%02x", hash[i]);
	printf("\n");
}

static void print_dates(const struct tls_shown *s)
{
	char from[DATE_SIZE], until[DATE_SIZE];
	long long left = (s->until - clock_now()) / DAY;

	date_iso(from, s->from);
	date_iso(until, s->until);
	printf("    good from   %s until %s", from, until);
	if (!clock_plausible())
		printf("\n                (this machine's clock is not set: "
				"dates cannot be checked)");
	else if (s->until > clock_now())
		printf(" (%lld day%s more)", left, left == 1 ? "" : "s");
	printf("\n");
}

static void print_cert(const struct check *c, const struct check_port *p)
{
	const struct tls_shown *s = &p->cert;

	printf("  certificate:  %s\n", s->subject);
	if (s->names[0])
		printf("    for         %s\n", s->names);
	printf("    issued by   %s\n", s->issuer);
	print_dates(s);
	printf("    key         %u bits\n", s->key_bits);
	print_hash("SHA-256     ", s->hash);
	print_hash("its key's   ", s->key_hash);
	if (!s->fault)
		printf("    verified    it is %s\n", c->host);
	else if (c->no_bundle)
		printf("    NOT verified: %s cannot be read; install "
				"ca-certificates, or set tls-ca\n",
				c->job->conf->tls_ca);
	else
		printf("    NOT verified: it %s\n", s->fault);
}

/* What has a line of its own. */
static bool is_told(struct span line)
{
	struct span word = span_word(&line);

	return span_is(word, "AUTH") || span_is(word, "SIZE") ||
		span_is(word, "STARTTLS") || span_starts(word, "AUTH=");
}

static void print_auth(const struct check_port *p)
{
	struct span before, behind;
	bool tls = p->tls_text[0];

	if (tls && check_offer(&p->plain, "AUTH", &before))
		printf("  login:        %.*s, without TLS: passwords may be "
				"read on the way\n", SPAN_ARG(before));
	if (!check_offer(check_best(p), "AUTH", &behind))
		printf("  login:        none is offered%s\n", tls ||
				!p->starttls ? "" : " without TLS");
	else
		printf("  login:        %.*s%s\n", SPAN_ARG(behind),
				tls ? "" : " (not encrypted)");
}

static void print_offers(const struct check_port *p)
{
	const struct check_offers *o = check_best(p);
	unsigned long long size;
	struct span value;
	bool any = false;

	if (check_offer(o, "SIZE", &value)) {
		if (span_number64(value, INT64_MAX, &size) && size)
			printf("  largest mail: %llu bytes (%llu MB)\n", size,
					size >> 20);
		else
			printf("  largest mail: it does not say\n");
	}
	for (unsigned i = 0; i < o->n; i++) {
		if (is_told(span_of(o->line[i])))
			continue;
		printf("%s%s", any ? ", " : "  also:         ", o->line[i]);
		any = true;
	}
	if (any)
		printf("\n");
}

static void print_why(const struct check *c, const struct check_port *p)
{
	static const char *const stages[] = {
		[CHECK_CONNECT] = "cannot be reached",
		[CHECK_GREETING] = "does not greet",
		[CHECK_EHLO] = "does not take EHLO",
		[CHECK_STARTTLS] = "does not start TLS",
		[CHECK_TLS] = "TLS fails",
		[CHECK_EHLO_TLS] = "does not take EHLO",
		[CHECK_LOGIN] = "does not let us in", [CHECK_DONE] = ""
	};
	const char *cause = check_cause(c, p);

	printf("  %s: ", stages[p->stage]);
	if (p->why.code)
		printf("%d ", p->why.code);
	printf("%s\n", p->why.text);
	if (cause)
		printf("  likely:       %s\n", cause);
}

static void print_port(const struct check *c, const struct check_port *p)
{
	printf("\nport %u, %s\n", p->port, p->tls == CONF_TLS_TLS ?
			"TLS from the start" : "begins in plain");
	if (p->connect_ms >= 0)
		printf("  connected:    to %s in %" PRId64 " ms\n", p->address,
				p->connect_ms);
	if (p->greeting_ms >= 0)
		printf("  greeting:     %s, after %" PRId64 " ms\n",
				p->greeting, p->greeting_ms);
	if (p->tls_text[0])
		printf("  TLS:          %s, in %" PRId64 " ms\n", p->tls_text,
				p->tls_ms);
	else if (p->stage == CHECK_DONE)
		printf("  TLS:          %s\n", p->starttls ?
				"STARTTLS is offered" : "none is offered");
	if (p->has_cert)
		print_cert(c, p);
	if (CFG_SMTP_CHECK_PROOF)
		check_print_dane(p);
	if (check_best(p)->n) {
		print_auth(p);
		print_offers(p);
	}
	if (p->login)
		printf("  logged in:    as %s\n", c->o->user);
	if (p->why.kind != ERR_NONE)
		print_why(c, p);
}

static void print_advice(const struct check *c)
{
	const struct check_port *p = check_choice(c);
	struct str line;

	if (!p) {
		printf("\nNothing here can be used.\n");
		if (c->nmx)
			printf("It is a domain; to ask who takes its mail: "
					"smtp --check %s:25\n", c->mx[0]);
		return;
	}
	str_init(&line, 2048);
	check_line(c, &line);
	printf("\nFor pillarbox.conf:\n  %s\n", str_c(&line));
	if (p->has_cert && p->cert.fault && !p->dane_fits)
		printf("The certificate is not verified: whoever answers there "
				"gets the mail.\n");
	str_free(&line);
}

void check_print(const struct check *c)
{
	printf("%s", c->host);
	for (unsigned i = 0; i < CHECK_ADDRESSES && c->address[i][0]; i++)
		printf("%s%s", i ? ", " : " is ", c->address[i]);
	printf("\n");
	if (CFG_SMTP_CHECK_PROOF)
		check_print_domain(c);
	if (!c->ntargets) {
		printf("  no address: %s\n  likely:       %s\n", c->why.text,
				check_cause(c, NULL));
		return;
	}
	for (unsigned i = 0; i < c->nports; i++)
		print_port(c, &c->port[i]);
	print_advice(c);
}
