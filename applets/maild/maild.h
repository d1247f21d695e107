/* maild - what its files share */
#ifndef MAILD_MAILD_H
#define MAILD_MAILD_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>
#include "os/conf.h"

/* Certificates and keys, as they were at the last look. */
struct maild_look {
	struct maild_file *files;	/* NULL: not looked yet */
	size_t n;
	/* mailuser's file of domains */
	bool looked;
	ino_t domains_ino;		/* 0: there is none */
	struct timespec domains_time;
};

/*
 * True: a file of TLS is another than at the last look. The first look, and
 * that after maild_look_again (the configuration is another), only learns.
 */
bool maild_look(struct maild_look *l, const struct conf *conf);
/* The same for the domains that mailuser adds; they may also come and go. */
bool maild_look_at_domains(struct maild_look *l, const struct conf *conf);
void maild_look_again(struct maild_look *l);

/* Could a daemon start with these certificates? 0, or -1: it is in the log. */
int maild_try_tls(const struct conf *conf);

#endif
