/* Any bytes as a file of aliases: names and values are what they claim to be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/addr.h"
#include "mime/alias.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const struct alias_value *v)
{
	struct span s = span_of(v->text);
	struct str whole;
	struct addr a;

	if (!s.n || span_has_control(s))
		abort();
	if (v->kind == ALIAS_FILE || v->kind == ALIAS_INCLUDE) {
		if (s.p[0] != '/')
			abort();
		return;
	}
	if (v->kind == ALIAS_COMMAND)
		return;
	str_init(&whole, 2048);
	str_add(&whole, s);
	if (!addr_parse(str_span(&whole), &a, true)) {
		str_adds(&whole, "@x");
		if (!addr_parse(str_span(&whole), &a, true))
			abort();
	}
	str_free(&whole);
}

static void check_list(struct alias_list l)
{
	size_t left = l.rest.n + 1;
	struct alias_value v;
	const char *why;
	int rc;

	while ((rc = alias_value_next(&l, &v, &why)) != 0) {
		if (l.rest.n >= left)
			abort();	/* it does not go on */
		left = l.rest.n;
		if (rc > 0)
			check_value(&v);
		else if (!why)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	unsigned line = 1, n;
	char again[ALIAS_NAME_SIZE];
	struct alias_entry e;
	const char *why;
	int rc;

	check_list((struct alias_list){ rest, true, true, 1, 1 });
	if (alias_get_target(rest, again, &n) && alias_get_own(rest, again, &n))
		abort();
	while ((rc = alias_entry_next(&rest, &line, &e, &why)) != 0) {
		if (rc < 0)
			continue;
		if (!alias_name(again, span_of(e.name)) ||
				strcmp(again, e.name) != 0)
			abort();
		check_list(e.values);
	}
	return 0;
}
