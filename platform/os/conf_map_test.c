/* masquerade, virtual, recipient-delimiter, srs-domain, sender= of smarthost. */
#include "os/conf_test.h"

#define OURS "hostname mail.a.test\ndomain a.test b\xc3\xbc.test\n"

static const char *masked(const struct conf *c, const char *local,
		const char *domain)
{
	static char text[300];
	const struct conf_map *m = conf_map_find(c, c->masquerades,
			span_of(local), span_of(domain), CONF_MAP_ANY);
	struct str out;

	if (!m)
		return "";
	str_init(&out, sizeof(text) - 1);
	conf_map_put(m, span_of(local), &out);
	str_copy(text, sizeof(text), str_span(&out));
	str_free(&out);
	return text;
}

static void masquerades(void **state)
{
	struct conf *c = parse(OURS "masquerade root me@Provider.example\n"
			"masquerade root@router.lan you@provider.example\n"
			"masquerade @router.lan @provider.example\n"
			"masquerade @b\xc3\xbc.lan @provider.example\n");

	(void)state;
	assert_get(c, "masquerade", "root me@Provider.example\n"
			"root@router.lan you@provider.example\n"
			"@router.lan @provider.example\n"
			"@xn--b-eha.lan @provider.example");
	assert_string_equal(masked(c, "root", "a.test"), "me@Provider.example");
	assert_string_equal(masked(c, "ROOT", "mail.A.test"),
			"me@Provider.example");
	assert_string_equal(masked(c, "root", ""), "me@Provider.example");
	assert_string_equal(masked(c, "root", "router.lan"),
			"you@provider.example");
	assert_string_equal(masked(c, "Al.X", "ROUTER.lan"),
			"Al.X@provider.example");
	assert_string_equal(masked(c, "al", "b\xc3\xbc.lan"),
			"al@provider.example");
	assert_string_equal(masked(c, "al", ""), "");
	assert_string_equal(masked(c, "root", "c.test"), "");
	assert_string_equal(masked(c, "root", "x.router.lan"), "");
	conf_free(c);
}

/* A name without a domain is an address of ours, whichever. */
static void no_domain(void **state)
{
	struct conf *c = parse(OURS "masquerade al@a.test @x.test\n"
			"masquerade @c.test @y.test\n"
			"masquerade @mail.a.test @z.test\n");

	(void)state;
	assert_string_equal(masked(c, "al", ""), "al@x.test");
	assert_string_equal(masked(c, "jo", ""), "jo@z.test");
	conf_free(c);
}

static void virtuals(void **state)
{
	struct conf *c = parse(OURS "virtual @b\xc3\xbc.test @a.test\n"
			"virtual info@a.test alice\n");
	const struct conf_map *m = c->virtuals;

	(void)state;
	assert_get(c, "virtual", "@xn--b-eha.test @a.test\n"
			"info@a.test alice");
	assert_ptr_equal(conf_map_find(c, m, SPAN("info"), SPAN("a.test"),
				CONF_MAP_ADDRESS), m->next);
	assert_null(conf_map_find(c, m, SPAN("info"), SPAN("a.test"),
				CONF_MAP_DOMAIN));
	assert_null(conf_map_find(c, m, SPAN("info"), SPAN("b\xc3\xbc.test"),
				CONF_MAP_ADDRESS));
	assert_ptr_equal(conf_map_find(c, m, SPAN("x"), SPAN("b\xc3\xbc.test"),
				CONF_MAP_DOMAIN), m);
	conf_free(c);
}

static void wrong_lines(void **state)
{
	(void)state;
	assert_wrong("masquerade root", ":1: masquerade: needs a value: "
			"ADDRESS|@DOMAIN|USER ADDRESS|@DOMAIN");
	assert_wrong("masquerade r@x.test me", ":1: masquerade: \"me\" is "
			"neither ADDRESS nor @DOMAIN");
	assert_wrong("masquerade @ me@x.test", ":1: masquerade: \"@\" is "
			"neither ADDRESS, @DOMAIN nor USER");
	assert_wrong("masquerade a@b@c.test x@y.test", ":1: masquerade: "
			"\"a@b@c.test\" is neither ADDRESS, @DOMAIN nor USER");
	assert_wrong("masquerade r m\xc3\xbc@x.test", ":1: masquerade: "
			"\"m\xc3\xbc@x.test\" is not ASCII");
	assert_wrong(OURS "virtual alice bob", ":3: virtual: \"alice\" is "
			"neither ADDRESS nor @DOMAIN");
	assert_wrong(OURS "virtual @c.test alice", ": virtual @c.test: no "
			"domain of ours");
	assert_wrong(OURS "virtual @a.test y@c.test", ": virtual @a.test "
			"y@c.test: no domain of ours");
	assert_wrong(OURS "virtual x@a.test @c.test", ": virtual x@a.test "
			"@c.test: no domain of ours");
	assert_wrong(OURS "srs-domain c.test", ": srs-domain: no domain of "
			"ours");
	assert_wrong("recipient-delimiter ++", ":1: recipient-delimiter: "
			"\"++\" is neither one of + - = _ ~ nor none");
	assert_wrong("recipient-delimiter a", ":1: recipient-delimiter: \"a\" "
			"is neither one of + - = _ ~ nor none");
	assert_wrong("smarthost x.test sender=@a.test", ":1: smarthost: "
			"\"@a.test\" is no ADDRESS in ASCII");
	assert_wrong("smarthost x.test sender=a@a.test sender=b@a.test",
			":1: smarthost: \"b@a.test\" is a second value");
}

static void values(void **state)
{
	struct conf *c = parse("");

	(void)state;
	assert_string_equal(c->delimiter, "+");
	assert_false(c->srs);
	assert_null(c->srs_domain);
	conf_free(c);
	assert_value("recipient-delimiter", "none", "none");
	assert_value("recipient-delimiter", "-", "-");
	assert_value("srs", "yes", "yes");
	assert_value("smarthost", "x.test sender=a@B\xc3\xbc.test",
			"x.test:587 starttls sender=a@xn--b-eha.test");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(masquerades),
		cmocka_unit_test(no_domain),
		cmocka_unit_test(virtuals),
		cmocka_unit_test(wrong_lines),
		cmocka_unit_test(values)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
