/* sts_keep - policies of domains (MTA-STS, RFC 8461), fetched and kept
 *
 * queue keeps them over a restart; smtp fetches what it needs, and believes what
 * queue has kept where it may read it. MTA_STS.
 */
#ifndef NET_STS_KEEP_H
#define NET_STS_KEEP_H

#include "net/dns.h"
#include "net/loop.h"
#include "net/sts.h"
#include "net/tls.h"

#define STS_FILE "%s/queue/mta-sts"	/* with state-dir: queue's */

/* Why a policy could not be fetched. */
enum sts_failure { STS_FAILED_FETCH, STS_FAILED_SYNTAX, STS_FAILED_CERT };

struct sts_env {
	struct loop *loop;
	struct dns *dns;		/* needed from the first sts_find on, */
	struct tls_ctx *tls;		/* this, too: a client */
	const char *ca;			/* its bundle, read before it is needed */
	const char *path;		/* of the file; NULL: none */
	bool write;			/* it is ours, to be written, too */
	/* Each time, before anybody is told; or NULL. */
	void (*failed)(void *arg, const char *domain, enum sts_failure what,
			const char *why);
	void *arg;
};

struct sts_cache;
struct sts_wait;

/* A policy, shared by whoever needs it. */
struct sts_kept {
	unsigned refs;			/* private */
	enum sts_mode mode;		/* TESTING or ENFORCE */
	unsigned max_age;		/* seconds */
	char mx[];			/* for sts_match */
};

/* env and its strings are kept by the caller. NULL: no memory. */
struct sts_cache *sts_open(const struct sts_env *env);
/* What is known only in memory goes to the disk. NULL is fine. */
void sts_save(struct sts_cache *s);
/* Nobody waits any more. NULL is fine. */
void sts_close(struct sts_cache *s);

/*
 * Called once, from the loop: the domain's policy, the taker's to drop; NULL: it
 * has none.
 */
typedef void sts_fn(void *arg, struct sts_kept *policy);
/* NULL: it has none for us now, and fn is not called. */
struct sts_wait *sts_find(struct sts_cache *s, const char *domain, sts_fn *fn,
		void *arg);
void sts_cancel(struct sts_wait *w);	/* NULL is fine */

void sts_drop(struct sts_kept *k);	/* NULL is fine */

#endif
