/* mailconf - the parts of the applet */
#ifndef MAILCONF_MAILCONF_H
#define MAILCONF_MAILCONF_H

/*
 * import.c: of this program, NULL: msmtp; path NULL: its own places. With
 * password_file passwords go there, into new files of mode 0600. The exit
 * status.
 */
int mailconf_import(const char *program, const char *path,
		const char *password_file);

#endif
