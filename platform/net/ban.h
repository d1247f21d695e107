/* ban - what smtpd tells maild about a banned address, for ban-command
 *
 * A packet on a socket that only smtpd inherits. Whoever has taken over smtpd
 * can write to it, so maild believes no more of it than ban_read lets through.
 */
#ifndef NET_BAN_H
#define NET_BAN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"

#define BAN_SOCKET "ban"		/* the inherited socket's name */
#define BAN_PACKET 20			/* octets */
#define BAN_SECONDS_MOST (30 * 86400)
#define BAN_TEXT_SIZE 52		/* "2001:db8:0:1::/64" */

struct ban {
	unsigned char key[16];		/* of listen_key */
	uint32_t seconds;
};

/* The socket that maild has handed down, or -1. Before daemon_drop. */
int ban_socket(void);
/* 0, or -1 with errno: EAGAIN when maild is told more than it takes. */
int ban_send(int fd, const struct ban *ban);
/*
 * False: no packet of ours, or an address that nobody should lock out: this
 * machine's own (127.0.0.1, ::/64 with ::1), link-local ones (fe80::/64 is
 * everybody on the wire), multicast.
 */
bool ban_read(struct ban *ban, struct span packet);
/* "192.0.2.7/32", "2001:db8::/64" */
void ban_text(const struct ban *ban, char out[BAN_TEXT_SIZE]);

#endif
