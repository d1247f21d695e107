/* grey - greylisting's memory: who was told to come again, and who did (RFC 6647)
 *
 * A row for each (client network, sender, recipient) and one for each network
 * that has come again. Rows are 64 bits of a SHA-256 and times: nobody's address
 * is kept. Times are clock_ms(), so they are right without a wall clock; after a
 * boot all is forgotten.
 */
#ifndef STORE_GREY_H
#define STORE_GREY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "os/conf.h"

#define GREY_NET_SIZE 16

/* What conf's greylist-... say, and clock_boot() as it is outside a chroot. */
struct grey_rules {
	const struct conf *conf;
	uint32_t boot;
};

struct grey;

/* NULL with err. The file is made; a broken one is begun anew. *rules is kept. */
struct grey *grey_open(const char *path, const struct grey_rules *rules,
		struct err *err);
void grey_close(struct grey *g);		/* NULL is fine */

struct grey_try {
	unsigned char net[GREY_NET_SIZE];
	const char *sender, *rcpt;
	/*
	 * This message has counted for its network already: the caller keeps it
	 * from one recipient to the next.
	 */
	bool counted;
};
/*
 * One try at now, in clock_ms()'s milliseconds. 0: let it in; more: the seconds
 * that it has to wait; -1: err, nobody knows. Takes DB_GLANCE at most.
 */
int grey_ask(struct grey *g, struct grey_try *t, int64_t now, struct err *err);

#endif
