/* The one table of all directives, and what is printed from it. */
#include "os/conf_row.h"

#include <string.h>

#define AT(field) offsetof(struct conf, field)
#define GROUP(name) { name, CONF_KIND_GROUP, 0, NULL, 0, 0, NULL }
#define K UINT64_C(1024)
#define MINUTE 60
#define HOUR 3600
#define DAY 86400

static const struct conf_row rows[] = {
	GROUP("Who we are"),
	{ "hostname", CONF_KIND_HOST, AT(hostname), "(the machine's name)",
		0, 0, "The name that this server gives itself in greetings, "
		"HELO and Received lines. It should be fully qualified and "
		"lead back to the address that others see." },
	{ "domain", CONF_KIND_DOMAINS, AT(domains), "(the hostname)",
		0, 0, "Mail for these domains is delivered here. hostname is "
		"always one of them." },
	{ "postmaster", CONF_KIND_ACCOUNT, AT(postmaster), "root",
		0, 0, "The local name that gets the mail for postmaster, "
		"which every domain must accept (RFC 5321 4.5.1)." },

	GROUP("Who may connect and send"),
	{ "listen", CONF_KIND_LISTEN, AT(listen),
		"smtp *:25\nsubmission *:587\nsmtps *:465\n"
		"pop3 *:110\npop3s *:995",
		0, 0, "A socket of a service. The first line for a service "
		"replaces its default, more lines add sockets, none switches "
		"the service off. * is every address, IPv6 and IPv4." },
	{ "relay-from", CONF_KIND_NETS, AT(relay_from), "(none)",
		0, 0, "Clients with these addresses may send to anybody "
		"without a password. Not even this machine's own address is "
		"implied. All others must authenticate; there is no way to "
		"open the relay to everybody." },
	{ "auth-without-tls", CONF_KIND_YESNO, AT(auth_without_tls), "no",
		0, 0, "Offer AUTH, and USER and PASS, on connections without "
		"TLS, where passwords can be overheard." },

	GROUP("Where mail goes"),
	{ "smarthost", CONF_KIND_SMARTHOST, AT(smarthost), "(none)",
		0, 0, "The server that takes all mail that is not for us. "
		"Port 587 and starttls when nothing is said; port 465, or "
		"tls alone, means TLS from the first byte on port 465; port "
		"25 means may, TLS when it is offered. tls and starttls "
		"check the certificate, unless noverify says not to. The "
		"password is the first line of its file." },
	{ "route", CONF_KIND_ROUTE, AT(routes), "(none)",
		0, 0, "Where mail for one domain goes, before smarthost and "
		"MX are asked; the first match counts, * matches all. "
		"smtp:HOST asks for the MX of HOST, [HOST] does not; PORT is "
		"25 (smtp) or 24 (lmtp) when left out." },
	{ "nameserver", CONF_KIND_NAMESERVERS, AT(nameservers),
		"(those of /etc/resolv.conf)",
		0, 0, "The DNS servers to ask, in this order. An IPv6 "
		"address with a port is written [ADDRESS]:PORT." },

	GROUP("Folders and files"),
	{ "spool-dir", CONF_KIND_PATH, AT(spool_dir), "/var/spool/pillarbox",
		1, 1000, "The mail that waits." },
	{ "state-dir", CONF_KIND_PATH, AT(state_dir), "/var/lib/pillarbox",
		1, 1000, "Users and keys; must survive a reboot." },
	{ "mail-dir", CONF_KIND_PATH, AT(mail_dir), "/var/lib/pillarbox/mail",
		1, 1000, "The Maildirs of virtual users." },
	{ "mbox-dir", CONF_KIND_PATH, AT(mbox_dir), "/var/mail",
		1, 1000, "The mboxes of this machine's users." },
	{ "run-dir", CONF_KIND_PATH, AT(run_dir), "/run/pillarbox",
		1, 80, "Sockets of the daemons among themselves; may be "
		"lost at a reboot." },
	{ "tls-cert", CONF_KIND_PATH, AT(tls_cert), "(STATE-DIR/cert.pem)",
		1, 1000, "Our certificate and its chain, PEM. Without this "
		"line a self-signed one is made at the first start." },
	{ "tls-key", CONF_KIND_PATH, AT(tls_key), "(STATE-DIR/key.pem)",
		1, 1000, "The key of tls-cert, PEM." },
	{ "tls-ca", CONF_KIND_PATH, AT(tls_ca),
		"/etc/ssl/certs/ca-certificates.crt",
		1, 1000, "The authorities that other servers' certificates "
		"are checked with, PEM." },

	GROUP("Users and rights"),
	{ "user-queue", CONF_KIND_ACCOUNT, AT(user_queue), "pillarbox",
		0, 0, "smtpd and queue run as this account, which owns the "
		"spool." },
	{ "user-store", CONF_KIND_ACCOUNT, AT(user_store), "mail",
		0, 0, "pop3d runs as this account, which owns the "
		"Maildirs." },
	{ "user-auth", CONF_KIND_ACCOUNT, AT(user_auth), "root",
		0, 0, "authd runs as this account. Only root can check the "
		"passwords in /etc/shadow." },
	{ "system-users", CONF_KIND_YESNO, AT(system_users), "yes",
		0, 0, "The accounts of this machine get mail and may log in, "
		"too." },
	{ "auth-workers", CONF_KIND_NUMBER, AT(auth_workers), "2",
		1, 16, "Processes that check passwords, so that one slow "
		"hash does not hold up the next log-in." },
	{ "scram-rounds", CONF_KIND_NUMBER, AT(scram_rounds), "4096",
		4096, 10000000, "Iterations for new passwords; RFC 7677 "
		"wants no fewer than 4096." },

	GROUP("Limits"),
	{ "max-message-size", CONF_KIND_SIZE, AT(max_message_size), "25M",
		64 * K, 2048 * K * K, "The largest message, in octets as it "
		"is sent (RFC 1870)." },
	{ "min-free-space", CONF_KIND_SIZE, AT(min_free_space), "2M",
		0, K * K * K * K, "With less than this left on the spool's "
		"disk no mail is taken (452)." },
	{ "max-recipients", CONF_KIND_NUMBER, AT(max_recipients), "100",
		1, 10000, "Recipients of one message in one session; RFC "
		"5321 4.5.3.1.8 wants no fewer than 100." },
	{ "max-sessions", CONF_KIND_NUMBER, AT(max_sessions), "100",
		1, 100000, "Sessions of one daemon at a time; the next one "
		"gets 421." },
	{ "max-sessions-per-address", CONF_KIND_NUMBER,
		AT(max_sessions_per_address), "50",
		1, 100000, "The same from one IPv4 address or one IPv6 "
		"/64." },
	{ "max-errors", CONF_KIND_NUMBER, AT(max_errors), "10",
		1, 1000, "Wrong commands before a session is ended." },
	{ "max-queue", CONF_KIND_NUMBER, AT(max_queue), "10000",
		1, 1000000, "Messages in the spool; more are not taken "
		"(452)." },
	{ "session-memory", CONF_KIND_MEMORY, AT(session_memory), "64K",
		16 * K, 64 * K * K, "Memory that one session may hold, "
		"without its buffers and TLS." },

	GROUP("Times"),
	{ "command-timeout", CONF_KIND_SECONDS, AT(command_timeout), "5m",
		1, DAY, "How long a client may think between commands; RFC "
		"5321 4.5.3.2.7 wants no less than 5 minutes." },
	{ "data-timeout", CONF_KIND_SECONDS, AT(data_timeout), "3m",
		1, DAY, "How long a message may stall (RFC 5321 "
		"4.5.3.2.5)." },
	{ "connect-timeout", CONF_KIND_SECONDS, AT(connect_timeout), "30",
		1, 10 * MINUTE, "How long to wait for another server to "
		"take a connection." },
	{ "dns-timeout", CONF_KIND_SECONDS, AT(dns_timeout), "10",
		1, 5 * MINUTE, "How long a look-up may take, all name "
		"servers and repetitions together." },

	GROUP("The queue"),
	{ "retry-first", CONF_KIND_SECONDS, AT(retry_first), "5m",
		1, DAY, "The wait after the first failure; it doubles each "
		"time." },
	{ "retry-most", CONF_KIND_SECONDS, AT(retry_most), "1h",
		1, 7 * DAY, "The longest wait between two tries." },
	{ "bounce-after", CONF_KIND_SECONDS, AT(bounce_after), "5d",
		MINUTE, 60 * DAY, "When to give up and tell the sender; RFC "
		"5321 4.5.4.1 wants 4 to 5 days." },
	{ "queue-sessions", CONF_KIND_NUMBER, AT(queue_sessions), "20",
		1, 1000, "Outgoing connections at a time." },
	{ "queue-sessions-per-host", CONF_KIND_NUMBER,
		AT(queue_sessions_per_host), "5",
		1, 1000, "The same to one host." },
	{ "spool-sync", CONF_KIND_SYNC, AT(spool_sync_files), "filesystem",
		0, 0, "How mail is made safe before it is acknowledged: one "
		"flush of the spool's file system for all messages of a "
		"moment, or one for each file. files is for a spool on a "
		"disk that others write to a lot." },

	{ 0 }
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= CONF_ROWS_MOST, "rows");

const struct conf_row *conf_rows(void)
{
	return rows;
}

const struct conf_row *conf_row_find(struct span name)
{
	for (const struct conf_row *row = rows; row->name; row++)
		if (row->kind != CONF_KIND_GROUP &&
				span_eq(name, span_of(row->name)))
			return row;
	return NULL;
}

bool conf_row_is_computed(const struct conf_row *row)
{
	return !row->preset || row->preset[0] == '(';
}

/* Appends text in lines of at most 78 columns, each after prefix. */
static void wrap(struct str *out, const char *prefix, const char *text)
{
	size_t width = 78 - strlen(prefix), used = 0;
	struct span rest = span_of(text), word;

	while ((word = span_word(&rest)).n) {
		if (used && used + 1 + word.n > width) {
			str_addc(out, '\n');
			used = 0;
		}
		str_adds(out, used ? " " : prefix);
		str_add(out, word);
		used += word.n + (used ? 1 : 0);
	}
	str_addc(out, '\n');
}

static void put_default(struct str *out, const struct conf_row *row)
{
	struct span rest = span_of(row->preset);

	if (conf_row_is_computed(row)) {
		str_addf(out, "#%s %s\n", row->name, row->preset);
		return;
	}
	while (rest.n) {
		struct span value = span_cut(&rest, '\n');

		str_addf(out, "%s %.*s\n", row->name, SPAN_ARG(value));
	}
}

void conf_print_defaults(struct str *out)
{
	str_adds(out, "# Each directive with its default; none has to be "
			"given.\n");
	for (const struct conf_row *row = rows; row->name; row++) {
		if (row->kind == CONF_KIND_GROUP) {
			str_addf(out, "\n# ---- %s\n", row->name);
			continue;
		}
		str_addc(out, '\n');
		wrap(out, "# ", row->about);
		put_default(out, row);
	}
}

static const char reference_head[] =
	"# /etc/pillarbox.conf\n"
	"\n"
	"One directive a line, in any order. Words are split at blanks; "
	"`\"...\"` keeps\n"
	"them; `#` before a word starts a comment. An unknown word, a wrong "
	"value, or a\n"
	"second line for a directive that has one value is an error, told "
	"with file and\n"
	"line. Everything has a default that is right for a device with "
	"64 MB of RAM.\n"
	"\n"
	"SIZE is in bytes, or with `K`, `M`, `G` (1024). TIME is in seconds, "
	"or with\n"
	"`s`, `m`, `h`, `d`. PATH is absolute.\n"
	"\n"
	"This page is made from the program's own table "
	"(`mailconf --reference`).\n";

/* "Default: `25M`; from 64K to 2G." */
static void put_facts(struct str *out, const struct conf_row *row)
{
	struct span rest = span_of(row->preset);
	const char *mark = conf_row_is_computed(row) ? "" : "`";
	const char *lead = "Default: ";

	if (conf_row_is_computed(row))
		rest = span_sub(rest, 1, rest.n - 2);
	while (rest.n) {
		struct span value = span_cut(&rest, '\n');

		str_addf(out, "%s%s%.*s%s", lead, mark, SPAN_ARG(value), mark);
		lead = ",\n";
	}
	if (row->max && row->kind != CONF_KIND_PATH) {
		str_adds(out, "; ");
		conf_print_range(row, out);
	}
	str_adds(out, ".\n");
}

void conf_print_reference(struct str *out)
{
	str_adds(out, reference_head);
	for (const struct conf_row *row = rows; row->name; row++) {
		if (row->kind == CONF_KIND_GROUP) {
			str_addf(out, "\n## %s\n", row->name);
			continue;
		}
		str_addf(out, "\n### %s\n\n`%s %s`\n\n", row->name, row->name,
				conf_type(row->kind)->syntax);
		wrap(out, "", row->about);
		str_addc(out, '\n');
		put_facts(out, row);
		if (conf_type(row->kind)->many)
			str_adds(out, "May be repeated.\n");
	}
}
