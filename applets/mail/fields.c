#include "mail/fields.h"

#include "config.h"
#include "mail/args.h"
#include "mail/command.h"
#include "mail/var.h"

/* Lists know fields in small letters. */
static const char *find(const struct mail *m, char list, struct span name)
{
	char lower[MAIL_VAR_NAME_MOST + 1];

	if (str_copy(lower, sizeof(lower), name) < 0)
		return NULL;
	ascii_lower_all(lower);
	return mail_var_listed(m, list, span_of(lower));
}

static bool has(const struct mail *m, char list)
{
	return mail_var_next(m, list, NULL);
}

static bool by_lists(const struct mail *m, char ignore, char retain,
		struct span name)
{
	return has(m, retain) ? find(m, retain, name) != NULL :
			find(m, ignore, name) == NULL;
}

bool mail_field_among(struct span name, const char *names)
{
	struct span rest = span_of(names), word;

	while ((word = span_word(&rest)).n)
		if (span_caseeq(word, name))
			return true;
	return false;
}

bool mail_field_shown(const struct mail *m, struct span name)
{
	if (CFG_MAIL_RC && (has(m, MAIL_VAR_IGNORE) ||
	    has(m, MAIL_VAR_RETAIN)))
		return by_lists(m, MAIL_VAR_IGNORE, MAIL_VAR_RETAIN, name);
	return mail_field_among(name, "Date From To Cc Reply-To Subject");
}

bool mail_field_forwarded(const struct mail *m, struct span name)
{
	if (has(m, MAIL_VAR_FWD_IGNORE) || has(m, MAIL_VAR_FWD_RETAIN))
		return by_lists(m, MAIL_VAR_FWD_IGNORE, MAIL_VAR_FWD_RETAIN,
				name);
	return mail_field_shown(m, name);
}

/* ---- the commands */

static int change(struct mail *m, struct span arg, char list,
		struct span value)
{
	char lower[MAIL_VAR_NAME_MOST + 1];

	if (str_copy(lower, sizeof(lower), arg) < 0)
		return mail_wrong(m, T("Not a header field"));
	ascii_lower_all(lower);
	return mail_var_list(m, list, span_of(lower), value);
}

/* Adds the fields, or lists them all. */
static int add(struct mail *m, char list)
{
	struct span rest = m->arg, arg;
	int rc = 0;

	if (!rest.n)
		mail_var_print(m, list);
	while (rc == 0 && (arg = mail_arg(&rest)).n)
		rc = change(m, arg, list, SPAN(""));
	return rc < 0 ? mail_failed(m) : 0;
}

/* Takes them away, * all. */
static int take(struct mail *m, char list)
{
	struct span rest = m->arg, arg;
	const struct mail_var *v;

	while ((arg = mail_arg(&rest)).n)
		if (!span_is(arg, "*"))
			change(m, arg, list, span_make(NULL, 0));
		else
			while ((v = mail_var_next(m, list, NULL)))
				mail_var_list(m, list,
						span_of(mail_var_name(v)),
						span_make(NULL, 0));
	return 0;
}

int mail_do_ignore(struct mail *m)
{
	return add(m, MAIL_VAR_IGNORE);
}

int mail_do_retain(struct mail *m)
{
	return add(m, MAIL_VAR_RETAIN);
}

int mail_do_unignore(struct mail *m)
{
	return take(m, MAIL_VAR_IGNORE);
}

int mail_do_unretain(struct mail *m)
{
	return take(m, MAIL_VAR_RETAIN);
}

int mail_do_fwdignore(struct mail *m)
{
	return add(m, MAIL_VAR_FWD_IGNORE);
}

int mail_do_fwdretain(struct mail *m)
{
	return add(m, MAIL_VAR_FWD_RETAIN);
}
