/* The commands shortcut and unshortcut: short names for mailboxes (s-nail). */
#include "mail/command.h"

#include "mail/args.h"
#include "mail/var.h"

static int list(struct mail *m)
{
	const struct mail_var *v = NULL;

	while ((v = mail_var_next(m, MAIL_VAR_SHORTCUT, v)))
		mail_term_printf(&m->term, "shortcut %s %s\n",
				mail_var_name(v), v->value);
	return 0;
}

int mail_do_shortcut(struct mail *m)
{
	struct span rest = m->arg, name, file;
	int rc = 0;

	if (!rest.n)
		return list(m);
	while (rc == 0 && (name = mail_arg(&rest)).n) {
		struct str text;

		file = mail_arg(&rest);
		if (!file.n)
			return mail_tell(m, T("shortcut NAME FILE"));
		str_init(&text, MAIL_LINE_MOST);
		mail_unquote(&text, file);
		rc = mail_var_list(m, MAIL_VAR_SHORTCUT, name,
				str_span(&text));
		str_free(&text);
	}
	return rc < 0 ? mail_failed(m) : 0;
}

int mail_do_unshortcut(struct mail *m)
{
	struct span rest = m->arg, name;

	while ((name = mail_arg(&rest)).n)
		mail_var_list(m, MAIL_VAR_SHORTCUT, name, span_make(NULL, 0));
	return 0;
}
