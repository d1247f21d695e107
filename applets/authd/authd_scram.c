/* authd_scram - salts and proofs (RFC 5802), also for users that are none */
#include "authd/authd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "os/file.h"
#include "os/log.h"
#include "os/rand.h"

void authd_secret_get(struct authd_secret *s, const struct conf *conf)
{
	char path[1024];
	struct str text;
	struct err err;

	snprintf(path, sizeof(path), "%s/authd.secret", conf->state_dir);
	str_init_secret(&text, sizeof(s->bytes));
	if (file_read(AT_FDCWD, path, &text, &err) == 0 &&
			text.n == sizeof(s->bytes)) {
		memcpy(s->bytes, text.p, text.n);
	} else {
		rand_bytes(s->bytes, sizeof(s->bytes));
		if (file_replace(AT_FDCWD, path, 0600, span_make(
				(char *)s->bytes, sizeof(s->bytes)), &err) < 0)
			log_debug("%s", err.text);
	}
	str_wipe(&text);
}

/* The same for the same name; the keys are those of no password. */
void authd_scram_fake(struct scram_keys *keys, const struct authd_secret *s,
		struct span name, unsigned rounds)
{
	unsigned char hash[SHA256_SIZE];

	memset(keys, 0, sizeof(*keys));
	sha256_hmac(hash, span_make((const char *)s->bytes, sizeof(s->bytes)),
			name);
	memcpy(keys->salt, hash, sizeof(keys->salt));
	keys->rounds = rounds;
}

void authd_scram_salt(struct str *out, const struct scram_keys *keys)
{
	str_adds(out, "SALT s=");
	base64_put(out, span_make((const char *)keys->salt,
			sizeof(keys->salt)));
	str_addf(out, ",i=%u", keys->rounds);
}
