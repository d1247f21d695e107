/* ban - runs ban-command for what smtpd bans; a part of maild */
#ifndef MAILD_BAN_H
#define MAILD_BAN_H

#include "net/daemon.h"

struct maild_ban;

/* Zeroed by its owner. */
struct maild_bans {
	struct daemon *daemon;
	int smtpd;			/* the end for smtpd; -1 */
	struct loop_watch watch;	/* ours */
	struct loop_timer calm;		/* too many packets: until it is read on */
	int read;			/* packets since the last calm moment */
	struct loop_timer timer;	/* the command's patience; the next end */
	struct maild_ban *all;		/* n, in the order of coming */
	unsigned n;
	pid_t pid;			/* the command that runs; 0: none */
	unsigned char key[16];		/* whom it is about */
	bool is_add;
	int64_t told;			/* of what is too much; clock_ms() */
};

/* 0, or -1 with errno. */
int maild_bans_open(struct maild_bans *b, struct daemon *d);
/* A child has ended. True: it was ours. */
bool maild_bans_ended(struct maild_bans *b, pid_t pid, int status);
/* maild ends: no more commands. Bans stay in the firewall as long as they do. */
void maild_bans_stop(struct maild_bans *b);

#endif
