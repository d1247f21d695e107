#include "net/door.h"

#include "os/clock.h"
#include "os/log.h"

#define TELL_MS 1000

static void tell(struct door *door, const char *peer, const char *why)
{
	int64_t now = clock_ms();

	door->refused++;
	if (door->told && now - door->told < TELL_MS)
		return;
	log_warn("%s: connection refused: %s (%u in all since the last line)",
			peer, why, door->refused);
	door->told = now;
	door->refused = 0;
}

struct conn *door_open(struct daemon *d, struct door *door, int fd,
		const char *all, const char *one)
{
	struct conn *c = conn_new(d->loop, fd, NULL, NULL);
	const char *why = "Too many connections, try again later";
	int too_many;

	if (!c)
		return NULL;
	too_many = listen_count_in(d->count, conn_peer_addr(c));
	if (!too_many)
		return c;
	if (too_many == 2) {
		all = one;
		why = "Too many connections from your address";
	}
	tell(door, conn_peer(c), why);
	if (all)
		conn_printf(c, "%s %s\r\n", all, why);
	conn_flush(c);
	conn_abort(c);
	return NULL;
}
