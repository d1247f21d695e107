/* authd_directory - what sources that ask a server share */
#ifndef AUTHD_DIRECTORY_H
#define AUTHD_DIRECTORY_H

#include "authd/authd_source.h"

/* ---- authd_library.c: libraries that only few systems have */

struct authd_call {
	const char *name;
	size_t offset;			/* of the pointer in the struct */
};

/*
 * The first library of names (ended by NULL) that there is, and its functions
 * (ended by a row of NULL) into *calls. 0; -1 with err (ERR_TEMP).
 */
int authd_library(const char *const *names, const struct authd_call *rows,
		void *calls, struct err *err);

/* ---- authd_directory.c */

/*
 * An address as templates take it: letters of ASCII in lower case. False: none
 * that a user can have, which nobody has to be asked about.
 */
struct authd_asked {
	struct span address, local, domain;
	char text[AUTHD_NAME_MOST + 256];
};
bool authd_asked(struct authd_asked *a, const struct authd_name *name);

/*
 * Appends the template with put in the place of each %u, %n and %d; %% is %.
 */
void authd_template(struct str *out, const char *template,
		const struct authd_asked *a,
		void (*put)(struct str *out, struct span value));
/* RFC 4515 3: in a filter this stands for itself, whatever it is. */
void authd_put_filter(struct str *out, struct span value);
/* A template with "?" for each place; which is "und", as many as there are. */
#define AUTHD_PLACES_MOST 16
int authd_places(struct str *out, const char *template,
		char which[AUTHD_PLACES_MOST + 1]);

/* What a server knows of somebody; what it does not say is empty. */
struct authd_entry {
	struct span name, mailbox, quota;
};

/*
 * 0; -1 with err: ERR_TEMP, as it is for a human to mend, not for mail to
 * bounce.
 */
int authd_entry_user(const struct authd_check *c, const struct authd_asked *a,
		const struct authd_entry *e, struct auth_user *out,
		struct err *err);
/* Is it an address of ours that a user can have? */
bool authd_is_ours(const struct conf *conf, struct span address);

/* The secret in path, without its line's end; ERR_TEMP. Wipe it. */
int authd_password(const char *path, char out[AUTHD_PASSWORD_MOST + 1],
		struct err *err);
/*
 * On this machine, so that nobody listens: a socket, 127.0.0.1, ::1, localhost.
 */
bool authd_is_near(struct span host);

#define AUTHD_REST 10		/* times directory-timeout */
#define AUTHD_PATIENCE_MS 10000	/* for all of them */

/*
 * Calls ask for one server after the other, until one is up: ask gives what
 * this gives, and -1 with *down when the next one should be asked. Whether
 * one that was down is up again only one of the workers tries.
 */
int authd_servers(struct authd_servers *s, const struct conf *conf,
		const struct conf_word *list,
		int (*ask)(void *arg, unsigned n, const char *server,
			bool *down, struct err *err),
		void *arg, struct err *err);

#endif
