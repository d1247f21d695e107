/* run - somebody's command gets a message, within limits of time and output
 *
 * For aliases and .forward ("|COMMAND") and deliver-command. The process has
 * become who runs it.
 */
#ifndef DELIVER_RUN_H
#define DELIVER_RUN_H

#include "base/str.h"
#include "deliver/system.h"

#define RUN_OUTPUT_MOST 2048	/* octets of what it says that are kept */

struct run_command {
	const char *command;	/* for /bin/sh -c */
	/* for the log: "alias NAME", ".forward of NAME" */
	const char *whose;
	/* whose rights these are, for the environment */
	const char *user, *home;
	const char *folder;	/* where it starts; "/" when that cannot be */
	struct span local;	/* of the recipient, */
	struct span domain;
	/* seconds, then it and its children are killed */
	unsigned timeout;
	struct str *said;	/* NULL: what it says goes to the log */
};

/*
 * Its standard input is a From_ line, m's head and the message. 0: it has ended
 * with status 0. -1: ERR_PERM where sysexits.h says so, and the text begins
 * with the enhanced status; ERR_TEMP for all else: EX_TEMPFAIL, a signal, the
 * time is over.
 */
int run_command(const struct run_command *c, const struct system_mail *m,
		struct err *err);

#endif
