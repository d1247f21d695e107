/* tls - mbedTLS behind one header; tls_none.c where TLS is compiled out
 *
 * Only conn.c and mains include this: applets see TLS as a property of a conn.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <sys/types.h>
#include "base/err.h"

struct tls_ctx;		/* certificates, tickets: one per process and side */
struct tls;		/* one session */

/* False in builds without TLS; every other call then fails with ERR_PERM. */
bool tls_built(void);

/*
 * Server side: certificate chain and key in PEM; session tickets on. A
 * second certificate may be added for other names (chosen by SNI).
 */
struct tls_ctx *tls_server(const char *cert_file, const char *key_file,
		struct err *err);
int tls_server_add(struct tls_ctx *c, const char *cert_file,
		const char *key_file, struct err *err);
/* Client side; ca_file NULL: nobody is verified. Keeps the last session per
 * name for resumption. */
struct tls_ctx *tls_client(const char *ca_file, struct err *err);
void tls_ctx_free(struct tls_ctx *c);		/* after its last session */

/*
 * Writes a self-signed ECDSA P-256 certificate (and key, mode 0600) for name,
 * valid from the plausible clock for 20 years. 0 or -1.
 */
int tls_make_cert(const char *cert_file, const char *key_file,
		const char *name, struct err *err);

/*
 * A session over fd (non-blocking, not owned). name: the server's name for
 * SNI and, when verify, for the check (client side); NULL on the server.
 */
struct tls *tls_new(struct tls_ctx *c, int fd, const char *name, bool verify,
		struct err *err);
void tls_free(struct tls *t);

/* What these give: >0 bytes, or one of: */
enum { TLS_EOF = 0, TLS_WANT_READ = -2, TLS_WANT_WRITE = -3, TLS_ERROR = -1 };
/*
 * 1 when done; TLS_WANT_x; TLS_ERROR with err (ERR_PERM when the certificate is
 * refused; ERR_TEMP when that is for its dates and our clock is not plausible)
 */
int tls_handshake(struct tls *t, struct err *err);
ssize_t tls_read(struct tls *t, void *p, size_t n, struct err *err);
ssize_t tls_write(struct tls *t, const void *p, size_t n, struct err *err);
/* Bytes decrypted and waiting: epoll knows nothing of them. */
size_t tls_pending(const struct tls *t);
/* Sends close_notify, does not wait. */
void tls_bye(struct tls *t);

const char *tls_version(const struct tls *t);	/* "TLSv1.3" */
const char *tls_cipher(const struct tls *t);

/*
 * Server side, after the handshake: what a client that speaks to nobody in
 * between knows, too (RFC 5056). type: "tls-exporter" (RFC 9266; TLS 1.3),
 * "tls-server-end-point" (RFC 5929), or NULL for any. Its octets, 0: not to be had.
 */
#define TLS_BINDING_MOST 64
size_t tls_binding(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST]);

#endif
