/* conf_row - inside conf: the rows of the table and the kinds of values
 *
 * For conf*.c and their tests only; programs include os/conf.h.
 */
#ifndef OS_CONF_ROW_H
#define OS_CONF_ROW_H

#include <stdarg.h>
#include "base/arena.h"
#include "base/idna.h"
#include "os/conf.h"

enum conf_kind {
	CONF_KIND_GROUP,	/* no directive: a heading in the reference */
	CONF_KIND_HOST,		/* const char * */
	CONF_KIND_DOMAINS,	/* struct conf_word * */
	CONF_KIND_NETS,		/* struct conf_net * */
	CONF_KIND_SMARTHOST,	/* struct conf_smarthost * */
	CONF_KIND_LISTEN,	/* struct conf_listen * */
	CONF_KIND_DEVICE,	/* struct conf_listen * */
	CONF_KIND_ROUTE,	/* struct conf_route * */
	CONF_KIND_FALLBACK,	/* the same, one, without a domain */
	CONF_KIND_NAMESERVERS,	/* struct conf_word * */
	CONF_KIND_USERS,	/* struct conf_word * */
	CONF_KIND_ACCOUNT,	/* const char * */
	CONF_KIND_PATH,		/* const char *, at most max bytes */
	CONF_KIND_YESNO,	/* bool */
	CONF_KIND_SYNC,		/* bool */
	CONF_KIND_NUMBER,	/* unsigned */
	CONF_KIND_SECONDS,	/* unsigned */
	CONF_KIND_MEMORY,	/* unsigned, bytes */
	CONF_KIND_SIZE,		/* uint64_t, bytes */
	CONF_KIND_DNSBL,	/* struct conf_dnsbl * */
	CONF_KIND_MILTER,	/* struct conf_milter * */
	CONF_KIND_CHECK,	/* unsigned char, enum conf_check */
	CONF_KIND_WHOSE,	/* unsigned char, enum conf_whose */
	CONF_KIND_FOLDERS,	/* unsigned char, enum conf_folders */
	CONF_KIND_RATE,		/* struct conf_rate */
	CONF_KIND_TLS_HOST,	/* struct conf_tls_host * */
	CONF_KIND_TLS_MIN,	/* bool */
	CONF_KIND_CIPHERS,	/* struct conf_word * */
	CONF_KIND_TLS_CLIENT,	/* unsigned char[], enum conf_client */
	CONF_KIND_TLS_USER,	/* client_certs, those with a user */
	CONF_KIND_CERTS,	/* client_certs, those without */
	CONF_KIND_ALERTS,	/* struct conf_word * */
	CONF_KIND_HOURS,	/* struct conf_hours */
	CONF_KIND_MASQUERADE,	/* struct conf_map * */
	CONF_KIND_VIRTUAL,	/* struct conf_map * */
	CONF_KIND_DELIMITER,	/* const char *, "": none */
	CONF_KIND_TLS_POLICY,	/* struct conf_tls_policy * */
	CONF_KIND_SERVERS,	/* struct conf_word * */
	CONF_KIND_TEXT,		/* const char * */
	CONF_KIND_ATTRIBUTES,	/* struct conf_word * */
	CONF_KIND_LEFT_OUT,	/* its feature is not in this build */
	CONF_KIND_COUNT
};

/* Of a pointer in a table: no gap before it, where it has 64 bits. */
#define CONF_CLOSE __attribute__((packed, aligned(4)))

struct conf_row {
	unsigned char kind;	/* enum conf_kind */
	unsigned short offset;	/* in struct conf */
	unsigned min, max;	/* SECONDS: in them; MEMORY, SIZE: in K */
	/*
	 * NULL ends the table. Behind its NUL come two more texts: the value
	 * without a line, which the row can parse (a list has a value a line;
	 * in parentheses: computed, or none at all), and what the directive is
	 * for, in a sentence or a few ("" without MAILCONF_REFERENCE).
	 */
	const char *name CONF_CLOSE;
};

#define CONF_ROWS_MOST 160
/* The table, ended by a row of zeros. */
const struct conf_row *conf_rows(void);
const struct conf_row *conf_row_find(struct span name);
const char *conf_row_preset(const struct conf_row *row);
const char *conf_row_about(const struct conf_row *row);
bool conf_row_is_computed(const struct conf_row *row);

#define CONF_LINE_MOST 2048	/* bytes of one line */
#define CONF_WORDS_MOST 64	/* words of one line */

struct conf_words {
	struct span v[CONF_WORDS_MOST];
	size_t n;
};

/* One reading of a file. */
struct conf_load {
	struct conf *c;
	struct arena *arena;		/* the conf's: lives as long */
	struct err *err;
	const char *file;
	unsigned line;			/* 0: no line is to blame */
	const char *name;		/* the directive at hand, or NULL */
	bool presets;			/* filling in what the file left open */
	unsigned char listens[CONF_SERVICE_COUNT];	/* conf_listen.c's */
};

/* Returns -1; err becomes "FILE:LINE: DIRECTIVE: " and this text. */
int conf_error(struct conf_load *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* ... and this text is the word, in quotes, and what is wrong with it. */
int conf_bad(struct conf_load *l, struct span word, const char *what);
/* Kept copies; NULL after conf_error when there is no memory. */
void *conf_alloc(struct conf_load *l, size_t n);
const char *conf_keep(struct conf_load *l, struct span s);
const char *conf_keep_lower(struct conf_load *l, struct span s);

struct conf_type {
	const char *syntax CONF_CLOSE;	/* for the reference */
	unsigned char min, max;		/* words */
	bool many;			/* the directive may be repeated */
	bool fills;			/* presets count even beside lines */
	int (*parse)(struct conf_load *l, const struct conf_row *row,
			const struct conf_words *words) CONF_CLOSE;
	/* Appends the value; several with a LF between. */
	void (*print)(const struct conf *c, const struct conf_row *row,
			struct str *out) CONF_CLOSE;
};

const struct conf_type *conf_type(enum conf_kind kind);
/* "from 1 to 100", in the row's unit; nothing for rows without a range. */
void conf_print_range(const struct conf_row *row, struct str *out);

/* The larger kinds, in files of their own. */
#define CONF_PARSE_FN(kind) \
	int conf_parse_##kind(struct conf_load *l, const struct conf_row *row, \
			const struct conf_words *words)
#define CONF_KIND_FNS(kind) \
	CONF_PARSE_FN(kind); \
	void conf_print_##kind(const struct conf *c, \
			const struct conf_row *row, struct str *out)
CONF_PARSE_FN(host);
CONF_PARSE_FN(domains);
CONF_PARSE_FN(nameservers);
CONF_PARSE_FN(users);
CONF_PARSE_FN(alerts);
CONF_KIND_FNS(hours);
CONF_KIND_FNS(smarthost);
CONF_KIND_FNS(route);
CONF_KIND_FNS(fallback);
CONF_KIND_FNS(nets);
CONF_KIND_FNS(listen);
CONF_KIND_FNS(dnsbl);
CONF_KIND_FNS(device);

/* conf_net.c: the block that word is, or -1 after conf_error; and back. */
int conf_parse_net(struct conf_load *l, struct span word,
		struct conf_net *net);
void conf_print_net(struct str *out, const struct conf_net *net);
/* conf_value.c: N/TIME with N at most most. False: it is none. */
bool conf_read_rate(struct span word, unsigned most, struct conf_rate *r);
void conf_print_rate(struct str *out, const struct conf_rate *r);
/* conf_listen.c: appends a socket of this service, or gives NULL after
 * conf_error; and ADDRESS:PORT of one. */
struct conf_listen *conf_add_listen(struct conf_load *l,
		enum conf_service service, struct span word);
void conf_print_socket(struct str *out, const struct conf_listen *at);
CONF_KIND_FNS(tls_host);
CONF_PARSE_FN(ciphers);
CONF_KIND_FNS(tls_client);
CONF_KIND_FNS(tls_user);
CONF_KIND_FNS(certs);
/* When all lines are read. 0 or -1. */
int conf_check_tls_client(struct conf_load *l);
CONF_KIND_FNS(tls_policy);
int conf_check_tls_policy(struct conf_load *l);
/* conf_policy.c: SHA256[,SHA256...]; and back. */
int conf_add_hashes(struct conf_load *l, struct conf_hash **list,
		struct span words);
void conf_put_hashes(struct str *out, const struct conf_hash *list);
/* 64 digits, or openssl's way: pairs with a colon between. */
bool conf_read_hash(struct span s, unsigned char hash[CONF_HASH_SIZE]);
CONF_KIND_FNS(milter);
CONF_KIND_FNS(map);
CONF_KIND_FNS(delimiter);
/* When all lines are read: are they about addresses of ours? 0 or -1. */
int conf_check_virtual(struct conf_load *l);

/* conf_directory.c; a row's min says of what kind */
enum { CONF_SERVER_LDAP, CONF_SERVER_MYSQL };
enum { CONF_TEXT_ANY, CONF_TEXT_TEMPLATE };
CONF_PARSE_FN(servers);
CONF_PARSE_FN(text);
CONF_PARSE_FN(attributes);
void conf_print_quoted(const struct conf *c, const struct conf_row *row,
		struct str *out);
/* When all lines are read: is what they need there? 0 or -1. */
int conf_check_directory(struct conf_load *l);

/* Appends a kept copy, unless it is there already (case ignored). 0 or -1. */
int conf_add_word(struct conf_load *l, struct conf_word **list,
		struct span word);
/* A time in the directives' units, at most max seconds; false: none, or 0. */
bool conf_seconds(struct span word, unsigned max, unsigned *out);
void conf_put_seconds(struct str *out, unsigned seconds);
/* Of kinds that are a struct conf_word *, and a const char *. */
void conf_print_words(const struct conf *c, const struct conf_row *row,
		struct str *out);
void conf_print_text(const struct conf *c, const struct conf_row *row,
		struct str *out);

/* A host name or an address, kept as DNS has it; NULL: neither, or no memory. */
const char *conf_keep_host(struct conf_load *l, struct span s);
/* host:port, in brackets where they are needed or asked for. */
void conf_put_host(struct str *out, const char *host, unsigned port,
		bool brackets);
/* " keyvalue", in quotes where blanks need them. */
void conf_put_word(struct str *out, const char *key, const char *value);
/* ADDRESS:PORT, *:PORT or [V6]:PORT; false: it is none. */
bool conf_socket(struct span text, struct sockaddr_storage *addr,
		socklen_t *len);
/* A host name (RFC 1123 2.1), A-labels only; not an address. */
bool conf_is_host(struct span s);
/* A user's name, as a login or an address. */
bool conf_is_user(struct span s);
/* The same with its domain in A-labels, in out where it has to; empty: none. */
#define CONF_USER_SIZE 512
struct span conf_user(char out[CONF_USER_SIZE], struct span s);
/* The same, or @domain with nothing before it; empty: it is neither. */
struct span conf_mailbox(char out[CONF_USER_SIZE], struct span s);
/* The host name in lower case and A-labels, in out; empty: it is none. */
struct span conf_host(char out[IDNA_SIZE], struct span s);
/* An address into 16 bytes, IPv4 as ::ffff:a.b.c.d. */
bool conf_address(struct span text, unsigned char addr[16], bool *v4);

/*
 * The whole of conf_read but the reading. text: the file's content; name:
 * for messages. NULL with err.
 */
struct conf *conf_parse(const char *name, struct span text, struct err *err);

#endif
