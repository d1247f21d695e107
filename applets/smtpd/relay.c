#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/idna.h"
#include "os/clock.h"
#include "smtpd/smtpd.h"

bool smtpd_may_relay(const struct smtp_session *s)
{
	const struct smtpd_session *x = s->owner;

	return x->service->local || s->auth_user || x->service->device ||
		(x->service->relays && conf_net_has(s->conf->relay_from,
			conn_peer_addr(s->conn))) ||
		(CFG_TLS_CLIENT_CERTS && smtpd_cert_relays(s));
}

/* [192.0.2.1] where that is the address which the client has called. */
bool smtpd_is_own_literal(const struct smtp_session *s, struct span domain)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} here;
	socklen_t len = sizeof(here);
	char text[INET6_ADDRSTRLEN];
	struct span own = { text, 0 };

	if (domain.n < 3 || domain.p[0] != '[' ||
			getsockname(conn_fd(s->conn), &here.any, &len) < 0 ||
			!inet_ntop(here.any.sa_family,
				here.any.sa_family == AF_INET ?
				(void *)&here.v4.sin_addr :
				(void *)&here.v6.sin6_addr,
				text, sizeof(text)))
		return false;
	domain = span_sub(domain, 1, domain.n - 2);
	if (span_starts(domain, "IPv6:"))
		domain = span_rest(domain, 5);
	own.n = strlen(text);
	/* how a socket for both sees IPv4 */
	if (span_starts(own, "::ffff:"))
		own = span_rest(own, 7);
	return span_caseeq(domain, own);
}

static void taken(struct smtpd_session *x)
{
	if (CFG_SMTPD_GREYLIST && smtpd_grey_rcpt(x))
		return;
	smtpd_ok(x, MILTER_RCPT);
}

static void on_lookup(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct smtpd_session *x = arg;

	(void)user;
	x->request = NULL;
	if (status == AUTH_OK)
		taken(x);
	else if (status == AUTH_NO)
		smtp_server_refuse(x->smtp, 550, "5.1.1", "User unknown");
	else
		smtp_server_refuse(x->smtp, 451, "4.3.0",
				"Users cannot be looked up now");
}

static void look_up(struct smtpd_session *x, const char *address)
{
	x->request = address ? auth_lookup(x->service->smtpd->auth,
			span_of(address), on_lookup, x) : NULL;
	if (!x->request)
		smtp_server_refuse(x->smtp, 452, "4.3.1", "Out of memory");
}

/* local@ours, in place of a domain that was left out or is our address. */
static void look_up_here(struct smtp_session *s, struct smtp_rcpt *r,
		struct span local)
{
	const struct conf *conf = s->conf;
	const char *domain = conf->domains ? conf->domains->text :
		conf->hostname;
	const char *address = arena_printf(s->arena, "%.*s@%s",
			SPAN_ARG(local), domain);

	if (address)
		r->address = address;
	look_up(s->owner, address);
}

bool smtpd_is_stranger(const struct smtpd *m, const struct sockaddr *peer)
{
	const struct sockaddr_in *v4 = (const void *)peer;
	const struct sockaddr_in6 *v6 = (const void *)peer;

	if (peer->sa_family == AF_INET ?
			v4->sin_addr.s_addr == htonl(INADDR_LOOPBACK) :
			peer->sa_family != AF_INET6 ||
			IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
		return false;
	return !conf_net_has(m->daemon.conf->relay_from, peer);
}

bool smtpd_is_postmaster(const struct smtp_session *s, const char *rcpt)
{
	struct span address = span_of(rcpt);
	size_t at = span_rfind(address, '@');
	struct span domain = span_rest(address, at + 1);

	return span_is(span_sub(address, 0, at), "postmaster") &&
		(!domain.n || conf_is_local(s->conf, domain) ||
		 smtpd_is_own_literal(s, domain));
}

/*
 * Is it an address that we have made (srs)? From anybody: not only reports have
 * no sender, and nobody can make one. Its mail is for whom it stands for.
 */
static bool came_back(struct smtpd_session *x, struct smtp_rcpt *r,
		struct span local)
{
	const struct srs *srs = x->service->smtpd->srs;
	enum srs_result result = SRS_NONE;
	const char *address;
	struct str to;

	if (!CFG_SRS || !srs)
		return false;
	str_init(&to, 4 * ADDR_MAX);
	result = srs_reverse(&to, srs, local, clock_plausible() ?
			clock_now() : -1);
	address = result == SRS_GOOD ? arena_dup(x->smtp->arena,
			str_span(&to)) : NULL;
	str_free(&to);
	if (address) {
		r->address = address;
		taken(x);
	} else if (result == SRS_BAD) {
		smtp_server_refuse(x->smtp, 550, "5.1.1",
				"Not an address of ours, or not any more");
	} else if (result == SRS_GOOD) {
		smtp_server_refuse(x->smtp, 452, "4.3.1", "Out of memory");
	}
	return result != SRS_NONE;
}

/* What queue would return is refused here: to a program, not by a report. */
static void relay(struct smtpd_session *x, struct span domain)
{
	const struct conf_route *r;
	char ascii[IDNA_SIZE];

	if (idna_ascii(ascii, domain))
		domain = span_of(ascii);
	r = conf_find_route(x->smtp->conf, domain);
	if (r && r->status)
		smtp_server_refuse(x->smtp, *r->status == '4' ? 450 : 550,
				r->status, r->host);
	else
		smtpd_ok(x, MILTER_RCPT);
}

/*
 * RFC 5321 3.9, 4.5.1 and what open-relay testers try: the local part is
 * never searched for another address (user%other@ours), source routes were
 * dropped by the parser.
 */
void smtpd_rcpt(struct smtp_session *s, struct smtp_rcpt *r)
{
	struct span address = span_of(r->address);
	size_t at = span_rfind(address, '@');
	struct span domain = span_rest(address, at + 1);
	struct smtpd_session *x = s->owner;

	x->rcpt = r;
	if (CFG_SMTPD_DEVICE && x->service->device &&
			!smtpd_device_takes(x, r->address)) {
		smtp_server_refuse(s, 550, "5.7.1",
				"Devices may not send to this recipient");
		return;
	}
	if (CFG_SMTPD_ASK && smtpd_ask_stops(x, r))
		return;
	if (CFG_SMTPD_LIMITS && smtpd_limit_reached(x, SMTPD_RECIPIENTS))
		return;
	if (!domain.n || smtpd_is_own_literal(s, domain))
		look_up_here(s, r, span_sub(address, 0, at));
	else if (conf_is_local(s->conf, domain) &&
			came_back(x, r, span_sub(address, 0, at)))
		return;
	else if (conf_is_local(s->conf, domain))
		look_up(x, r->address);
	else if (!smtpd_may_relay(s))
		smtp_server_refuse(s, 550, "5.7.1", "Relaying denied");
	else if (CFG_ROUTE_ERROR)
		relay(x, domain);
	else
		smtpd_ok(x, MILTER_RCPT);
}
