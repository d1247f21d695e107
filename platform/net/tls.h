/* tls - mbedTLS behind one header; tls_none.c where TLS is compiled out
 *
 * Only conn.c and mains include this: applets see TLS as a property of a conn.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"
#include "base/span.h"

struct conf_word;
struct tls_ctx;		/* certificates, tickets: one per process and side */
struct tls;		/* one session */

/* False in builds without TLS; every other call then fails with ERR_PERM. */
bool tls_built(void);

/* Server side: certificate chain and key in PEM; session tickets on. */
struct tls_ctx *tls_server(const char *cert_file, const char *key_file,
		struct err *err);
/*
 * One more, for clients that ask for name by SNI: a host's, "*.DOMAIN" (one
 * label) or "*" (who asks for no such name, beside the first). It is kept. The
 * more exact one wins; of several for one name the client's ciphers choose.
 * TLS_SNI.
 */
int tls_server_add(struct tls_ctx *c, const char *name, const char *cert_file,
		const char *key_file, struct err *err);
/*
 * Nothing below TLS 1.3; ciphers by IANA's names. ERR_PERM where mbedTLS lacks
 * it, or one of them. TLS_CHOICE.
 */
int tls_server_only_13(struct tls_ctx *c, struct err *err);
int tls_server_ciphers(struct tls_ctx *c, const struct conf_word *names,
		struct err *err);
/*
 * Clients may be asked for certificates (tls_new's verify). ca_file NULL: none
 * is verified; known(arg): is it good whoever signed it? TLS_CLIENT_CERTS.
 */
int tls_server_clients(struct tls_ctx *c, const char *ca_file,
		bool (*known)(const void *arg, const unsigned char hash[32]),
		const void *arg, struct err *err);
/*
 * Tickets are good for a process with the same secrets and the same `to`: what
 * a session was agreed under. fd: of a file with two secrets, the first makes
 * tickets, both open them; kept, -1: secrets of our own. Whoever writes it
 * renews them every TLS_TICKET_LIFE.
 */
#define TLS_SECRET_SIZE 32
#define TLS_TICKET_LIFE 86400		/* seconds */
void tls_server_tickets(struct tls_ctx *c, int fd, struct span to);
/* Client side; ca_file NULL: nobody is verified. Keeps the last session per
 * name for resumption. */
struct tls_ctx *tls_client(const char *ca_file, struct err *err);
/* A client that was given none, or has this one already. */
int tls_add_bundle(struct tls_ctx *c, const char *ca_file, struct err *err);
void tls_ctx_free(struct tls_ctx *c);		/* after its last session */

/*
 * Writes a self-signed ECDSA P-256 certificate (and key, mode 0600) for name,
 * valid from the plausible clock for 20 years. 0 or -1.
 */
int tls_make_cert(const char *cert_file, const char *key_file,
		const char *name, struct err *err);

/*
 * A session over fd (non-blocking, not owned). name: the server's name for
 * SNI and, when verify, for the check (client side). On the server name is
 * NULL, and verify what is asked of the client's certificate.
 */
enum tls_verify {
	TLS_NO_VERIFY,
	TLS_VERIFY,		/* on the server: ask for one */
	TLS_REQUIRE		/* server: refuse who has none that is good */
};
struct tls *tls_new(struct tls_ctx *c, int fd, const char *name,
		unsigned verify, struct err *err);
void tls_free(struct tls *t);

/* What these give: >0 bytes, or one of: */
enum { TLS_EOF = 0, TLS_WANT_READ = -2, TLS_WANT_WRITE = -3, TLS_ERROR = -1 };
/*
 * 1 when done; TLS_WANT_x; TLS_ERROR with err (ERR_PERM when the certificate is
 * refused; ERR_TEMP when that is for its dates and our clock is not plausible)
 */
int tls_handshake(struct tls *t, struct err *err);

/*
 * What a server's certificate has to be beside what TLS_VERIFY asks for, or in
 * place of it. TLS_POLICY.
 */
struct tls_pin {			/* RFC 6698 2.1 */
	unsigned char usage;		/* TLS_PIN_ */
	unsigned char selector;		/* 0: the certificate, 1: its public key */
	unsigned char matching;		/* 0: all of it, 1: SHA-256, 2: SHA-512 */
	struct span data;
};
enum {
	TLS_PIN_SIGNER = 2,		/* who has signed it; names and dates count */
	TLS_PIN_OWN = 3			/* the server's own; nothing else counts */
};
#define TLS_NAMES_MOST 3
struct tls_expect {
	const struct tls_pin *pins;	/* one has to fit; the bundle is not asked */
	unsigned npins;			/* 0: the bundle it is */
	/* good beside tls_new's name; NULL: none */
	const char *names[TLS_NAMES_MOST];
	bool note;			/* all is taken; tls_fault says what is wrong */
};
/* Before the first tls_handshake. e stays the caller's, until that is over. */
void tls_expect(struct tls *t, const struct tls_expect *e);

/* Client side: what was wrong with the server's certificate. */
enum tls_fault {
	TLS_FAULT_NONE,
	TLS_FAULT_NO_TLS,		/* smtp_client's: none is offered */
	TLS_FAULT_HANDSHAKE,		/* ... or it broke for another cause */
	TLS_FAULT_NAME, TLS_FAULT_DATE, TLS_FAULT_SIGNER,
	TLS_FAULT_PIN			/* not one that fits */
};
enum tls_fault tls_fault(const struct tls *t);
ssize_t tls_read(struct tls *t, void *p, size_t n, struct err *err);
ssize_t tls_write(struct tls *t, const void *p, size_t n, struct err *err);
/* Bytes decrypted and waiting: epoll knows nothing of them. */
size_t tls_pending(const struct tls *t);
/* Sends close_notify, does not wait. */
void tls_bye(struct tls *t);

/*
 * Client side: what a server's certificate says, for people to read. fn gets it
 * in the handshake, whether it is verified or not.
 */
#define TLS_SHOWN_SIZE 256
struct tls_shown {
	char subject[TLS_SHOWN_SIZE], issuer[TLS_SHOWN_SIZE];
	char names[4 * TLS_SHOWN_SIZE];	/* DNS names and addresses, blank between */
	int64_t from, until;		/* seconds since 1970 */
	unsigned char hash[32];		/* SHA-256 of it in DER */
	unsigned char key_hash[32];	/* ... of its public key */
	unsigned key_bits;
	unsigned above;			/* certificates sent with it */
	bool no_bundle;			/* fault is for want of one */
	const char *fault;		/* "has expired" ...; NULL: good for tls_new's name */
};
/*
 * Our own, in files; -1 with err: not to be read, or not of one pair. fault is
 * about who has signed it alone. TLS_SERVER.
 */
int tls_look(const char *cert_file, const char *key_file, const char *ca_file,
		struct tls_shown *s, struct err *err);
void tls_client_watch(struct tls_ctx *c, void (*fn)(void *arg,
		const struct tls_shown *s), void *arg);

const char *tls_version(const struct tls *t);	/* "TLSv1.3" */
const char *tls_cipher(const struct tls *t);

/*
 * Server side, after the handshake: the certificate that the client has shown,
 * and has the key of.
 */
struct tls_peer {
	bool verified;			/* by the CA, and it is in force */
	bool known;			/* see tls_server_clients */
	unsigned flags;			/* private: why it is not verified */
	unsigned char hash[32];		/* SHA-256 of it in DER */
	char emails[];			/* its rfc822Names; "" ends them */
};
const struct tls_peer *tls_peer(const struct tls *t);	/* NULL: none */
/* "has expired", ...; of one that is not verified. */
const char *tls_peer_fault(const struct tls_peer *p);

/*
 * After the handshake: what both know when nobody sits between (RFC 5056); the
 * client's side with SASL_PLUS_CLIENT only. type: "tls-exporter" (RFC 9266; TLS
 * 1.3), "tls-server-end-point" (RFC 5929), or NULL for any. Its octets, 0: not
 * to be had.
 */
#define TLS_BINDING_MOST 64
size_t tls_binding(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST]);

#endif
