/* scram - how passwords are kept: SCRAM-SHA-256 keys (RFC 5802, 7677)
 *
 * Text: "{SCRAM-SHA-256}ITERATIONS,SALT,STOREDKEY,SERVERKEY", the last three
 * in base64. The keys verify PLAIN and LOGIN and serve SCRAM; the password
 * cannot be got back.
 */
#ifndef BASE_SCRAM_H
#define BASE_SCRAM_H

#include <stdbool.h>
#include "base/sha256.h"
#include "base/str.h"

#define SCRAM_SALT_SIZE 16
#define SCRAM_TEXT_SIZE 160

struct scram_keys {
	unsigned rounds;
	unsigned char salt[SCRAM_SALT_SIZE];
	unsigned char stored[SHA256_SIZE];
	unsigned char server[SHA256_SIZE];
};

void scram_derive(struct scram_keys *keys, struct span password,
		const unsigned char salt[SCRAM_SALT_SIZE], unsigned rounds);
bool scram_verify(const struct scram_keys *keys, struct span password);
/*
 * Whether this is a client's proof over the AuthMessage (RFC 5802 3); signature
 * is what the server shows in return, to be sent only when it is.
 */
bool scram_proof(const struct scram_keys *keys, struct span message,
		const unsigned char proof[SHA256_SIZE],
		unsigned char signature[SHA256_SIZE]);
/*
 * The client's half: from SaltedPassword its proof over the AuthMessage, and the
 * signature that the server has to show in return.
 */
void scram_client(const unsigned char salted[SHA256_SIZE], struct span message,
		unsigned char proof[SHA256_SIZE],
		unsigned char signature[SHA256_SIZE]);
void scram_print(char out[SCRAM_TEXT_SIZE], const struct scram_keys *keys);
bool scram_parse(struct scram_keys *keys, struct span text);
/* Same time whatever differs. */
bool scram_same(const void *a, const void *b, size_t n);

#endif
