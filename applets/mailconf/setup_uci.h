/* setup_uci - a set-up on OpenWrt, whose configuration is /etc/config/pillarbox (MAILCONF_UCI) */
#ifndef MAILCONF_SETUP_UCI_H
#define MAILCONF_SETUP_UCI_H

#include "mailconf/setup.h"

#define SETUP_UCI_COMMAND "/sbin/uci"
#define SETUP_UCI_FILE "/etc/config/pillarbox"
#define SETUP_UCI_OLD "/etc/pillarbox.uci.old"	/* as it was, mode 0600 */
/* What the service makes of its option smarthost_password. */
#define SETUP_UCI_SECRET "/var/etc/pillarbox.secret"

/* The service makes pillarbox.conf anew, and its daemons take it up. */
int setup_uci_load(struct err *err);
/*
 * What differs between two texts of pillarbox.conf goes to /etc/config/pillarbox,
 * with the password (NULL: as it was), and the service is switched on. -1: all
 * is as it was.
 */
int setup_uci_write(struct span before, struct span after,
		const char *password, struct err *err);
/* The commands for `uci batch` that do it. */
void setup_uci_commands(struct str *out, struct span before, struct span after,
		const char *password);

#endif
