/*
 * How it went with TLS, by domain and day: what a report by RFC 8460 is made of.
 * In memory alone; the oldest go when there are too many.
 */
#include "applet.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "net/conn.h"
#include "net/tls.h"
#include "os/clock.h"

#define TALLY_MOST 500			/* domains and days */
#define DAY 86400
#define DAYS_KEPT 3			/* today is one of them */

struct tally {
	struct list link;		/* the oldest first */
	int64_t day;			/* since 1970 */
	enum proof_asker asker;
	uint32_t count[TALLY_RESULTS];
	char domain[];
};

static const char *const askers[] = {
	[PROOF_BY_NONE] = "", [PROOF_BY_NOBODY] = "no-policy-found",
	[PROOF_BY_DANE] = "tlsa", [PROOF_BY_STS] = "sts"
};

/* RFC 8460 4.3 */
static const char *const results[TALLY_RESULTS] = {
	[TALLY_GOOD] = "", [TALLY_NO_TLS] = "starttls-not-supported",
	[TALLY_NAME] = "certificate-host-mismatch",
	[TALLY_DATE] = "certificate-expired",
	[TALLY_SIGNER] = "certificate-not-trusted",
	[TALLY_OTHER] = "validation-failure",
	[TALLY_TLSA] = "tlsa-invalid", [TALLY_DNSSEC] = "dnssec-invalid",
	[TALLY_STS_FETCH] = "sts-policy-fetch-error",
	[TALLY_STS_SYNTAX] = "sts-policy-invalid",
	[TALLY_STS_CERT] = "sts-webpki-invalid"
};

static void drop_first(struct queue *q)
{
	struct tally *t = container_of(q->tallies.next, struct tally, link);

	list_del(&t->link);
	free(t);
	q->ntallies--;
}

static struct tally *find(struct queue *q, const char *domain,
		enum proof_asker asker, int64_t day)
{
	struct list *pos;
	struct tally *t;

	for (pos = q->tallies.prev; pos != &q->tallies; pos = pos->prev) {
		t = container_of(pos, struct tally, link);
		if (t->day != day)
			break;
		if (t->asker == asker && strcmp(t->domain, domain) == 0)
			return t;
	}
	t = calloc(1, sizeof(*t) + strlen(domain) + 1);
	if (!t)
		return NULL;
	t->day = day;
	t->asker = asker;
	memcpy(t->domain, domain, strlen(domain) + 1);
	list_add_tail(&q->tallies, &t->link);
	q->ntallies++;
	return t;
}

static bool is_old(const struct queue *q, int64_t day)
{
	return q->ntallies && container_of(q->tallies.next, struct tally,
			link)->day <= day - DAYS_KEPT;
}

void tally_add(struct queue *q, const char *domain, enum proof_asker asker,
		enum tally_result result)
{
	int64_t day = clock_now() / DAY;
	struct tally *t;

	if (asker == PROOF_BY_NONE || !clock_plausible())
		return;
	while (is_old(q, day) || q->ntallies >= TALLY_MOST)
		drop_first(q);
	t = find(q, domain, asker, day);
	if (t && t->count[result] < UINT32_MAX)
		t->count[result]++;
}

bool tally_put(const struct queue *q, unsigned n, struct conn *conn)
{
	const struct list *pos = q->tallies.next;
	const struct tally *t;

	while (pos != &q->tallies && n--)
		pos = pos->next;
	if (pos == &q->tallies)
		return false;
	t = container_of(pos, struct tally, link);
	conn_printf(conn, "T\t%lld\t%s\t%s\t%u", (long long)t->day * DAY,
			t->domain, askers[t->asker], t->count[TALLY_GOOD]);
	for (int i = TALLY_GOOD + 1; i < TALLY_RESULTS; i++)
		if (t->count[i])
			conn_printf(conn, "\t%s=%u", results[i], t->count[i]);
	conn_puts(conn, "\n");
	return true;
}
