/*
 * How sure we have to be of the next host: by tls-policy, else by what its DNS
 * says (DANE, RFC 7672), else by what the recipients' domain says (MTA-STS, RFC
 * 8461), else not at all (RFC 7435). What is not met is a temporary failure.
 */
#include "applet.h"
#include "config.h"
#include "queue.h"
#include "queue_sts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/dane.h"
#include "net/tls_line.h"

struct tls_host {
	struct queue_proofs *tls;
	struct dane *ask;		/* under way */
	enum dane_status status;
	struct tls_pins *pins;		/* a share; or NULL */
	char name[256];
};

/* Of a site: one entry a host that DNS was asked about. */
struct queue_proofs {
	struct queue_site *site;
	unsigned pending;		/* look-ups */
	struct sts_wait *wait;		/* ... one of which may be this */
	struct sts_kept *policy;	/* a share; NULL: none */
	unsigned n;
	struct tls_host host[MX_HOSTS];
};

/* -- which line -- */

/* A site found by MX is for one domain, and so for one line. */
static void use_line(struct queue_route *r, const struct conf_tls_policy *p,
		char *key, size_t size)
{
	size_t n = strlen(key);

	r->policy = p;
	if (p && r->host)
		snprintf(key + n, size - n, " tls-policy %u", p->number);
}

void proof_keep(const struct queue_route *failed, struct queue_route *r,
		char *key, size_t size)
{
	if (!r->unix_path)
		use_line(r, failed->policy, key, size);
}

void proof_route(const struct queue *q, struct span domain,
		struct queue_route *r, char *key, size_t size)
{
	if (r->unix_path || r->smarthost)
		return;
	use_line(r, conf_tls_policy(q->daemon.conf, domain), key, size);
}

bool proof_wants_bundle(const struct queue *q)
{
	const struct conf_tls_policy *p = q->daemon.conf->tls_policies;

	while (p && p->mode != CONF_POLICY_VERIFY)
		p = p->next;
	return p;
}

/* -- what DNS says -- */

void proofs_free(struct queue_proofs *p)
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

bool proof_pending(const struct queue_site *s)
{
	return s->targets && s->targets->proofs && s->targets->proofs->pending;
}

static void came(struct queue_proofs *t)
{
	if (--t->pending == 0)
		site_wake(t->site);
}

/* Its own domain's name is good, too, in a certificate (RFC 7672 3.2.2). */
static const char *next_hop(const struct queue_site *s)
{
	return s->route.host ? s->route.host : s->key + sizeof("mx ") - 1;
}

static void got_dane(void *arg, enum dane_status status, struct tls_pins *pins)
{
	struct tls_host *h = arg;

	h->ask = NULL;
	h->status = status;
	h->pins = pins;
	if (pins)
		tls_pins_name(pins, next_hop(h->tls->site));
	came(h->tls);
}

static struct tls_host *find_host(struct queue_proofs *t, const char *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strcmp(t->host[i].name, name) == 0)
			return &t->host[i];
	return NULL;
}

/* What cannot be asked cannot be known: not that host then. */
static void ask_dane(struct queue_proofs *t, const struct mx_target *at)
{
	struct queue_site *s = t->site;
	struct tls_host *h;

	if (!at->named || find_host(t, at->name) || t->n == MX_HOSTS)
		return;
	h = &t->host[t->n++];
	h->tls = t;
	h->status = DANE_FAIL;
	str_copys(h->name, sizeof(h->name), at->name);
	h->ask = dane_find(s->queue->dns, h->name, s->route.port, got_dane, h);
	t->pending += h->ask != NULL;
}

static bool wants_dane(const struct queue_site *s)
{
	return CFG_DANE && s->queue->daemon.conf->dns_trust && !s->route.lmtp
		&& (!s->route.policy ||
			s->route.policy->mode == CONF_POLICY_DANE);
}

static void got_sts(void *arg, struct sts_kept *policy)
{
	struct queue_proofs *t = arg;

	t->wait = NULL;
	t->policy = policy;
	came(t);
}

/* Only where the domain's own MX are asked does its policy name them. */
static bool wants_sts(const struct queue_site *s)
{
	return CFG_MTA_STS && s->queue->sts && !s->route.host
		&& !s->route.unix_path && !s->route.policy;
}

/* An address, as in user@[192.0.2.1], has no names to be asked for. */
static bool is_literal(const struct queue_site *s)
{
	return strchr(next_hop(s), '[');
}

bool proof_prepare(struct queue_site *s)
{
	struct queue_proofs *t;

	if (s->route.unix_path || s->route.smarthost || is_literal(s)
			|| (!wants_dane(s) && !wants_sts(s)))
		return false;
	t = calloc(1, sizeof(*t));
	if (!t) {
		targets_drop(s->targets);
		s->targets = NULL;
		site_cannot(s, "4.3.0", "out of memory");
		return true;
	}
	t->site = s;
	s->targets->proofs = t;
	for (unsigned i = 0; wants_dane(s) && i < s->targets->n; i++)
		ask_dane(t, &s->targets->v[i]);
	if (wants_sts(s))
		t->wait = sts_find(s->queue->sts, next_hop(s), got_sts, t);
	t->pending += t->wait != NULL;
	return t->pending;
}

/* -- how it went -- */

static enum tally_result result_of(const struct queue_proof *proof,
		unsigned fault)
{
	static const enum tally_result results[] = {
		[TLS_FAULT_NONE] = TALLY_GOOD,
		[TLS_FAULT_NO_TLS] = TALLY_NO_TLS,
		[TLS_FAULT_HANDSHAKE] = TALLY_OTHER,
		[TLS_FAULT_NAME] = TALLY_NAME, [TLS_FAULT_DATE] = TALLY_DATE,
		[TLS_FAULT_SIGNER] = TALLY_SIGNER, [TLS_FAULT_PIN] = TALLY_OTHER
	};

	if (fault == TLS_FAULT_NONE && proof->unusable)
		return TALLY_TLSA;
	return fault == TLS_FAULT_NONE && proof->unnamed ? TALLY_OTHER :
		results[fault];
}

void proof_note(struct queue_site *s, const struct queue_proof *proof,
		unsigned fault)
{
	if (CFG_TLS_REPORT && !s->route.host)
		tally_add(s->queue, next_hop(s), proof->asker,
				result_of(proof, fault));
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

/* True: DANE has decided, and rc says what. */
static bool by_dane(struct queue_site *s, struct queue_proofs *known,
		const struct mx_target *at, struct smtp_target *t,
		struct queue_proof *proof, struct smtp_result *why, bool *rc)
{
	bool only = s->route.policy != NULL;
	struct tls_host *h = known ? find_host(known, at->name) : NULL;

	*rc = true;
	proof->asker = PROOF_BY_DANE;
	if (h && h->status == DANE_PINS) {
		proof->pins = tls_pins_hold(h->pins);
		tls_demand(t, proof->pins);
	} else if (h && h->status == DANE_FAIL) {
		if (CFG_TLS_REPORT && !s->route.host)
			tally_add(s->queue, next_hop(s), proof->asker,
					TALLY_DNSSEC);
		*rc = refuse(why, "4.7.5", at->name, "DNS does not say which "
				"certificate it has (TLSA)");
	} else if (only) {
		*rc = refuse(why, "4.7.5", at->name, h && h->status ==
				DANE_UNUSABLE ? "no TLSA record that can be "
				"used" : "tls-policy dane, but no signed TLSA "
				"records");
	} else if (h && h->status == DANE_UNUSABLE) {
		t->tls = CONF_TLS_STARTTLS;
		proof->unusable = true;
	} else {
		proof->asker = PROOF_BY_NOBODY;
		return false;
	}
	return true;
}

static bool by_sts(struct queue_site *s, const struct sts_kept *policy,
		const struct mx_target *at, struct smtp_target *t,
		struct queue_proof *proof, struct smtp_result *why)
{
	static const struct tls_expect note = { .note = true };
	bool named = sts_match(policy->mx, at->name);

	proof->asker = PROOF_BY_STS;
	t->verify = true;
	if (policy->mode == STS_TESTING) {
		proof->unnamed = !named;
		t->expect = &note;
		return true;
	}
	t->tls = CONF_TLS_STARTTLS;
	if (named)
		return true;
	proof_note(s, proof, TLS_FAULT_PIN);
	return refuse(why, "4.7.5", at->name, "the domain's MTA-STS policy "
			"does not name this host");
}

bool proof_choose(struct queue_site *s, const struct queue_targets *targets,
		const struct mx_target *at, struct smtp_target *t,
		struct queue_proof *proof, struct smtp_result *why)
{
	const struct conf_tls_policy *p = s->route.policy;
	bool rc;

	if (s->route.unix_path)
		return true;
	if (p && p->mode != CONF_POLICY_DANE)
		return tls_line(p, t, &proof->pins) == 0 ? true :
			refuse(why, "4.3.0", at->name, "out of memory");
	if (CFG_DANE && !s->route.lmtp
			&& by_dane(s, targets->proofs, at, t, proof, why, &rc))
		return rc;
	proof->asker = s->route.host ? PROOF_BY_NONE : PROOF_BY_NOBODY;
	if (CFG_MTA_STS && targets->proofs && targets->proofs->policy)
		return by_sts(s, targets->proofs->policy, at, t, proof, why);
	return true;
}

void proof_drop(struct queue_proof *proof)
{
	tls_pins_drop(proof->pins);
	*proof = (struct queue_proof){ .asker = PROOF_BY_NONE };
}
