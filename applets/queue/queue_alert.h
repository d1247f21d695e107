/* queue_alert - what programs send when something is wrong: merged, and not at night
 *
 * A group is what has one sender, the same recipients and a subject of one shape.
 * Its first message goes at once; what comes within alert-merge of it is kept and
 * goes as one digest. In quiet-hours the first one is kept, too.
 */
#ifndef APPLETS_QUEUE_ALERT_H
#define APPLETS_QUEUE_ALERT_H

#include "queue.h"

#define ALERT_GROUPS 64			/* at a time; the others are not merged */
#define ALERT_GROUP_MOST 1000		/* messages of a digest */
#define ALERT_SIZE_MOST (64 * 1024)	/* octets; a larger one goes by itself */
#define ALERT_DIGEST_MOST (256 * 1024)	/* octets of all, then it goes */
/* of one: the ids of what is in it follow */
#define ALERT_ORIGIN "digest "

struct alert_group {
	struct alert_group *next;
	struct queue *queue;
	uint64_t key;
	struct loop_timer end;		/* of its time, */
	int64_t until;			/* which is then, by clock_ms */
	char (*ids)[SPOOL_ID_SIZE];	/* those that are kept */
	unsigned n, room;
	uint64_t size;
	/* its digest is not durable yet, or what is in it not gone for good */
	bool writing;
	char digest[SPOOL_ID_SIZE];
	struct sync_request flush;
};

/*
 * Some digests were found in the spool: what is in them is not to go by itself.
 */
void alert_claim(struct queue *q);
/* The digest is safe: what is in it goes, as its origin says. */
void alert_merged(struct queue *q, struct span ids);
/* A digest is damaged: what is in it goes by itself after all. */
void alert_unmerge(const struct queue_message *m);

/* ---- queue_digest.c */
/*
 * The subject with all numbers alike, in small letters; cut where out is full.
 * For programs that say how many, how much and when.
 */
void digest_shape(struct str *out, struct span subject);
/*
 * Writes one message for all of the group that can be read into the spool; done
 * with g when it is durable (err NULL) or not. -1: it could not be begun.
 */
int digest_send(struct alert_group *g, spool_done_fn *done, struct err *err);

#endif
