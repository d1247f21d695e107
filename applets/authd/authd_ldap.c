/* authd_ldap - users of an LDAP directory (RFC 4511): search, then bind */
#include "authd/authd_ldap.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FILTER_MOST 4096

/* -- starting and ending -- */

static bool wanted(const struct conf *conf)
{
	return conf->ldap_servers;
}

static void *start(const struct authd_check *c)
{
	struct authd_ldap *s = calloc(1, sizeof(*s));

	if (s)
		s->check = c;
	return s;
}

static void end(void *own)
{
	struct authd_ldap *s = own;

	authd_ldap_hang_up(s, &s->search);
	authd_ldap_hang_up(s, &s->login);
	free(s);
}

/* -- searching -- */

#define VALUES_MOST 100

/* The attribute's value: of a name the first that is one of ours. */
static struct span value_of(const struct authd_ldap *s, struct berval **values,
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

static int take_entry(struct authd_ldap_question *q, LDAP *ld,
		LDAPMessage *entry, struct err *err)
{
	static const char *const keys[] = { "name", "mailbox", "quota" };
	const struct authd_ldap *s = q->source;
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
	struct authd_ldap_question q;
	struct err *err;
	int result;			/* as find gives it */
};

/*
 * Two entries are too many, and 1.1 is no attribute at all (RFC 4511 4.5.1.8).
 */
static int send_search(const struct search *x, LDAP *ld, int *id)
{
	const struct authd_ldap *s = x->q.source;
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

static int search(struct authd_ldap_question *q, LDAP *ld)
{
	struct search *x = container_of(q, struct search, q);
	const struct authd_ldap *s = q->source;
	LDAPMessage *got = NULL;
	int id = 0, n = 0, rc = send_search(x, ld, &id);

	if (rc == LDAP_SUCCESS)
		rc = authd_ldap_answer(s, ld, id, &got);
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
	struct authd_ldap *s = x->q.source;
	int code;

	authd_ldap_turn(s, n);
	*down = authd_ldap_talk(s, &s->search, server, search, &x->q, &code,
			err) < 0;
	if (*down)
		return -1;
	if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED)
		return x->result;
	/* not that it knows nobody: it was asked for what it does not have */
	return authd_ldap_fail(s, s->search, server, "searching", code, err);
}

static int find(void *own, const struct authd_name *name,
		struct authd_person *out, struct err *err)
{
	struct authd_ldap *s = own;
	struct authd_asked asked;
	struct search x = { { s, &asked, out, NULL, NULL }, err, 0 };

	if (!authd_asked(&asked, name))
		return AUTHD_NOBODY;
	out->keys.rounds = 0;
	if (authd_ldap_load(s, err) < 0)
		return -1;
	return authd_servers(&s->check->shared->ldap, s->check->conf,
			s->check->conf->ldap_servers, ask_search, &x, err);
}

/* -- logging in -- */

static int log_in(struct authd_ldap_question *q, LDAP *ld)
{
	return authd_ldap_bind(q->source, ld, q->dn, q->password);
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
	struct authd_ldap_question *q = arg;
	struct authd_ldap *s = q->source;
	int code;

	authd_ldap_turn(s, n);
	*down = authd_ldap_talk(s, &s->login, server, log_in, q, &code,
			err) < 0;
	if (*down)
		return -1;
	if (code == LDAP_SUCCESS)
		return AUTHD_FOUND;
	return is_refusal(code) ? AUTHD_NOBODY :
		authd_ldap_fail(s, s->login, server, "logging in", code, err);
}

static int verify(void *own, const struct authd_person *who,
		const char *password, struct err *err)
{
	struct authd_ldap *s = own;
	struct authd_ldap_question q = { .source = s, .password = password };
	struct str nobody;
	int result;

	/* no password is nobody's login, which succeeds (RFC 4513 5.1.2) */
	if (!*password)
		return AUTHD_NOBODY;
	if (authd_ldap_load(s, err) < 0)
		return -1;
	str_init(&nobody, 1024);
	str_addf(&nobody, "cn=~,%s", s->check->conf->ldap_base);
	q.dn = who ? who->own : str_c(&nobody);
	result = authd_servers(&s->check->shared->ldap, s->check->conf,
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
