#include "net/smtp_advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"

static struct smtp_result result(int code, const char *enhanced,
		const char *text, unsigned about)
{
	struct smtp_result r = { .code = code, .about = (unsigned char)about,
		.kind = code >= 500 ? ERR_PERM : ERR_TEMP };

	snprintf(r.enhanced, sizeof(r.enhanced), "%s", enhanced);
	snprintf(r.text, sizeof(r.text), "%s", text);
	return r;
}

/* part NULL: there is no advice. */
static void expect(int code, const char *enhanced, const char *text,
		unsigned about, const char *part)
{
	struct smtp_result r = result(code, enhanced, text, about);
	const char *advice = smtp_advice(&r, true);

	if (!CFG_SMTP_ADVICE)
		skip();
	if (!advice != !part || (part && !strstr(advice, part)))
		fail_msg("%d %s %s: %s", code, enhanced, text,
				advice ? advice : "no advice");
	if (advice)
		assert_true(strlen(advice) + 20 < SMTP_ADVICE_MOST);
}

/* As providers say it. */
static void providers(void **state)
{
	(void)state;
	expect(534, "5.7.9", "Application-specific password required. For "
		"more information, go to https://support.google.com/mail/"
		"?p=InvalidSecondFactor x.22 - gsmtp", SMTP_ABOUT_LOGIN,
		"app password");
	expect(534, "5.7.14", "<https://accounts.google.com/signin/continue"
		"?...> Please log in via your web browser and then try again. "
		"- gsmtp", SMTP_ABOUT_LOGIN, "web browser");
	expect(535, "5.7.8", "Username and Password not accepted. For more "
		"information, go to https://support.google.com/mail/"
		"?p=BadCredentials x - gsmtp", SMTP_ABOUT_LOGIN, "Google");
	expect(535, "5.7.8", "Error: authentication failed",
		SMTP_ABOUT_LOGIN, "check user name");
	expect(535, "5.7.8", "Username and Password not accepted. - gsmtp",
		SMTP_ABOUT_TOKEN, "once more");
	expect(535, "5.7.139", "Authentication unsuccessful, basic "
		"authentication is disabled. [X.eurprd03.prod.outlook.com]",
		SMTP_ABOUT_LOGIN, "OAuth");
	expect(535, "5.7.139", "Authentication unsuccessful, "
		"SmtpClientAuthentication is disabled for the Tenant. Visit "
		"https://aka.ms/smtp_auth_disabled", SMTP_ABOUT_LOGIN,
		"administrator");
	expect(530, "5.7.0", "Must issue a STARTTLS command first. x - gsmtp",
		SMTP_ABOUT_ANONYMOUS, "starttls");
	expect(530, "5.7.0", "Authentication Required. For more information",
		SMTP_ABOUT_ANONYMOUS, "login");
	expect(530, "5.7.0", "Authentication required", SMTP_ABOUT_PORT25,
		NULL);
	expect(550, "5.7.60", "SMTP; Client does not have permissions to send "
		"as this sender", SMTP_ABOUT_LOGIN, "own address");
	expect(553, "5.7.1", "<x@y>: Sender address rejected: not owned by "
		"user z", SMTP_ABOUT_LOGIN, "own address");
	expect(535, "5.7.0", "Error: authentication failed: app password "
		"needed", SMTP_ABOUT_LOGIN, "app password");
}

static void hosts(void **state)
{
	unsigned silent = SMTP_ABOUT_PORT25 | SMTP_ABOUT_CONNECT |
		SMTP_ABOUT_SILENT;

	(void)state;
	expect(0, "4.4.1", "timed out: connecting", silent, "port 25");
	expect(0, "4.4.1", "timed out: connecting",
		silent & ~SMTP_ABOUT_SILENT, NULL);
	expect(0, "4.4.1", "connecting to [192.0.2.1]: Connection timed out",
		silent, "port 25");
	expect(0, "4.4.1", "connecting to [192.0.2.1]: Connection refused",
		silent, NULL);
	expect(554, "5.7.1", "Service unavailable; Client host [192.0.2.1] "
		"blocked using zen.spamhaus.org", SMTP_ABOUT_PORT25,
		"smarthost");
	expect(550, "5.7.25", "The IP address sending this message does not "
		"have a PTR record", SMTP_ABOUT_PORT25, "reverse DNS");
	expect(550, "5.1.1", "no such user", SMTP_ABOUT_PORT25, NULL);
	expect(0, "", "no TLS, so the password was not sent",
		SMTP_ABOUT_LOGIN, "465");
	expect(0, "", "AUTH SCRAM-SHA-256, PLAIN, LOGIN is not offered",
		SMTP_ABOUT_LOGIN, "587");
}

static void clock_that_is_wrong(void **state)
{
	static const char *const texts[] = {
		"the certificate of h is not valid yet (the clock says "
			"1970-01-01)",
		"the certificate of h has expired (the clock says 1970-01-01)"
	};
	struct smtp_result r;

	(void)state;
	if (!CFG_SMTP_ADVICE)
		skip();
	for (int i = 0; i < 2; i++) {
		r = result(0, "4.7.5", texts[i], SMTP_ABOUT_LOGIN);
		assert_non_null(strstr(smtp_advice(&r, false), "clock"));
		assert_null(smtp_advice(&r, true));
	}
	r = result(0, "4.7.5", "the certificate of h is for another name", 0);
	assert_null(smtp_advice(&r, false));
}

static void behind_a_text(void **state)
{
	struct smtp_result r = result(535, "5.7.8", "no", SMTP_ABOUT_LOGIN);
	char text[60] = "535 5.7.8 no", none[20] = "250 ok";

	(void)state;
	if (!CFG_SMTP_ADVICE)
		skip();
	smtp_advice_add(text, sizeof(text), &r);
	assert_memory_equal(text, "535 5.7.8 no; what helps: check", 31);
	assert_int_equal(strlen(text), sizeof(text) - 1);
	r.kind = ERR_NONE;
	smtp_advice_add(none, sizeof(none), &r);
	assert_string_equal(none, "250 ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(providers), cmocka_unit_test(hosts),
		cmocka_unit_test(clock_that_is_wrong),
		cmocka_unit_test(behind_a_text)
	};

	return cmocka_run_group_tests_name("net/smtp_advice", tests, NULL,
			NULL);
}
