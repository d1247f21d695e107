/* Who gets all of an alias's mail, and so may send under it. */
#include "store/aliases_private.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "mime/addr.h"
#include "store/alias_map.h"

bool aliases_alone(const struct alias_list *values)
{
	struct alias_list l = *values;
	struct alias_value v;
	const char *why;
	int n = 0, rc;

	while (n < 2 && (rc = alias_value_next(&l, &v, &why)) != 0)
		n += rc > 0 ? v.kind == ALIAS_INCLUDE ? 2 : 1 : 0;
	return n == 1;
}

/*
 * Through aliases of users.db to what one leads to in the end: 1 with an
 * address in out; 0: to several, to elsewhere, or in a circle; -1.
 */
static int owner_mapped(struct aliases *a, char out[ALIAS_VALUE_SIZE],
		struct err *err)
{
	char key[ALIASES_KEY_SIZE], before[ALIASES_KEY_SIZE] = "";
	struct str values;
	int rc = 1, i;

	str_init(&values, ALIAS_MAP_LINE_MOST);
	for (i = 0; i < ALIASES_DEPTH_MOST; i++) {
		struct addr to = addr_split(span_of(out));

		str_clear(&values);
		rc = aliases_mapped(a, to.local, to.domain, key, &values, err);
		if (rc <= 0 || strcmp(key, before) == 0)
			break;
		memcpy(before, key, sizeof(key));
		rc = !span_has(str_span(&values), ',') && str_copy(out,
				ALIAS_VALUE_SIZE, str_span(&values)) == 0 &&
			conf_is_local(a->conf, addr_split(span_of(out)).domain);
		if (!rc)
			i = ALIASES_DEPTH_MOST;
	}
	str_free(&values);
	return rc < 0 ? -1 : i < ALIASES_DEPTH_MOST;
}

/* The same in the file; out is kept where the name is none there. */
static void owner_listed(const struct aliases *a, struct span local,
		char out[ALIAS_VALUE_SIZE])
{
	const struct aliases_entry *e = aliases_find(a, local), *before = NULL;
	struct alias_value v = { .kind = ALIAS_ADDRESS };
	const char *why;

	for (int i = 0; i < ALIASES_DEPTH_MOST && e && e != before; i++) {
		struct alias_list l = e->values;
		struct span text;

		out[0] = '\0';
		if (!aliases_alone(&l))
			return;
		while (alias_value_next(&l, &v, &why) < 0)
			;
		text = span_of(v.text);
		local = span_before(text, '@');
		if ((v.kind != ALIAS_ADDRESS && v.kind != ALIAS_EXACT) ||
				(local.n < text.n && !conf_is_local(a->conf,
					span_rest(text, local.n + 1))))
			return;
		before = e;
		e = v.kind == ALIAS_EXACT ? NULL : aliases_find(a, local);
	}
	/* a way in a circle ends at nobody */
	if (before && (!e || e == before))
		memcpy(out, v.text, sizeof(v.text));
}

int aliases_owner(struct aliases *a, struct span local, struct span domain,
		char out[ALIAS_VALUE_SIZE], struct err *err)
{
	char mapped[ALIAS_VALUE_SIZE], asked[ALIAS_VALUE_SIZE];
	int rc = 1;

	out[0] = '\0';
	if (CFG_USERS_FULL && domain.n) {
		snprintf(asked, sizeof(asked), "%.*s@%.*s", SPAN_ARG(local),
				SPAN_ARG(domain));
		memcpy(mapped, asked, sizeof(mapped));
		rc = owner_mapped(a, mapped, err);
		if (rc > 0 && strcmp(mapped, asked) != 0)
			memcpy(out, mapped, sizeof(mapped));
		local = span_before(span_of(mapped), '@');
	}
	if (rc <= 0)
		return rc;
	if (aliases_refresh(a, err) < 0)
		return -1;
	owner_listed(a, local, out);
	return 0;
}
