/*
 * The same tests for our own SHA-256, also in builds that link mbedTLS. Other
 * names keep the linker from taking the other twin.
 */
#define sha256 own_sha256
#define sha256_hmac own_hmac
#define sha256_pbkdf2 own_pbkdf2
#define sha256_slow_new own_slow_new
#define sha256_slow_go own_slow_go
#define sha256_slow_free own_slow_free
#define sha256_slow own_slow
#define sha256_begin own_begin
#define sha256_add own_add
#define sha256_end own_end
#define sha256_copy own_copy
#define sha256_wipe own_wipe

#include "base/sha256_none.c"
#include "base/sha256.c"
#include "base/sha256_test.c"
