/*
 * The random numbers of PSA, straight from the kernel: no generator of our own
 * to seed, to keep in memory and to share by mistake across a fork.
 */
#include <errno.h>
#include <psa/crypto.h>
#include <sys/random.h>

#ifdef MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
psa_status_t mbedtls_psa_external_get_random(
		mbedtls_psa_external_random_context_t *context,
		uint8_t *out, size_t n, size_t *got)
{
	(void)context;
	for (*got = 0; *got < n;) {
		ssize_t r = getrandom(out + *got, n - *got, 0);

		if (r > 0)
			*got += (size_t)r;
		else if (r == 0 || errno != EINTR)
			return PSA_ERROR_INSUFFICIENT_ENTROPY;
	}
	return PSA_SUCCESS;
}
#endif
