#include "os/conf_test.h"

#include "config.h"

#define HASH "00ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1dfe"
#define COLONS "00:FF:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:" \
	"13:14:15:16:17:18:19:1A:1B:1C:1D:FE"
#define OTHER "10ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1dfe"

static void hosts(void **state)
{
	struct conf *c;

	(void)state;
	if (!CFG_TLS_SNI)
		skip();
	assert_value("tls-host", "Mail.A.com /c /k", "mail.a.com /c /k");
	assert_value("tls-host", "*.A.com \"/c d\" /k", "*.a.com \"/c d\" /k");
	assert_value("tls-host", "* /c /k\ntls-host b /d /l",
			"* /c /k\nb /d /l");
	assert_wrong("tls-host a.*.b /c /k", ":1: tls-host: \"a.*.b\" is "
			"neither a host name, *.DOMAIN nor *");
	assert_wrong("tls-host *. /c /k", ":1: tls-host: \"*.\" is neither a "
			"host name, *.DOMAIN nor *");
	assert_wrong("tls-host a c /k", ":1: tls-host: \"c\" does not begin "
			"with /");
	assert_wrong("tls-host a /c k", ":1: tls-host: \"k\" does not begin "
			"with /");
	c = parse("tls-host a /c /k\ntls-host a /d /l\n");
	assert_string_equal(c->tls_hosts->next->cert, "/d");
	conf_free(c);
}

static void choice(void **state)
{
	(void)state;
	if (!CFG_TLS_CHOICE)
		skip();
	assert_value("tls-min", "1.2", "1.2");
	assert_value("tls-min", "1.3", "1.3");
	assert_wrong("tls-min 1.1", ":1: tls-min: \"1.1\" is neither 1.3 nor "
			"1.2");
	assert_value("tls-ciphers", "A_B C-D\ntls-ciphers E",
			"A_B\nC-D\nE");
	assert_wrong("tls-ciphers A:B", ":1: tls-ciphers: \"A:B\" is no "
			"cipher's name");
}

static void fingerprints(void **state)
{
	unsigned char hash[CONF_HASH_SIZE] = { 0, 0xff };
	struct conf *c;

	(void)state;
	if (!CFG_TLS_CLIENT_CERTS)
		skip();
	assert_value("relay-cert", HASH, HASH);
	assert_value("relay-cert", COLONS " " OTHER, HASH "\n" OTHER);
	assert_value("tls-client-user", COLONS " a@b", HASH " a@b");
	for (unsigned i = 1; i < 30; i++)
		hash[i + 1] = (unsigned char)i;
	hash[31] = 0xfe;
	c = parse("relay-cert " HASH "\ntls-client-user " OTHER " a@b\n");
	assert_true(conf_cert_relays(c, hash));
	assert_null(conf_cert_user(c, hash));
	hash[0] = 0x10;
	assert_false(conf_cert_relays(c, hash));
	assert_string_equal(conf_cert_user(c, hash), "a@b");
	conf_free(c);
	/* each beginning, and each wrong octet */
	for (size_t n = 0; n < sizeof(COLONS) - 1; n++) {
		char line[120];

		snprintf(line, sizeof(line), "relay-cert %.*s", (int)n, COLONS);
		assert_null(conf_parse("x.conf", span_of(line), &err));
		snprintf(line, sizeof(line), "relay-cert %s", COLONS);
		line[11 + n] = line[11 + n] == ':' ? '0' : ':';
		assert_null(conf_parse("x.conf", span_of(line), &err));
	}
	assert_wrong("relay-cert " HASH "0", ":1: relay-cert: \"" HASH "0\" is "
			"no SHA-256 in hexadecimal");
	assert_wrong("tls-client-user " HASH " a\ntls-client-user " COLONS
			" b", ":2: tls-client-user: \"" COLONS "\" has a user "
			"already");
	assert_wrong("tls-client-user " HASH " a#b", ":1: tls-client-user: "
			"\"a#b\" is no user's name");
}

static void clients(void **state)
{
	(void)state;
	if (!CFG_TLS_CLIENT_CERTS)
		skip();
	assert_value("relay-from", "10.0.0.1", "10.0.0.1");
	assert_value("tls-client", "no", "no");
	assert_value("tls-client", "request", "request");
	assert_value("tls-client", "require\ntls-client-ca /x", "require");
	assert_value("tls-client", "require smtps\ntls-client-ca /x",
			"request smtp\nrequest submission\nrequire smtps");
	assert_value("tls-client", "require\ntls-client no smtp submission\n"
			"relay-cert " HASH,
			"no smtp\nno submission\nrequire smtps");
	assert_wrong("tls-client maybe", ":1: tls-client: \"maybe\" is neither "
			"no, request nor require");
	assert_wrong("tls-client no pop3s", ":1: tls-client: \"pop3s\" is "
			"neither smtp, submission nor smtps");
	assert_wrong("tls-client require smtp", ": tls-client: require needs "
			"tls-client-ca, tls-client-user or relay-cert");
}

static void clients_when_nothing_is_said(void **state)
{
	struct conf *c;

	(void)state;
	if (!CFG_TLS_CLIENT_CERTS)
		skip();
	c = parse("");
	assert_get(c, "tls-client", "no");
	assert_get(c, "tls-client-ca", "");
	conf_free(c);
	c = parse("tls-client-user " HASH " a\n");
	assert_get(c, "tls-client", "request");
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts), cmocka_unit_test(choice),
		cmocka_unit_test(fingerprints), cmocka_unit_test(clients),
		cmocka_unit_test(clients_when_nothing_is_said)
	};

	return cmocka_run_group_tests_name("os/conf_tls", tests, NULL, NULL);
}
