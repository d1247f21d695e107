/* proof - how sure we have to be of another's mail host: what asks for it, and what it takes
 *
 * A line of tls-policy, else what the host's DNS says (DANE, RFC 7672), else what
 * the recipients' domain says (MTA-STS, RFC 8461), else nothing (RFC 7435).
 * queue's and smtp's. TLS_POLICY.
 */
#ifndef NET_PROOF_H
#define NET_PROOF_H

#include "net/dane.h"
#include "net/mx.h"
#include "net/sts_keep.h"
#include "net/tls_pins.h"

/* Who asks for it: what TLS-RPT calls policy-type; NONE: we do. */
enum proof_asker { PROOF_BY_NONE, PROOF_BY_NOBODY, PROOF_BY_DANE,
	PROOF_BY_STS };

/* For one connection. */
struct proof {
	struct tls_pins *pins;		/* a share of them, or NULL */
	enum proof_asker asker;
	bool unusable;			/* TLSA records that say nothing to us */
	bool unnamed;			/* ... by a policy that is only tested */
	bool unknown;			/* DNS did not say it */
};

struct proof_ask {
	const struct mx_target *targets;
	unsigned n, port;
	/* The domain, or the host of a route; kept until proofs_free. */
	const char *hop;
	struct dns *dns;
	bool dane;			/* TLSA records are asked for, */
	struct sts_cache *sts;		/* and the domain's policy; NULL: not */
	void (*done)(void *arg);	/* once, from the loop, if pending */
	void *arg;
};

/* What DNS and the domain say of these hosts. */
struct proofs;
/* NULL: no memory. */
struct proofs *proofs_start(const struct proof_ask *ask);
bool proofs_pending(const struct proofs *p);
void proofs_free(struct proofs *p);	/* NULL is fine */
/* Of a host; NONE: it was not asked for, or has none. */
enum dane_status proofs_dane(const struct proofs *p, const char *host,
		const struct tls_pins **pins);
const struct sts_kept *proofs_policy(const struct proofs *p);	/* or NULL */

/*
 * Sets t's TLS for one host, of which known (NULL: nothing) and the line (NULL:
 * none) tell. False: it must not be tried; why tells. out is empty before; the
 * caller's to drop. by_mx: it is the domain's own.
 */
bool proof_choose(const struct proofs *known,
		const struct conf_tls_policy *line, bool by_mx,
		const struct mx_target *at, struct smtp_target *t,
		struct proof *out, struct smtp_result *why);
void proof_drop(struct proof *proof);

#endif
