/* ldap-server, ldap-filter, ldap-attributes, mysql-server, mysql-query */
#include "os/conf_test.h"

#include "config.h"

static void servers(void **state)
{
	(void)state;
	if (!CFG_AUTHD_LDAP || !CFG_AUTHD_MYSQL)
		skip();
	struct conf *c = parse("ldap-server ldaps://one.test ldap://[::1]:390\n"
			"ldap-server ldapi://%2frun%2fx\n"
			"ldap-base \"ou=people, dc=a\"\n"
			"mysql-server /run/x db.test:3307\n"
			"mysql-query \"SELECT x WHERE a = %u AND 5 %% 2\"\n");

	assert_get(c, "ldap-server", "ldaps://one.test\nldap://[::1]:390\n"
			"ldapi://%2frun%2fx");
	assert_get(c, "ldap-base", "\"ou=people, dc=a\"");
	assert_get(c, "ldap-filter", "\"(mail=%u)\"");
	assert_get(c, "mysql-server", "/run/x\ndb.test:3307");
	assert_get(c, "mysql-query", "\"SELECT x WHERE a = %u AND 5 %% 2\"");
	assert_string_equal(conf_attribute(c, "name"), "mail");
	assert_null(conf_attribute(c, "quota"));
	assert_true(conf_auth_is_slow(c));
	conf_free(c);
	c = parse("ldap-attributes quota=q;x-1 mailbox=m\n");
	assert_null(conf_attribute(c, "name"));
	assert_string_equal(conf_attribute(c, "quota"), "q;x-1");
	assert_string_equal(conf_attribute(c, "mailbox"), "m");
	assert_false(conf_auth_is_slow(c));
	conf_free(c);
}

#define NO_LDAP "is no ldap://HOST, ldaps://HOST or ldapi://SOCKET"
#define NO_PLACE "has a % that is none of %u (the address), %n (what stands " \
	"before its @), %d (behind it), %% (a %)"

static void wrong(void **state)
{
	(void)state;
	if (!CFG_AUTHD_LDAP || !CFG_AUTHD_MYSQL)
		skip();
	assert_wrong("ldap-server one.test\n", ":1: ldap-server: \"one.test\" "
			NO_LDAP);
	assert_wrong("ldap-server ldap://\n", ":1: ldap-server: \"ldap://\" "
			NO_LDAP);
	assert_wrong("ldap-server ldap://a/dc=x\n", ":1: ldap-server: "
			"\"ldap://a/dc=x\" " NO_LDAP);
	assert_wrong("ldap-server ldaps://a:x\n", ":1: ldap-server: "
			"\"ldaps://a:x\" " NO_LDAP);
	assert_wrong("mysql-server ldap://a\n", ":1: mysql-server: "
			"\"ldap://a\" is no HOST[:PORT] or /SOCKET");
	assert_wrong("ldap-server ldap://1 ldap://2 ldap://3 ldap://4 ldap://5 "
			"ldap://6 ldap://7 ldap://8 ldap://9\n",
			":1: ldap-server: more than 8 servers");
	assert_wrong("ldap-server ldap://a\n", ": ldap-server needs ldap-base");
	assert_wrong("mysql-server /x\n", ": mysql-server needs mysql-query");
	assert_wrong("ldap-filter (mail=%s)\n", ":1: ldap-filter: "
			"\"(mail=%s)\" " NO_PLACE);
	assert_wrong("ldap-filter (mail=%u)%\n", ":1: ldap-filter: "
			"\"(mail=%u)%\" " NO_PLACE);
	assert_wrong("mysql-query x\n", ":1: mysql-query: \"x\" does not ask "
			"for anybody: %u stands for the address");
	assert_wrong("ldap-base \"\"\n", ":1: ldap-base: is empty");
	assert_wrong("ldap-attributes nme=x\n", ":1: ldap-attributes: "
			"\"nme=x\" is no name=, mailbox= or quota= with an "
			"attribute");
	assert_wrong("ldap-attributes name=\n", ":1: ldap-attributes: "
			"\"name=\" is no name=, mailbox= or quota= with an "
			"attribute");
	assert_wrong("ldap-attributes name=a)(b\n", ":1: ldap-attributes: "
			"\"name=a)(b\" is no name=, mailbox= or quota= with an "
			"attribute");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers),
		cmocka_unit_test(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
