/* dnsbl, check-..., rate-...: the directives about strangers. */
#include "os/conf_test.h"

static void lists(void **state)
{
	struct conf *c = parse("dnsbl Zen.Example.ORG\n"
			"dnsbl ok.example weight=-3 codes=127.0.5.1\n"
			"dnsbl b.example codes=127.0.0.2,127.0.0.4-127.0.1.0 "
			"weight=1000");
	const struct conf_dnsbl *d = c->dnsbl;

	(void)state;
	assert_string_equal(d->name, "zen.example.org");
	assert_int_equal(d->weight, 1);
	assert_int_equal(d->ncodes, 0);
	d = d->next;
	assert_int_equal(d->weight, -3);
	assert_int_equal(d->ncodes, 1);
	assert_int_equal(d->codes[0].low, 0x7f000501);
	assert_int_equal(d->codes[0].high, 0x7f000501);
	d = d->next;
	assert_int_equal(d->codes[1].low, 0x7f000004);
	assert_int_equal(d->codes[1].high, 0x7f000100);
	assert_null(d->next);
	assert_get(c, "dnsbl", "zen.example.org\n"
			"ok.example weight=-3 codes=127.0.5.1\n"
			"b.example weight=1000 "
			"codes=127.0.0.2,127.0.0.4-127.0.1.0");
	conf_free(c);
}

static void wrong_lists(void **state)
{
	static const char *const codes[] = {
		"", "x", "128.0.0.1", "127.0.0.1-", "127.0.0.3-127.0.0.2",
		"127.0.0.1-128.0.0.0", "::1", "127.1", "-127.0.0.2",
		"127.0.0.1-127.0.0.2-127.0.0.3"
	};
	static const char *const weights[] = {
		"", "0", "-0", "-", "+1", "1001", "-1001", "1x", "--1"
	};
	char line[200], why[200];

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(line, sizeof(line), "dnsbl a.b codes=%s", codes[i]);
		snprintf(why, sizeof(why), ":1: dnsbl: \"%s\" is no 127.A.B.C "
				"or 127.A.B.C-127.D.E.F", codes[i]);
		assert_wrong(line, why);
	}
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		snprintf(line, sizeof(line), "dnsbl a.b weight=%s", weights[i]);
		snprintf(why, sizeof(why), ":1: dnsbl: \"%s\" is no weight "
				"from -1000 to 1000", weights[i]);
		assert_wrong(line, why);
	}
	assert_wrong("dnsbl a.b c", ":1: dnsbl: \"c\" is not understood");
	assert_wrong("dnsbl -a", ":1: dnsbl: \"-a\" is no list's name");
	assert_wrong("dnsbl a.b codes=127.0.0.2 codes=127.0.0.3", ":1: dnsbl: "
			"\"codes=127.0.0.3\" is not understood");
}

static void how_many(void **state)
{
	struct str text;

	(void)state;
	str_init(&text, 1 << 16);
	for (int i = 0; i < 16; i++)
		str_addf(&text, "dnsbl l%d.example\n", i);
	conf_free(parse(str_c(&text)));
	str_adds(&text, "dnsbl l.example\n");
	assert_wrong(str_c(&text), ":17: dnsbl: more than 16 lists");
	str_clear(&text);
	str_adds(&text, "dnsbl a.b codes=127.0.0.2");
	for (int i = 1; i < 32; i++)
		str_adds(&text, ",127.0.0.2");
	conf_free(parse(str_c(&text)));
	str_adds(&text, ",127.0.0.9");
	assert_wrong(str_c(&text), ":1: dnsbl: \"127.0.0.9\" is no 127.A.B.C "
			"or 127.A.B.C-127.D.E.F");
	str_free(&text);
}

static void rates(void **state)
{
	static const char *const wrong[] = {
		"0", "5", "/1h", "5/", "0/1h", "5/0", "5/8d", "5/-1", "x/1h",
		"1000001/1h", "5/1h/2", "no"
	};
	char line[100], why[200];
	struct conf *c = parse("rate-messages 60/90\nban-after none");

	(void)state;
	assert_int_equal(c->rate_messages.n, 60);
	assert_int_equal(c->rate_messages.seconds, 90);
	assert_int_equal(c->ban_after.n, 0);
	assert_int_equal(c->rate_user_recipients.n, 1000);
	assert_get(c, "ban-after", "none");
	conf_free(c);
	assert_value("rate-messages", "1/1", "1/1s");
	assert_value("rate-messages", "1000000/7d", "1000000/7d");
	assert_value("ban-after", "3/60m", "3/1h");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(line, sizeof(line), "ban-after %s", wrong[i]);
		snprintf(why, sizeof(why), ":1: ban-after: \"%s\" is no "
				"N/TIME, as 100/1h; TIME is at most 7d",
				wrong[i]);
		assert_wrong(line, why);
	}
}

static void checks(void **state)
{
	struct conf *c = parse("check-hello note\ncheck-reverse refuse");

	(void)state;
	assert_int_equal(c->check_hello, CONF_CHECK_NOTE);
	assert_int_equal(c->check_reverse, CONF_CHECK_REFUSE);
	assert_get(c, "check-hello", "note");
	conf_free(c);
	assert_value("check-hello", "no", "no");
	assert_wrong("check-hello yes", ":1: check-hello: \"yes\" is neither "
			"no, note nor refuse");
}

/* What else is one of three words. */
static void choices(void **state)
{
	struct conf *c = parse("forward all\ndetail-folder make");

	(void)state;
	assert_int_equal(c->forward, CONF_WHOSE_ALL);
	assert_int_equal(c->vacation, CONF_WHOSE_SYSTEM);
	assert_int_equal(c->detail_folder, CONF_FOLDERS_MAKE);
	conf_free(c);
	assert_value("detail-folder", "existing", "existing");
	assert_value("vacation", "no", "no");
	assert_value("deliver-command", "\"/a/b c\"", "/a/b c");
	assert_wrong("forward yes", ":1: forward: \"yes\" is neither no, system"
			" nor all");
	assert_wrong("deliver-command a", ":1: deliver-command: \"a\" does not "
			"begin with /");
}

static void left_out(void **state)
{
	struct conf_load l = {
		.err = &err, .file = "x.conf", .line = 3, .name = "dnsbl"
	};
	struct conf_words words = { .v[0] = SPAN("a.b"), .n = 1 };

	(void)state;
	assert_int_equal(conf_type(CONF_KIND_LEFT_OUT)->parse(&l, NULL,
				&words), -1);
	assert_string_equal(err.text, "x.conf:3: dnsbl: this pillarbox was "
			"built without it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(wrong_lists),
		cmocka_unit_test(how_many),
		cmocka_unit_test(rates),
		cmocka_unit_test(checks),
		cmocka_unit_test(choices),
		cmocka_unit_test(left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
