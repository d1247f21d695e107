#include "net/mx.h"
#include "net/own.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Name servers of our own, in place of dns.c: a zone is lines "NAME TYPE DATA",
 * DATA of MX "10 host"; TYPE "fail": no answer for any type; a name without a
 * line is not there.
 */
struct dns {
	const char *zone;
	struct loop *loop;
};

struct dns_query {
	struct dns *dns;
	struct loop_timer timer;
	char name[256];
	enum dns_type type;
	void (*fn)(void *arg, const struct dns_answer *answer);
	void *arg;
};

static bool fill(struct dns_record *r, enum dns_type type, const char *word,
		const char *data)
{
	static char hosts[DNS_MOST][256];
	static unsigned at;

	*r = (struct dns_record){ .type = type };
	if (type == DNS_MX && strcmp(word, "MX") == 0) {
		char *host;

		r->preference = (unsigned)strtoul(data, &host, 10);
		r->text = hosts[at++ % DNS_MOST];
		host += strspn(host, " .");	/* ".": the root, "" to us */
		snprintf(hosts[(at - 1) % DNS_MOST], 256, "%s", host);
		return true;
	}
	if (type == DNS_A && strcmp(word, "A") == 0)
		return inet_pton(AF_INET, data, &r->ip) == 1;
	return type == DNS_AAAA && strcmp(word, "AAAA") == 0
		&& inet_pton(AF_INET6, data, &r->ip) == 1;
}

static void look_up(struct dns_query *q, struct dns_answer *a,
		struct dns_record *records)
{
	char zone[2000], *line, *save = NULL;

	*a = (struct dns_answer){ .status = DNS_NXDOMAIN, .records = records };
	snprintf(zone, sizeof(zone), "%s", q->dns->zone);
	for (line = strtok_r(zone, "\n", &save); line;
			line = strtok_r(NULL, "\n", &save)) {
		char name[256], word[8], data[256];

		assert_true(sscanf(line, "%255s %7s %255[^\n]", name, word,
					data) >= 2);
		if (strcmp(name, q->name))
			continue;
		if (strcmp(word, "fail") == 0) {
			a->status = DNS_FAIL;
			return;
		}
		if (fill(&records[a->count], q->type, word, data))
			a->count++;
		a->status = a->count ? DNS_OK : DNS_NODATA;
	}
}

static void answer(struct loop_timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);
	struct dns_record records[DNS_MOST];
	struct dns_answer a;

	look_up(q, &a, records);
	q->fn(q->arg, &a);
	free(q);
}

struct dns_query *dns_ask(struct dns *d, struct span name, enum dns_type type,
		void (*fn)(void *arg, const struct dns_answer *answer), void *arg)
{
	struct dns_query *q = calloc(1, sizeof(*q));

	q->dns = d;
	snprintf(q->name, sizeof(q->name), "%.*s", (int)name.n, name.p);
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	q->timer.fire = answer;
	loop_timer_set(d->loop, &q->timer, 0);
	return q;
}

void dns_cancel(struct dns_query *q)
{
	if (!q)
		return;
	loop_timer_stop(q->dns->loop, &q->timer);
	free(q);
}

/* One interface, in place of this machine's: 192.0.2.99, and real loopback. */
bool own_interface(const struct sockaddr *addr)
{
	const struct sockaddr_in *four = (const void *)addr;

	return addr->sa_family == AF_INET &&
		four->sin_addr.s_addr == inet_addr("192.0.2.99");
}

bool own_loopback(const struct sockaddr *addr)
{
	const struct sockaddr_in *four = (const void *)addr;

	return addr->sa_family == AF_INET &&
		four->sin_addr.s_addr == inet_addr("127.0.0.1");
}

/* ---- what is found, as "host=address host=address" or "CODE STATUS" */

static char found[2000];
static int calls;

static void got(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	size_t at = 0;

	(void)arg;
	calls++;
	found[0] = '\0';
	if (!n)
		snprintf(found, sizeof(found), "%d %s", why->code,
				why->enhanced);
	for (unsigned i = 0; i < n; i++) {
		const struct sockaddr_in *four = (const void *)&targets[i].addr;
		const struct sockaddr_in6 *six = (const void *)four;
		bool v4 = targets[i].addr.ss_family == AF_INET;
		char text[INET6_ADDRSTRLEN];

		assert_int_equal(ntohs(four->sin_port), 2525);
		inet_ntop(targets[i].addr.ss_family, v4 ?
				(const void *)&four->sin_addr :
				(const void *)&six->sin6_addr,
				text, sizeof(text));
		at += (size_t)snprintf(found + at, sizeof(found) - at,
				"%s%s=%s", i ? " " : "", targets[i].name, text);
	}
}

static bool loopback;

static const char *find(const char *zone, const char *name, bool exchangers,
		const char *self)
{
	struct err err;
	struct loop *l = loop_new(&err);
	struct dns d = { zone, l };
	struct mx_question q = { name, 2525, exchangers, self, loopback };

	calls = 0;
	snprintf(found, sizeof(found), "nothing");
	assert_non_null(mx_find(l, &d, &q, got, NULL));
	assert_int_equal(calls, 0);	/* never inside mx_find */
	for (int i = 0; i < 100 && !calls; i++)
		loop_turn(l, 10);
	assert_int_equal(calls, 1);
	loop_free(l);
	return found;
}

#define MX(zone, name) find(zone, name, true, "mail.us.test")

static void test_best_first(void **state)
{
	(void)state;
	assert_string_equal(MX("b.test MX 10 one\nb.test MX 20 two\n"
		"one A 192.0.2.1\none AAAA 2001:db8::1\ntwo A 192.0.2.2",
		"b.test"),
		"one=192.0.2.1 one=2001:db8::1 two=192.0.2.2");
}

/* RFC 5321 5.1: no MX, but an address: the name is its own exchanger. */
static void test_implicit(void **state)
{
	(void)state;
	assert_string_equal(MX("b.test A 192.0.2.9", "b.test"),
			"b.test=192.0.2.9");
	assert_string_equal(MX("b.test AAAA 2001:db8::9", "b.test"),
			"b.test=2001:db8::9");
	assert_string_equal(MX("b.test TXT x", "b.test"), "550 5.4.4");
}

static void test_negative_answers_differ(void **state)
{
	(void)state;
	assert_string_equal(MX("c.test A 192.0.2.9", "b.test"), "550 5.1.2");
	assert_string_equal(MX("b.test fail", "b.test"), "451 4.4.3");
	/* RFC 7505 */
	assert_string_equal(MX("b.test MX 0 .\nb.test A 192.0.2.9", "b.test"),
			"556 5.1.10");
	/* an exchanger without address is no reason to use the domain's own */
	assert_string_equal(MX("b.test MX 10 one\none TXT x\nb.test A 192.0.2.9",
			"b.test"), "550 5.4.4");
}

/* One exchanger that cannot be asked now keeps nothing from the others. */
static void test_trouble_with_one(void **state)
{
	(void)state;
	assert_string_equal(MX("b.test MX 10 one\nb.test MX 20 two\none fail\n"
			"two A 192.0.2.2", "b.test"), "two=192.0.2.2");
	assert_string_equal(MX("b.test MX 10 one\nb.test MX 20 two\none fail\n"
			"two TXT x", "b.test"), "451 4.4.3");
}

/* RFC 5321 5.1: we and all that are not better than we are left out. */
static void test_we_are_one(void **state)
{
	const char *zone = "b.test MX 10 one\nb.test MX 20 mail.us.test\n"
		"b.test MX 20 same\nb.test MX 30 worse\none A 192.0.2.1\n"
		"same A 192.0.2.2\nworse A 192.0.2.3\nmail.us.test A 192.0.2.4";

	(void)state;
	assert_string_equal(MX(zone, "b.test"), "one=192.0.2.1");
	assert_string_equal(MX("b.test MX 10 MAIL.us.TEST\n"
			"b.test MX 20 worse\nworse A 192.0.2.3", "b.test"),
			"554 5.4.6");
}

/* The same by address, which no name gives away. */
static void test_our_address(void **state)
{
	(void)state;
	assert_string_equal(MX("b.test MX 10 one\nb.test MX 20 same\n"
			"b.test MX 20 alias\nb.test MX 20 other\n"
			"b.test MX 30 worse\none A 192.0.2.1\n"
			"same A 192.0.2.2\nalias A 192.0.2.99\n"
			"other A 192.0.2.3\nworse A 192.0.2.4", "b.test"),
			"one=192.0.2.1");
	assert_string_equal(MX("b.test MX 10 alias\nb.test MX 20 worse\n"
			"alias A 192.0.2.99\nworse A 192.0.2.3", "b.test"),
			"554 5.4.6");
	assert_string_equal(MX("b.test A 192.0.2.99", "b.test"), "554 5.4.6");
	assert_string_equal(MX("", "[192.0.2.99]"), "554 5.4.6");
	/* the better one cannot be asked now */
	assert_string_equal(MX("b.test MX 10 one\nb.test MX 20 alias\n"
			"one fail\nalias A 192.0.2.99", "b.test"),
			"451 4.4.3");
	/* who was configured by name is meant */
	assert_string_equal(find("h A 192.0.2.99", "h", false, ""),
			"h=192.0.2.99");
}

static void test_loopback(void **state)
{
	const char *zone = "b.test MX 10 one\nb.test MX 20 two\n"
		"one A 127.0.0.1\ntwo A 192.0.2.2";

	(void)state;
	assert_string_equal(MX(zone, "b.test"), "two=192.0.2.2");
	assert_string_equal(MX("b.test A 127.0.0.1", "b.test"), "554 5.4.6");
	assert_string_equal(MX("", "[127.0.0.1]"), "554 5.4.6");
	assert_string_equal(find("h A 127.0.0.1", "h", false, ""),
			"h=127.0.0.1");
	loopback = true;
	assert_string_equal(MX(zone, "b.test"), "one=127.0.0.1 two=192.0.2.2");
	loopback = false;
}

/* Neither family hides the other, and no host the next one. */
static void test_both_families(void **state)
{
	(void)state;
	assert_string_equal(MX("b.test MX 10 one\nb.test MX 20 two\n"
		"one A 192.0.2.1\none A 192.0.2.2\none A 192.0.2.3\n"
		"one A 192.0.2.4\none A 192.0.2.5\none AAAA 2001:db8::1\n"
		"one AAAA 2001:db8::2\ntwo AAAA 2001:db8::3", "b.test"),
		"one=192.0.2.1 one=2001:db8::1 one=192.0.2.2 "
		"one=2001:db8::2 one=192.0.2.3 one=192.0.2.4 "
		"two=2001:db8::3");
}

static void test_literals(void **state)
{
	(void)state;
	assert_string_equal(MX("", "[192.0.2.7]"), "192.0.2.7=192.0.2.7");
	assert_string_equal(MX("", "[IPv6:2001:db8::7]"),
			"2001:db8::7=2001:db8::7");
	assert_string_equal(MX("", "2001:db8::7"), "2001:db8::7=2001:db8::7");
	assert_string_equal(MX("", "[192.0.2.777]"), "550 5.1.2");
}

/* A smarthost: its addresses, whatever MX there is. */
static void test_host_only(void **state)
{
	const char *zone = "relay MX 10 other\nrelay A 192.0.2.1\n"
		"other A 192.0.2.2";

	(void)state;
	assert_string_equal(find(zone, "relay", false, ""), "relay=192.0.2.1");
	assert_string_equal(find(zone, "gone", false, ""), "550 5.1.2");
}

/* More than anybody needs: 8 hosts and 16 addresses are looked at. */
static void test_limits(void **state)
{
	char zone[2000] = "";
	const char *p;
	size_t at = 0;
	int targets = 1;

	(void)state;
	for (int i = 0; i < 12; i++)
		at += (size_t)snprintf(zone + at, sizeof(zone) - at,
			"b.test MX %d h%02d\nh%02d A 192.0.2.%d\n"
			"h%02d A 192.0.3.%d\nh%02d A 192.0.4.%d\n",
			i, i, i, i, i, i, i, i);
	for (p = MX(zone, "b.test"); *p; p++)
		targets += *p == ' ';
	assert_int_equal(targets, MX_TARGETS);
	assert_null(strstr(found, "h08"));
}

static void test_cancel(void **state)
{
	struct err err;
	struct loop *l = loop_new(&err);
	struct dns d = { "b.test A 192.0.2.1", l };
	struct mx_question q = { "b.test", 2525, true, "", false };

	(void)state;
	calls = 0;
	mx_cancel(mx_find(l, &d, &q, got, NULL));
	mx_cancel(NULL);
	for (int i = 0; i < 5; i++)
		loop_turn(l, 1);
	assert_int_equal(calls, 0);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_best_first),
		cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_negative_answers_differ),
		cmocka_unit_test(test_trouble_with_one),
		cmocka_unit_test(test_we_are_one),
		cmocka_unit_test(test_our_address),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_host_only),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
