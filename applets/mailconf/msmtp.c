#include "mailconf/msmtp.h"

#include <string.h>

#define NOTES_MOST (64 * 1024)

static const struct {
	char name[24];
	unsigned char key;		/* MSMTP_KEYS: of no meaning here */
	const char *note;		/* NULL: what it did happens anyway */
} known[] = {
	{ "host", MSMTP_HOST, NULL },
	{ "port", MSMTP_PORT, NULL },
	{ "tls", MSMTP_TLS, NULL },
	{ "tls_starttls", MSMTP_STARTTLS, NULL },
	{ "tls_certcheck", MSMTP_CERTCHECK, NULL },
	{ "tls_trust_file", MSMTP_TRUST, NULL },
	{ "tls_fingerprint", MSMTP_FINGERPRINT, NULL },
	{ "auth", MSMTP_AUTH, NULL },
	{ "user", MSMTP_USER, NULL },
	{ "password", MSMTP_PASSWORD, NULL },
	{ "passwordeval", MSMTP_PASSWORDEVAL, NULL },
	{ "from", MSMTP_FROM, NULL },
	{ "aliases", MSMTP_ALIASES, NULL },
	{ "domain", MSMTP_DOMAIN, NULL },
	{ "timeout", MSMTP_TIMEOUT, NULL },
	{ "connect_timeout", MSMTP_TIMEOUT, NULL },
	{ "logfile", MSMTP_LOGFILE, NULL },
	{ "syslog", MSMTP_SYSLOG, NULL },
	{ "protocol", MSMTP_PROTOCOL, NULL },
	{ "add_missing_date_header", MSMTP_KEYS, NULL },
	{ "add_missing_from_header", MSMTP_KEYS, NULL },
	{ "set_date_header", MSMTP_KEYS, NULL },
	{ "set_from_header", MSMTP_KEYS, NULL },
	{ "set_msgid_header", MSMTP_KEYS, NULL },
	{ "remove_bcc_headers", MSMTP_KEYS, NULL },
	{ "keepbcc", MSMTP_KEYS, NULL },
	{ "tls_priorities", MSMTP_KEYS, "TLS 1.2 and 1.3 as mbedTLS has them" },
	{ "tls_key_file", MSMTP_KEYS, "no client certificates on the way out" },
	{ "tls_cert_file", MSMTP_KEYS, "no client certificates on the way out" },
	{ "tls_crl_file", MSMTP_KEYS, "no revocation lists" },
	{ "proxy_host", MSMTP_KEYS, "no proxies" },
	{ "proxy_port", MSMTP_KEYS, "no proxies" },
	{ "dsn_notify", MSMTP_KEYS, "sendmail -N asks for reports" },
	{ "dsn_return", MSMTP_KEYS, "sendmail -R asks for reports" },
	{ "eval", MSMTP_KEYS, "a command that writes settings is not run" },
	{ "include", MSMTP_KEYS, "that file is not read: import it by itself" },
	{ "source_ip", MSMTP_KEYS, "the kernel chooses our address" },
	{ "socket", MSMTP_KEYS, "connections to hosts only" },
	{ "tls_host_override", MSMTP_KEYS, "the certificate is for the host, "
		"or fingerprint=" },
	{ "from_full_name", MSMTP_KEYS, "that of /etc/passwd, or sendmail -F" },
	{ "undisclosed_recipients", MSMTP_KEYS, "To and Cc stay" },
	{ "maildomain", MSMTP_KEYS, "the first domain line completes addresses" },
};

/* -- reading -- */

/* In double quotes, if it begins with one, as msmtp takes it. */
static struct span argument(struct span s)
{
	s = span_trim(s);
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = span_sub(s, 1, s.n - 2);
	return s;
}

static struct msmtp_account *find(struct msmtp *m, struct span name)
{
	for (unsigned i = 1; i < m->n; i++)
		if (span_eq(m->account[i].name, name))
			return &m->account[i];
	return NULL;
}

static void inherit(struct msmtp_account *to, const struct msmtp_account *from)
{
	for (int i = 0; i < MSMTP_KEYS; i++)
		if (from->value[i].p)
			to->value[i] = from->value[i];
}

/* NAME [: ACCOUNT[, ...]]; a second one of that name adds to the first. */
static struct msmtp_account *begin(struct msmtp *m, struct span words)
{
	struct span name = span_trim(span_cut(&words, ':'));
	struct msmtp_account *a = find(m, name), *from;

	if (!name.n)
		return NULL;
	if (!a) {
		if (m->n > MSMTP_ACCOUNTS)
			return NULL;
		a = &m->account[m->n++];
		*a = m->account[0];
		a->name = name;
	}
	while (words.n) {
		from = find(m, span_trim(span_cut(&words, ',')));
		if (!from)
			return NULL;
		inherit(a, from);
	}
	return a;
}

void msmtp_note(struct msmtp *m, struct span name, const char *text)
{
	str_adds(&m->notes, "# ");
	for (size_t i = 0; i < name.n && i < 40; i++)
		str_addc(&m->notes, name.p[i] < ' ' || name.p[i] > '~' ? '?' :
				name.p[i]);
	str_addf(&m->notes, ": %s\n", text);
}

static void set(struct msmtp *m, struct msmtp_account *a, struct span name,
		struct span value)
{
	size_t i = 0;

	while (i < sizeof(known) / sizeof(*known) &&
			!span_eq(name, span_of(known[i].name)))
		i++;
	if (i == sizeof(known) / sizeof(*known))
		msmtp_note(m, name, "has no counterpart");
	else if (known[i].key < MSMTP_KEYS)
		/* "tls" alone is "tls on"; p is set in any case */
		a->value[known[i].key] = value.n ? value : SPAN("");
	else if (known[i].note)
		msmtp_note(m, name, known[i].note);
}

void msmtp_init(struct msmtp *m)
{
	memset(m, 0, sizeof(*m));
	m->n = 1;
	str_init(&m->notes, NOTES_MOST);
}

int msmtp_parse(struct msmtp *m, struct span text, unsigned *line)
{
	struct msmtp_account *a = &m->account[0];

	msmtp_init(m);
	for (*line = 1; text.n; ++*line) {
		struct span rest = span_trim(span_cut(&text, '\n')), word;

		if (!rest.n || rest.p[0] == '#')
			continue;
		word = span_word(&rest);
		if (span_eq(word, SPAN("account")))
			a = begin(m, argument(rest));
		else if (span_eq(word, SPAN("defaults")))
			a = &m->account[0];
		else
			set(m, a, word, argument(rest));
		if (!a)
			return -1;
	}
	return 0;
}

void msmtp_free(struct msmtp *m)
{
	str_free(&m->notes);
}

const struct msmtp_account *msmtp_default(const struct msmtp *m)
{
	for (unsigned i = 1; i < m->n; i++)
		if (span_eq(m->account[i].name, SPAN("default")))
			return &m->account[i];
	return m->n == 2 || m->all ? &m->account[1] : NULL;
}
