/* applet - the table of applets, and the usage texts of their head comments */
#ifndef APPLETS_APPLET_H
#define APPLETS_APPLET_H

#include "mains.h"	/* generated: int X_main(int argc, char **argv); ... */

/* The last word of an applet's row: what it may become, and where it lives. */
enum applet_class { APPLET_DAEMON, APPLET_TOOL, APPLET_ADMIN };

struct applet {
	char path[23];		/* usr/sbin/pop3d; "" ends the table */
	unsigned char class;	/* enum applet_class */
	int (*main)(int argc, char **argv);
	const char *usage;
};

/* The first row of the table, sorted by name; the last one's path is "". */
const struct applet *applet_first(void);
/* The part after the last slash. */
const char *applet_name(const struct applet *applet);
/* NULL: there is none of that name. */
const struct applet *applet_find(const char *name);

/* The help of the applet's first config block; "" when left out (CFG_USAGE). */
const char *usage_text(const char *applet);
/* opt_parse; when it fails, its message and the usage text, and exit 64. */
struct opt_row;
int usage_parse(int argc, char **argv, const struct opt_row *rows, void *into);
/* Tells err on stderr; the exit status of its kind. */
struct err;
int applet_fail(const char *applet, const struct err *err);
/* The exit status: EX_IOERR, and told, when stdout could not be written. */
int applet_end(const char *applet, int status);
/* Prints it to stderr and exits 64 (EX_USAGE). */
_Noreturn void usage_fail(const char *applet);

#endif
