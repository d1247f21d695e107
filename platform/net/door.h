/* door - who comes in, within max-sessions and max-sessions-per-address */
#ifndef NET_DOOR_H
#define NET_DOOR_H

#include "net/conn.h"
#include "net/daemon.h"

enum door_answer { DOOR_OPEN, DOOR_TOO_FAST, DOOR_BANNED };

/* Zeroed by its owner. A flood of connections is no flood of log lines. */
struct door {
	int64_t told;			/* clock_ms() of the last line */
	unsigned refused;		/* since then */
	/* May it come in? NULL: all may. Banned ones get no line. */
	enum door_answer (*check)(struct door *door,
			const struct sockaddr *peer);
};

/* Logs that who is refused, and why; one line a second at most. */
void door_tell(struct door *door, const char *who, const char *why);

/*
 * A conn for fd, counted: listen_count_out is for the caller, at its end.
 * NULL: there is no memory, or they are too many in all or from one address;
 * then the words `all` or `one` and the reason were sent (NULL: nothing).
 */
struct conn *door_open(struct daemon *d, struct door *door, int fd,
		const char *all, const char *one);

#endif
