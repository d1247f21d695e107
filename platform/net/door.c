#include "net/door.h"

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

struct conn *door_open(struct daemon *d, struct door *door, int fd,
		const char *all, const char *one)
{
	struct conn *c = conn_new(d->loop, fd, NULL, NULL);
	const char *why;
	bool in_all, banned;

	if (!c)
		return NULL;
	why = refusal(d, door, conn_peer_addr(c), &in_all, &banned);
	if (!why)
		return c;
	if (!banned)
		door_tell(door, conn_peer(c), why);
	if (all)
		conn_printf(c, "%s %s\r\n", in_all ? all : one, why);
	conn_flush(c);
	conn_abort(c);
	return NULL;
}
