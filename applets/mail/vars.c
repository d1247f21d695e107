#include "mail/vars.h"

#include <stdlib.h>
#include <string.h>

static const struct row {
	const char *name;
	bool flag;		/* set or not; no value */
	bool env;		/* POSIX: taken from the environment, too */
	const char *preset;	/* NULL: not set */
} rows[MAIL_VAR_COUNT] = {
	[MAIL_VAR_DEAD] = { "DEAD", false, true, "~/dead.letter" },
	[MAIL_VAR_EDITOR] = { "EDITOR", false, true, "vi" },
	[MAIL_VAR_MBOX] = { "MBOX", false, true, "~/mbox" },
	[MAIL_VAR_SHELL] = { "SHELL", false, true, "/bin/sh" },
	[MAIL_VAR_VISUAL] = { "VISUAL", false, true, "vi" },
	[MAIL_VAR_ASKBCC] = { "askbcc", true, false, NULL },
	[MAIL_VAR_ASKCC] = { "askcc", true, false, NULL },
	[MAIL_VAR_ASKSUB] = { "asksub", true, false, "" },
	[MAIL_VAR_AUTOPRINT] = { "autoprint", true, false, NULL },
	[MAIL_VAR_DOT] = { "dot", true, false, "" },
	[MAIL_VAR_ESCAPE] = { "escape", false, false, "~" },
	[MAIL_VAR_FLIPR] = { "flipr", true, false, NULL },
	[MAIL_VAR_FOLDER] = { "folder", false, false, "mail" },
	[MAIL_VAR_HEADER] = { "header", true, false, "" },
	[MAIL_VAR_HOLD] = { "hold", true, false, NULL },
	[MAIL_VAR_INDENTPREFIX] = { "indentprefix", false, false, "\t" },
	[MAIL_VAR_KEEPSAVE] = { "keepsave", true, false, NULL },
	[MAIL_VAR_METOO] = { "metoo", true, false, NULL },
	[MAIL_VAR_PROMPT] = { "prompt", false, false, "? " },
	[MAIL_VAR_QUIET] = { "quiet", true, false, NULL },
	[MAIL_VAR_SAVE] = { "save", true, false, "" },
	[MAIL_VAR_SCREEN] = { "screen", false, false, NULL },
	[MAIL_VAR_TOPLINES] = { "toplines", false, false, "5" },
};

static int store(struct mail_vars *v, enum mail_var which, struct span text)
{
	char *copy = malloc(text.n + 1);

	if (!copy)
		return -1;
	if (text.n)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	free(v->value[which]);
	v->value[which] = copy;
	return 0;
}

int mail_vars_init(struct mail_vars *v)
{
	*v = (struct mail_vars){ { NULL } };
	for (int i = 0; i < MAIL_VAR_COUNT; i++) {
		const char *env = rows[i].env ? getenv(rows[i].name) : NULL;
		const char *text = env && *env ? env : rows[i].preset;

		if (text && store(v, (enum mail_var)i, span_of(text)) < 0)
			return -1;
	}
	return 0;
}

void mail_vars_free(struct mail_vars *v)
{
	for (int i = 0; i < MAIL_VAR_COUNT; i++) {
		free(v->value[i]);
		v->value[i] = NULL;
	}
}

const char *mail_var(const struct mail_vars *v, enum mail_var which)
{
	return v->value[which];
}

bool mail_var_on(const struct mail_vars *v, enum mail_var which)
{
	return v->value[which] != NULL;
}

unsigned mail_var_number(const struct mail_vars *v, enum mail_var which)
{
	unsigned long n = 0;

	if (!span_number(span_of(v->value[which]), 10000, &n))
		return 0;
	return (unsigned)n;
}

const char *mail_var_name(enum mail_var which)
{
	return rows[which].name;
}

/* Names of other implementations for the same thing. */
static const struct { const char *name, *real; } aliases[] = {
	{ "ask", "asksub" }, { "indent", "indentprefix" }
};

static int find(struct span name, enum mail_var *which)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (span_eq(name, span_of(aliases[i].name)))
			name = span_of(aliases[i].real);
	for (int i = 0; i < MAIL_VAR_COUNT; i++)
		if (span_eq(name, span_of(rows[i].name))) {
			*which = (enum mail_var)i;
			return 0;
		}
	return -1;
}

static int unknown(struct span name, struct err *err)
{
	return err_set(err, ERR_PERM, "%.*s: unknown variable",
			name.n < 60 ? (int)name.n : 60, name.p);
}

int mail_var_unset(struct mail_vars *v, struct span name, struct err *err)
{
	enum mail_var which;

	if (find(name, &which) < 0)
		return unknown(name, err);
	free(v->value[which]);
	v->value[which] = NULL;
	return 0;
}

int mail_var_set(struct mail_vars *v, struct span word, struct err *err)
{
	struct span value = word, name = span_cut(&value, '=');
	bool given = name.n < word.n;
	enum mail_var which;

	if (!given && span_starts(name, "no") &&
	    find(span_sub(name, 2, name.n), &which) == 0)
		return mail_var_unset(v, span_sub(name, 2, name.n), err);
	if (find(name, &which) < 0)
		return unknown(name, err);
	if (!given && !rows[which].flag)
		return err_set(err, ERR_PERM, "%s: needs a value",
				rows[which].name);
	if (given && rows[which].flag)
		return err_set(err, ERR_PERM, "%s: takes no value",
				rows[which].name);
	if (value.n > 1 && (value.p[0] == '"' || value.p[0] == '\'') &&
	    value.p[value.n - 1] == value.p[0])
		value = span_sub(value, 1, value.n - 2);
	if (store(v, which, value) < 0)
		return err_set(err, ERR_NOMEM, "out of memory");
	return 0;
}
