/* mailconf - the parts of the applet */
#ifndef MAILCONF_MAILCONF_H
#define MAILCONF_MAILCONF_H

#include <stdbool.h>

/*
 * import.c: of this program, NULL: msmtp; path NULL: its own places. With
 * password_file passwords go there, into new files of mode 0600. The exit
 * status.
 */
int mailconf_import(const char *program, const char *path,
		const char *password_file);
/*
 * setup.c: asks, tries, writes the configuration at path; answers: a file, or
 * NULL for a person. The exit status.
 */
int mailconf_setup(const char *path, const char *answers, bool no_check);

#endif
