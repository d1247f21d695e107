#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "store/foreign.h"

/* "secret", as Python's hashlib and Debian's crypt have made it */
static const char *const good[] = {
	"{SHA512-CRYPT}$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8P"
		"SwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
	"{SHA256-CRYPT}$5$rounds=1000$abcdefgh$XIppta5rT8zJUu4vAOKQXrwq9uY4Ijlz"
		"6VjyOmkx5i4",
	"{BLF-CRYPT}$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
	"{MD5-CRYPT}$1$abcd$Oy8OD9LGKv7H9yIMreLNV1",
	"{CRYPT}abNANd1rDfiNc",
	"{crypt}$1$abcd$Oy8OD9LGKv7H9yIMreLNV1",
	"$1$abcd$Oy8OD9LGKv7H9yIMreLNV1",
	"abNANd1rDfiNc",
	"{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
	"{ssha}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
	"{SSHA256}+E+iFJ27Yu1ODPH1UNKUmzOmUT06dwfghQJRHHnMsO5zYWx0",
	"{SSHA256.HEX}f84fa2149dbb62ed4e0cf1f550d2949b33a6513d3a7707e08502511c"
		"79ccb0ee73616c74",
	"{SSHA512}E491yrR9AdCoE7rbOPYS3EZgSuZpVE65AD9xko08s6floNesY/Zpe9zMVvLix4"
		"S2FiQSJ99RIkNvhHomNO9uL3NhbHQ=",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	"{SHA1.b64}5en6G6MezRroT3XKqkdPOmY/BfQ="
};

static void verifies(void **state)
{
	struct foreign_seen seen = { .n = 0 };
	char text[FOREIGN_SIZE];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (foreign_check(&seen, span_of(good[i]), text, &err) !=
				FOREIGN_HASH)
			fail_msg("%s: %s", good[i], err.text);
		assert_true(foreign_verify(text, "secret"));
		assert_false(foreign_verify(text, "Secret"));
		assert_false(foreign_verify(text, ""));
		assert_false(foreign_verify(text, "secretsalt"));
	}
}

static void tells_other_kinds(void **state)
{
	struct foreign_seen seen = { .n = 0 };
	char text[FOREIGN_SIZE];

	(void)state;
	assert_int_equal(foreign_check(&seen, SPAN("{PLAIN}a{b} c"), text,
			NULL), FOREIGN_PLAIN);
	assert_string_equal(text, "a{b} c");
	assert_int_equal(foreign_check(&seen, SPAN("{SCRAM-SHA-256}4096,"
			"AAAAAAAAAAAAAAAAAAAAAA==,"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), text,
			NULL), FOREIGN_SCRAM);
	assert_int_equal(strncmp(text, "{SCRAM-SHA-256}4096,", 20), 0);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"", "secret", "{", "{}", "{}x", "{PLAIN}", "{PLAIN", "*", "!",
		"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$abc$def",
		"{PBKDF2}$1$abc$5000$0123456789", "{SHA512-CRYPT}abNANd1rDfiNc",
		"{CRYPT}!$6$abcdefgh$ltjgWl", "{CRYPT}$6$abcdefgh$ltjgWl",
		"{DES-CRYPT}$1$abcd$Oy8OD9LGKv7H9yIMreLNV1", "{SSHA}AAAA",
		"{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",	/* no salt */
		"{SHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",	/* a salt */
		"{SSHA.ROT13}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
		"{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx", "{SHA.HEX}abc",
		"{SCRAM-SHA-256}4096,AAAA,AAAA,AAAA",
		"{BLF-CRYPT}$2y$31$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4Up"
			"FFP8WIrW",		/* would take days */
		"{SHA512-CRYPT}$6$rounds=999999999$abcdefgh$ltjgWl6579NluT/Vi1n"
			"wEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1G"
			"M/O6IND4WQhG.",
		"$9$abc$def", "abNANd1rDfiN\xc3"
	};
	struct foreign_seen seen = { .n = 0 };
	char text[FOREIGN_SIZE], longest[400];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.kind = ERR_NONE;
		if (foreign_check(&seen, span_of(bad[i]), text, &err) >= 0)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(err.kind, ERR_PERM);
		assert_null(strstr(err.text, "secret"));
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "{PLAIN}", 7);
	assert_int_equal(foreign_check(&seen, span_make(longest,
			sizeof(longest)), text, &err), -1);
	assert_int_equal(foreign_check(&seen, span_make("{PLAIN}a\0b", 10),
			text, &err), -1);
	/* what was tried once says how long the others are */
	assert_int_equal(foreign_check(&seen, span_of(good[0]), text, NULL),
			FOREIGN_HASH);
	assert_int_equal(foreign_check(&seen, span_make(good[0],
			strlen(good[0]) - 1), text, NULL), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies),
		cmocka_unit_test(tells_other_kinds),
		cmocka_unit_test(refuses)
	};

	return cmocka_run_group_tests_name("store/foreign", tests, NULL, NULL);
}
