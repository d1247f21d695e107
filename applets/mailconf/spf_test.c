#include "mailconf/spf.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A small world; TXT, A, AAAA, MX. "!" is no answer. */
static const struct {
	const char *name;
	enum dns_type type;
	const char *value;
} zone[] = {
	{ "ip.test", DNS_TXT, "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all" },
	{ "exact.test", DNS_TXT, "v=spf1 ip4:192.0.2.7 ~all" },
	{ "a.test", DNS_TXT, "v=spf1 a a:mail.a.test/30 ?all" },
	{ "a.test", DNS_A, "198.51.100.9" },
	{ "mail.a.test", DNS_A, "192.0.2.4" },
	{ "six.test", DNS_TXT, "v=spf1 a/0//64 -all" },
	{ "six.test", DNS_AAAA, "2001:db8::1" },
	{ "mx.test", DNS_TXT, "v=spf1 MX -ALL" },
	{ "mx.test", DNS_MX, "mail.mx.test" },
	{ "mx.test", DNS_MX, "other.mx.test" },
	{ "other.mx.test", DNS_A, "192.0.2.7" },
	{ "inc.test", DNS_TXT, "v=spf1 include:ip.test -all" },
	{ "notinc.test", DNS_TXT, "v=spf1 include:exact2.test -all" },
	{ "exact2.test", DNS_TXT, "v=spf1 ip4:203.0.113.1 -all" },
	{ "red.test", DNS_TXT, "v=spf1 redirect=ip.test" },
	{ "redall.test", DNS_TXT, "v=spf1 -all redirect=ip.test" },
	{ "redgone.test", DNS_TXT, "v=spf1 redirect=gone.test" },
	{ "incgone.test", DNS_TXT, "v=spf1 include:gone.test +all" },
	{ "two.test", DNS_TXT, "v=spf1 +all" },
	{ "two.test", DNS_TXT, "v=spf1 -all" },
	{ "other.test", DNS_TXT, "v=spf10 +all" },
	{ "other.test", DNS_TXT, "verification=1" },
	{ "bad.test", DNS_TXT, "v=spf1 ipv4:192.0.2.7 -all" },
	{ "badip.test", DNS_TXT, "v=spf1 ip4:192.0.2 -all" },
	{ "badbits.test", DNS_TXT, "v=spf1 ip4:192.0.2.0/33 -all" },
	{ "badinc.test", DNS_TXT, "v=spf1 include -all" },
	{ "mod.test", DNS_TXT, "v=spf1 exp=x.test new=%{i} ip4:192.0.2.7" },
	{ "loop.test", DNS_TXT, "v=spf1 include:loop.test -all" },
	{ "macro.test", DNS_TXT, "v=spf1 include:%{i}.x.test -all" },
	{ "exists.test", DNS_TXT, "v=spf1 exists:x.test ptr -all" },
	{ "quiet.test", DNS_TXT, "!" },
	{ "incquiet.test", DNS_TXT, "v=spf1 include:quiet.test -all" },
	{ "empty.test", DNS_TXT, "v=spf1" },
	{ "many.test", DNS_TXT, "v=spf1 a:1.t a:2.t a:3.t a:4.t a:5.t a:6.t "
		"a:7.t a:8.t a:9.t a:10.t a:11.t ip4:192.0.2.7" },
	{ "house.test", DNS_TXT, "v=spf1 include:_spf.example.org ~all" },
};

#define ROWS(t) (sizeof(t) / sizeof(*(t)))

static const struct dns_answer *ask(void *arg, const char *name,
		enum dns_type type)
{
	static struct dns_record records[DNS_MOST];
	static struct dns_answer a;

	(void)arg;
	/* what was given before must not be looked at any more */
	memset(records, 0xee, sizeof(records));
	a = (struct dns_answer){ .status = DNS_NXDOMAIN, .records = records };
	for (size_t i = 0; i < ROWS(zone); i++) {
		struct dns_record *r = &records[a.count];

		if (zone[i].type != type || strcmp(zone[i].name, name) != 0)
			continue;
		if (strcmp(zone[i].value, "!") == 0) {
			a.status = DNS_FAIL;
			break;
		}
		*r = (struct dns_record){ .type = type, .text = zone[i].value,
			.text_len = strlen(zone[i].value) };
		if (type == DNS_A || type == DNS_AAAA)
			assert_int_equal(inet_pton(type == DNS_A ? AF_INET :
						AF_INET6, zone[i].value,
						&r->ip), 1);
		a.status = DNS_OK;
		a.count++;
	}
	return &a;
}

static void set_ip(struct spf *s, const char *text)
{
	memset(s->ip, 0, 16);
	if (inet_pton(AF_INET6, text, s->ip) == 1)
		return;
	memset(s->ip + 10, 0xff, 2);
	assert_int_equal(inet_pton(AF_INET, text, s->ip + 12), 1);
}

static void test_results(void **state)
{
	static const struct {
		const char *domain, *ip;
		enum spf_result want;
		bool unsure;
	} rows[] = {
		{ "ip.test", "192.0.2.7", SPF_PASS, false },
		{ "ip.test", "192.0.3.7", SPF_FAIL, false },
		{ "ip.test", "2001:db8::7", SPF_PASS, false },
		{ "ip.test", "2001:db9::7", SPF_FAIL, false },
		{ "exact.test", "192.0.2.7", SPF_PASS, false },
		{ "exact.test", "192.0.2.8", SPF_SOFTFAIL, false },
		{ "a.test", "198.51.100.9", SPF_PASS, false },
		{ "a.test", "192.0.2.7", SPF_PASS, false },
		{ "a.test", "192.0.2.8", SPF_NEUTRAL, false },
		{ "six.test", "2001:db8::ffff", SPF_PASS, false },
		{ "six.test", "2001:db8:1::1", SPF_FAIL, false },
		{ "mx.test", "192.0.2.7", SPF_PASS, false },
		{ "mx.test", "192.0.2.8", SPF_FAIL, false },
		{ "inc.test", "192.0.2.7", SPF_PASS, false },
		{ "inc.test", "192.0.3.7", SPF_FAIL, false },
		{ "notinc.test", "192.0.2.7", SPF_FAIL, false },
		{ "red.test", "192.0.2.7", SPF_PASS, false },
		{ "red.test", "192.0.3.7", SPF_FAIL, false },
		{ "redall.test", "192.0.2.7", SPF_FAIL, false },
		{ "redgone.test", "192.0.2.7", SPF_BAD, false },
		{ "incgone.test", "192.0.2.7", SPF_BAD, false },
		{ "two.test", "192.0.2.7", SPF_BAD, false },
		{ "other.test", "192.0.2.7", SPF_NONE, false },
		{ "gone.test", "192.0.2.7", SPF_NONE, false },
		{ "bad.test", "192.0.2.7", SPF_BAD, false },
		{ "badip.test", "192.0.2.7", SPF_BAD, false },
		{ "badbits.test", "192.0.2.7", SPF_BAD, false },
		{ "badinc.test", "192.0.2.7", SPF_BAD, false },
		{ "mod.test", "192.0.2.7", SPF_PASS, false },
		{ "mod.test", "192.0.2.8", SPF_NEUTRAL, false },
		{ "loop.test", "192.0.2.7", SPF_BAD, false },
		{ "macro.test", "192.0.2.7", SPF_FAIL, true },
		{ "exists.test", "192.0.2.7", SPF_FAIL, true },
		{ "quiet.test", "192.0.2.7", SPF_TEMP, false },
		{ "incquiet.test", "192.0.2.7", SPF_TEMP, false },
		{ "empty.test", "192.0.2.7", SPF_NEUTRAL, false },
		{ "many.test", "192.0.2.7", SPF_BAD, false },
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct spf s = { .ask = ask };
		enum spf_result got;

		set_ip(&s, rows[i].ip);
		got = spf_check(&s, rows[i].domain);
		if (got != rows[i].want || s.unsure != rows[i].unsure)
			fail_msg("%s %s: %d %d", rows[i].domain, rows[i].ip,
					got, s.unsure);
	}
}

static void test_provider(void **state)
{
	struct spf s = { .ask = ask, .provider = "smtp.example.org" };

	(void)state;
	set_ip(&s, "192.0.2.7");
	spf_check(&s, "house.test");
	assert_true(s.names_provider);
	s.provider = "smtp.example.net";
	spf_check(&s, "house.test");
	assert_false(s.names_provider);
}

static void test_house(void **state)
{
	(void)state;
	assert_true(spf_same_house(SPAN("smtp.a.example"), SPAN("A.example")));
	assert_false(spf_same_house(SPAN("a.example"), SPAN("b.example")));
	assert_true(spf_same_house(SPAN("x.y.co.uk"), SPAN("z.y.co.uk")));
	assert_false(spf_same_house(SPAN("x.co.uk"), SPAN("y.co.uk")));
	assert_false(spf_same_house(SPAN(""), SPAN("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_provider),
		cmocka_unit_test(test_house),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
