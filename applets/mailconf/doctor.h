/* doctor - the checks of mailconf --doctor */
#ifndef MAILCONF_DOCTOR_H
#define MAILCONF_DOCTOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include "mailconf/console.h"
#include "mailconf/self.h"
#include "os/conf.h"

#define DOCTOR_ADDRESSES 8

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_SKIP,		/* it could not be checked, or does not matter here */
	DOCTOR_WARN,		/* it works, and will not please everybody */
	DOCTOR_FAIL
};

struct doctor {
	const struct conf *conf;
	const char *path;		/* of the configuration */
	const char *probe;		/* NAME[:PORT] whose MX is asked for port 25 */
	struct self_net net;
	struct console console;
	bool json;
	const char *check;		/* the row at work */
	unsigned told;			/* lines, of all of them */
	bool failed;

	/* what the checks before have found */
	bool dns;			/* the name servers answer */
	bool down;			/* no daemon answers */
	bool receives;			/* other servers bring mail here */
	bool direct;			/* mail goes out without a smarthost */
	struct sockaddr_storage address[DOCTOR_ADDRESSES];	/* the name's */
	unsigned naddress;
};

/* One line; remedy: what to do, or NULL. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *remedy,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* For a remedy with something in it; gives out. */
#define DOCTOR_TEXT 1024
const char *doctor_text(char out[DOCTOR_TEXT], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* "192.0.2.1" */
void doctor_address(char out[INET6_ADDRSTRLEN],
		const struct sockaddr_storage *addr);
socklen_t doctor_address_size(const struct sockaddr_storage *addr);
/* A, then AAAA of a name into v; how many, or -1: no answer. */
int doctor_addresses(struct doctor *d, const char *name,
		struct sockaddr_storage v[DOCTOR_ADDRESSES]);
bool doctor_same_address(const struct sockaddr_storage *a,
		const struct sockaddr_storage *b);
/*
 * Connects, waits for a line when line is not NULL. 0, or errno: ETIMEDOUT, or
 * EPIPE, when it says nothing.
 */
int doctor_reach(const struct sockaddr_storage *addr, unsigned port,
		char *line, size_t size);

/* ---- the rows, in files by what they look at */
typedef void doctor_fn(struct doctor *d);
doctor_fn doctor_clock, doctor_zone, doctor_disk, doctor_accounts,
	doctor_files;				/* doctor_machine.c */
doctor_fn doctor_dns, doctor_hostname, doctor_own_address, doctor_reverse,
	doctor_mx, doctor_dnsbl;		/* doctor_names.c */
doctor_fn doctor_spf, doctor_dkim, doctor_dmarc;	/* doctor_policy.c */
doctor_fn doctor_port25, doctor_smarthost, doctor_certificate,
	doctor_listen;				/* doctor_ways.c */
doctor_fn doctor_daemons, doctor_aliases, doctor_queue;	/* doctor_mail.c */

#endif
