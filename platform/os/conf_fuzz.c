/*
 * A configuration that was read prints, directive by directive, as one that
 * reads and prints the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "os/conf_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* All of c as a file. Single values are raw, and may have blanks. */
static void print(const struct conf *c, struct str *out)
{
	for (const struct conf_row *row = conf_rows(); row->name; row++) {
		bool quotes = conf_type(row->kind)->max == 1;
		struct span rest;
		struct str value;

		if (row->kind == CONF_KIND_GROUP)
			continue;
		str_init(&value, 1 << 20);
		if (conf_get(c, row->name, &value) < 0)
			abort();
		for (rest = str_span(&value); rest.n; ) {
			struct span line = span_cut(&rest, '\n');

			str_addf(out, quotes ? "%s \"%.*s\"\n" : "%s %.*s\n",
					row->name, SPAN_ARG(line));
		}
		str_free(&value);
	}
}

static bool listens(const struct conf *c, enum conf_service service)
{
	for (const struct conf_listen *l = c->listen; l; l = l->next)
		if (l->service == service && !l->device)
			return true;
	return false;
}

/* What conf_get cannot say: services that are off. */
static void print_off(const struct conf *c, struct str *out)
{
	/* lmtp is off by itself */
	static const char *const names[CONF_LMTP] = {
		"smtp", "submission", "smtps", "pop3", "pop3s"
	};

	for (int i = 0; i < CONF_LMTP; i++)
		if (!listens(c, (enum conf_service)i))
			str_addf(out, "listen %s none\n", names[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	struct conf *c, *again;
	struct str one, two;

	c = conf_parse("fuzz", span_make((const char *)data, n), &err);
	if (!c) {
		if (!err.kind || strncmp(err.text, "fuzz:", 5))
			abort();
		return 0;
	}
	str_init(&one, 1 << 22);
	str_init(&two, 1 << 22);
	print(c, &one);
	print_off(c, &one);
	again = conf_parse("again", str_span(&one), &err);
	if (!again)
		abort();
	print(again, &two);
	print_off(again, &two);
	if (one.bad || !span_eq(str_span(&one), str_span(&two)))
		abort();
	conf_is_local(c, span_make((const char *)data, n));
	conf_free(c);
	conf_free(again);
	str_free(&one);
	str_free(&two);
	return 0;
}
