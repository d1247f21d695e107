/* biff - whether this terminal is told of new mail
 *
 * As in 4.0BSD: the owner's execute bit of the terminal says yes; deliver
 * looks at it, and at the group's write bit, which is mesg's. A line "biff y"
 * in ~/.profile is all that it needs.
 *
 * applet biff tool
 *
 * config BIFF
 *	bool "biff (400 bytes)"
 *	default y
 *	help
 *	  usage: biff [n | y]
 *
 *	  Says whether you are told of new mail on this terminal, or
 *	  switches it on (y) or off (n).
 *
 *	  Exit status: 0 it is on, 1 it is off, more than 1 an error.
 */
#include "applet.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"

/* The first of the three standard files that is a terminal. */
static int find_terminal(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

int biff_main(int argc, char **argv)
{
	int fd = find_terminal();
	struct stat st;
	struct err err;
	mode_t mode;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "y") != 0
				&& strcmp(argv[1], "n") != 0))
		usage_fail(argv[0]);
	if (fd < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "biff: no terminal\n");
		return EX_NOINPUT;
	}
	if (argc == 1) {
		puts(st.st_mode & S_IXUSR ? "is y" : "is n");
		return applet_end("biff", !(st.st_mode & S_IXUSR));
	}
	mode = (st.st_mode & 07777 & ~(mode_t)S_IXUSR)
		| (argv[1][0] == 'y' ? S_IXUSR : 0);
	if (fchmod(fd, mode) < 0) {
		err_errno(&err, "terminal");
		applet_fail("biff", &err);
		return EX_NOPERM;
	}
	if (argv[1][0] == 'y' && !(mode & S_IWGRP))
		fprintf(stderr, "biff: nothing is shown while mesg is n\n");
	return mode & S_IXUSR ? 0 : 1;
}
