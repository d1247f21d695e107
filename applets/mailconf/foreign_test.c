#include "mailconf/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NOPASS "# its password belongs into the first line of " \
	"/etc/pillarbox.secret, mode 0600;\n#   --password-file PATH writes it\n"
#define FILE1 " password-file=/etc/pillarbox.secret"
#define ONE "\n# account default\n"

static const struct {
	const char *program, *in, *passwords, *out;
} rows[] = {
	{ "ssmtp", "# a comment\nroot=postmaster\nmailhub=smtp.x.test:587\n"
		"UseSTARTTLS=YES\nAuthUser=me\nAuthPass=a=b c\n"
		"FromLineOverride=YES\nOdd=1\n", NULL,
		"# root: /etc/aliases says who root is\n"
		"# Odd: has no counterpart\n" ONE NOPASS
		"smarthost smtp.x.test:587 starttls user=me" FILE1 "\n" },
	{ "ssmtp", "mailhub = [2001:db8::1]:465\nUseTLS=yes\n", NULL,
		ONE "smarthost [2001:db8::1]:465 tls\n" },
	{ "ssmtp", "mailhub=mail\n", NULL, ONE "smarthost mail:25 none\n" },
	{ "nullmailer", "smtp.a.test smtp --port=587 --starttls --user=u "
		"--pass=p --auth-login\n# x\n\nb.test\n"
		"c.test smtp ssl insecure\nd.test qmqp\ne.test smtp --what\n",
		NULL, "# d.test: has no SMTP\n# what: has no counterpart\n"
		"\n# account smtp.a.test\n" NOPASS
		"smarthost smtp.a.test:587 starttls user=u" FILE1 "\n"
		"\n# account b.test\nsmarthost b.test:25 none\n"
		"\n# account c.test\nsmarthost c.test:465 tls noverify\n"
		"\n# account e.test\nsmarthost e.test:25 none\n" },
	{ "dma", "SMARTHOST smtp.x.test\nPORT 587\nAUTHPATH /etc/dma/auth.conf\n"
		"SECURETRANSFER\nSTARTTLS\n#MASQUERADE x\nMASQUERADE a@b\nFOO\n",
		"other|smtp.y.test:no\nme@x.test|smtp.x.test:pw:1\n",
		"# MASQUERADE: masquerade does so (MASQUERADE)\n"
		"# FOO: has no counterpart\n" ONE NOPASS
		"smarthost smtp.x.test:587 starttls user=me@x.test" FILE1
		"\n" },
	{ "dma", "SMARTHOST h\nPORT 465\nSECURETRANSFER\n", NULL,
		ONE "smarthost h:465 tls\n" },
	{ "postfix", "relayhost = [smtp.x.test]:587\n"
		"smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps =\n"
		"\thash:/etc/postfix/sasl_passwd\n"
		"smtp_tls_security_level = encrypt\nmydestination = a,\n  b\n",
		"# x\nsmtp.x.test u:no\n[smtp.x.test]:25 u:no\n"
		"[smtp.x.test]:587\tme@x.test:p:w\n",
		"# mydestination: domain lines say it\n" ONE NOPASS
		"smarthost smtp.x.test:587 starttls user=me@x.test" FILE1
		" noverify\n" },
	{ "postfix", "relayhost=h.test:465\nsmtp_tls_wrappermode=yes\n"
		"smtp_tls_security_level=secure\n", NULL,
		ONE "smarthost h.test:465 tls\n" },
	{ "postfix", "relayhost =\n", NULL, "" },
};

static void test_rows(void **state)
{
	static struct msmtp m;
	struct span passwords;
	struct str out;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(foreign_parse(&m, rows[i].program,
				span_of(rows[i].in), &passwords), 0);
		assert_int_equal(passwords.n > 0, rows[i].passwords != NULL);
		if (rows[i].passwords)
			foreign_passwords(&m, rows[i].program,
					span_of(rows[i].passwords));
		str_init(&out, 100000);
		msmtp_print(&m, NULL, &out);
		assert_string_equal(str_c(&out), rows[i].out);
		str_free(&out);
		msmtp_free(&m);
	}
}

static void test_places(void **state)
{
	(void)state;
	assert_string_equal(foreign_place("dma"), "/etc/dma/dma.conf");
	assert_null(foreign_place("exim"));
}

/* Where one line of remotes has one host more than there is room for. */
static void test_too_many(void **state)
{
	static struct msmtp m;
	struct span passwords;
	struct str in;

	(void)state;
	str_init(&in, 10000);
	for (int i = 0; i <= MSMTP_ACCOUNTS; i++)
		str_addf(&in, "h%d.test\n", i);
	assert_int_equal(foreign_parse(&m, "nullmailer", str_span(&in),
			&passwords), -1);
	msmtp_free(&m);
	str_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_places),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
