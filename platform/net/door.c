#include "net/door.h"

#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "net/proxy.h"
#include "os/clock.h"
#include "os/log.h"

#define TELL_MS 1000

void door_tell(struct door *door, const char *who, const char *why)
{
	int64_t now = clock_ms();

	door->refused++;
	if (door->told && now - door->told < TELL_MS)
		return;
	log_warn("%s refused: %s (%u in all since the last line)", who, why,
			door->refused);
	door->told = now;
	door->refused = 0;
}

/* What the daemon's own limits say first, then the two of all daemons. */
static const char *refusal(struct daemon *d, struct door *door,
		const struct sockaddr *peer, bool *all, bool *banned)
{
	enum door_answer answer = door->check ? door->check(door, peer) :
		DOOR_OPEN;

	*all = false;
	*banned = answer == DOOR_BANNED;
	if (*banned)
		return "Too many failures, come back later";
	if (answer == DOOR_TOO_FAST)
		return "Too many connections in this time from your address";
	switch (listen_count_in(d->count, peer)) {
	case 0:
		return NULL;
	case 2:
		return "Too many connections from your address";
	}
	*all = true;
	return "Too many connections, try again later";
}

const char *door_move(struct daemon *d, struct door *door, struct conn *c,
		const struct sockaddr *to)
{
	const char *why;
	bool all, banned;

	listen_count_out(d->count, conn_peer_addr(c));
	why = refusal(d, door, to, &all, &banned);
	if (why)
		listen_count_in(d->count, conn_peer_addr(c));
	else
		conn_set_peer(c, to, sizeof(struct sockaddr_in6));
	return why;
}

/* Who comes in, and what is known of it so far. */
struct guest {
	struct daemon *d;
	struct door *door;
	const char *all, *one;
	void (*in)(void *arg, struct conn *c);
	void *arg;
};

static void let_in(const struct guest *g, struct conn *c)
{
	bool in_all, banned;
	const char *why = refusal(g->d, g->door, conn_peer_addr(c), &in_all,
			&banned);

	if (!why) {
		g->in(g->arg, c);
		return;
	}
	if (!banned)
		door_tell(g->door, conn_peer(c), why);
	if (g->all)
		conn_printf(c, "%s %s\r\n", in_all ? g->all : g->one, why);
	conn_flush(c);
	conn_abort(c);
}

/* -- behind a front end -- */

/* While its header is awaited a connection counts in all only. */
static const struct sockaddr nobody = { .sa_family = AF_UNIX };

static void on_header(void *arg, int fd, const struct proxy_header *h,
		const char *why)
{
	struct guest *g = arg;
	struct conn *c = conn_new(g->d->loop, fd, NULL, NULL);

	listen_count_out(g->d->count, &nobody);
	if (c && h) {
		if (h->source.any.sa_family != AF_UNSPEC)
			conn_set_peer(c, &h->source.any, sizeof(h->source));
		let_in(g, c);
	} else if (c) {
		if (why)
			door_tell(g->door, conn_peer(c), why);
		conn_abort(c);
	}
	free(g);
}

static bool is_front_end(const struct daemon *d, int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} peer;
	socklen_t len = sizeof(peer);

	return d->conf->proxy_from && getpeername(fd, &peer.any, &len) == 0 &&
		conf_net_has(d->conf->proxy_from, &peer.any);
}

static void wait_for_header(const struct guest *g, int fd)
{
	struct guest *kept = malloc(sizeof(*kept));

	if (!kept || listen_count_in(g->d->count, &nobody)) {
		door_tell(g->door, "a front end", kept ?
				"Too many connections, try again later" :
				"Out of memory");
		free(kept);
		close(fd);
		return;
	}
	*kept = *g;
	if (proxy_read(g->d->loop, fd, on_header, kept))
		return;
	listen_count_out(g->d->count, &nobody);
	free(kept);
	close(fd);
}

void door_open(struct daemon *d, struct door *door, int fd,
		const char *all, const char *one,
		void (*in)(void *arg, struct conn *c), void *arg)
{
	const struct guest g = { d, door, all, one, in, arg };
	struct conn *c;

	if (CFG_FRONT_ENDS && is_front_end(d, fd)) {
		wait_for_header(&g, fd);
		return;
	}
	c = conn_new(d->loop, fd, NULL, NULL);
	if (c)
		let_in(&g, c);
}
