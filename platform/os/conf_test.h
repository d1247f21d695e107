/* conf_test - what the tests of conf share */
#ifndef OS_CONF_TEST_H
#define OS_CONF_TEST_H

#include "os/conf_row.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct err err;

static inline struct conf *parse(const char *text)
{
	struct conf *c = conf_parse("x.conf", span_of(text), &err);

	if (!c)
		fail_msg("%s", err.text);
	return c;
}

static inline void assert_get(const struct conf *c, const char *name,
		const char *want)
{
	struct str s;

	str_init(&s, 1 << 16);
	assert_int_equal(conf_get(c, name, &s), 0);
	assert_string_equal(str_c(&s), want);
	str_free(&s);
}

/* What a directive's value, read from a line, is printed as. */
static inline void assert_value(const char *name, const char *value,
		const char *want)
{
	char line[400];
	struct conf *c;

	snprintf(line, sizeof(line), "%s %s\n", name, value);
	c = parse(line);
	assert_get(c, name, want);
	conf_free(c);
}

static inline void assert_wrong(const char *text, const char *why)
{
	char want[400];

	memset(&err, 0, sizeof(err));
	assert_null(conf_parse("x.conf", span_of(text), &err));
	snprintf(want, sizeof(want), "x.conf%s", why);
	assert_string_equal(err.text, want);
	assert_int_equal(err.kind, ERR_PERM);
}

#endif
