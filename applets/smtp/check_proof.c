/*
 * What others may ask of this server: by its DNS (DANE), and, where it is a
 * domain, by its policy (MTA-STS) of the hosts that take its mail. As queue and
 * smtp go by.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "config.h"

static bool is_name(const struct check *c)
{
	size_t digits = strspn(c->host, "0123456789.");

	return c->host[digits] && !strchr(c->host, ':');
}

/* -- the domain -- */

static void came(struct check *c)
{
	if (--c->waiting == 0)
		loop_stop(c->loop, 0);
}

static void got_mx(void *arg, const struct dns_answer *a)
{
	struct check *c = arg;

	for (int i = 0; a->status == DNS_OK && i < a->count &&
			c->nmx < MX_HOSTS; i++)
		str_copys(c->mx[c->nmx++], sizeof(c->mx[0]),
				a->records[i].text);
	came(c);
}

static void got_policy(void *arg, struct sts_kept *policy)
{
	struct check *c = arg;

	c->policy = policy;
	came(c);
}

static void no_policy(void *arg, const char *domain, enum sts_failure what,
		const char *why)
{
	struct check *c = arg;

	(void)domain, (void)what;
	str_copys(c->no_policy, sizeof(c->no_policy), why);
}

void check_domain(struct check *c, struct dns *dns)
{
	const struct conf *conf = c->job->conf;

	if (!is_name(c))
		return;
	c->sts_env = (struct sts_env){ .loop = c->loop, .dns = dns,
		.tls = c->tls, .ca = conf->tls_ca, .failed = no_policy,
		.arg = c };
	if (CFG_MTA_STS && c->tls)
		c->sts = sts_open(&c->sts_env);
	c->waiting = dns_ask(dns, span_of(c->host), DNS_MX, got_mx, c) != NULL;
	c->waiting += CFG_MTA_STS && c->sts && sts_find(c->sts, c->host, got_policy, c);
	if (c->waiting)
		loop_run(c->loop);
}

bool check_unnamed(const struct check *c, unsigned mx)
{
	return c->policy && !sts_match(c->policy->mx, c->mx[mx]);
}

/* -- a port -- */

struct question {
	struct check *check;
	struct check_port *port;
};

static void got_dane(void *arg, enum dane_status status, struct tls_pins *pins)
{
	struct question *q = arg;

	q->port->dane = status;
	q->port->pins = pins;
	if (pins) {
		/* the alias it may be of, and the certificate for both */
		tls_pins_name(pins, pins->name ? pins->name : q->check->host);
		pins->expect.note = true;
	}
	loop_stop(q->check->loop, 0);
}

void check_dane(struct check *c, struct check_port *p, struct dns *dns)
{
	struct question q = { c, p };

	if (!c->job->conf->dns_trust || !is_name(c))
		return;
	p->dane_asked = true;
	if (dane_find(dns, c->host, p->port, got_dane, &q))
		loop_run(c->loop);
	else
		p->dane = DANE_FAIL;
}

void check_forget(struct check *c)
{
	for (unsigned i = 0; CFG_DANE && i < c->nports; i++)
		tls_pins_drop(c->port[i].pins);
	if (CFG_MTA_STS) {
		sts_drop(c->policy);
		sts_close(c->sts);
	}
}

/* -- in plain words -- */

static void print_policy(const struct check *c)
{
	const struct sts_kept *k = c->policy;
	const char *mx;

	if (!k && !*c->no_policy) {
		printf("  MTA-STS:      none\n");
		return;
	}
	if (!k) {
		printf("  MTA-STS:      none that counts: %s\n", c->no_policy);
		return;
	}
	printf("  MTA-STS:      %s, for %u seconds;", sts_mode_name(k->mode),
			k->max_age);
	for (mx = k->mx; *mx; mx += strlen(mx) + 1)
		printf(" %s", mx);
	printf("\n");
	for (unsigned i = 0; i < c->nmx; i++)
		if (check_unnamed(c, i))
			printf("                %s is not named: %s\n", c->mx[i],
					k->mode == STS_ENFORCE ?
					"it gets no mail" :
					"enforced, it would get no mail");
}

void check_print_domain(const struct check *c)
{
	if (!is_name(c))
		return;
	for (unsigned i = 0; i < c->nmx; i++)
		printf("%s%s", i ? ", " : "  its mail goes to: ", c->mx[i]);
	if (c->nmx)
		printf("\n");
	if (CFG_MTA_STS && (c->nmx || c->policy || *c->no_policy))
		print_policy(c);
	if (CFG_DANE && !c->job->conf->dns_trust)
		printf("  DANE:         not looked at: dns-trust is no\n");
}

static void print_pins(const struct check_port *p)
{
	const struct tls_expect *e = &p->pins->expect;

	for (unsigned i = 0; i < e->npins; i++) {
		const struct tls_pin *pin = &e->pins[i];

		printf(i ? "                " : "  DANE:         ");
		printf("TLSA %u %u %u ", pin->usage, pin->selector,
				pin->matching);
		for (size_t j = 0; j < pin->data.n && j < 32; j++)
			printf("%02x", (unsigned char)pin->data.p[j]);
		printf(pin->data.n > 32 ? "...\n" : "\n");
	}
	printf("                %s\n", p->tls_text[0] == '\0' ?
			"not compared: there was no TLS" : p->dane_fits ?
			"the certificate fits" : "the certificate does NOT "
			"fit: mail by MX is not sent to it");
}

void check_print_dane(const struct check_port *p)
{
	static const char *const words[] = {
		[DANE_NONE] = "no TLSA records that are signed",
		[DANE_UNUSABLE] = "signed TLSA records, none that can be used: "
			"TLS, with any certificate",
		[DANE_FAIL] = "DNS does not answer for its TLSA records, or "
			"their signature is wrong: mail by MX is not sent to it"
	};

	if (!p->dane_asked || (p->dane == DANE_NONE && !p->has_cert))
		return;
	if (p->pins)
		print_pins(p);
	else
		printf("  DANE:         %s\n", words[p->dane]);
}
