/* mailconf - the parts of the applet */
#ifndef MAILCONF_MAILCONF_H
#define MAILCONF_MAILCONF_H

/*
 * import.c: path NULL: msmtp's own places. With password_file passwords go there,
 * into new files of mode 0600. The exit status.
 */
int mailconf_import(const char *path, const char *password_file);

#endif
