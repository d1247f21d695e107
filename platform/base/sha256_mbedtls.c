/* SHA-256 of mbedTLS, 2.28 or 3.6, which is linked for TLS anyway. */
#include "base/sha256_state.h"

#include <mbedtls/sha256.h>
#include <mbedtls/version.h>
#include <stdlib.h>
#include <string.h>

/* 2.28 has the checked forms under names that 3.0 took away again */
#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define mbedtls_sha256_starts mbedtls_sha256_starts_ret
#define mbedtls_sha256_update mbedtls_sha256_update_ret
#define mbedtls_sha256_finish mbedtls_sha256_finish_ret
#endif

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(struct sha256_state),
		"room");

static mbedtls_sha256_context *own(struct sha256_state *s)
{
	return (mbedtls_sha256_context *)(void *)s->room;
}

/* Only a broken accelerator can fail, and a wrong hash must not pass on. */
static void must(int rc)
{
	if (rc)
		abort();
}

void sha256_begin(struct sha256_state *s)
{
	mbedtls_sha256_init(own(s));
	must(mbedtls_sha256_starts(own(s), 0));
}

void sha256_add(struct sha256_state *s, const void *data, size_t n)
{
	if (n)
		must(mbedtls_sha256_update(own(s), data, n));
}

void sha256_end(struct sha256_state *s, unsigned char out[SHA256_SIZE])
{
	must(mbedtls_sha256_finish(own(s), out));
}

void sha256_copy(struct sha256_state *to, const struct sha256_state *from)
{
	mbedtls_sha256_clone(own(to),
		(const mbedtls_sha256_context *)(const void *)from->room);
}

void sha256_wipe(struct sha256_state *s)
{
	mbedtls_sha256_free(own(s));
	explicit_bzero(s, sizeof(*s));
}
