/* The commands set and unset. */
#include "mail/command.h"

#include <string.h>
#include "mail/args.h"
#include "mail/var.h"

static int list(struct mail *m)
{
	mail_term_page_begin(&m->term);
	for (const struct mail_var *v = m->vars; v; v = v->next)
		if (v->name[0] != MAIL_VAR_PRIVATE)
			mail_term_printf(&m->term, *v->value ? "%s=\"%s\"\n" :
					"%s\n", v->name, v->value);
	mail_term_page_end(&m->term);
	return 0;
}

/*
 * Other mailx go to servers themselves, and sign. Whoever asks for that has to
 * know that it is not done; that mail goes another way is no error.
 */
static int check(struct mail *m, struct span name, struct span value)
{
	bool server = span_starts(name, "smtp") ||
			((span_is(name, "mta") || span_is(name, "sendmail")) &&
			 strstr(value.p, "://") &&
			 !span_starts(value, "file://"));

	if (span_starts(name, "smime-"))
		return err_set(&m->err, ERR_PERM,
				T("%.*s: nothing is signed or encrypted here"),
				SPAN_ARG(name));
	if (!server || m->told_of_servers || (m->starting && !m->sending))
		return 0;
	m->told_of_servers = true;
	mail_term_error(&m->term, T("mail: variable %.*s is not used: which "
			"server gets mail, and how, is said by smarthost in "
			"pillarbox.conf"), SPAN_ARG(name));
	return 0;
}

int mail_set(struct mail *m, struct span arg)
{
	struct span value = arg, name = span_cut(&value, '=');
	bool has_value = name.n < arg.n;
	struct str text;
	int rc;

	str_init(&text, MAIL_LINE_MOST);
	mail_unquote(&text, value);
	value = span_of(str_c(&text));
	if (!has_value && name.n > 2 && name.p[0] == 'n' && name.p[1] == 'o') {
		name = span_rest(name, 2);
		value.p = NULL;
	}
	rc = value.p ? check(m, name, value) : 0;
	if (rc == 0)
		rc = mail_var_is_name(name) ? mail_var_set(m, name, value) :
			err_set(&m->err, ERR_PERM, T("%.*s: no such variable"),
					SPAN_ARG(name));
	str_free(&text);
	return rc;
}

int mail_do_set(struct mail *m)
{
	struct span rest = m->arg, arg;
	int rc = 0;

	if (!rest.n)
		return list(m);
	while ((arg = mail_arg(&rest)).n)
		if (mail_set(m, arg) < 0)
			rc = mail_failed(m);
	return rc;
}

int mail_do_unset(struct mail *m)
{
	struct span rest = m->arg, name;

	while ((name = mail_arg(&rest)).n)
		mail_var_set(m, name, span_make(NULL, 0));
	return 0;
}
