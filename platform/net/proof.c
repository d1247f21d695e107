/* What is not met is a temporary failure. */
#include "net/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "net/tls_line.h"

struct host {
	struct proofs *proofs;
	struct dane *ask;		/* under way */
	enum dane_status status;
	struct tls_pins *pins;		/* a share; or NULL */
	char name[256];
};

/* One entry a host that DNS was asked about. */
struct proofs {
	struct proof_ask ask;
	unsigned pending;		/* look-ups */
	struct sts_wait *wait;		/* ... one of which may be this */
	struct sts_kept *policy;	/* a share; NULL: none */
	unsigned n;
	struct host host[MX_HOSTS];
};

/* -- what DNS and the domain say -- */

void proofs_free(struct proofs *p)
{
	if (!p)
		return;
	for (unsigned i = 0; CFG_DANE && i < p->n; i++) {
		dane_cancel(p->host[i].ask);
		tls_pins_drop(p->host[i].pins);
	}
	if (CFG_MTA_STS) {
		sts_cancel(p->wait);
		sts_drop(p->policy);
	}
	free(p);
}

bool proofs_pending(const struct proofs *p)
{
	return p && p->pending;
}

static void came(struct proofs *p)
{
	if (--p->pending == 0)
		p->ask.done(p->ask.arg);
}

/* Its own domain's name is good, too, in a certificate (RFC 7672 3.2.2). */
static void got_dane(void *arg, enum dane_status status, struct tls_pins *pins)
{
	struct host *h = arg;

	h->ask = NULL;
	h->status = status;
	h->pins = pins;
	if (pins)
		tls_pins_name(pins, h->proofs->ask.hop);
	came(h->proofs);
}

static const struct host *find_host(const struct proofs *p, const char *name)
{
	for (unsigned i = 0; p && i < p->n; i++)
		if (strcmp(p->host[i].name, name) == 0)
			return &p->host[i];
	return NULL;
}

/* What cannot be asked cannot be known: not that host then. */
static void ask_dane(struct proofs *p, const struct mx_target *at)
{
	struct host *h;

	if (!at->named || find_host(p, at->name) || p->n == MX_HOSTS)
		return;
	h = &p->host[p->n++];
	h->proofs = p;
	h->status = DANE_FAIL;
	str_copys(h->name, sizeof(h->name), at->name);
	h->ask = dane_find(p->ask.dns, h->name, p->ask.port, got_dane, h);
	p->pending += h->ask != NULL;
}

static void got_sts(void *arg, struct sts_kept *policy)
{
	struct proofs *p = arg;

	p->wait = NULL;
	p->policy = policy;
	came(p);
}

struct proofs *proofs_start(const struct proof_ask *ask)
{
	struct proofs *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->ask = *ask;
	for (unsigned i = 0; CFG_DANE && ask->dane && i < ask->n; i++)
		ask_dane(p, &ask->targets[i]);
	if (CFG_MTA_STS && ask->sts)
		p->wait = sts_find(ask->sts, ask->hop, got_sts, p);
	p->pending += p->wait != NULL;
	return p;
}

enum dane_status proofs_dane(const struct proofs *p, const char *host,
		const struct tls_pins **pins)
{
	const struct host *h = find_host(p, host);

	*pins = h ? h->pins : NULL;
	return h ? h->status : DANE_NONE;
}

const struct sts_kept *proofs_policy(const struct proofs *p)
{
	return p ? p->policy : NULL;
}

/* -- what one host has to be -- */

static bool refuse(struct smtp_result *why, const char *enhanced,
		const char *host, const char *text)
{
	*why = (struct smtp_result){ .kind = ERR_TEMP,
		.tls_fault = TLS_FAULT_PIN };
	str_copys(why->enhanced, sizeof(why->enhanced), enhanced);
	snprintf(why->text, sizeof(why->text), "%.150s: %s", host, text);
	return false;
}

/* True: DANE has decided, and rc says what. only: nothing else will do. */
static bool by_dane(const struct proofs *known, bool only,
		const struct mx_target *at, struct smtp_target *t,
		struct proof *out, struct smtp_result *why, bool *rc)
{
	const struct host *h = find_host(known, at->name);

	*rc = true;
	out->asker = PROOF_BY_DANE;
	if (h && h->status == DANE_PINS) {
		out->pins = tls_pins_hold(h->pins);
		tls_demand(t, out->pins);
	} else if (h && h->status == DANE_FAIL) {
		out->unknown = true;
		*rc = refuse(why, "4.7.5", at->name, "DNS does not say which "
				"certificate it has (TLSA)");
	} else if (only) {
		*rc = refuse(why, "4.7.5", at->name, h && h->status ==
				DANE_UNUSABLE ? "no TLSA record that can be "
				"used" : "tls-policy dane, but no signed TLSA "
				"records");
	} else if (h && h->status == DANE_UNUSABLE) {
		t->tls = CONF_TLS_STARTTLS;
		out->unusable = true;
	} else {
		out->asker = PROOF_BY_NOBODY;
		return false;
	}
	return true;
}

static bool by_sts(const struct sts_kept *policy, const struct mx_target *at,
		struct smtp_target *t, struct proof *out,
		struct smtp_result *why)
{
	static const struct tls_expect note = { .note = true };
	bool named = sts_match(policy->mx, at->name);

	out->asker = PROOF_BY_STS;
	out->unnamed = !named;
	t->verify = true;
	if (policy->mode == STS_TESTING) {
		t->expect = &note;
		return true;
	}
	t->tls = CONF_TLS_STARTTLS;
	return named || refuse(why, "4.7.5", at->name, "the domain's MTA-STS "
			"policy does not name this host");
}

bool proof_choose(const struct proofs *known,
		const struct conf_tls_policy *line, bool by_mx,
		const struct mx_target *at, struct smtp_target *t,
		struct proof *out, struct smtp_result *why)
{
	bool rc;

	if (line && line->mode != CONF_POLICY_DANE)
		return tls_line(line, t, &out->pins) == 0 ? true :
			refuse(why, "4.3.0", at->name, "out of memory");
	if (CFG_DANE && !t->lmtp && by_dane(known, line != NULL, at, t, out,
				why, &rc))
		return rc;
	out->asker = by_mx ? PROOF_BY_NOBODY : PROOF_BY_NONE;
	if (CFG_MTA_STS && known && known->policy)
		return by_sts(known->policy, at, t, out, why);
	return true;
}

void proof_drop(struct proof *proof)
{
	tls_pins_drop(proof->pins);
	*proof = (struct proof){ .asker = PROOF_BY_NONE };
}
