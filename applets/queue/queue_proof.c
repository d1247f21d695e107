/* How sure we have to be of the next host, see net/proof.h: for which site what. */
#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/log.h"

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

/* -- what is asked -- */

bool proof_pending(const struct queue_site *s)
{
	return s->targets && proofs_pending(s->targets->proofs);
}

static const char *next_hop(const struct queue_site *s)
{
	return s->route.host ? s->route.host : s->key + sizeof("mx ") - 1;
}

static void know(void *arg)
{
	site_wake(arg);
}

static bool wants_dane(const struct queue_site *s)
{
	return CFG_DANE && s->queue->daemon.conf->dns_trust && !s->route.lmtp
		&& (!s->route.policy ||
			s->route.policy->mode == CONF_POLICY_DANE);
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
	struct proof_ask ask = {
		.targets = s->targets->v, .n = s->targets->n,
		.port = s->route.port, .hop = next_hop(s),
		.dns = s->queue->dns, .dane = wants_dane(s),
		.sts = wants_sts(s) ? s->queue->sts : NULL,
		.done = know, .arg = s
	};

	if (s->route.unix_path || s->route.smarthost || is_literal(s)
			|| (!ask.dane && !ask.sts))
		return false;
	s->targets->proofs = proofs_start(&ask);
	if (s->targets->proofs)
		return proofs_pending(s->targets->proofs);
	targets_drop(s->targets);
	s->targets = NULL;
	site_cannot(s, "4.3.0", "out of memory");
	return true;
}

/* -- how it went -- */

static enum tally_result result_of(const struct proof *proof,
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

void proof_note(struct queue_site *s, const struct proof *proof,
		unsigned fault)
{
	if (!s->route.host)
		tally_add(s->queue, next_hop(s), proof->asker,
				result_of(proof, fault));
}

static void note_refusal(struct queue_site *s, const struct proof *proof)
{
	if (proof->unknown && !s->route.host)
		tally_add(s->queue, next_hop(s), proof->asker, TALLY_DNSSEC);
	else if (proof->asker == PROOF_BY_STS)
		proof_note(s, proof, TLS_FAULT_PIN);
}

bool proof_of(struct queue_site *s, const struct queue_targets *targets,
		const struct mx_target *at, struct smtp_target *t,
		struct proof *proof, struct smtp_result *why)
{
	if (s->route.unix_path || proof_choose(targets->proofs,
				s->route.policy, !s->route.host, at, t, proof,
				why))
		return true;
	if (CFG_TLS_REPORT)
		note_refusal(s, proof);
	return false;
}

/* -- policies of domains -- */

static void sts_failed(void *arg, const char *domain, enum sts_failure what,
		const char *why)
{
	static const enum tally_result results[] = {
		[STS_FAILED_FETCH] = TALLY_STS_FETCH,
		[STS_FAILED_SYNTAX] = TALLY_STS_SYNTAX,
		[STS_FAILED_CERT] = TALLY_STS_CERT
	};

	(void)why;
	if (CFG_TLS_REPORT)
		tally_add(arg, domain, PROOF_BY_STS, results[what]);
}

static int make_folder(struct queue *q, struct err *err)
{
	const struct conf *conf = q->daemon.conf;
	char dir[1010];

	snprintf(dir, sizeof(dir), "%s/queue", conf->state_dir);
	snprintf(q->sts_path, sizeof(q->sts_path), STS_FILE, conf->state_dir);
	if (daemon_dir(conf->state_dir, 0755, conf->user_auth, err) < 0)
		return -1;
	return daemon_dir(dir, 0700, conf->user_queue, err);
}

void proof_sts(struct queue *q)
{
	struct sts_env *env = &q->sts_env;
	struct err err;

	/* nobody has asked for it by name: without a bundle it goes on without */
	if (tls_add_bundle(q->tls, q->daemon.conf->tls_ca, &err) < 0) {
		log_warn("no MTA-STS: %s", err.text);
		return;
	}
	*env = (struct sts_env){ .loop = q->daemon.loop, .tls = q->tls,
		.ca = q->daemon.conf->tls_ca, .path = q->sts_path,
		.write = true, .failed = sts_failed, .arg = q };
	if (make_folder(q, &err) < 0) {
		log_warn("mta-sts: %s: policies are not kept over a restart",
				err.text);
		env->path = NULL;
		env->write = false;
	}
	q->sts = sts_open(env);
}
