#include "base/scram.h"

#include <string.h>
#include "base/base64.h"

#define PREFIX "{SCRAM-SHA-256}"
#define ROUNDS_MOST 10000000	/* more would only be a way to stop authd */

static struct span bytes(const unsigned char *p)
{
	return span_make((const char *)p, SHA256_SIZE);
}

/* RFC 5802 section 3: both sides' keys out of the slow hash. */
static void keys_of(const unsigned char salted[SHA256_SIZE],
		unsigned char client[SHA256_SIZE],
		unsigned char stored[SHA256_SIZE],
		unsigned char server[SHA256_SIZE])
{
	sha256_hmac(client, bytes(salted), SPAN("Client Key"));
	sha256(stored, bytes(client));
	sha256_hmac(server, bytes(salted), SPAN("Server Key"));
}

void scram_derive(struct scram_keys *keys, struct span password,
		const unsigned char salt[SCRAM_SALT_SIZE], unsigned rounds)
{
	unsigned char salted[SHA256_SIZE], client[SHA256_SIZE];

	sha256_pbkdf2(salted, password, span_make((const char *)salt,
			SCRAM_SALT_SIZE), rounds);
	keys_of(salted, client, keys->stored, keys->server);
	memmove(keys->salt, salt, SCRAM_SALT_SIZE);
	keys->rounds = rounds;
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
}

void scram_client(const unsigned char salted[SHA256_SIZE], struct span message,
		unsigned char proof[SHA256_SIZE],
		unsigned char signature[SHA256_SIZE])
{
	unsigned char client[SHA256_SIZE], stored[SHA256_SIZE],
			server[SHA256_SIZE];

	keys_of(salted, client, stored, server);
	sha256_hmac(proof, bytes(stored), message);
	for (int i = 0; i < SHA256_SIZE; i++)
		proof[i] ^= client[i];
	sha256_hmac(signature, bytes(server), message);
	explicit_bzero(client, sizeof(client));
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
}

bool scram_verify(const struct scram_keys *keys, struct span password)
{
	struct scram_keys mine;
	bool same;

	scram_derive(&mine, password, keys->salt, keys->rounds);
	same = scram_same(mine.stored, keys->stored, sizeof(mine.stored));
	explicit_bzero(&mine, sizeof(mine));
	return same;
}

/* ClientProof masks ClientKey, of which StoredKey is the hash. */
bool scram_proof(const struct scram_keys *keys, struct span message,
		const unsigned char proof[SHA256_SIZE],
		unsigned char signature[SHA256_SIZE])
{
	unsigned char key[SHA256_SIZE], hash[SHA256_SIZE];

	sha256_hmac(key, bytes(keys->stored), message);
	for (int i = 0; i < SHA256_SIZE; i++)
		key[i] ^= proof[i];
	sha256(hash, bytes(key));
	explicit_bzero(key, sizeof(key));
	sha256_hmac(signature, bytes(keys->server), message);
	return scram_same(hash, keys->stored, sizeof(hash));
}

static void put(struct str *out, const unsigned char *data, size_t n)
{
	str_addc(out, ',');
	base64_put(out, span_make((const char *)data, n));
}

void scram_print(char out[SCRAM_TEXT_SIZE], const struct scram_keys *keys)
{
	struct str text;

	str_init(&text, SCRAM_TEXT_SIZE - 1);
	str_addf(&text, PREFIX "%u", keys->rounds);
	put(&text, keys->salt, sizeof(keys->salt));
	put(&text, keys->stored, sizeof(keys->stored));
	put(&text, keys->server, sizeof(keys->server));
	str_copy(out, SCRAM_TEXT_SIZE, text.bad ? SPAN("") : str_span(&text));
	str_free(&text);
}

/* Takes exactly n bytes in base64 off *rest. */
static bool get(struct span *rest, unsigned char *out, size_t n)
{
	return base64_get(out, n, span_cut(rest, ',')) == (ssize_t)n;
}

bool scram_parse(struct scram_keys *keys, struct span text)
{
	unsigned long rounds;

	if (!span_starts(text, PREFIX))
		return false;
	text = span_rest(text, sizeof(PREFIX) - 1);
	/* a final comma would otherwise vanish in the last span_cut */
	if (!text.n || text.p[text.n - 1] == ',')
		return false;
	if (!span_number(span_cut(&text, ','), ROUNDS_MOST, &rounds) ||
			!rounds)
		return false;
	keys->rounds = (unsigned)rounds;
	return get(&text, keys->salt, sizeof(keys->salt)) &&
		get(&text, keys->stored, sizeof(keys->stored)) &&
		get(&text, keys->server, sizeof(keys->server)) && !text.n;
}

bool scram_same(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	while (n--)
		differ |= *x++ ^ *y++;
	return !differ;
}
