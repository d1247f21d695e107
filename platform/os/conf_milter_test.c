/* milter: the directive. */
#include "os/conf_test.h"

static void filters(void **state)
{
	struct conf *c = parse("milter inet:127.0.0.1:8891\n"
			"milter unix:/run/x/y.sock timeout=1m on=smtp,local "
			"default=accept\n"
			"milter inet:[::1]:11332 default=Reject on=SMTPS "
			"timeout=30\n"
			"milter \"unix:/run/a b\" timeout=90s\n");
	const struct conf_milter *m = c->milters;

	(void)state;
	assert_null(m->path);
	assert_int_equal(m->addr.ss_family, AF_INET);
	assert_int_equal(m->timeout, 30);
	assert_int_equal(m->otherwise, CONF_MILTER_TEMPFAIL);
	assert_int_equal(m->services, 1 << CONF_SMTP | 1 << CONF_SUBMISSION |
			1 << CONF_SMTPS | 1 << CONF_MILTER_LOCAL);
	m = m->next;
	assert_string_equal(m->path, "/run/x/y.sock");
	assert_int_equal(m->timeout, 60);
	assert_int_equal(m->otherwise, CONF_MILTER_ACCEPT);
	assert_int_equal(m->services, 1 << CONF_SMTP | 1 << CONF_MILTER_LOCAL);
	m = m->next;
	assert_int_equal(m->addr.ss_family, AF_INET6);
	assert_int_equal(m->otherwise, CONF_MILTER_REJECT);
	assert_int_equal(m->services, 1 << CONF_SMTPS);
	assert_get(c, "milter", "inet:127.0.0.1:8891\n"
			"unix:/run/x/y.sock timeout=1m default=accept "
			"on=smtp,local\n"
			"inet:[::1]:11332 default=reject on=smtps\n"
			"\"unix:/run/a b\" timeout=90s");
	conf_free(c);
}

static void wrong_filters(void **state)
{
	static const char *const where[] = {
		"x", "unix:", "unix:x", "unix:/", "unix:/a/", "inet:",
		"inet:*:25", "inet:127.0.0.1", "inet:127.0.0.1:0",
		"inet:127.0.0.1:65536", "inet:a.example:25", "local:/x"
	};
	char line[200], why[200];

	(void)state;
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		snprintf(line, sizeof(line), "milter %s", where[i]);
		snprintf(why, sizeof(why), ":1: milter: \"%s\" is neither "
				"unix:PATH nor inet:ADDRESS:PORT", where[i]);
		assert_wrong(line, why);
	}
	assert_wrong("milter unix:/a timeout=0", ":1: milter: \"timeout=0\" "
			"is no time from 1 to 2m");
	assert_wrong("milter unix:/a timeout=3m", ":1: milter: \"timeout=3m\" "
			"is no time from 1 to 2m");
	assert_wrong("milter unix:/a on=", ":1: milter: \"\" is no list of "
			"smtp, submission, smtps, local");
	assert_wrong("milter unix:/a on=smtp,pop3", ":1: milter: "
			"\"smtp,pop3\" is no list of smtp, submission, smtps, "
			"local");
	assert_wrong("milter unix:/a default=discard", ":1: milter: "
			"\"discard\" is neither tempfail, accept nor reject");
	assert_wrong("milter unix:/a x", ":1: milter: \"x\" is not understood");
}

static void too_many_filters(void **state)
{
	struct str text;
	struct conf *c;

	(void)state;
	str_init(&text, 1 << 12);
	for (int i = 0; i < CONF_MILTERS_MOST; i++)
		str_adds(&text, "milter unix:/a\n");
	c = parse(str_c(&text));
	conf_free(c);
	str_adds(&text, "milter unix:/a\n");
	assert_wrong(str_c(&text), ":9: milter: more than 8 filters");
	str_free(&text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(wrong_filters),
		cmocka_unit_test(too_many_filters)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
