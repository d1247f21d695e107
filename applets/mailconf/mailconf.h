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

/*
 * doctor.c: what is wrong with the configuration at path, its machine and its
 * domains; probe: NAME[:PORT], or NULL. 0; 1: something is; or an exit status.
 */
int mailconf_doctor(const char *path, const char *probe, bool json);

#endif
