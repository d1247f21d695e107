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
 * Calls in with a conn for fd, counted: listen_count_out is for the callee, at
 * its end. It is called at once, or, behind a front end of proxy-from, when
 * that has said who its client is. Not at all when there is no memory, or when
 * there are too many in all or from one address; then the words `all` or `one`
 * (constants) and the reason were sent (NULL: nothing).
 */
void door_open(struct daemon *d, struct door *door, int fd,
		const char *all, const char *one,
		void (*in)(void *arg, struct conn *c), void *arg);

/*
 * The client that c stands for is at this address (XCLIENT): it is let in and
 * counted as that. NULL, or why not; then c counts as before.
 */
const char *door_move(struct daemon *d, struct door *door, struct conn *c,
		const struct sockaddr *to);

#endif
