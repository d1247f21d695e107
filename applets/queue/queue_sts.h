/* queue_sts - policies of domains (MTA-STS, RFC 8461), fetched and kept */
#ifndef APPLETS_QUEUE_STS_H
#define APPLETS_QUEUE_STS_H

#include "net/sts.h"
#include "queue.h"

struct queue_sts;
struct sts_wait;

/* A policy, shared by whoever needs it. */
struct sts_kept {
	unsigned refs;			/* private */
	enum sts_mode mode;		/* TESTING or ENFORCE */
	unsigned max_age;		/* seconds */
	char mx[];			/* for sts_match */
};

/*
 * Before the rights are dropped. NULL: there will be no MTA-STS; the log says
 * why.
 */
struct queue_sts *sts_start(struct queue *q);
/* What is known only in memory goes to the disk. */
void sts_save(struct queue_sts *s);

/*
 * Called once, from the loop: the domain's policy, the taker's to drop; NULL: it
 * has none.
 */
typedef void sts_fn(void *arg, struct sts_kept *policy);
/* NULL: it has none for us now, and fn is not called. */
struct sts_wait *sts_find(struct queue_sts *s, const char *domain, sts_fn *fn,
		void *arg);
void sts_cancel(struct sts_wait *w);	/* NULL is fine */

void sts_drop(struct sts_kept *k);	/* NULL is fine */

#endif
