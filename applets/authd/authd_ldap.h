/* authd_ldap - a server of LDAP, for who searches and logs in there
 *
 * Needs the headers of OpenLDAP.
 */
#ifndef AUTHD_LDAP_H
#define AUTHD_LDAP_H

#include <ldap.h>
#include "authd/authd_directory.h"

/* What we call of libldap; X gets the name without ldap_. */
#define AUTHD_LDAP_CALLS(X) X(abandon_ext) X(count_entries) X(err2string) \
	X(first_entry) X(get_dn) X(get_option) X(get_values_len) X(initialize) \
	X(install_tls) X(memfree) X(msgfree) X(parse_result) X(result) \
	X(sasl_bind) \
	X(search_ext) X(set_option) X(start_tls) X(unbind_ext) X(value_free_len)

#define AUTHD_LDAP_POINTER(name) __typeof__(ldap_##name) *name;

struct authd_ldap_calls {
	AUTHD_LDAP_CALLS(AUTHD_LDAP_POINTER)
};

struct authd_ldap {
	const struct authd_check *check;
	struct authd_ldap_calls ldap;
	bool loaded;
	/*
	 * To server `at`: one that is ldap-user all the time, and one that is
	 * whoever logs in.
	 */
	LDAP *search, *login;
	unsigned at;
};

struct authd_ldap_question {
	struct authd_ldap *source;
	const struct authd_asked *asked;	/* of a search */
	struct authd_person *who;		/* of a search: its result */
	const char *dn, *password;		/* of a login */
};

/* The library, once. 0 or -1 */
int authd_ldap_load(struct authd_ldap *s, struct err *err);
/* ld: s->search or s->login; it may be none. */
void authd_ldap_hang_up(struct authd_ldap *s, LDAP **ld);
/* Both connections are to this server from now on. */
void authd_ldap_turn(struct authd_ldap *s, unsigned n);
/*
 * A code of LDAP from ask, over a connection that is made where there is none.
 * 0; -1 with err: the server is down.
 */
int authd_ldap_talk(struct authd_ldap *s, LDAP **ld, const char *server,
		int (*ask)(struct authd_ldap_question *q, LDAP *ld),
		struct authd_ldap_question *q, int *code, struct err *err);

/* For ask: its code, with the answer to id, to be freed. */
int authd_ldap_answer(const struct authd_ldap *s, LDAP *ld, int id,
		LDAPMessage **out);
int authd_ldap_bind(const struct authd_ldap *s, LDAP *ld, const char *dn,
		const char *password);
/* -1 with err, ERR_TEMP: what went wrong there. */
int authd_ldap_fail(const struct authd_ldap *s, LDAP *ld, const char *server,
		const char *what, int code, struct err *err);

#endif
