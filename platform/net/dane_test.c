#include "net/dane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MOST 8

static struct dns_record records[MOST];
static struct dns_answer answer;
static char texts[MOST][128];

static void start(void)
{
	answer = (struct dns_answer){ .records = records };
}

/* n octets of data that all are `fill` */
static void add(int usage, int selector, int matching, size_t n, int fill)
{
	char *text = texts[answer.count];

	text[0] = (char)usage;
	text[1] = (char)selector;
	text[2] = (char)matching;
	memset(text + 3, fill, n);
	records[answer.count++] = (struct dns_record){ .type = DNS_TLSA,
		.text = text, .text_len = 3 + n };
}

/* "3 1 1 fill" of all that is of use. */
static void expect(const char *want)
{
	struct tls_pins *s = dane_pins(&answer);
	char got[256] = "";

	for (unsigned i = 0; s && i < s->expect.npins; i++) {
		const struct tls_pin *p = &s->expect.pins[i];
		size_t n = strlen(got);

		snprintf(got + n, sizeof(got) - n, "%s%d %d %d %c",
				i ? ", " : "", p->usage, p->selector,
				p->matching, p->data.p[0]);
	}
	assert_string_equal(got, want);
	tls_pins_drop(s);
}

static void of_use(void **state)
{
	(void)state;
	start();
	expect("");
	add(3, 1, 1, 32, 'a');
	add(2, 0, 2, 64, 'b');
	add(3, 0, 0, 100, 'c');
	expect("3 1 1 a, 2 0 2 b, 3 0 0 c");
}

static void of_no_use(void **state)
{
	(void)state;
	start();
	add(0, 0, 1, 32, 'a');		/* RFC 7672 3.1.3 */
	add(1, 1, 1, 32, 'a');
	add(4, 1, 1, 32, 'a');
	add(255, 1, 1, 32, 'a');
	add(3, 2, 1, 32, 'a');
	add(3, 1, 3, 32, 'a');
	add(3, 1, 1, 31, 'a');
	add(3, 1, 2, 32, 'a');
	expect("");
	start();
	add(3, 1, 0, 0, 'a');
	records[0].text_len = 2;
	expect("");
	start();
	add(3, 1, 1, 33, 'a');
	add(3, 1, 1, 32, 'b');
	expect("3 1 1 b");
}

/* RFC 7671 9 */
static void strongest(void **state)
{
	(void)state;
	start();
	add(3, 1, 1, 32, 'a');
	add(3, 1, 2, 64, 'b');
	add(3, 0, 1, 32, 'c');
	add(2, 1, 1, 32, 'd');
	add(3, 1, 0, 40, 'e');
	expect("3 1 2 b, 3 0 1 c, 2 1 1 d, 3 1 0 e");
	start();
	add(3, 1, 1, 32, 'a');
	add(3, 1, 2, 63, 'b');		/* of no use: no reason to drop a */
	expect("3 1 1 a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_use),
		cmocka_unit_test(of_no_use),
		cmocka_unit_test(strongest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
