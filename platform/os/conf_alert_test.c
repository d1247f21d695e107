/* alerts, quiet-hours: the directives. */
#include "os/conf_test.h"

static void senders(void **state)
{
	struct conf *c = parse("alerts Root@Router.lan @nas.lan\n"
			"alerts ups@a.test\n");

	(void)state;
	assert_true(conf_is_alert(c, "root@router.lan"));
	assert_true(conf_is_alert(c, "anybody@NAS.lan"));
	assert_true(conf_is_alert(c, "ups@a.test"));
	assert_false(conf_is_alert(c, "root@nas.lan.test"));
	assert_false(conf_is_alert(c, "other@a.test"));
	assert_false(conf_is_alert(c, "nas.lan"));
	assert_false(conf_is_alert(c, ""));
	conf_free(c);
	assert_wrong("alerts root", ":1: alerts: \"root\" is neither ADDRESS "
			"nor @DOMAIN");
}

static void hours(void **state)
{
	static const char *const wrong[] = {
		"7-8", "24:00-07:00", "22:60-07:00", "07:00-07:00", "07:00",
		"22:00-07:00-08:00", "22:00-7:00", "-", "22:00--1:00"
	};
	char line[100], why[200];
	struct conf *c = parse("quiet-hours 22:30-07:00\n");

	(void)state;
	assert_int_equal(c->quiet_hours.from, 22 * 60 + 30);
	assert_int_equal(c->quiet_hours.minutes, 8 * 60 + 30);
	conf_free(c);
	assert_value("quiet-hours", "22:30-07:00", "22:30-07:00");
	assert_value("quiet-hours", "01:00-02:00", "01:00-02:00");
	assert_value("quiet-hours", "None", "none");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "quiet-hours %s", wrong[i]);
		snprintf(why, sizeof(why), ":1: quiet-hours: \"%s\" is no "
				"HH:MM-HH:MM", wrong[i]);
		assert_wrong(line, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senders),
		cmocka_unit_test(hours)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
