/* The commands that leave mail for a moment: cd, !, shell, echo, folders. */
#include "mail/command.h"

#include <unistd.h>
#include "mail/args.h"
#include "mail/child.h"
#include "mail/var.h"

int mail_do_cd(struct mail *m)
{
	struct span rest = m->arg, name = mail_arg(&rest);
	char path[PATH_MAX];

	if (rest.n)
		return mail_tell(m, T("cd takes one name"));
	str_copys(path, sizeof(path), m->home);
	if (name.n && mail_path(m, name, path) < 0)
		return mail_failed(m);
	if (chdir(path) < 0) {
		mail_errno(m, path);
		return mail_failed(m);
	}
	return 0;
}

int mail_do_echo(struct mail *m)
{
	struct span rest = m->arg, arg;
	struct str line;

	str_init(&line, MAIL_LINE_MOST);
	while ((arg = mail_arg(&rest)).n) {
		mail_unquote(&line, arg);
		str_adds(&line, span_trim(rest).n ? " " : "");
	}
	str_addc(&line, '\n');
	mail_term_text(&m->term, str_span(&line));
	str_free(&line);
	return 0;
}

/* ---- programs */

void mail_bang(struct mail *m, struct span command, struct str *out)
{
	const char *last = mail_var_listed(m, MAIL_VAR_LAST, SPAN("!"));
	bool bang = mail_var(m, "bang");

	for (size_t i = 0; i < command.n; i++) {
		bool escaped = command.p[i] == '\\' && i + 1 < command.n &&
				command.p[i + 1] == '!';

		if (bang && command.p[i] == '!')
			str_adds(out, last ? last : "");
		else
			str_addc(out, command.p[i += bang && escaped]);
	}
	mail_var_list(m, MAIL_VAR_LAST, SPAN("!"), str_span(out));
}

int mail_do_command(struct mail *m)
{
	struct str command;
	int rc;

	if (!m->arg.n)
		return mail_do_shell(m);
	str_init(&command, MAIL_LINE_MOST);
	mail_bang(m, m->arg, &command);
	rc = mail_child(m, str_c(&command), -1, -1);
	str_free(&command);
	mail_term_printf(&m->term, "!\n");
	return rc < 0 ? mail_failed(m) : 0;
}

int mail_do_shell(struct mail *m)
{
	return mail_child(m, NULL, -1, -1) < 0 ? mail_failed(m) : 0;
}

/* With $LISTER, for which the shell splits words. */
int mail_do_folders(struct mail *m)
{
	const char *lister = mail_var(m, "LISTER"), *dir = mail_var(m, "folder");
	char path[PATH_MAX];
	struct str command;
	int rc;

	if (!dir || !*dir)
		return mail_tell(m, T("The variable folder is not set"));
	if (mail_path(m, m->arg.n ? m->arg : SPAN("+."), path) < 0)
		return mail_failed(m);
	if (!m->arg.n && access(path, F_OK) < 0) {
		mail_term_printf(&m->term, T("There are no folders yet: "
				"\"save +NAME\" makes one\n"));
		return 0;
	}
	str_init(&command, MAIL_LINE_MOST);
	str_addf(&command, "%s ", lister && *lister ? lister : "ls");
	mail_child_word(&command, span_of(path));
	rc = mail_child(m, str_c(&command), -1, -1);
	str_free(&command);
	return rc < 0 ? mail_failed(m) : 0;
}
