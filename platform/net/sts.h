/* sts - what a domain says of its mail hosts' TLS (MTA-STS, RFC 8461); pure */
#ifndef NET_STS_H
#define NET_STS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/span.h"

#define STS_TEXT_MOST 65536	/* octets of a policy as fetched (3.3) */
#define STS_MX_SIZE 2048	/* ... of the names of hosts in it */
#define STS_ID_SIZE 33		/* 32 characters (3.1) */
#define STS_AGE_MOST 31557600	/* seconds, about a year (3.2) */

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
	enum sts_mode mode;
	unsigned max_age;	/* seconds */
	char mx[STS_MX_SIZE];	/* "host", "*.domain", lower case; each ends in
				 * a NUL, the last in one more */
};

/*
 * One TXT record of _mta-sts.DOMAIN: its id, in id. False: it is none of
 * MTA-STS, or broken.
 */
bool sts_record(struct span text, char id[STS_ID_SIZE]);
/* The file mta-sts.txt. NULL, or what is wrong with it. */
const char *sts_parse(struct span text, struct sts_policy *p);
/* Is host one of these (4.1)? "*." stands for one label. */
bool sts_match(const char *mx, const char *host);
/* "none", "testing", "enforce" */
const char *sts_mode_name(enum sts_mode mode);
/* One more name, kept in lower case. False: it is none, or there is no room. */
bool sts_add_mx(struct sts_policy *p, struct span name);

#endif
