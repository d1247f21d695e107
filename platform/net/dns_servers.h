/* dns_servers - who is asked: the configuration's servers, else resolv.conf's; for dns.c only */
#ifndef NET_DNS_SERVERS_H
#define NET_DNS_SERVERS_H

#include <sys/socket.h>
#include <time.h>
#include "os/conf.h"

#define DNS_SERVERS_MOST 4

struct dns_server {
	struct sockaddr_storage addr;
	socklen_t len;
};

struct dns_servers {
	int n;				/* 1 or more */
	struct dns_server v[DNS_SERVERS_MOST];
	/* resolv.conf's folder, so that it can be read again after a chroot */
	int dirfd;			/* -1: none, or not used */
	char file[64];
	struct timespec changed;
	int64_t looked;			/* clock_ms() of the last look */
};

/* path: of the resolv.conf */
void dns_servers_init(struct dns_servers *s, const struct conf *conf,
		const char *path);
void dns_servers_close(struct dns_servers *s);
/* Reads the file again when it has changed; looks once a second at most. */
void dns_servers_look(struct dns_servers *s);

#endif
