/* conf - /etc/pillarbox.conf: one directive a line, one table that knows all
 *
 * The table (conf_table.c) parses, checks, prints `mailconf --defaults` and
 * makes docs/configuration.md. Words on a line are split at blanks; "..." keeps
 * blanks; # starts a comment. Unknown words, wrong values and a single-valued
 * directive given twice are errors with file and line.
 */
#ifndef OS_CONF_H
#define OS_CONF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define CONF_FILE "/etc/pillarbox.conf"

/* An address block: relay-from 192.168.1.0/24, 2001:db8::/32, one address. */
struct conf_net {
	struct conf_net *next;
	unsigned char addr[16];		/* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;			/* of the 128 */
};

struct conf_word {
	struct conf_word *next;
	const char *text;
};

enum conf_tls { CONF_TLS_NONE, CONF_TLS_MAY, CONF_TLS_STARTTLS, CONF_TLS_TLS };

/* SHA-256 of a certificate in DER, or of its public key */
#define CONF_HASH_SIZE 32
struct conf_hash {
	struct conf_hash *next;
	unsigned char hash[CONF_HASH_SIZE];
};

/*
 * tls-policy DOMAIN|.DOMAIN|* none|may|require|verify|dane|
 *	fingerprint=SHA256[,SHA256...] [name=HOST]
 */
enum conf_policy {
	CONF_POLICY_NONE, CONF_POLICY_MAY, CONF_POLICY_REQUIRE,
	CONF_POLICY_VERIFY, CONF_POLICY_DANE, CONF_POLICY_PINNED
};

struct conf_tls_policy {
	struct conf_tls_policy *next;
	unsigned number;		/* of the line, from 1 */
	const char *domain;		/* of the recipient; ".x": below x */
	enum conf_policy mode;
	struct conf_hash *hashes;	/* PINNED */
	const char *name;		/* VERIFY: the certificate's; or NULL */
};

/*
 * smarthost HOST[:PORT] [tls|starttls|may|none] [user=U] [password-file=F]
 *	[password-command=C] [token-file=F] [token-command=C] [auth=MECHANISM]
 *	[noverify] [fingerprint=SHA256,...] [from=ADDRESS|@DOMAIN,...]
 *	[sender=ADDRESS]
 * Default: port 587 and starttls; port 465 means tls, port 25 means may; tls
 * without a port means port 465.
 * tls and starttls verify the certificate unless noverify says not to.
 */
struct conf_smarthost {
	struct conf_smarthost *next;
	const char *host;
	unsigned port;
	enum conf_tls tls;
	bool verify;
	const char *user;		/* NULL: no AUTH */
	struct conf_hash *pins;		/* known by these, not by the bundle */
	/* with a user, one of these; the commands are for /bin/sh -c */
	const char *password_file, *password_command;
	const char *token_file, *token_command;	/* OAuth, net/secret.h */
	const char *mechanism;		/* of SASL; NULL: the best there is */
	struct conf_word *from;		/* envelope senders; NULL: all others */
	const char *sender;		/* that it demands; NULL: any */
};

enum conf_service {
	CONF_SMTP, CONF_SUBMISSION, CONF_SMTPS, CONF_POP3, CONF_POP3S,
	CONF_LMTP, CONF_SERVICE_COUNT
};

/* "smtp", "submission", ... */
const char *conf_service_name(enum conf_service service);

/* What one socket does otherwise than the rest. */
enum {
	CONF_LISTEN_NOAUTH = 1,		/* AUTH is not offered */
	CONF_LISTEN_PLAINAUTH = 2,	/* passwords without TLS */
	CONF_LISTEN_NEEDTLS = 4,	/* nothing before STARTTLS */
	CONF_LISTEN_NORELAY = 8,	/* relay-from does not count */
	CONF_LISTEN_NOCHECKS = 16,	/* no DNS is asked, no greeting delay */
	CONF_LISTEN_REPAIR = 32		/* lone CR and LF are made good */
};

/* N/TIME: at most n at once, and again as many over these seconds. */
struct conf_rate {
	unsigned n;			/* 0: no limit */
	unsigned seconds;
};

/* quiet-hours HH:MM-HH:MM */
struct conf_hours {
	unsigned from;			/* minutes of the day, local time */
	unsigned minutes;		/* how long; 0: none */
};

/* device ADDRESS:PORT from=NET,... to=ADDRESS|@DOMAIN,... [sender=] [rate=] */
struct conf_device {
	struct conf_net *from;
	struct conf_word *to;
	const char *sender;		/* NULL: as it says */
	struct conf_rate rate;		/* messages of one device */
};

/* listen SERVICE ADDRESS:PORT | *:PORT | [V6]:PORT | none [OPTION...] */
struct conf_listen {
	struct conf_listen *next;
	enum conf_service service;
	unsigned char flags;		/* CONF_LISTEN_... */
	const struct conf_device *device;	/* it is a line of `device` */
	struct sockaddr_storage addr;
	socklen_t addr_len;
};

/* tls-host NAME|*.DOMAIN|* CERT KEY; *: whoever no other line names */
struct conf_tls_host {
	struct conf_tls_host *next;
	const char *name;		/* lower case */
	const char *cert, *key;
};

/* tls-client no|request|require [SERVICE...] */
enum conf_client {
	CONF_CLIENT_UNSET,		/* not after conf_read */
	CONF_CLIENT_NO, CONF_CLIENT_REQUEST, CONF_CLIENT_REQUIRE
};
#define CONF_CLIENT_SERVICES (CONF_SMTPS + 1)	/* smtpd's: the first ones */

/* relay-cert and tls-client-user: a client known by SHA-256 of its DER */
struct conf_cert {
	struct conf_cert *next;
	unsigned char hash[CONF_HASH_SIZE];
	const char *user;		/* NULL: it may relay */
};

/*
 * route DOMAIN|.DOMAIN|* lmtp:unix:PATH | smtp:[HOST]:PORT | smtp:HOST ; first match
 * fallback-route smtp:... [after=TIME]
 */
struct conf_route {
	struct conf_route *next;
	const char *domain;		/* "*": all; ".d": all below d */
	bool lmtp;
	bool mx;			/* look up MX of host (no brackets) */
	/* or path when is_unix, or error's text */
	const char *host;
	/* error: RFC 3463's, 4.x.x or 5.x.x; or NULL */
	const char *status;
	bool is_unix;
	unsigned port;
	unsigned after;			/* seconds; of the fallback */
};

/* dnsbl NAME [weight=N] [codes=ADDRESS[-ADDRESS],...] */
struct conf_codes {
	uint32_t low, high;		/* 127.x.y.z as a number, both count */
};

struct conf_dnsbl {
	struct conf_dnsbl *next;
	const char *name;
	int weight;			/* below 0: an allow list */
	const struct conf_codes *codes;
	unsigned ncodes;		/* 0: any answer that means "listed" */
};

/* milter unix:PATH|inet:ADDRESS:PORT [timeout=T] [default=X] [on=SERVICE,...] */
enum conf_milter_default {
	CONF_MILTER_TEMPFAIL, CONF_MILTER_ACCEPT, CONF_MILTER_REJECT
};

#define CONF_MILTERS_MOST 8
#define CONF_MILTER_LOCAL CONF_SERVICE_COUNT	/* the local socket */

struct conf_milter {
	struct conf_milter *next;
	const char *name;		/* as in the file: unix:..., inet:... */
	const char *path;		/* NULL: addr it is */
	struct sockaddr_storage addr;
	socklen_t addr_len;
	unsigned timeout;		/* seconds */
	unsigned char otherwise;	/* enum conf_milter_default */
	unsigned char services;		/* bits by enum conf_service, and LOCAL */
};

/*
 * masquerade FROM TO, virtual FROM TO; each an address, @DOMAIN, or a name
 * alone, domains as in struct conf
 */
struct conf_map {
	struct conf_map *next;
	const char *from, *to;
};

/* forward and vacation: of whom it counts */
enum conf_whose { CONF_WHOSE_NO, CONF_WHOSE_SYSTEM, CONF_WHOSE_ALL };
/* detail-folder */
enum conf_folders { CONF_FOLDERS_NO, CONF_FOLDERS_EXISTING, CONF_FOLDERS_MAKE };

enum conf_check { CONF_CHECK_NO, CONF_CHECK_NOTE, CONF_CHECK_REFUSE };

struct conf {
	/* names of hosts and domains, all over: lower case, A-labels */
	const char *hostname;		/* fully qualified */
	struct conf_word *domains;	/* ours: their mail is delivered here */
	struct conf_net *relay_from;	/* not even 127.0.0.1 is implied */
	struct conf_net *proxy_from, *xclient_from;	/* front ends */
	struct conf_net *lmtp_from;	/* may deliver by listen lmtp */
	const char *lmtp_user;		/* ... and at the local socket */
	struct conf_smarthost *smarthosts;	/* in the order of the file */
	struct conf_listen *listen;	/* with the defaults */
	struct conf_route *routes;
	struct conf_map *masquerades;	/* addresses as others see them */
	struct conf_map *virtuals;	/* addresses of ours, and whose they are */
	const char *delimiter;		/* before a detail: user+detail; "": none */
	bool srs;			/* senders of what is forwarded are ours */
	const char *srs_domain;		/* NULL: the first of domains */
	struct conf_tls_policy *tls_policies;	/* first match */
	bool dns_trust;			/* the name server's AD is believed */
	bool mta_sts;
	struct conf_route *fallback;	/* NULL: none */
	struct conf_word *nameservers;	/* ADDRESS[:PORT]; none: resolv.conf */
	const char *postmaster;		/* local name that gets its mail */
	const char *aliases;		/* path; "none": switched off */
	const char *alias_user;		/* runs commands, writes files */
	unsigned alias_timeout;		/* seconds for a command */
	unsigned max_alias_recipients;
	unsigned char forward, vacation;	/* enum conf_whose */
	unsigned char detail_folder;	/* enum conf_folders */
	const char *deliver_command;	/* NULL: none */

	const char *spool_dir, *state_dir, *mail_dir, *mbox_dir, *run_dir;
	const char *mail_rc;		/* start-up file of mail */
	const char *tls_cert, *tls_key;	/* default: STATE/cert.pem, key.pem */
	const char *tls_ca;		/* bundle for verifying others */
	struct conf_tls_host *tls_hosts;
	bool tls_13;			/* tls-min 1.3 */
	struct conf_word *tls_ciphers;	/* none: the library's */
	const char *tls_client_ca;	/* NULL: none */
	unsigned char tls_client[CONF_CLIENT_SERVICES];	/* enum conf_client */
	struct conf_cert *client_certs;

	const char *user_queue;		/* smtpd, queue; owns the spool */
	const char *user_store;		/* pop3d, deliver; owns Maildirs */
	const char *user_auth;		/* authd; root to read shadow */
	bool system_users;		/* this machine's accounts get mail */
	struct conf_word *sender_any;	/* users with any sender; "*": all */
	bool received_user;		/* who logged in is in Received */
	bool auth_without_tls;		/* AUTH and PASS on plain connections */
	bool auth_binding;		/* SCRAM-SHA-256-PLUS is offered */

	uint64_t max_message_size;	/* bytes */
	uint64_t min_free_space;	/* bytes left on the spool's disk */
	uint64_t mailbox_gzip;		/* bytes, from here on; 0: none */
	uint64_t mailbox_quota;		/* bytes; 0: no limit */
	bool quota_defer;		/* 452, not 552 */
	unsigned quota_warning;		/* percent; 0: never */
	unsigned max_recipients;	/* per message */
	unsigned max_sessions;		/* per daemon */
	unsigned max_sessions_per_address;
	unsigned max_errors;		/* wrong commands before 421 */
	unsigned max_queue;		/* messages in the spool */
	unsigned session_memory;	/* bytes of arena per session */
	unsigned command_timeout;	/* seconds, RFC 5321 4.5.3.2.7 */
	unsigned data_timeout;		/* seconds between bytes of data */

	unsigned retry_first, retry_most, bounce_after;	/* seconds */
	unsigned warn_after;		/* seconds; 0: never */
	unsigned queue_sessions;	/* outgoing, all */
	unsigned queue_sessions_per_host;
	unsigned connect_timeout;
	unsigned dns_timeout;		/* seconds for a whole look-up */
	bool mx_loopback;		/* an MX may be 127.0.0.1 */
	struct conf_word *alerts;	/* senders: ADDRESS or @DOMAIN */
	unsigned alert_merge;		/* seconds; 0: they are not merged */
	struct conf_hours quiet_hours;
	const char *alert_command;	/* NULL: none */
	unsigned alert_command_after;	/* seconds */
	struct conf_rate cap_user, cap_all;	/* recipients elsewhere */
	bool spool_sync_files;		/* spool-sync files|filesystem */
	struct conf_rate rate_local;	/* messages of a user of this machine */
	uint64_t metered_size;		/* bytes that go over a metered link */
	const char *spill_dir;		/* what waits long; NULL: it stays */
	unsigned spill_after;		/* seconds */
	bool sendmail_direct;		/* to the smarthost, with no daemon */

	/* smtpd and clients that it has no reason to trust */
	struct conf_dnsbl *dnsbl;
	unsigned dnsbl_refuse;		/* sum of weights */
	unsigned dnsbl_timeout;		/* seconds for all questions together */
	unsigned dnsbl_cache;		/* addresses */
	unsigned greeting_delay;	/* seconds */
	unsigned char check_hello, check_reverse;	/* enum conf_check */
	struct conf_rate rate_connections, rate_messages, rate_recipients;
	struct conf_rate rate_user_messages, rate_user_recipients;
	struct conf_milter *milters;	/* in the order they are asked */
	struct conf_rate ban_after;	/* failures */
	unsigned ban_time;		/* seconds */
	const char *ban_command;	/* NULL: none */
	unsigned tarpit;		/* seconds for each error so far */
	unsigned max_tracked;		/* addresses and users */
	unsigned greylist_delay, greylist_retry, greylist_keep;	/* seconds */
	unsigned greylist_successes;	/* 0: networks are not let through */
	unsigned greylist_most;		/* rows */
	struct conf_net *greylist_exempt;

	const char *saslauthd;		/* its socket; NULL: not asked */
	const char *saslauthd_socket;	/* ours; NULL: none */
	const char *saslauthd_group;	/* who may use it, beside root; NULL */
	unsigned auth_cache;		/* seconds; 0: nothing is kept */
	/* a directory, a database: NULL, where it is not set */
	/* URIs, in the order of asking */
	struct conf_word *ldap_servers;
	const char *ldap_base, *ldap_filter;
	const char *ldap_user, *ldap_password_file;
	struct conf_word *ldap_attributes;	/* conf_attribute */
	struct conf_word *mysql_servers;	/* HOST[:PORT] or /SOCKET */
	const char *mysql_database, *mysql_query;
	const char *mysql_user, *mysql_password_file;
	unsigned directory_timeout;		/* seconds */
	bool directory_tls;
	const char *directory_ca;		/* NULL: tls_ca */
	unsigned auth_workers;
	unsigned scram_rounds;
};

#define CONF_DOMAINS_MOST (2 * 1024 * 1024)	/* octets of users.domains */
#define CONF_SERVERS_MOST 8
/* The attribute of ldap-attributes for name, mailbox or quota, or NULL. */
const char *conf_attribute(const struct conf *c, const char *key);
/* Does authd ask others, who may take long? */
static inline bool conf_auth_is_slow(const struct conf *c)
{
	return c->saslauthd || c->ldap_servers || c->mysql_servers;
}
/*
 * HOST, HOST:PORT, [HOST] or [HOST]:PORT. *port is 0 when there is none.
 * False: broken; an IPv6 address needs its brackets.
 */
bool conf_split_port(struct span text, struct span *host, unsigned *port,
		bool *brackets);

/*
 * Reads path over the defaults. The conf lives until conf_free. NULL with
 * err->text "FILE:LINE: reason"; the program then exits 78 (EX_CONFIG).
 * A missing file is an error unless path is CONF_FILE's default and optional.
 */
struct conf *conf_read(const char *path, bool optional, struct err *err);
void conf_free(struct conf *c);

/*
 * conf_read or: message on stderr and log, exit 78. For mains. path NULL:
 * $PILLARBOX_CONF, else CONF_FILE.
 */
struct conf *conf_read_or_exit(const char *path);
/* path as conf_read_or_exit resolves it. */
const char *conf_path(const char *path);

/* All directives, defaults, sentences as a configuration file / as markdown. */
void conf_print_defaults(struct str *out);
void conf_print_reference(struct str *out);
/* One directive's value as text, for scripts. -1: no such directive. */
int conf_get(const struct conf *c, const char *name, struct str *out);

/*
 * Is this domain one of ours (hostname included)? Case ignored, one trailing
 * dot too; in U-labels or A-labels (base/idna.h).
 */
bool conf_is_local(const struct conf *c, struct span domain);
/*
 * Smarthosts for mail of this envelope sender ("": the null sender), in the order
 * they are tried: those whose from= names its address, else its domain, else
 * those without from=. after: the one before, NULL for the first. NULL: no more.
 */
const struct conf_smarthost *conf_smarthost(const struct conf *c,
		const struct conf_smarthost *after, const char *sender);
/*
 * The first of these lines that is for this address (its local part in plain
 * form; no domain: an address of this machine). what: lines with a local part,
 * those for all of a domain, or both.
 */
enum { CONF_MAP_ADDRESS = 1, CONF_MAP_DOMAIN = 2, CONF_MAP_ANY = 3 };
const struct conf_map *conf_map_find(const struct conf *c,
		const struct conf_map *m, struct span local,
		struct span domain, unsigned what);
/* What becomes of an address with this local part, as it is written. */
void conf_map_put(const struct conf_map *m, struct span local,
		struct str *out);
/* The line for this domain (A-labels); NULL: there is none. */
const struct conf_tls_policy *conf_tls_policy(const struct conf *c,
		struct span domain);
/* The route line for this domain, not one of ours; NULL: there is none. */
const struct conf_route *conf_find_route(const struct conf *c,
		struct span domain);
/* Whose certificate is this? NULL: nobody's. May it relay? (TLS_CLIENT_CERTS) */
const char *conf_cert_user(const struct conf *c,
		const unsigned char hash[CONF_HASH_SIZE]);
bool conf_cert_relays(const struct conf *c,
		const unsigned char hash[CONF_HASH_SIZE]);
/* Is the mail of this sender an alert? */
bool conf_is_alert(const struct conf *c, const char *sender);
bool conf_net_has(const struct conf_net *nets, const struct sockaddr *addr);

#endif
