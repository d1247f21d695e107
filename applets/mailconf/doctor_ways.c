/* The ways in and out: ports, smarthosts, the certificate that we show. */
#include "mailconf/doctor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "config.h"
#include "net/tls.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/text.h"

#define LINE_SIZE 512
#define TARGETS_MOST 3		/* of one domain; each may take its time */
#define SOON 14			/* days, before a certificate ends */
#define DAY 86400
#define NAME_SIZE 256

/* -- out by port 25 -- */

static void tell_blocked(struct doctor *d, const char *name, unsigned port,
		int code)
{
	const char *remedy = T("ask your provider to open port 25, or send "
			"through his server: a line smarthost, mailconf "
			"--setup");

	doctor_say(d, DOCTOR_FAIL, remedy, code == ETIMEDOUT ?
			T("No server of %s answers at port %u: it is blocked, "
			"as it is for most homes.") :
			T("No server of %s can be reached at port %u: %s"),
			name, port, strerror(code));
}

void doctor_port25(struct doctor *d)
{
	char name[NAME_SIZE], line[LINE_SIZE];
	unsigned port = 0;
	struct span host;
	int code = 0;
	bool brackets;

	if (!d->direct || !d->dns) {
		doctor_say(d, DOCTOR_SKIP, NULL, d->direct ? T("Not checked: "
					"the name servers do not answer.") :
				T("Not needed: mail goes to a smarthost."));
		return;
	}
	if (!conf_split_port(span_of(d->probe), &host, &port, &brackets) ||
			str_copy(name, sizeof(name), host) < 0)
		str_copys(name, sizeof(name), d->probe);
	port = port ? port : 25;
	self_find(&d->net, name, port, true);
	if (!d->net.ntargets) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no servers of "
					"%s were found."), name);
		return;
	}
	for (unsigned i = 0; i < d->net.ntargets && i < TARGETS_MOST; i++) {
		const struct mx_target *t = &d->net.targets[i];

		code = doctor_reach(&t->addr, port, line, sizeof(line));
		if (code)
			continue;
		if (span_starts(span_of(line), "220"))
			doctor_say(d, DOCTOR_OK, NULL, T("%s can be reached at "
						"port %u."), t->name, port);
		else
			doctor_say(d, DOCTOR_WARN, NULL, T("%s does not want "
						"us: %s"), t->name, line);
		return;
	}
	tell_blocked(d, name, port, code);
}

/* -- smarthosts -- */

static const char *mode_of(enum conf_tls tls)
{
	static const char *const modes[] = { "none", "may", "starttls", "tls" };

	return modes[tls];
}

static bool is_pinned(const struct conf_smarthost *h,
		const struct server_view *v)
{
	char hex[SERVER_HASH];

	for (const struct conf_hash *p = h->pins; p; p = p->next) {
		for (int i = 0; i < CONF_HASH_SIZE; i++)
			snprintf(hex + 2 * i, 3, "%02x", p->hash[i]);
		for (int i = 0; i < SERVER_HASHES; i++)
			if (strcmp(hex, v->hash[i]) == 0)
				return true;
	}
	return !h->pins;
}

/* queue would not take its certificate: true, and it was told. */
static bool tell_fault(struct doctor *d, const struct conf_smarthost *h,
		const struct server_view *v)
{
	const char *ca = d->conf->tls_ca;

	if (*v->hash[0] && !is_pinned(h, v)) {
		doctor_say(d, DOCTOR_FAIL, T("smtp --check shows it"),
				T("%s: its certificate is not the one of "
					"fingerprint=."), h->host);
		return true;
	}
	if (!*v->fault || !h->verify || h->pins || h->tls == CONF_TLS_MAY)
		return false;
	if (access(ca, R_OK) < 0)
		doctor_say(d, DOCTOR_FAIL, T("install ca-certificates "
					"(OpenWrt: ca-bundle), or set tls-ca"),
				T("%s: its certificate cannot be checked: %s "
					"cannot be read."), h->host, ca);
	else
		doctor_say(d, DOCTOR_FAIL, clock_plausible() ?
				T("smtp --check shows it") : T("set the clock "
					"first"), T("%s: its "
					"certificate cannot be trusted: it "
					"%s."), h->host, T(v->fault));
	return true;
}

static void tell_view(struct doctor *d, const struct conf_smarthost *h,
		const struct server_view *v, bool login)
{
	char text[DOCTOR_TEXT];

	if (tell_fault(d, h, v))
		return;
	doctor_text(text, T("%s (smtp --check %s:%u tells more)"), *v->cause ?
			T(v->cause) : T("is it the right one?"), h->host,
			h->port);
	if (!v->good && v->cannot_login && h->user)
		doctor_say(d, DOCTOR_FAIL, text, T("%s does not let %s in: %s"),
				h->host, h->user, v->error);
	else if (!v->good)
		doctor_say(d, DOCTOR_FAIL, text, T("%s:%u (%s) cannot be "
					"used: %s"), h->host, h->port,
				mode_of(h->tls), v->error);
	else if (v->days < SOON)
		doctor_say(d, DOCTOR_WARN, T("its provider has to renew it"),
				T("%s: its certificate ends in %u days."),
				h->host, v->days);
	else if (!h->user)
		doctor_say(d, DOCTOR_OK, NULL, T("%s answers; there is no "
					"user= to log in."), h->host);
	else
		doctor_say(d, DOCTOR_OK, NULL, login ? T("%s has let %s in.") :
				T("%s answers; the login of %s was not "
				"tried."), h->host, h->user);
}

/* -1 where there is none to be had; then it was told. */
static int open_secret(struct doctor *d, const struct conf_smarthost *h)
{
	struct err err;
	int fd = file_open_secret(h->password_file, &err);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size)
		return fd;
	if (fd >= 0) {
		err_set(&err, ERR_PERM, T("%s is empty"), h->password_file);
		close(fd);
	}
	doctor_say(d, geteuid() == 0 ? DOCTOR_FAIL : DOCTOR_SKIP, fd < 0 ?
			NULL : T("write the password into it"), T("The login "
				"at %s was not tried: %s"), h->host, err.text);
	return -1;
}

/* A login as queue would do it, where it is one by password. */
static void look_at_smarthost(struct doctor *d,
		const struct conf_smarthost *h)
{
	char where[NAME_SIZE + 16];
	struct server_view v;
	struct err err;
	int secret = h->password_file ? open_secret(d, h) : -1;
	bool login = h->user && secret >= 0 && !h->pins;
	struct server_question q = { .conf = d->path,
		.domain = d->conf->hostname, .where = where,
		.mode = mode_of(h->tls), .user = login ? h->user : NULL,
		.no_verify = !h->verify || h->pins, .secret = secret,
		.signals = -1 };

	if (h->password_file && secret < 0)
		return;
	snprintf(where, sizeof(where), strchr(h->host, ':') ? "[%s]:%u" :
			"%s:%u", h->host, h->port);
	if (server_look(&q, &v, &err) < 0)
		doctor_say(d, DOCTOR_FAIL, NULL, "%s: %s", h->host, err.text);
	else
		tell_view(d, h, &v, login);
	if (secret >= 0)
		close(secret);
}

void doctor_smarthost(struct doctor *d)
{
	const struct conf_smarthost *h = d->conf->smarthosts;

	if (!h)
		doctor_say(d, DOCTOR_SKIP, NULL, T("There is none: mail goes "
					"to each domain's servers itself."));
	for (; h; h = h->next)
		look_at_smarthost(d, h);
}

/* -- our certificate -- */

/* RFC 6125 6.4.3: "*." stands for one label. */
static bool is_for(const struct tls_shown *s, const char *host)
{
	struct span names = span_of(s->names), word, name = span_of(host);
	struct span parent = span_rest(name, span_find(name, '.'));

	while ((word = span_word(&names)).n)
		if (span_caseeq(word, name) || (span_starts(word, "*.") &&
					span_caseeq(span_rest(word, 1),
						parent)))
			return true;
	return false;
}

static void look_at_dates(struct doctor *d, const struct tls_shown *s,
		const char *file)
{
	const char *remedy = T("renew it: acme.sh, certbot, or whoever has "
			"made it; maild sees the new file by itself");
	int64_t now = clock_now(), left = (s->until - now) / DAY;
	char until[DATE_SIZE];

	date_iso(until, s->until);
	if (!clock_plausible())
		doctor_say(d, DOCTOR_SKIP, NULL, T("The dates of %s are not "
					"checked: the clock is not set."),
				file);
	else if (s->until < now)
		doctor_say(d, DOCTOR_FAIL, remedy, T("%s has ended at %s."),
				file, until);
	else if (s->from > now)
		doctor_say(d, DOCTOR_FAIL, remedy, T("%s is not good yet."),
				file);
	else if (left < SOON)
		doctor_say(d, DOCTOR_WARN, remedy, T("%s ends in %lld days."),
				file, (long long)left);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("%s is good until %s."), file,
				until);
}

static void look_at_signer(struct doctor *d, const struct tls_shown *s,
		const char *file)
{
	if (strcmp(s->subject, s->issuer) == 0)
		doctor_say(d, DOCTOR_WARN, T("one of a public authority, as "
					"Let's Encrypt: tls-cert and tls-key"),
				T("%s is signed by itself: other servers take "
					"it, phones and mail programs will "
					"complain."), file);
	else if (s->no_bundle)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Who has signed %s is not "
					"checked: there is no tls-ca."), file);
	else if (s->fault)
		doctor_say(d, DOCTOR_FAIL, T("put the whole chain into the "
					"file (fullchain.pem), the server's "
					"own first"), T("%s: it %s."), file,
				T(s->fault));
}

static void look_at_cert(struct doctor *d, const char *cert, const char *key,
		const char *name)
{
	struct tls_shown s;
	struct err err;

	if (tls_look(cert, key, d->conf->tls_ca, &s, &err) < 0) {
		doctor_say(d, DOCTOR_FAIL, T("the right two files in tls-cert "
					"and tls-key; without these lines one "
					"is made"), "%s", err.text);
		return;
	}
	look_at_dates(d, &s, cert);
	if (!is_for(&s, name))
		doctor_say(d, DOCTOR_WARN, T("one that has this name in "
					"subjectAltName"), T("%s is for %s, "
					"and not for %s."), cert, *s.names ?
				s.names : s.subject, name);
	look_at_signer(d, &s, cert);
}

void doctor_certificate(struct doctor *d)
{
	const struct conf *c = d->conf;

	if (!CFG_TLS || !CFG_TLS_SERVER || !c->listen) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not needed: nothing here "
					"is a server."));
		return;
	}
	if (access(c->tls_cert, F_OK) < 0 && errno == ENOENT)
		doctor_say(d, DOCTOR_SKIP, NULL, T("There is none yet: the "
					"first start makes one."));
	else
		look_at_cert(d, c->tls_cert, c->tls_key, c->hostname);
	for (const struct conf_tls_host *h = c->tls_hosts; CFG_TLS_SNI && h;
			h = h->next)
		look_at_cert(d, h->cert, h->key, h->name[0] == '*' ?
				c->hostname : h->name);
}

/* -- in -- */

/* Whoever listens everywhere listens here. */
static struct sockaddr_storage here(const struct conf_listen *l)
{
	struct sockaddr_storage to = l->addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;

	if (to.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(
				&in6->sin6_addr)) {
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (to.ss_family == AF_INET && in->sin_addr.s_addr ==
			INADDR_ANY) {
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	return to;
}

static void look_at_port(struct doctor *d, const struct conf_listen *l)
{
	bool tls = l->service == CONF_SMTPS || l->service == CONF_POP3S;
	struct sockaddr_storage to = here(l);
	char line[LINE_SIZE] = "";
	const char *name = conf_service_name(l->service);
	unsigned port = ntohs(((const struct sockaddr_in *)&l->addr)->sin_port);
	int code = doctor_reach(&to, port, tls ? NULL : line, sizeof(line));

	if (code)
		doctor_say(d, DOCTOR_FAIL, T("does another program have the "
					"port? The log says it"),
				T("%s, port %u: %s"), name, port,
				strerror(code));
	else if (!tls && !span_starts(span_of(line), "220") &&
			!span_starts(span_of(line), "+OK"))
		doctor_say(d, DOCTOR_WARN, NULL, T("%s, port %u, does not take "
					"us: %s"), name, port, line);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("%s, port %u, answers."),
				name, port);
}

void doctor_listen(struct doctor *d)
{
	bool any = false;

	for (const struct conf_listen *l = d->conf->listen; !d->down && l;
			l = l->next) {
		bool pop = l->service == CONF_POP3 || l->service == CONF_POP3S;

		/* to others a line of device does not speak */
		if (l->device || !(pop ? CFG_POP3D : l->service == CONF_LMTP ?
					CFG_DELIVER_TCP : CFG_SMTPD))
			continue;
		any = true;
		look_at_port(d, l);
	}
	if (!any)
		doctor_say(d, DOCTOR_SKIP, NULL, d->down ? T("Not checked: the "
					"daemons do not run.") :
				T("Not needed: nothing listens here."));
}
