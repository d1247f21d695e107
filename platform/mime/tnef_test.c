#include "mime/tnef.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"

static bool add(void *arg, struct span name)
{
	str_add(arg, name);
	str_addc(arg, '\n');
	return true;
}

static void put_number(struct str *out, uint32_t n, int octets)
{
	for (; octets; octets--, n >>= 8)
		str_addc(out, (char)(n & 0xFF));
}

static void attribute(struct str *out, uint32_t id, struct span value)
{
	str_addc(out, 2);
	put_number(out, id, 4);
	put_number(out, (uint32_t)value.n, 4);
	str_add(out, value);
	put_number(out, 0, 2);
}

static void begin(struct str *file)
{
	str_init(file, 10000);
	put_number(file, 0x223E9F78, 4);
	put_number(file, 1, 2);
}

static void gives(struct str *file, const char *want)
{
	struct str out;
	struct tnef t;

	str_init(&out, 10000);
	for (size_t piece = 1; piece < 2000; piece += 500) {
		struct span rest = str_span(file);

		str_clear(&out);
		tnef_init(&t, add, &out);
		for (; rest.n; rest = span_rest(rest, piece))
			tnef_put(&t, span_sub(rest, 0, piece));
		assert_string_equal(str_c(&out), want);
	}
	str_free(&out);
	str_free(file);
}

static void names(void **state)
{
	struct str file;

	(void)state;
	begin(&file);
	attribute(&file, 0x00089006, SPAN("\0\0\1\0"));
	attribute(&file, 0x00018010, SPAN("Preis \x80.doc\0"));
	attribute(&file, 0x0006800F, SPAN("contents, no name"));
	attribute(&file, 0x00069007, SPAN("\xe3\4\0\0\0\0\0\0"));
	attribute(&file, 0x00018010, SPAN("\xcf.txt\0x"));
	gives(&file, "Preis €.doc\nП.txt\n");
}

static void broken(void **state)
{
	struct str file;

	(void)state;
	begin(&file);
	gives(&file, "");
	str_init(&file, 100);
	str_adds(&file, "no TNEF at all, whatever its name says");
	gives(&file, "");
	begin(&file);
	attribute(&file, 0x00018010, SPAN(""));
	attribute(&file, 0x00018010, SPAN("a\0"));
	str_addc(&file, 2);
	put_number(&file, 0x00018010, 4);
	put_number(&file, 0xFFFFFFFF, 4);
	str_adds(&file, "never ends");
	gives(&file, "a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
