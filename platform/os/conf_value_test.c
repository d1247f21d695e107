/* The kinds of values, each with what it takes, refuses, and prints. */
#include "config.h"
#include "os/conf_test.h"

#include <arpa/inet.h>

static void host_names(void **state)
{
	char name[300];

	(void)state;
	assert_value("hostname", "Mail.A.com.", "mail.a.com");
	assert_value("hostname", "router", "router");
	assert_value("hostname", "4a.0-1.x", "4a.0-1.x");
	assert_value("hostname", "1.xn--p1ai", "1.xn--p1ai");
	memset(name, 'a', sizeof(name));
	for (int i = 63; i < 253; i += 64)
		name[i] = '.';
	name[253] = '\0';
	assert_value("hostname", name, name);
	assert_true(conf_is_host(span_make(name, 253)));
	name[253] = 'a';
	assert_false(conf_is_host(span_make(name, 254)));
	name[63] = 'a';
	assert_false(conf_is_host(span_make(name, 64)));
	assert_wrong("hostname a..b", ":1: hostname: \"a..b\" is no host "
			"name");
	assert_wrong("hostname a.b..", ":1: hostname: \"a.b..\" is no host "
			"name");
	assert_wrong("hostname .", ":1: hostname: \".\" is no host name");
	assert_wrong("domain ok \"\"", ":1: domain: \"\" is no host name");
	assert_wrong("hostname -a.b", ":1: hostname: \"-a.b\" is no host "
			"name");
	assert_wrong("hostname a-.b", ":1: hostname: \"a-.b\" is no host "
			"name");
	assert_wrong("hostname a_b", ":1: hostname: \"a_b\" is no host name");
	assert_wrong("domain 10.0.0.1", ":1: domain: \"10.0.0.1\" is no host "
			"name");
	assert_wrong("domain m\xfcll.de", ":1: domain: \"m\xfcll.de\" "
			"is no host name");
}

/* No kept text is cut short by what is kept behind it. */
static void any_length(void **state)
{
	char name[64] = "";

	(void)state;
	for (size_t n = 0; n < sizeof(name) - 1; n++) {
		name[n] = 'a';
		assert_value("hostname", name, name);
		assert_value("domain", name, name);
		if (n < 32)
			assert_value("user-auth", name, name);
	}
}

/* Every directive refuses one word too many, and none at all. */
static void counts_words(void **state)
{
	char line[200];

	(void)state;
	for (const struct conf_row *row = conf_rows(); row->name; row++) {
		size_t most = conf_type(row->kind)->max;

		if (row->kind == CONF_KIND_GROUP)
			continue;
		assert_null(conf_parse("x", span_of(row->name), &err));
		assert_non_null(strstr(err.text, ": needs a value: "));
		if (most > 5)
			continue;
		snprintf(line, sizeof(line), "%s%.*s", row->name,
				2 * ((int)most + 1), " x x x x x x");
		assert_null(conf_parse("x", span_of(line), &err));
		assert_non_null(strstr(err.text, ": too many words; it is "));
	}
}

static void amounts(void **state)
{
	(void)state;
	assert_value("max-queue", "1", "1");
	assert_value("max-queue", "1000000", "1000000");
	assert_wrong("max-queue 0", ":1: max-queue: \"0\" is no NUMBER from 1 "
			"to 1000000");
	assert_wrong("max-queue 1000001", ":1: max-queue: \"1000001\" is no "
			"NUMBER from 1 to 1000000");
	assert_wrong("max-queue 1K", ":1: max-queue: \"1K\" is no NUMBER "
			"from 1 to 1000000");
	assert_wrong("max-queue -1", ":1: max-queue: \"-1\" is no NUMBER "
			"from 1 to 1000000");
	assert_wrong("max-queue \"\"", ":1: max-queue: \"\" is no NUMBER "
			"from 1 to 1000000");
	assert_value("max-message-size", "65536", "64K");
	assert_value("max-message-size", "65537", "65537");
	assert_value("max-message-size", "2g", "2G");
	assert_value("max-message-size", "2048M", "2G");
	assert_wrong("max-message-size 2147483649", ":1: max-message-size: "
			"\"2147483649\" is no SIZE from 64K to 2G");
	assert_wrong("max-message-size 18446744073709551616K", ":1: "
			"max-message-size: \"18446744073709551616K\" is no "
			"SIZE from 64K to 2G");
	assert_wrong("max-message-size 63K", ":1: max-message-size: \"63K\" "
			"is no SIZE from 64K to 2G");
	assert_wrong("max-message-size K", ":1: max-message-size: \"K\" is "
			"no SIZE from 64K to 2G");
	assert_value("min-free-space", "0", "0");
	assert_value("min-free-space", "1024G", "1024G");
	assert_value("session-memory", "64M", "64M");
	assert_value("command-timeout", "90", "90s");
	assert_value("command-timeout", "90m", "90m");
	assert_value("command-timeout", "24H", "1d");
	assert_wrong("command-timeout 25h", ":1: command-timeout: \"25h\" is "
			"no TIME from 1s to 1d");
	assert_wrong("command-timeout 1w", ":1: command-timeout: \"1w\" is "
			"no TIME from 1s to 1d");
	assert_wrong("scram-rounds 4095", ":1: scram-rounds: \"4095\" is no "
			"NUMBER from 4096 to 10000000");
}

static void words_of_choice(void **state)
{
	(void)state;
	assert_value("system-users", "no", "no");
	assert_value("auth-without-tls", "YES", "yes");
	assert_value("spool-sync", "files", "files");
	assert_value("spool-sync", "filesystem", "filesystem");
	assert_wrong("system-users true", ":1: system-users: \"true\" is "
			"neither yes nor no");
	assert_wrong("spool-sync yes", ":1: spool-sync: \"yes\" is neither "
			"files nor filesystem");
}

static void accounts_and_paths(void **state)
{
	char line[2000];

	(void)state;
	assert_value("user-store", "_mail-1.x$", "_mail-1.x$");
	assert_wrong("postmaster a@b", ":1: postmaster: \"a@b\" is no "
			"account's name");
	assert_wrong("user-auth -r", ":1: user-auth: \"-r\" is no account's "
			"name");
	assert_wrong("user-auth a$b", ":1: user-auth: \"a$b\" is no "
			"account's name");
	assert_wrong("user-auth abcdefghijklmnopqrstuvwxyz0123456", ":1: "
			"user-auth: \"abcdefghijklmnopqrstuvwxyz0123456\" is "
			"no account's name");
	assert_value("spool-dir", "/a/b//", "/a/b");
	assert_value("spool-dir", "/", "/");
	assert_wrong("spool-dir a/b", ":1: spool-dir: \"a/b\" does not begin "
			"with /");
	assert_wrong("spool-dir \"\"", ":1: spool-dir: \"\" does not begin "
			"with /");
	snprintf(line, sizeof(line), "run-dir /%079d", 0);
	conf_free(parse(line));
	snprintf(line, sizeof(line), "run-dir /%080d", 0);
	assert_wrong(line, ":1: run-dir: longer than 80 bytes");
}

static void networks(void **state)
{
	(void)state;
	assert_value("relay-from", "192.168.1.0/24 10.0.0.1 2001:db8::/32 "
			"::1 1.2.3.4/32", "192.168.1.0/24\n10.0.0.1\n"
			"2001:db8::/32\n::1\n1.2.3.4");
	assert_value("relay-from", "128.0.0.0/1", "128.0.0.0/1");
	assert_value("relay-from", "::ffff:10.0.0.0/104", "10.0.0.0/8");
	assert_wrong("relay-from 192.168.1.5/24", ":1: relay-from: "
			"192.168.1.5/24 has bits behind the prefix; write "
			"192.168.1.0/24");
	assert_wrong("relay-from 2001:db8::1/33", ":1: relay-from: "
			"2001:db8::1/33 has bits behind the prefix; write "
			"2001:db8::/33");
	assert_wrong("relay-from 10.0.0.0/33", ":1: relay-from: "
			"10.0.0.0/33: the prefix has 1 to 32 bits");
	assert_wrong("relay-from ::/129", ":1: relay-from: ::/129: the "
			"prefix has 1 to 128 bits");
	assert_wrong("relay-from 10.0.0.0/", ":1: relay-from: 10.0.0.0/: the "
			"prefix has 1 to 32 bits");
	assert_wrong("relay-from 0.0.0.0/0", ":1: relay-from: \"0.0.0.0/0\" "
			"would mean everybody");
	assert_wrong("relay-from ::/0", ":1: relay-from: \"::/0\" would mean "
			"everybody");
	assert_wrong("relay-from ::ffff:0:0/96", ":1: relay-from: "
			"\"::ffff:0:0/96\" would mean everybody");
	assert_wrong("proxy-from ::/0", ":1: proxy-from: \"::/0\" would mean "
			"everybody");
	assert_value("xclient-from", "127.0.0.1 ::1", "127.0.0.1\n::1");
	assert_wrong("relay-from a.com", ":1: relay-from: \"a.com\" is no "
			"address");
	assert_wrong("relay-from 0000:0000:0000:0000:0000:0000:0000:0000:"
			"0000:1", ":1: relay-from: \"0000:0000:0000:0000:0000:"
			"0000:0000:0000:0000:1\" is no address");
	assert_wrong("relay-from 1.2.3", ":1: relay-from: \"1.2.3\" is no "
			"address");
	assert_wrong("relay-from 01.2.3.4", ":1: relay-from: \"01.2.3.4\" is "
			"no address");
}

static bool has(const struct conf *c, const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return conf_net_has(c->relay_from, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return conf_net_has(c->relay_from, (struct sockaddr *)&in6);
}

static void networks_match(void **state)
{
	struct sockaddr local = { .sa_family = AF_UNIX };
	struct conf *c = parse("relay-from 192.168.1.0/24 10.128.0.0/9\n"
			"relay-from 2001:db8:8000::/33 fe80::1 1.2.3.4");

	(void)state;
	assert_true(has(c, "192.168.1.0"));
	assert_true(has(c, "192.168.1.255"));
	assert_false(has(c, "192.168.0.255"));
	assert_false(has(c, "192.168.2.0"));
	assert_true(has(c, "10.128.0.0"));
	assert_true(has(c, "10.255.255.255"));
	assert_false(has(c, "10.127.255.255"));
	assert_true(has(c, "1.2.3.4"));
	assert_false(has(c, "1.2.3.5"));
	assert_true(has(c, "::ffff:192.168.1.7"));
	assert_false(has(c, "::192.168.1.7"));
	assert_true(has(c, "2001:db8:8000::"));
	assert_true(has(c, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
	assert_false(has(c, "2001:db8:7fff::"));
	assert_true(has(c, "fe80::1"));
	assert_false(has(c, "fe80::2"));
	assert_false(has(c, "127.0.0.1"));
	assert_false(has(c, "::1"));
	assert_false(conf_net_has(c->relay_from, &local));
	assert_false(conf_net_has(NULL, &local));
	conf_free(c);
	/* one list is not the other */
	if (CFG_SMTPD_GREYLIST) {
		c = parse("greylist-exempt 192.168.1.0/24");
		assert_false(has(c, "192.168.1.1"));
		assert_null(c->relay_from);
		assert_non_null(c->greylist_exempt);
		conf_free(c);
	}
	/* a block of IPv6 never means IPv4 */
	c = parse("relay-from ::/1");
	assert_true(has(c, "::1"));
	assert_false(has(c, "1.2.3.4"));
	assert_false(has(c, "::ffff:1.2.3.4"));
	conf_free(c);
}

static void listening(void **state)
{
	struct conf *c = parse("listen smtp 127.0.0.1:2525\n"
			"listen pop3 none\n"
			"listen SMTP [2001:db8::1]:25\n"
			"listen pop3s *:1\n"
			"listen smtps 0.0.0.0:65535\n");
	const struct sockaddr_in *in = (const void *)&c->listen->addr;

	(void)state;
	assert_get(c, "listen", "smtp 127.0.0.1:2525\n"
			"smtp [2001:db8::1]:25\npop3s *:1\n"
			"smtps 0.0.0.0:65535\nsubmission *:587");
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0x7f000001);
	assert_int_equal(ntohs(in->sin_port), 2525);
	assert_int_equal(c->listen->addr_len, sizeof(*in));
	conf_free(c);
	c = parse("listen smtp none\nlisten submission none\n"
			"listen smtps none\nlisten pop3 none\n"
			"listen pop3s none");
	assert_null(c->listen);
	conf_free(c);
	assert_wrong("listen imap *:143", ":1: listen: \"imap\" is none of "
			"smtp, submission, smtps, pop3, pop3s"
			USE_DELIVER_TCP(", lmtp"));
	assert_wrong("listen smtp", ":1: listen: needs a value: SERVICE "
			"ADDRESS:PORT|*:PORT|[IPV6]:PORT|none "
			"[OPTION...]");
	assert_wrong("listen smtp none\nlisten smtp *:25", ":2: listen: smtp "
			"has none already, or had an address");
	assert_wrong("listen smtp *:25\nlisten smtp none", ":2: listen: smtp "
			"has none already, or had an address");
}

static void listening_options(void **state)
{
	(void)state;
	assert_wrong("listen smtp *:25 noauht", ":1: listen: \"noauht\" is not "
			"understood");
	assert_wrong("listen smtps *:465 needtls", ":1: listen: needtls has no "
			"meaning for smtps");
	assert_wrong("listen pop3 *:110 norelay", ":1: listen: norelay has no "
			"meaning for pop3");
	assert_wrong("listen smtp none noauth", ":1: listen: \"noauth\" comes "
			"after none");
	assert_value("listen", "smtp *:25 RePair norelay noauth\nlisten "
			"smtps none\nlisten submission none\nlisten pop3 none\n"
			"listen pop3s none", "smtp *:25 noauth norelay repair");
}

static void devices(void **state)
{
	(void)state;
	assert_value("device", "10.0.0.1:25 to=Me@a.test,@b.test "
			"from=10.0.0.0/24,fd00::1 sender=scan@a.test",
			"10.0.0.1:25 from=10.0.0.0/24,fd00::1 "
			"to=Me@a.test,@b.test sender=scan@a.test rate=60/1h");
	assert_wrong("device 10.0.0.1:25 from=10.0.0.0/24 rate=1/1s",
			":1: device: from= and to= are needed");
	assert_wrong("device 10.0.0.1:25 from=0.0.0.0/0 to=a@b.test",
			":1: device: \"0.0.0.0/0\" would mean everybody");
	assert_wrong("device 10.0.0.1:25 from=10.0.0.1 to=b.test",
			":1: device: \"b.test\" is neither ADDRESS nor @DOMAIN");
	assert_wrong("device 10.0.0.1:25 from=10.0.0.1 to=a@b.test sender=@b",
			":1: device: \"@b\" is no address");
	assert_wrong("device 10.0.0.1:25 from=10.0.0.1 to=a@b.test rate=5",
			":1: device: \"5\" is no N/TIME, as 100/1h; TIME is at "
			"most 7d");
	assert_wrong("device 10.0.0.1:25 from=10.0.0.1 to=a@b.test tls",
			":1: device: \"tls\" is not understood");
	assert_wrong("device 10.0.0.1 from=10.0.0.1 to=a@b.test", ":1: device: "
			"\"10.0.0.1\" is no ADDRESS:PORT, *:PORT, [IPV6]:PORT "
			"or none");
}

static void bad_sockets(void **state)
{
	static const char *const bad[] = {
		"*", "*:", "*:0", "*:65536", "*:x", "[*]:25", "25", ":25",
		"1.2.3.4", "1.2.3.4:", "1.2.3:25", "::1:25", "[::1]",
		"[::1]25", "[::1:25", "[]:25", "localhost:25", "[::1]:",
		"[fe80::1%eth0]:25",
	};
	char line[100], why[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "listen smtp %s", bad[i]);
		snprintf(why, sizeof(why), ":1: listen: \"%s\" is no "
				"ADDRESS:PORT, *:PORT, [IPV6]:PORT or none",
				bad[i]);
		assert_wrong(line, why);
	}
}

static void users(void **state)
{
	(void)state;
	assert_value("sender-any", "alice Bob@a.test o'neil+x@b.test",
			"alice\nBob@a.test\no'neil+x@b.test");
	assert_value("sender-any", "*", "*");
	assert_value("sender-any", "j\xc3\xb6rg j\xc3\xb6rg@B\xc3\xbc"
			"cher.Example", "j\xc3\xb6rg\n"
			"j\xc3\xb6rg@xn--bcher-kva.example");
	assert_wrong("sender-any j\xf6rg",
			":1: sender-any: \"j\xf6rg\" is no user's name");
	/* names are kept as DNS has them */
	assert_value("domain", "b\xc3\xbc" "cher.example xn--bcher-kva.example",
			"xn--bcher-kva.example");
	assert_value("hostname", "M\xc3\xbc.example", "xn--m-eha.example");
	assert_value("smarthost", "b\xc3\xbc.example:25",
			"xn--b-eha.example:25 may");
	assert_value("route", "b\xc3\xbc.example smtp:[M\xc3\xbc.example]:26",
			"xn--b-eha.example smtp:[xn--m-eha.example]:26");
	assert_wrong("domain b\xfc.example",
			":1: domain: \"b\xfc.example\" is no host name");
	assert_wrong("domain -\xc3\xbc.example",
			":1: domain: \"-\xc3\xbc.example\" is no host name");
	assert_wrong("sender-any \"a b\"",
			":1: sender-any: \"a b\" is no user's name");
	assert_wrong("sender-any \"#b\"",
			":1: sender-any: \"#b\" is no user's name");
	assert_wrong("sender-any \"\"",
			":1: sender-any: \"\" is no user's name");
}

static void name_servers(void **state)
{
	(void)state;
	assert_value("nameserver", "9.9.9.9 2620:fe::fe 127.0.0.1:5353 "
			"[::1]:53 [::1]", "9.9.9.9\n2620:fe::fe\n"
			"127.0.0.1:5353\n[::1]:53\n[::1]");
	assert_wrong("nameserver dns.example", ":1: nameserver: "
			"\"dns.example\" is no ADDRESS or ADDRESS:PORT");
	assert_wrong("nameserver 9.9.9.9:0", ":1: nameserver: "
			"\"9.9.9.9:0\" is no ADDRESS or ADDRESS:PORT");
}

static void smarthosts(void **state)
{
	static const struct {
		const char *line;
		unsigned port;
		enum conf_tls tls;
		bool verify;
	} rows[] = {
		{ "smarthost h", 587, CONF_TLS_STARTTLS, true },
		{ "smarthost h:587", 587, CONF_TLS_STARTTLS, true },
		{ "smarthost h:465", 465, CONF_TLS_TLS, true },
		{ "smarthost h:25", 25, CONF_TLS_MAY, false },
		{ "smarthost h:2525", 2525, CONF_TLS_STARTTLS, true },
		{ "smarthost h tls", 465, CONF_TLS_TLS, true },
		{ "smarthost h:587 TLS", 587, CONF_TLS_TLS, true },
		{ "smarthost h starttls", 587, CONF_TLS_STARTTLS, true },
		{ "smarthost h:465 starttls noverify", 465,
			CONF_TLS_STARTTLS, false },
		{ "smarthost h may", 587, CONF_TLS_MAY, false },
		{ "smarthost h:465 none", 465, CONF_TLS_NONE, false },
		{ "smarthost h:25 noverify tls", 25, CONF_TLS_TLS, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf *c = parse(rows[i].line);

		assert_string_equal(c->smarthosts->host, "h");
		assert_int_equal(c->smarthosts->port, rows[i].port);
		assert_int_equal(c->smarthosts->tls, rows[i].tls);
		assert_int_equal(c->smarthosts->verify, rows[i].verify);
		assert_null(c->smarthosts->user);
		conf_free(c);
	}
	assert_value("smarthost", "SMTP.x:465 user=Me password-file=/F",
			"smtp.x:465 tls user=Me password-file=/F");
	assert_value("smarthost", "[2001:DB8::1] noverify",
			"[2001:db8::1]:587 starttls noverify");
	assert_value("smarthost", "192.0.2.1:25", "192.0.2.1:25 may");
}

/* The hosts for this sender, in their order, with a blank behind each. */
static void assert_hosts(const struct conf *c, const char *sender,
		const char *want)
{
	const struct conf_smarthost *s = NULL;
	char got[100] = "";

	while ((s = conf_smarthost(c, s, sender)))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ",
				s->host);
	assert_string_equal(got, want);
}

static void smarthosts_by_sender(void **state)
{
	struct conf *c = parse("smarthost all\n"
			"smarthost bob1 from=Bob@B.com\n"
			"smarthost b from=@b.com,@b\xc3\xbc.example,x@y.z\n"
			"smarthost bob2 from=bob@b.com,al@a.com\n"
			"smarthost all2\n");

	(void)state;
	assert_hosts(c, "", "all all2 ");
	assert_hosts(c, "x@a.com", "all all2 ");
	assert_hosts(c, "root", "all all2 ");
	assert_hosts(c, "bob@b.com", "bob1 bob2 ");
	assert_hosts(c, "BOB@B.COM", "bob1 bob2 ");
	assert_hosts(c, "\"bob\"@b.com", "b ");
	assert_hosts(c, "carl@b.com", "b ");
	assert_hosts(c, "carl@x.b.com", "all all2 ");
	assert_hosts(c, "x@b\xc3\xbc.example", "b ");
	assert_hosts(c, "x@xn--b-eha.example", "b ");
	assert_hosts(c, "x@y.z", "b ");
	assert_hosts(c, "al@a.com", "bob2 ");
	assert_hosts(c, "@", "all all2 ");
	conf_free(c);
	c = parse("smarthost r from=<>\nsmarthost h from=a@b.c\n");
	assert_hosts(c, "", "r ");
	assert_hosts(c, "a@b.c", "h ");
	assert_hosts(c, "b@b.c", "");
	assert_get(c, "smarthost", "r:587 starttls from=<>\n"
			"h:587 starttls from=a@b.c");
	conf_free(c);
	c = parse("");
	assert_hosts(c, "a@b.c", "");
	conf_free(c);
}

static void secrets(void **state)
{
	(void)state;
	if (!CFG_SECRET_COMMANDS) {
		assert_wrong("smarthost h user=u password-command=c", ":1: "
				"smarthost: commands are not in this build");
		return;
	}
	assert_value("smarthost", "h user=u \"password-command=a 'b c'\" "
			"auth=LOGIN", "h:587 starttls user=u "
			"\"password-command=a 'b c'\" auth=login");
	assert_wrong("smarthost h user=u password-file=/f password-command=c",
			":1: smarthost: more than one password or token");
	assert_wrong("smarthost h user=u password-file=/f auth=cram-md5",
			":1: smarthost: \"cram-md5\" is no mechanism that we "
			"know");
	assert_wrong("smarthost h auth=plain", ":1: smarthost: auth= does not "
			"go with no user");
	assert_wrong("smarthost h user=u password-file=/f auth=xoauth2",
			":1: smarthost: auth= does not go with a password");
	if (!CFG_SASL_BEARER) {
		assert_wrong("smarthost h user=u token-command=c",
				":1: smarthost: tokens are not in this build");
		return;
	}
	assert_value("smarthost", "h user=u token-command=c",
			"h:587 starttls user=u token-command=c");
	assert_wrong("smarthost h none user=u token-command=c",
			":1: smarthost: a token goes over TLS only");
	assert_wrong("smarthost h:25 user=u token-command=c",
			":1: smarthost: a token goes over TLS only");
	assert_wrong("smarthost h user=u token-command=c auth=plain",
			":1: smarthost: auth= does not go with a token");
	if (!CFG_OAUTH) {
		assert_wrong("smarthost h user=u token-file=/f", ":1: "
				"smarthost: token-file= is not in this build");
		return;
	}
	assert_value("smarthost", "h user=u token-file=/f auth=OAuthBearer",
			"h:587 starttls user=u token-file=/f auth=oauthbearer");
	assert_wrong("smarthost h user=u token-file=f", ":1: smarthost: "
			"\"f\" does not begin with /");
}

static void bad_smarthosts(void **state)
{
	(void)state;
	assert_wrong("smarthost h user=u", ":1: smarthost: user= and "
			"password-file=, password-command=, token-file= or "
			"token-command= go together");
	assert_wrong("smarthost h password-file=/f", ":1: smarthost: user= "
			"and password-file=, password-command=, token-file= "
			"or token-command= go together");
	assert_wrong("smarthost h user= password-file=/f", ":1: smarthost: "
			"\"\" is empty");
	assert_wrong("smarthost h user=a user=b", ":1: smarthost: "
			"\"b\" is a second value");
	assert_wrong("smarthost h from=", ":1: smarthost: "
			"\"\" is neither ADDRESS nor @DOMAIN");
	assert_wrong("smarthost h from=a@b.c,d", ":1: smarthost: "
			"\"d\" is neither ADDRESS nor @DOMAIN");
	assert_wrong("smarthost h user=u password-file=f", ":1: smarthost: "
			"\"f\" does not begin with /");
	assert_wrong("smarthost h tls none", ":1: smarthost: tls and none");
	assert_wrong("smarthost h ssl", ":1: smarthost: \"ssl\" is not "
			"understood");
	assert_wrong("smarthost h:0", ":1: smarthost: \"h:0\" is no "
			"HOST[:PORT]");
	assert_wrong("smarthost 2001:db8::1", ":1: smarthost: "
			"\"2001:db8::1\" is no HOST[:PORT]");
	assert_wrong("smarthost a_b", ":1: smarthost: \"a_b\" is no "
			"HOST[:PORT]");
}

static void routes(void **state)
{
	struct conf *c = parse("route A.com lmtp:unix:/run/Lmtp\n"
			"route b.com smtp:Mx.example\n"
			"route c.com smtp:[h.x]\n"
			"route d.com smtp:[192.0.2.1]:26\n"
			"route e.com smtp:[2001:db8::1]:26\n"
			"route f.com lmtp:[h.x]\n"
			"route .G.com smtp:h.x\n"
			"route .B\xc3\xbc.example smtp:h.x\n"
			"route h.com error:gone\n"
			"route i.com \"error:5.1.6  They have moved\"\n"
			"route j.com \"error:4.7.1 not now\"\n"
			"route k.com \"error:5.1.1234 x\"\n"
			"route * smtp:[h.x]:587\n");
	const struct conf_route *r = c->routes;

	(void)state;
	assert_string_equal(r->domain, "a.com");
	assert_true(r->lmtp && r->is_unix && !r->mx);
	assert_string_equal(r->host, "/run/Lmtp");
	r = r->next;
	assert_true(!r->lmtp && !r->is_unix && r->mx);
	assert_string_equal(r->host, "mx.example");
	assert_int_equal(r->port, 25);
	r = r->next;
	assert_true(!r->mx && r->port == 25);
	assert_get(c, "route", "a.com lmtp:unix:/run/Lmtp\n"
			"b.com smtp:mx.example\nc.com smtp:[h.x]:25\n"
			"d.com smtp:[192.0.2.1]:26\n"
			"e.com smtp:[2001:db8::1]:26\nf.com lmtp:[h.x]:24\n"
			".g.com smtp:h.x\n.xn--b-eha.example smtp:h.x\n"
			"h.com \"error:5.0.0 gone\"\n"
			"i.com \"error:5.1.6 They have moved\"\n"
			"j.com \"error:4.7.1 not now\"\n"
			"k.com \"error:5.0.0 5.1.1234 x\"\n"
			"* smtp:[h.x]:587");
	conf_free(c);
	assert_wrong("route a.b error:", ":1: route: error: wants a text of "
			"ASCII, at most 200 octets");
	assert_wrong("route a.b error:5.1.6", ":1: route: error: wants a text "
			"of ASCII, at most 200 octets");
	assert_wrong("route a.b error:\xc3\xb6", ":1: route: error: wants a "
			"text of ASCII, at most 200 octets");
	assert_wrong("fallback-route error:x", ":1: fallback-route: "
			"\"error:x\" is no smtp:HOST, smtp:[HOST]:PORT, "
			"lmtp:[HOST]:PORT, lmtp:unix:PATH or error:TEXT");
	assert_value("fallback-route", "smtp:H.x", "smtp:h.x");
	assert_value("fallback-route", "smtp:[2001:db8::1] after=90m",
			"smtp:[2001:db8::1]:25 after=90m");
	assert_wrong("fallback-route smtp:h after=", ":1: fallback-route: "
			"\"after=\" is no after=TIME, as after=1h");
	assert_wrong("fallback-route smtp:h 1h", ":1: fallback-route: "
			"\"1h\" is no after=TIME, as after=1h");
	assert_wrong("fallback-route lmtp:unix:/x", ":1: fallback-route: "
			"\"lmtp:unix:/x\" is no smtp:HOST, smtp:[HOST]:PORT, "
			"lmtp:[HOST]:PORT, lmtp:unix:PATH or error:TEXT");
}

static void bad_routes(void **state)
{
	static const char *const bad[] = {
		"smtp", "smtp:", "smtp:h:25", "smtp:192.0.2.1", "smtp:[]:25",
		"smtp:[h]x", "lmtp:h", "lmtp:h:24", "uucp:h", "[h]:25",
		"smtp:unix:/x", "smtp:[h]:0", "SMTP:a_b",
	};
	char line[300], why[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "route a.b %s", bad[i]);
		snprintf(why, sizeof(why), ":1: route: \"%s\" is no "
				"smtp:HOST, smtp:[HOST]:PORT, lmtp:[HOST]:PORT"
				", lmtp:unix:PATH or error:TEXT", bad[i]);
		assert_wrong(line, why);
	}
	assert_wrong("route a.b lmtp:unix:x", ":1: route: \"x\" does not "
			"begin with /");
	assert_wrong("route ..b smtp:h", ":1: route: \"..b\" is neither a "
			"domain, .DOMAIN nor *");
	assert_wrong("route . smtp:h", ":1: route: \".\" is neither a "
			"domain, .DOMAIN nor *");
	snprintf(line, sizeof(line), "route * lmtp:unix:/%0106d", 0);
	conf_free(parse(line));
	snprintf(line, sizeof(line), "route * lmtp:unix:/%0107d", 0);
	assert_wrong(line, ":1: route: the socket's path is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_names),
		cmocka_unit_test(any_length),
		cmocka_unit_test(counts_words),
		cmocka_unit_test(amounts),
		cmocka_unit_test(words_of_choice),
		cmocka_unit_test(accounts_and_paths),
		cmocka_unit_test(networks),
		cmocka_unit_test(networks_match),
		cmocka_unit_test(listening),
		cmocka_unit_test(listening_options),
		cmocka_unit_test(devices),
		cmocka_unit_test(bad_sockets),
		cmocka_unit_test(users),
		cmocka_unit_test(name_servers),
		cmocka_unit_test(smarthosts),
		cmocka_unit_test(smarthosts_by_sender),
		cmocka_unit_test(bad_smarthosts),
		cmocka_unit_test(secrets),
		cmocka_unit_test(routes),
		cmocka_unit_test(bad_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
