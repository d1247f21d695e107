#include "net/listen.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* One host, or one /64: what a customer gets, so what one abuser has. */
struct listen_host {
	unsigned char key[16];
	unsigned n;
};

struct listen_count {
	unsigned most, most_per_address, all;
	struct listen_host *hosts;	/* sorted by key */
	unsigned nhosts, size;
};

struct listen_count *listen_count_new(unsigned most, unsigned most_per_address)
{
	struct listen_count *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->most = most;
	c->most_per_address = most_per_address;
	return c;
}

void listen_count_free(struct listen_count *c)
{
	if (!c)
		return;
	free(c->hosts);
	free(c);
}

bool listen_key(unsigned char key[16], const struct sockaddr *peer)
{
	const struct sockaddr_in *v4 = (const void *)peer;
	const struct sockaddr_in6 *v6 = (const void *)peer;

	memset(key, 0, 16);
	if (peer->sa_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &v4->sin_addr, 4);
	} else if (peer->sa_family == AF_INET6) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);

		memcpy(key, &v6->sin6_addr, mapped ? 16 : 8);
	} else {
		return false;
	}
	return true;
}

/* The first that is not below key: it, or where it would have to be. */
static unsigned place(const struct listen_count *c, const unsigned char *key)
{
	unsigned low = 0, high = c->nhosts;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (memcmp(c->hosts[mid].key, key, 16) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_at(const struct listen_count *c, unsigned i,
		const unsigned char *key)
{
	return i < c->nhosts && !memcmp(c->hosts[i].key, key, 16);
}

static bool insert(struct listen_count *c, unsigned i, const unsigned char *key)
{
	struct listen_host *h = c->hosts;

	if (c->nhosts == c->size) {
		unsigned size = c->size ? c->size * 2 : 8;

		h = realloc(h, size * sizeof(*h));
		if (!h)
			return false;
		c->hosts = h;
		c->size = size;
	}
	memmove(h + i + 1, h + i, (c->nhosts - i) * sizeof(*h));
	c->nhosts++;
	memcpy(h[i].key, key, 16);
	h[i].n = 0;
	return true;
}

int listen_count_in(struct listen_count *c, const struct sockaddr *peer)
{
	unsigned char key[16];
	unsigned i;

	if (c->all >= c->most)
		return 1;
	if (listen_key(key, peer)) {
		i = place(c, key);
		if ((is_at(c, i, key) ? c->hosts[i].n : 0) >=
		    c->most_per_address)
			return 2;
		if (!is_at(c, i, key) && !insert(c, i, key))
			return 1;
		c->hosts[i].n++;
	}
	c->all++;
	return 0;
}

void listen_count_out(struct listen_count *c, const struct sockaddr *peer)
{
	unsigned char key[16];
	unsigned i;

	c->all--;
	if (!listen_key(key, peer))
		return;
	i = place(c, key);
	if (!is_at(c, i, key) || --c->hosts[i].n)
		return;
	c->nhosts--;
	memmove(c->hosts + i, c->hosts + i + 1,
			(c->nhosts - i) * sizeof(*c->hosts));
}

unsigned listen_count_all(const struct listen_count *c)
{
	return c->all;
}
