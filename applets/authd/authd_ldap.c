/* authd_ldap - users of an LDAP directory (RFC 4511): search, then bind */
#include "authd/authd_directory.h"

#include <errno.h>
#include <ldap.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/clock.h"

#define FILTER_MOST 4096

/* What we call of libldap; X gets the name without ldap_. */
#define CALLS(X) X(abandon_ext) X(count_entries) X(err2string) X(first_entry) \
	X(get_dn) X(get_option) X(get_values_len) X(initialize) X(install_tls) \
	X(memfree) X(msgfree) X(parse_result) X(result) X(sasl_bind) \
	X(search_ext) X(set_option) X(start_tls) X(unbind_ext) X(value_free_len)

#define AS_POINTER(name) __typeof__(ldap_##name) *name;
#define AS_ROW(name) { "ldap_" #name, offsetof(struct calls, name) },

struct calls {
	CALLS(AS_POINTER)
};

struct source {
	const struct authd_check *check;
	struct calls ldap;
	bool loaded;
	struct authd_servers servers;
	/*
	 * To server `at`: one that is ldap-user all the time, and one that is
	 * whoever logs in.
	 */
	LDAP *search, *login;
	unsigned at;
};

/* -- starting and ending -- */

static bool wanted(const struct conf *conf)
{
	return conf->ldap_servers;
}

static void *start(const struct authd_check *c)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s)
		s->check = c;
	return s;
}

static void hang_up(struct source *s, LDAP **ld)
{
	if (*ld)
		s->ldap.unbind_ext(*ld, NULL, NULL);
	*ld = NULL;
}

static void end(void *own)
{
	struct source *s = own;

	hang_up(s, &s->search);
	hang_up(s, &s->login);
	free(s);
}

static int load(struct source *s, struct err *err)
{
	static const char *const names[] = { "libldap.so.2",
		"libldap-2.5.so.0", "libldap-2.4.so.2", NULL };
	static const struct authd_call rows[] = {
		CALLS(AS_ROW)
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

/* -- one question -- */

struct question {
	struct source *source;
	const struct authd_asked *asked;	/* of a search */
	struct authd_person *who;		/* of a search: its result */
	const char *dn, *password;		/* of a login */
};

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

static int fail(const struct source *s, LDAP *ld, const char *server,
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
static int answer(const struct source *s, LDAP *ld, int id, LDAPMessage **out)
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
static int outcome(const struct source *s, LDAP *ld, int rc, int id)
{
	LDAPMessage *got = NULL;

	if (rc == LDAP_SUCCESS)
		rc = answer(s, ld, id, &got);
	if (got)
		s->ldap.msgfree(got);
	return rc;
}

static int bind_as(const struct source *s, LDAP *ld, const char *dn,
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

static int start_tls(const struct source *s, LDAP *ld)
{
	int id = 0, rc = s->ldap.start_tls(ld, NULL, NULL, &id);

	rc = outcome(s, ld, rc, id);
	if (rc == LDAP_SUCCESS)
		rc = s->ldap.install_tls(ld);
	return rc;
}

static int set_options(const struct source *s, LDAP *ld)
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

static int open_one(const struct source *s, const char *server, LDAP **ld,
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
static int bind_searcher(const struct source *s, LDAP *ld, const char *server,
		struct err *err)
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
	rc = bind_as(s, ld, conf->ldap_user, password);
	explicit_bzero(password, sizeof(password));
	return rc == LDAP_SUCCESS ? 0 :
		fail(s, ld, server, "ldap-user", rc, err);
}

static int connect_to(struct source *s, LDAP **ld, const char *server,
		struct err *err)
{
	const char *what;
	int rc = open_one(s, server, ld, &what);

	if (rc != LDAP_SUCCESS)
		rc = fail(s, *ld, server, what, rc, err);
	else if (ld == &s->search)
		rc = bind_searcher(s, *ld, server, err);
	if (rc < 0)
		hang_up(s, ld);
	return rc;
}

/*
 * A code of LDAP from ask, over a connection that is made where there is none.
 * One that has been idle may have been cut: that is not the server's end.
 */
static int talk(struct source *s, LDAP **ld, const char *server,
		int (*ask)(struct question *q, LDAP *ld), struct question *q,
		int *code, struct err *err)
{
	bool fresh = !*ld;

	if (fresh && connect_to(s, ld, server, err) < 0)
		return -1;
	*code = ask(q, *ld);
	if (!server_is_down(*code))
		return 0;
	fail(s, *ld, server, "asking", *code, err);
	hang_up(s, ld);
	return fresh || *code == LDAP_TIMEOUT ? -1 :
		talk(s, ld, server, ask, q, code, err);
}

/* Both connections are to the server at hand. */
static void turn_to(struct source *s, unsigned n)
{
	if (s->at == n)
		return;
	hang_up(s, &s->search);
	hang_up(s, &s->login);
	s->at = n;
}

/* -- searching -- */

#define VALUES_MOST 100

/* The attribute's value: of a name the first that is one of ours. */
static struct span value_of(const struct source *s, struct berval **values,
		bool name)
{
	for (int i = 0; values && values[i] && i < VALUES_MOST; i++) {
		struct span v = span_make(values[i]->bv_val,
				values[i]->bv_len);

		if (!name || authd_is_ours(s->check->conf, v))
			return v;
	}
	return span_make(NULL, 0);
}

static int take_entry(struct question *q, LDAP *ld, LDAPMessage *entry,
		struct err *err)
{
	static const char *const keys[] = { "name", "mailbox", "quota" };
	const struct source *s = q->source;
	struct berval **values[3] = { NULL };
	struct span found[3];
	struct authd_entry e;
	char *dn = s->ldap.get_dn(ld, entry);
	int rc;

	for (int i = 0; i < 3; i++) {
		const char *attribute = conf_attribute(s->check->conf,
				keys[i]);

		if (attribute)
			values[i] = s->ldap.get_values_len(ld, entry,
					attribute);
		found[i] = value_of(s, values[i], i == 0);
	}
	e = (struct authd_entry){ found[0], found[1], found[2] };
	rc = authd_entry_user(s->check, q->asked, &e, &q->who->user, err);
	if (rc == 0 && (!dn || !*dn || str_copys(q->who->own,
			sizeof(q->who->own), dn) < 0))
		rc = err_set(err, ERR_TEMP, "%.*s: its DN is too long",
				SPAN_ARG(q->asked->address));
	for (int i = 0; i < 3; i++)
		if (values[i])
			s->ldap.value_free_len(values[i]);
	if (dn)
		s->ldap.memfree(dn);
	return rc;
}

struct search {
	struct question q;
	struct err *err;
	int result;			/* as find gives it */
};

/*
 * Two entries are too many, and 1.1 is no attribute at all (RFC 4511 4.5.1.8).
 */
static int send_search(const struct search *x, LDAP *ld, int *id)
{
	const struct source *s = x->q.source;
	const struct conf *conf = s->check->conf;
	struct timeval time = { (long)conf->directory_timeout, 0 };
	const char *names[4] = { "1.1" };
	struct str filter;
	int n = 0, rc;

	for (const struct conf_word *w = conf->ldap_attributes; w && n < 3;
			w = w->next)
		names[n++] = strchr(w->text, '=') + 1;
	str_init(&filter, FILTER_MOST);
	authd_template(&filter, conf->ldap_filter, x->q.asked,
			authd_put_filter);
	rc = filter.bad ? LDAP_NO_MEMORY : s->ldap.search_ext(ld,
			conf->ldap_base, LDAP_SCOPE_SUBTREE, str_c(&filter),
			(char **)names, 0, NULL, NULL, &time, 2, id);
	str_free(&filter);
	return rc;
}

static int search(struct question *q, LDAP *ld)
{
	struct search *x = container_of(q, struct search, q);
	const struct source *s = q->source;
	LDAPMessage *got = NULL;
	int id = 0, n = 0, rc = send_search(x, ld, &id);

	if (rc == LDAP_SUCCESS)
		rc = answer(s, ld, id, &got);
	if (rc == LDAP_SUCCESS)
		n = s->ldap.count_entries(ld, got);
	x->result = AUTHD_NOBODY;
	if (n > 1 || rc == LDAP_SIZELIMIT_EXCEEDED)
		x->result = err_set(x->err, ERR_TEMP, "ldap-filter finds "
				"several entries for %.*s",
				SPAN_ARG(q->asked->address));
	else if (n == 1)
		x->result = take_entry(q, ld, s->ldap.first_entry(ld, got),
				x->err) < 0 ? -1 : AUTHD_FOUND;
	if (got)
		s->ldap.msgfree(got);
	return rc;
}

static int ask_search(void *arg, unsigned n, const char *server, bool *down,
		struct err *err)
{
	struct search *x = arg;
	struct source *s = x->q.source;
	int code;

	turn_to(s, n);
	*down = talk(s, &s->search, server, search, &x->q, &code, err) < 0;
	if (*down)
		return -1;
	if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED)
		return x->result;
	/* not that it knows nobody: it was asked for what it does not have */
	return fail(s, s->search, server, "searching", code, err);
}

static int find(void *own, const struct authd_name *name,
		struct authd_person *out, struct err *err)
{
	struct source *s = own;
	struct authd_asked asked;
	struct search x = { { s, &asked, out, NULL, NULL }, err, 0 };

	if (!authd_asked(&asked, name))
		return AUTHD_NOBODY;
	out->keys.rounds = 0;
	if (load(s, err) < 0)
		return -1;
	return authd_servers(&s->servers, s->check->conf,
			s->check->conf->ldap_servers, ask_search, &x, err);
}

/* -- logging in -- */

static int log_in(struct question *q, LDAP *ld)
{
	return bind_as(q->source, ld, q->dn, q->password);
}

/* Codes by which a server says no: to this password, or to this user now. */
static bool is_refusal(int code)
{
	switch (code) {
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_CONSTRAINT_VIOLATION:
	case LDAP_UNWILLING_TO_PERFORM:
	case LDAP_INSUFFICIENT_ACCESS:
		return true;
	default:
		return false;
	}
}

static int ask_bind(void *arg, unsigned n, const char *server, bool *down,
		struct err *err)
{
	struct question *q = arg;
	struct source *s = q->source;
	int code;

	turn_to(s, n);
	*down = talk(s, &s->login, server, log_in, q, &code, err) < 0;
	if (*down)
		return -1;
	if (code == LDAP_SUCCESS)
		return AUTHD_FOUND;
	return is_refusal(code) ? AUTHD_NOBODY :
		fail(s, s->login, server, "logging in", code, err);
}

static int verify(void *own, const struct authd_person *who,
		const char *password, struct err *err)
{
	struct source *s = own;
	struct question q = { .source = s, .password = password };
	struct str nobody;
	int result;

	/* no password is nobody's login, which succeeds (RFC 4513 5.1.2) */
	if (!*password)
		return AUTHD_NOBODY;
	if (load(s, err) < 0)
		return -1;
	str_init(&nobody, 1024);
	str_addf(&nobody, "cn=~,%s", s->check->conf->ldap_base);
	q.dn = who ? who->own : str_c(&nobody);
	result = authd_servers(&s->servers, s->check->conf,
			s->check->conf->ldap_servers, ask_bind, &q, err);
	str_free(&nobody);
	return who || result < 0 ? result : AUTHD_NOBODY;
}

const struct authd_source *authd_ldap(void)
{
	static const struct authd_source source = {
		.slow = true, .wanted = wanted, .start = start, .end = end,
		.find = find, .verify = verify
	};

	return &source;
}
