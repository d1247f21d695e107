/* secret - what a smarthost wants to hear from us: a password or a token
 *
 * From a file, a command, or (OAUTH) renewed at the provider. Nothing blocks;
 * what was fetched is kept until it ends or the smarthost refuses it.
 */
#ifndef NET_SECRET_H
#define NET_SECRET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "net/dns.h"
#include "net/loop.h"
#include "net/tls.h"
#include "os/conf.h"

/* Where it lives; filled in before the first secret_get. */
struct secret_env {
	struct loop *loop;
	struct dns *dns;		/* these two for token-file alone */
	struct tls_ctx *tls;		/* with a CA bundle */
};

#define SECRET_REFUSED_MS (INT64_C(6) * 3600 * 1000)	/* then it is asked again */

struct secret;
/*
 * NULL: no memory, or the host has no user. host and env have to stay. A
 * password file is read now, as only root may be allowed to: -1 in *rc with
 * err.
 */
struct secret *secret_new(const struct secret_env *env,
		const struct conf_smarthost *host, int *rc, struct err *err);
void secret_free(struct secret *s);	/* NULL is fine */

/* Called once, from the loop; err NULL: it is there. */
typedef void secret_done_fn(void *arg, const struct err *err);
/*
 * 1: secret_text is good. 0: done is called; -1: err says why not. ERR_AUTH:
 * the provider refuses, which a human has to mend (secret_barred).
 */
int secret_get(struct secret *s, secret_done_fn *done, void *arg,
		struct err *err);
void secret_stop(struct secret *s);	/* done is not called any more */
/*
 * All in one call, for tools: runs the loop. *s is NULL when the host has no
 * user; free it. 0 or -1.
 */
int secret_fetch(struct secret **s, const struct secret_env *env,
		const struct conf_smarthost *host, struct err *err);

/* The last one that was got; the same place for the life of s. */
const char *secret_text(const struct secret *s);
bool secret_is_token(const struct conf_smarthost *host);
/*
 * The smarthost has refused it: true when a new one may help, which is once
 * until secret_taken.
 */
bool secret_refused(struct secret *s);
void secret_taken(struct secret *s);

/* The provider has refused: it is not asked until the file changes, or long. */
bool secret_barred(const struct secret *s);
/* ... and the file has changed since. */
bool secret_mended(const struct secret *s);
/* Reads a token file, for secret_dies; false: it cannot. */
bool secret_peek(struct secret *s);
/* Seconds since 1970 when a human has to sign in again; 0: not known. */
int64_t secret_dies(const struct secret *s);

#endif
