#include "net/tls_mbedtls.h"

#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MOST 8

struct entry {
	char *name;			/* NULL: free */
	bool verified;
	mbedtls_ssl_session session;
};

/* The latest first: what falls off the end was not used for the longest. */
struct tls_cache {
	struct entry *entries[CACHE_MOST];
};

struct tls_cache *tls_cache_new(void)
{
	return calloc(1, sizeof(struct tls_cache));
}

static void drop(struct entry *e)
{
	if (!e)
		return;
	mbedtls_ssl_session_free(&e->session);
	free(e->name);
	free(e);
}

void tls_cache_free(struct tls_cache *c)
{
	int i;

	if (!c)
		return;
	for (i = 0; i < CACHE_MOST; i++)
		drop(c->entries[i]);
	free(c);
}

static int find(const struct tls_cache *c, const char *name)
{
	int i;

	for (i = 0; i < CACHE_MOST; i++) {
		if (c->entries[i] && !strcmp(c->entries[i]->name, name))
			return i;
	}
	return -1;
}

/* entries[i] goes out of the row, and e comes in at its front. */
static struct entry *shift(struct tls_cache *c, int i, struct entry *e)
{
	struct entry *out = c->entries[i];

	memmove(c->entries + 1, c->entries, i * sizeof(c->entries[0]));
	c->entries[0] = e;
	return out;
}

bool tls_cache_offer(struct tls_cache *c, mbedtls_ssl_context *ssl,
		const char *name, bool verified)
{
	int i = find(c, name);
	struct entry *e;

	if (i < 0 || (verified && !c->entries[i]->verified))
		return false;
	e = c->entries[i];
	shift(c, i, e);
	return !mbedtls_ssl_set_session(ssl, &e->session);
}

/* No memory, no ticket: then the next time is a full handshake. */
void tls_cache_keep(struct tls_cache *c, const mbedtls_ssl_context *ssl,
		const char *name, bool verified)
{
	struct entry *e = calloc(1, sizeof(*e));
	int i = find(c, name);

	if (!e)
		return;
	mbedtls_ssl_session_init(&e->session);
	e->verified = verified;
	e->name = strdup(name);
	if (!e->name || mbedtls_ssl_get_session(ssl, &e->session)) {
		drop(e);
		return;
	}
	drop(shift(c, i >= 0 ? i : CACHE_MOST - 1, e));
}

void tls_cache_forget(struct tls_cache *c, const char *name)
{
	int i = find(c, name);

	if (i < 0)
		return;
	drop(c->entries[i]);
	c->entries[i] = NULL;
}
