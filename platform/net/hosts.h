/* hosts - addresses from /etc/hosts (hosts(5)), which a resolver need not know
 */
#ifndef NET_HOSTS_H
#define NET_HOSTS_H

#include "base/span.h"

#define HOSTS_FILE "/etc/hosts"

/* family AF_INET or AF_INET6, ip a struct in_addr or in6_addr */
typedef void hosts_fn(void *arg, int family, const void *ip);

/* Calls fn for each address of the name in the text of such a file. */
void hosts_each(struct span text, struct span name, hosts_fn *fn, void *arg);
/* The same with the first 64 KB of a file; one that cannot be read has none. */
void hosts_look(const char *path, struct span name, hosts_fn *fn, void *arg);

#endif
