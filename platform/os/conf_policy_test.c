#include "os/conf_test.h"

#include "config.h"

#define HASH "00ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1dfe"
#define COLONS "00:FF:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:" \
	"13:14:15:16:17:18:19:1A:1B:1C:1D:FE"
#define OTHER "10ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1dfe"
#define P "tls-policy"

static void lines(void **state)
{
	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	assert_value(P, "A.com none", "a.com none");
	assert_value(P, ".A.com may\n" P " * require", ".a.com may\n* require");
	assert_value(P, "a.com verify name=MX.b.com",
			"a.com verify name=mx.b.com");
	assert_value(P, "b\xc3\xbc" "cher.example verify",
			"xn--bcher-kva.example verify");
	assert_value(P, "* fingerprint=" COLONS "," OTHER,
			"* fingerprint=" HASH "," OTHER);
	if (CFG_DANE)
		assert_value(P, "* dane\ndns-trust yes", "* dane");
}

static void wrong_lines(void **state)
{
	char many[64 + 17 * 65] = P " * fingerprint=" OTHER;

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	assert_wrong(P " .. may", ":1: tls-policy: \"..\" is neither DOMAIN, "
			".DOMAIN nor *");
	assert_wrong(P " *.a may", ":1: tls-policy: \"*.a\" is neither "
			"DOMAIN, .DOMAIN nor *");
	assert_wrong(P " a fingerprint=", ":1: tls-policy: \"\" is no SHA-256 "
			"in hexadecimal");
	assert_wrong(P " a fingerprint=" HASH "0", ":1: tls-policy: \"" HASH
			"0\" is no SHA-256 in hexadecimal");
	assert_wrong(P " a verify name=-", ":1: tls-policy: \"name=-\" has no "
			"host name");
	assert_wrong(P " a require name=b", ":1: tls-policy: name= goes with "
			"verify");
	assert_wrong(P " a dane", ": tls-policy: dane needs dns-trust yes");
	for (int i = 0; i < 16; i++)
		strcat(many, "," OTHER);
	assert_wrong(many, ":1: tls-policy: more than 16 fingerprints");
}

static void which(void **state)
{
	static const struct {
		const char *domain;
		unsigned line;
	} rows[] = {
		{ "a.com", 1 }, { "A.COM", 1 }, { "x.a.com", 2 },
		{ "y.x.a.com", 2 }, { "xa.com", 4 }, { "b.com", 3 },
		{ "", 4 }, { ".a.com", 2 }
	};
	struct conf *c;

	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	c = parse(P " a.com none\n" P " .a.com may\n" P " b.com verify\n"
			P " * require\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(conf_tls_policy(c, span_of(rows[i].domain))
				->number, rows[i].line);
	conf_free(c);
	c = parse(P " a.com none\n");
	assert_null(conf_tls_policy(c, SPAN("b.com")));
	conf_free(c);
}

static void smarthosts(void **state)
{
	(void)state;
	if (!CFG_TLS_POLICY)
		skip();
	assert_value("smarthost", "h.a tls fingerprint=" COLONS,
			"h.a:465 tls fingerprint=" HASH);
	assert_value("smarthost", "h.a:25 fingerprint=" HASH "," OTHER,
			"h.a:25 starttls fingerprint=" HASH "," OTHER);
	assert_wrong("smarthost h.a may fingerprint=" HASH, ":1: smarthost: "
			"fingerprint= goes with tls or starttls, and not with "
			"noverify");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(wrong_lines),
		cmocka_unit_test(which),
		cmocka_unit_test(smarthosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
