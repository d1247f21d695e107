/* listen - sockets that accept, with a ceiling on sessions */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <sys/socket.h>
#include "base/err.h"
#include "net/loop.h"

struct listen;

/*
 * A listening stream socket, or -1. `[::]` becomes dual stack, and 0.0.0.0
 * where there is no IPv6.
 */
int listen_open(const struct sockaddr *addr, socklen_t len, struct err *err);
/* Is a socket whose name is `here` one that listen_open made for addr? */
bool listen_is_at(const struct sockaddr *here, const struct sockaddr *addr);
/* mode: of the socket file; an old one is replaced. */
int listen_open_unix(const char *path, int type, unsigned mode,
		struct err *err);	/* SOCK_STREAM, or SOCK_DGRAM */

/*
 * Calls got(arg, fd) for each new connection (fd non-blocking, close-on-exec,
 * the callee's). When descriptors run out it waits a second, never spins.
 * listen_stop is legal inside got. NULL: fd stays the caller's.
 */
struct listen *listen_start(struct loop *l, int fd,
		void (*got)(void *arg, int fd), void *arg);
void listen_stop(struct listen *s);		/* closes the socket */

/*
 * Counts sessions by peer address, for max-sessions and
 * max-sessions-per-address. IPv6 counts by /64.
 */
struct listen_count;
struct listen_count *listen_count_new(unsigned most, unsigned most_per_address);
void listen_count_free(struct listen_count *c);
/*
 * 0 and counted; 1: too many in all; 2: too many from there. Unix sockets
 * count in all only.
 */
int listen_count_in(struct listen_count *c, const struct sockaddr *peer);
void listen_count_out(struct listen_count *c, const struct sockaddr *peer);
unsigned listen_count_all(const struct listen_count *c);
/*
 * What an address counts as: IPv4 as ::ffff:a.b.c.d, IPv6 as its /64. False: it
 * does not count by itself.
 */
bool listen_key(unsigned char key[16], const struct sockaddr *peer);

#endif
