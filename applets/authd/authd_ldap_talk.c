/* authd_ldap_talk - connections to an LDAP directory (RFC 4511, 4513) */
#include "authd/authd_ldap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AS_ROW(name) { "ldap_" #name, offsetof(struct authd_ldap_calls, name) },

int authd_ldap_load(struct authd_ldap *s, struct err *err)
{
	static const char *const names[] = { "libldap.so.2",
		"libldap-2.5.so.0", "libldap-2.4.so.2", NULL };
	static const struct authd_call rows[] = {
		AUTHD_LDAP_CALLS(AS_ROW)
		{ NULL, 0 }
	};

	if (s->loaded)
		return 0;
	/* ldap.conf and ~/.ldaprc could switch the verifying off */
	if (setenv("LDAPNOINIT", "1", 1) < 0)
		return err_errno(err, "LDAPNOINIT");
	if (authd_library(names, rows, &s->ldap, err) < 0)
		return -1;
	s->loaded = true;
	return 0;
}

void authd_ldap_hang_up(struct authd_ldap *s, LDAP **ld)
{
	if (*ld)
		s->ldap.unbind_ext(*ld, NULL, NULL);
	*ld = NULL;
}

/* What a server says when it is itself that cannot answer. */
static bool server_is_down(int code)
{
	switch (code) {
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
	case LDAP_TIMEOUT:
	case LDAP_TIMELIMIT_EXCEEDED:
	case LDAP_BUSY:
	case LDAP_UNAVAILABLE:
	case LDAP_OPERATIONS_ERROR:
	case LDAP_LOCAL_ERROR:
	case LDAP_DECODING_ERROR:
	case LDAP_PROTOCOL_ERROR:
		return true;
	default:
		return false;
	}
}

int authd_ldap_fail(const struct authd_ldap *s, LDAP *ld, const char *server,
		const char *what, int code, struct err *err)
{
	char *more = NULL;

	if (ld)
		s->ldap.get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	err_set(err, ERR_TEMP, "%s: %s: %s%s%s", server, what,
			s->ldap.err2string(code), more && *more ? ": " : "",
			more ? more : "");
	if (more)
		s->ldap.memfree(more);
	return -1;
}

/* Waits for the answer to id; LDAP_TIMEOUT when there is none. */
int authd_ldap_answer(const struct authd_ldap *s, LDAP *ld, int id,
		LDAPMessage **out)
{
	struct timeval time = { (long)s->check->conf->directory_timeout, 0 };
	LDAPMessage *got = NULL;
	int code = LDAP_SERVER_DOWN, rc;

	rc = s->ldap.result(ld, id, LDAP_MSG_ALL, &time, &got);
	if (rc == 0) {
		s->ldap.abandon_ext(ld, id, NULL, NULL);
		return LDAP_TIMEOUT;
	}
	if (rc < 0) {
		s->ldap.get_option(ld, LDAP_OPT_RESULT_CODE, &code);
		return code == LDAP_SUCCESS ? LDAP_SERVER_DOWN : code;
	}
	rc = s->ldap.parse_result(ld, got, &code, NULL, NULL, NULL, NULL, 0);
	*out = got;
	return rc == LDAP_SUCCESS ? code : rc;
}

/*
 * The same of a request whose sending gave rc, and of which only that counts.
 */
static int outcome(const struct authd_ldap *s, LDAP *ld, int rc, int id)
{
	LDAPMessage *got = NULL;

	if (rc == LDAP_SUCCESS)
		rc = authd_ldap_answer(s, ld, id, &got);
	if (got)
		s->ldap.msgfree(got);
	return rc;
}

int authd_ldap_bind(const struct authd_ldap *s, LDAP *ld, const char *dn,
		const char *password)
{
	struct berval secret = { strlen(password), (char *)password };
	int id = 0, rc;

	rc = s->ldap.sasl_bind(ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL,
			&id);
	return outcome(s, ld, rc, id);
}

/* -- connecting -- */

static bool is_near(const char *server)
{
	struct span host = span_of(server);
	unsigned port;
	bool brackets;

	if (span_starts(host, "ldapi:"))
		return true;
	host = span_rest(host, span_find(host, ':') + 3);
	return conf_split_port(host, &host, &port, &brackets) &&
		authd_is_near(host);
}

static int start_tls(const struct authd_ldap *s, LDAP *ld)
{
	int id = 0, rc = s->ldap.start_tls(ld, NULL, NULL, &id);

	rc = outcome(s, ld, rc, id);
	if (rc == LDAP_SUCCESS)
		rc = s->ldap.install_tls(ld);
	return rc;
}

static int set_options(const struct authd_ldap *s, LDAP *ld)
{
	const struct conf *conf = s->check->conf;
	struct timeval time = { (long)conf->directory_timeout, 0 };
	int version = LDAP_VERSION3, fresh = 0, demand = LDAP_OPT_X_TLS_DEMAND;
	const struct {
		int option;
		const void *value;
	} options[] = {
		{ LDAP_OPT_PROTOCOL_VERSION, &version },
		/* a referral would be asked, who knows where, as nobody */
		{ LDAP_OPT_REFERRALS, LDAP_OPT_OFF },
		{ LDAP_OPT_NETWORK_TIMEOUT, &time },
		{ LDAP_OPT_TIMEOUT, &time },
		{ LDAP_OPT_X_TLS_REQUIRE_CERT, &demand },
		{ LDAP_OPT_X_TLS_CACERTFILE, conf->directory_ca ?
			conf->directory_ca : conf->tls_ca },
		{ LDAP_OPT_X_TLS_NEWCTX, &fresh }
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (s->ldap.set_option(ld, options[i].option,
				options[i].value) != LDAP_OPT_SUCCESS)
			return LDAP_LOCAL_ERROR;
	return LDAP_SUCCESS;
}

static int open_one(const struct authd_ldap *s, const char *server, LDAP **ld,
		const char **what)
{
	int rc = s->ldap.initialize(ld, server);

	*what = "opening";
	if (rc == LDAP_SUCCESS)
		rc = set_options(s, *ld);
	if (rc == LDAP_SUCCESS && span_starts(span_of(server), "ldap:") &&
			s->check->conf->directory_tls && !is_near(server)) {
		*what = "STARTTLS";
		rc = start_tls(s, *ld);
	}
	return rc;
}

/* ldap-user's; without one nothing has to be said. 0 or -1. */
static int bind_searcher(const struct authd_ldap *s, LDAP *ld,
		const char *server, struct err *err)
{
	const struct conf *conf = s->check->conf;
	char password[AUTHD_PASSWORD_MOST + 1];
	int rc;

	if (!conf->ldap_user)
		return 0;
	if (!conf->ldap_password_file)
		return err_set(err, ERR_TEMP, "ldap-user needs "
				"ldap-password-file");
	if (authd_password(conf->ldap_password_file, password, err) < 0)
		return -1;
	rc = authd_ldap_bind(s, ld, conf->ldap_user, password);
	explicit_bzero(password, sizeof(password));
	return rc == LDAP_SUCCESS ? 0 :
		authd_ldap_fail(s, ld, server, "ldap-user", rc, err);
}

static int connect_to(struct authd_ldap *s, LDAP **ld, const char *server,
		struct err *err)
{
	const char *what;
	int rc = open_one(s, server, ld, &what);

	if (rc != LDAP_SUCCESS)
		rc = authd_ldap_fail(s, *ld, server, what, rc, err);
	else if (ld == &s->search)
		rc = bind_searcher(s, *ld, server, err);
	if (rc < 0)
		authd_ldap_hang_up(s, ld);
	return rc;
}

/*
 * One that has been idle may have been cut: that is not the server's end.
 */
int authd_ldap_talk(struct authd_ldap *s, LDAP **ld, const char *server,
		int (*ask)(struct authd_ldap_question *q, LDAP *ld),
		struct authd_ldap_question *q, int *code, struct err *err)
{
	bool fresh = !*ld;

	if (fresh && connect_to(s, ld, server, err) < 0)
		return -1;
	*code = ask(q, *ld);
	if (!server_is_down(*code))
		return 0;
	authd_ldap_fail(s, *ld, server, "asking", *code, err);
	authd_ldap_hang_up(s, ld);
	return fresh || *code == LDAP_TIMEOUT ? -1 :
		authd_ldap_talk(s, ld, server, ask, q, code, err);
}

/* Both connections are to the server at hand. */
void authd_ldap_turn(struct authd_ldap *s, unsigned n)
{
	if (s->at == n)
		return;
	authd_ldap_hang_up(s, &s->search);
	authd_ldap_hang_up(s, &s->login);
	s->at = n;
}
