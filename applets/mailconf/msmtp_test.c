#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mailconf/msmtp.h"

#define H "account default\nhost h.test\n"
#define RUNS "# queue runs its command, as its own user: keys and keyrings " \
	"of yours are\n#   not there\n"
#define OUT "\n# account default\n"

/* What the file says, and what we say; NULL: it is wrong. */
static const struct {
	const char *in, *out;
} rows[] = {
	{ H, OUT "smarthost h.test:25 none\n" },
	{ H "port 2525\ntls on\n", OUT "smarthost h.test:2525 starttls\n" },
	{ H "tls\ntls_starttls off\n", OUT "smarthost h.test:465 tls\n" },
	{ H "tls on\ntls_certcheck off\n",
		OUT "smarthost h.test:25 starttls noverify\n" },
	{ H "tls on\ntls_fingerprint 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
		"EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\n",
		OUT "smarthost h.test:25 starttls fingerprint=00112233445566778"
		"899aabbccddeeff00112233445566778899aabbccddeeff\n" },
	/* not without TLS */
	{ H "tls_certcheck off\n", OUT "smarthost h.test:25 none\n" },
	/* defaults are for those that follow */
	{ "account default\nhost h.test\ndefaults\nport 26\ntls on\n",
		OUT "smarthost h.test:25 none\n" },
	{ "defaults\nport 26\n" H, OUT "smarthost h.test:26 none\n" },
	/* what it says itself goes before what it inherits */
	{ "account a\nhost h.test\nport 26\naccount default : a\nport 27\n",
		"\n# account a\n# it is not the default one and has no from "
		"that tells its mail: not in use\n# smarthost h.test:26 none\n"
		OUT "smarthost h.test:27 none\n" },
	{ "account a\nhost h.test\naccount default:a\n",
		OUT "smarthost h.test:25 none\n" },
	/* the only one is the default one */
	{ "account x\nhost h.test\n", "\n# account x\n"
		"smarthost h.test:25 none\n" },
	{ H "account b : default\nfrom *@b.test\n",
		OUT "smarthost h.test:25 none\n\n# account b\n"
		"smarthost h.test:25 none from=@b.test\n" },
	{ H "account b : default\nfrom me+*@b.test\n",
		OUT "smarthost h.test:25 none\n\n# account b\n"
		"# it is not the default one and has no from that tells its "
		"mail: not in use\n# smarthost h.test:25 none\n" },
	/* logins: the password is not printed */
	{ H "auth on\nuser me\npassword secret\n",
		OUT "# its password belongs into the first line of "
		"/etc/pillarbox.secret, mode 0600;\n#   --password-file PATH "
		"writes it\nsmarthost h.test:25 none user=me "
		"password-file=/etc/pillarbox.secret\n" },
	{ H "auth on\nuser \"a b\"\npasswordeval pass show 'x'\n",
		OUT RUNS "smarthost h.test:25 none \"user=a b\" "
		"\"password-command=pass show 'x'\"\n" },
	/* what our lines cannot say becomes a script */
	{ H "auth on\nuser me\npasswordeval py -c \"f('x')\"\n", OUT RUNS
		"# the command has quotes in it: make /etc/pillarbox.password "
		"a script of it:\n#   py -c \"f('x')\"\n"
		"smarthost h.test:25 none user=me "
		"password-command=/etc/pillarbox.password\n" },
	{ H "auth xoauth2\nuser me\npasswordeval \"/bin/t me\"\n", OUT
		"# OAuth: its command has to print a token; smtp --authorize "
		"does without one\n" RUNS "smarthost h.test:25 none user=me "
		"\"token-command=/bin/t me\"\n" },
	{ H "auth oauthbearer\nuser me\npassword x\n", OUT
		"# OAuth: see smtp --authorize\nsmarthost h.test:25 none "
		"user=me token-file=/etc/pillarbox/oauth/token\n" },
	/* ports by name, and a from that is a pattern */
	{ H "port submission\nfrom %U@%H\n", OUT
		"smarthost h.test:587 none\n" },
	{ H "port 0x1\n", OUT "# cannot be said in our configuration\n" },
	{ H "tls_trust_file ~/ca\n", "# tls_trust_file: tls-ca wants a path "
		"from / on\n" OUT "smarthost h.test:25 none\n" },
	{ H "include x\n", "# include: that file is not read: import it by "
		"itself\n" OUT "smarthost h.test:25 none\n" },
	{ H "auth on\nuser me\n", OUT "# the file has no password: msmtp had "
		"it from ~/.netrc or a keyring\nsmarthost h.test:25 none "
		"user=me password-file=/etc/pillarbox.secret\n" },
	{ H "auth off\nuser me\npassword secret\n",
		OUT "smarthost h.test:25 none\n" },
	{ H "auth oauthbearer\n", OUT "# OAuth: see smtp --authorize\n"
		"# auth without user: the user was not found in the file\n"
		"smarthost h.test:25 none\n" },
	/* odd ones */
	{ H "host \"::1\"\n", OUT "smarthost [::1]:25 none\n" },
	{ H "user a\"b\n", OUT "# cannot be said in our configuration\n" },
	{ "account a\nport 1\n", "\n# account a\n# it has no host\n" },
	{ "  # c\r\n\taccount  default \r\n host\th.test\r\n\r\n",
		OUT "smarthost h.test:25 none\n" },
	{ H "x\x1by z\n", "# x?y: has no counterpart\n" OUT
		"smarthost h.test:25 none\n" },
	{ H "aliases /etc/aliases\ntimeout off\ntls_trust_file system\n",
		"# aliases /etc/aliases\n#   (sendmail -t expanded them at "
		"once, our queue does later)\n" OUT
		"smarthost h.test:25 none\n" },
	{ H "tls_trust_file /a b\ntimeout 9\n", "tls-ca \"/a b\"\n"
		"connect-timeout 9\n" OUT "smarthost h.test:25 none\n" },
	{ "", "" },
	{ "account a : b\n", NULL },
	{ "account\n", NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct msmtp m;
		struct str out;
		unsigned line;
		int rc = msmtp_parse(&m, span_of(rows[i].in), &line);

		str_init(&out, 1 << 16);
		if (rc == 0)
			msmtp_print(&m, NULL, &out);
		assert_int_equal(rc, rows[i].out ? 0 : -1);
		if (rows[i].out)
			assert_string_equal(str_c(&out), rows[i].out);
		str_free(&out);
		msmtp_free(&m);
	}
}

static void test_too_many(void **state)
{
	struct msmtp m;
	struct str text;
	unsigned line;

	(void)state;
	str_init(&text, 1 << 16);
	for (int i = 0; i < MSMTP_ACCOUNTS; i++)
		str_addf(&text, "account a%d\n", i);
	assert_int_equal(msmtp_parse(&m, str_span(&text), &line), 0);
	msmtp_free(&m);
	str_adds(&text, "account b\n");
	assert_int_equal(msmtp_parse(&m, str_span(&text), &line), -1);
	assert_int_equal(line, MSMTP_ACCOUNTS + 1);
	msmtp_free(&m);
	str_free(&text);
}

static void test_secret(void **state)
{
	struct msmtp m;
	struct str out;
	unsigned line;

	(void)state;
	msmtp_parse(&m, SPAN("account ../x y\nhost h\n" H), &line);
	str_init(&out, 256);
	msmtp_secret(&m.account[1], false, "/s", &out);
	assert_string_equal(str_c(&out), "/s..._x_y");
	str_clear(&out);
	msmtp_secret(&m.account[2], true, NULL, &out);
	assert_string_equal(str_c(&out), MSMTP_SECRET);
	str_free(&out);
	msmtp_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
