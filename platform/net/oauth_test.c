#include "net/oauth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct oauth_credential c, d;
static struct oauth_answer a;
static char dir[] = "/tmp/oauth_testXXXXXX", path[64];

static void fill(void)
{
	memset(&c, 0, sizeof(c));
	strcpy(c.provider, "microsoft");
	strcpy(c.token_url, "https://a/b?c=d");
	strcpy(c.client_id, "id = x");
	strcpy(c.scope, "a b");
	memset(c.refresh_token, 't', OAUTH_TOKEN_SIZE - 1);
	c.dies = INT64_C(5000000000);
}

static void stored(void **state)
{
	struct stat st;
	struct err err;

	(void)state;
	fill();
	umask(0777);
	assert_int_equal(oauth_save(path, &c, &err), 0);
	umask(022);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(oauth_load(path, &d, &err), 0);
	assert_memory_equal(&c, &d, sizeof(c));
	/* what cannot be read back is not written, and the old one stays */
	strcpy(c.scope, "a\nrefresh-token=b");
	assert_int_equal(oauth_save(path, &c, &err), -1);
	assert_int_equal(oauth_load(path, &d, &err), 0);
	assert_string_equal(d.scope, "a b");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(oauth_load(path, &d, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(oauth_load("/nonexistent/x", &d, &err), -1);
	assert_int_equal(oauth_load("/", &d, &err), -1);
}

static void broken_files(void **state)
{
	static const char *const texts[] = {
		"", "\n\n", "token-url=https://x\nclient-id=y\n",
		"token-url=https://x\nrefresh-token=z\n", "token-url\n",
		"client-id=y\nrefresh-token=z\n"
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *f = fopen(path, "w");

		fputs(texts[i], f);
		fclose(f);
		chmod(path, 0600);
		assert_int_equal(oauth_load(path, &d, &err), -1);
		assert_int_equal(err.kind, ERR_PERM);
	}
}

static void forms(void **state)
{
	struct str form;

	(void)state;
	str_init(&form, 1000);
	oauth_form(&form, "a", "b c&d=e\xc3\xa9+-._~/");
	oauth_form(&form, "x", "");
	assert_string_equal(str_c(&form),
			"a=b%20c%26d%3De%C3%A9%2B-._~%2F&x=");
	str_free(&form);
	fill();
	strcpy(c.refresh_token, "r");
	oauth_refresh_form(&form, &c);
	assert_string_equal(str_c(&form), "grant_type=refresh_token&"
			"refresh_token=r&client_id=id%20%3D%20x&scope=a%20b");
	str_wipe(&form);
}

static enum oauth_verdict say(unsigned status, const char *body)
{
	struct http_reply r = { status, SPAN("x"), span_of(body) };

	return oauth_read(&a, &r);
}

static void answers(void **state)
{
	(void)state;
	assert_int_equal(say(200, "{\"access_token\":\"\\u0041b\",\"expires_in\""
				":3599,\"refresh_token\":\"r\",\"refresh_token_"
				"expires_in\":604799}"), OAUTH_TOKEN);
	assert_string_equal(a.access, "Ab");
	assert_string_equal(a.refresh, "r");
	assert_int_equal(a.expires_in, 3599);
	assert_int_equal(a.refresh_expires_in, 604799);
	/* some write numbers in quotes, some leave them out */
	assert_int_equal(say(200, "{\"access_token\":\"t\",\"expires_in\":"
				"\"60\"}"), OAUTH_TOKEN);
	assert_int_equal(a.expires_in, 60);
	assert_string_equal(a.refresh, "");
	assert_int_equal(say(200, "{\"access_token\":\"t\"}"), OAUTH_TOKEN);
	assert_int_equal(a.expires_in, 600);
	assert_int_equal(say(200, "{\"access_token\":\"t\",\"expires_in\":"
				"99999999999999999999999}"), OAUTH_TOKEN);
	assert_int_equal(a.expires_in, 600);

	assert_int_equal(say(400, "{\"error\":\"invalid_grant\",\"error_"
				"description\":\"a\\r\\nb \\u00e9\"}"),
			OAUTH_REFUSED);
	assert_string_equal(a.error, "invalid_grant");
	assert_string_equal(a.why, "invalid_grant: a  b   ");
	/* what is for Microsoft's support alone is not shown */
	assert_int_equal(say(400, "{\"error\":\"invalid_grant\",\"error_"
				"description\":\"AADSTS65001: No. Trace ID: "
				"1 Correlation ID: 2\",\"error_codes\":[65001],"
				"\"suberror\":\"consent_required\"}"),
			OAUTH_REFUSED);
	assert_string_equal(a.why, "invalid_grant: AADSTS65001: No.");
	assert_non_null(strstr(oauth_advice(&a), "consent"));
	assert_int_equal(say(400, "{\"error\":\"invalid_grant\"}"),
			OAUTH_REFUSED);
	assert_null(oauth_advice(&a));
	assert_int_equal(say(401, "{\"error\":\"invalid_client\"}"),
			OAUTH_REFUSED);
	assert_int_equal(say(400, "{\"error\":\"slow_down\"}"), OAUTH_LATER);
	assert_string_equal(a.error, "slow_down");
}

/* None of these says that nobody may send mail any more. */
static void no_answers(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
	} rows[] = {
		{ 200, "" }, { 200, "{}" }, { 200, "{\"access_token\":5}" },
		{ 200, "{\"access_token\":\"\"}" },
		{ 200, "{\"access_token\":\"a\\nb\"}" },
		{ 200, "{\"access_token\":\"a\"" },
		{ 200, "{\"error\":null}" }, { 204, "" }, { 302, "" },
		{ 400, "<html>" }, { 400, "{\"error\":{\"code\":1}}" },
		{ 403, "" }, { 429, "{\"error\":\"invalid_grant\"}" },
		{ 500, "{\"error\":\"invalid_grant\"}" },
		{ 503, "{\"error\":\"server_error\"}" },
		{ 400, "{\"error\":\"temporarily_unavailable\"}" },
		{ 403, "{\"error\":\"rate_limit_exceeded\"}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(say(rows[i].status, rows[i].body),
				OAUTH_LATER);
		assert_string_equal(a.access, "");
		assert_string_not_equal(a.why, "");
	}
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/token", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stored), cmocka_unit_test(broken_files),
		cmocka_unit_test(forms), cmocka_unit_test(answers),
		cmocka_unit_test(no_answers),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
