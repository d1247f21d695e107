/* What filters are told by name: Sendmail's macros. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/date.h"
#include "mime/addr.h"
#include "os/clock.h"
#include "smtpd/milter.h"

void smtpd_milter_address(const struct smtpd_session *x, char out[64],
		unsigned *port, char *family)
{
	const struct sockaddr *peer = conn_peer_addr(x->smtp->conn);
	const struct sockaddr_in *v4 = (const void *)peer;
	const struct sockaddr_in6 *v6 = (const void *)peer;

	/* filters trust localhost; so does Postfix put it for sendmail(1) */
	*port = 0;
	*family = '4';
	str_copys(out, 64, "127.0.0.1");
	if (peer->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, out, 64);
		*port = ntohs(v4->sin_port);
	} else if (peer->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, out, 64);
		*port = ntohs(v6->sin6_port);
		*family = '6';
	}
}

/* local@domain, the local part quoted where it must be. */
static void put_address(struct str *out, const char *address)
{
	struct span s = span_of(address);
	size_t at = span_rfind(s, '@');
	struct addr a = { span_sub(s, 0, at), span_rest(s, at + 1) };

	if (s.n)
		addr_put(out, &a);
}

void smtpd_milter_path(struct str *out, const char *address)
{
	str_addc(out, '<');
	put_address(out, address);
	str_addc(out, '>');
}

/* -- one function a macro -- */

typedef void macro_fn(const struct smtpd_session *x, struct str *out);

static void hostname(const struct smtpd_session *x, struct str *out)
{
	str_adds(out, x->smtp->conf->hostname);
}

static void version(const struct smtpd_session *x, struct str *out)
{
	(void)x;
	str_adds(out, "Pillarbox " VERSION);
}

static void daemon(const struct smtpd_session *x, struct str *out)
{
	str_adds(out, x->service->name);
}

/* Nobody has looked for a name: as Sendmail writes an address without one. */
static void client_name(const struct smtpd_session *x, struct str *out)
{
	str_adds(out, x->service->local ? "localhost" :
			conn_peer(x->smtp->conn));
}

static void client_address(const struct smtpd_session *x, struct str *out)
{
	char address[64], family;
	unsigned port;

	smtpd_milter_address(x, address, &port, &family);
	str_adds(out, address);
}

static void client_port(const struct smtpd_session *x, struct str *out)
{
	char address[64], family;
	unsigned port;

	smtpd_milter_address(x, address, &port, &family);
	str_addf(out, "%u", port);
}

static void client(const struct smtpd_session *x, struct str *out)
{
	client_name(x, out);
	str_adds(out, " [");
	client_address(x, out);
	str_addc(out, ']');
}

static void queue_id(const struct smtpd_session *x, struct str *out)
{
	if (x->draft)
		str_adds(out, spool_draft_id(x->draft));
}

static void date(const struct smtpd_session *x, struct str *out)
{
	int64_t now = clock_now();
	char text[DATE_SIZE];

	(void)x;
	date_mail(text, now, date_offset(now));
	str_adds(out, text);
}

/* "TLSv1.3 with CIPHER" */
static struct span tls_word(const struct smtpd_session *x, int i)
{
	struct span rest = span_of(conn_tls_text(x->smtp->conn)), word;

	do
		word = span_word(&rest);
	while (i--);
	return word;
}

static void tls_protocol(const struct smtpd_session *x, struct str *out)
{
	str_add(out, tls_word(x, 0));
}

static void cipher(const struct smtpd_session *x, struct str *out)
{
	str_add(out, tls_word(x, 2));
}

static bool holds(struct span s, const char *word)
{
	for (; s.n; s = span_rest(s, 1))
		if (span_starts(s, word))
			return true;
	return false;
}

static void cipher_bits(const struct smtpd_session *x, struct str *out)
{
	struct span name = tls_word(x, 2);

	if (holds(name, "256") || holds(name, "CHACHA20"))
		str_adds(out, "256");
	else if (holds(name, "128"))
		str_adds(out, "128");
}

static void auth_type(const struct smtpd_session *x, struct str *out)
{
	if (x->smtp->auth_user)
		str_adds(out, x->mechanism ? x->mechanism : "PLAIN");
}

static void auth_user(const struct smtpd_session *x, struct str *out)
{
	if (x->smtp->auth_user)
		str_adds(out, x->smtp->auth_user);
}

static void put_host(const char *address, struct str *out)
{
	str_add(out, span_behind(span_of(address), '@'));
}

static void put_mailer(const struct smtpd_session *x, const char *address,
		struct str *out)
{
	struct span domain = span_behind(span_of(address), '@');

	str_adds(out, conf_is_local(x->smtp->conf, domain) ? "local" :
			"esmtp");
}

static void mail_address(const struct smtpd_session *x, struct str *out)
{
	if (x->smtp->sender)
		put_address(out, x->smtp->sender);
}

static void mail_host(const struct smtpd_session *x, struct str *out)
{
	if (x->smtp->sender)
		put_host(x->smtp->sender, out);
}

static void mail_mailer(const struct smtpd_session *x, struct str *out)
{
	if (x->smtp->sender && *x->smtp->sender)
		put_mailer(x, x->smtp->sender, out);
}

static void rcpt_address(const struct smtpd_session *x, struct str *out)
{
	if (x->rcpt)
		put_address(out, x->rcpt->address);
}

static void rcpt_host(const struct smtpd_session *x, struct str *out)
{
	if (x->rcpt)
		put_host(x->rcpt->address, out);
}

static void rcpt_mailer(const struct smtpd_session *x, struct str *out)
{
	if (x->rcpt)
		put_mailer(x, x->rcpt->address, out);
}

static const struct {
	const char *name;
	macro_fn *put;
} macros[] = {
	{ "j", hostname }, { "v", version }, { "_", client }, { "b", date },
	{ "i", queue_id }, { "daemon_name", daemon },
	{ "client_name", client_name }, { "client_ptr", client_name },
	{ "client_addr", client_address }, { "client_port", client_port },
	{ "tls_version", tls_protocol }, { "cipher", cipher },
	{ "cipher_bits", cipher_bits }, { "auth_type", auth_type },
	{ "auth_authen", auth_user }, { "auth_author", auth_user },
	{ "mail_addr", mail_address }, { "mail_host", mail_host },
	{ "mail_mailer", mail_mailer }, { "rcpt_addr", rcpt_address },
	{ "rcpt_host", rcpt_host }, { "rcpt_mailer", rcpt_mailer },
};

/* {i} and i are the same. */
void smtpd_milter_macro(void *arg, struct span name, struct str *out)
{
	struct span bare = name;

	if (bare.n > 2 && bare.p[0] == '{' && bare.p[bare.n - 1] == '}')
		bare = span_sub(bare, 1, bare.n - 2);
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
		if (span_eq(bare, span_of(macros[i].name))) {
			macros[i].put(arg, out);
			return;
		}
}
