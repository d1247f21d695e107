/* account - sets of commands under a name, as s-nail has them */
#include "mail/rc.h"

#include "mail/args.h"
#include "mail/command.h"
#include "mail/var.h"

/* "account NAME {": what follows up to a line with "}". */
static int define(struct mail *m, struct span name)
{
	struct str text, line;
	bool open = true, got;
	int rc;

	str_init(&text, MAIL_LINE_MOST);
	str_init(&line, MAIL_LINE_MOST);
	do {
		got = m->input ? mail_rc_line(m, &line) :
				mail_term_line(&m->term, "} ", &line) ==
				MAIL_LINE;
		open = !span_is(span_trim(str_span(&line)), "}");
		if (got && open)
			str_addf(&text, "%s\n", str_c(&line));
	} while (got && open);
	if (text.bad || !got)
		rc = mail_wrong(m, T("account: there is no } at its end"));
	else
		rc = mail_var_list(m, MAIL_VAR_ACCOUNT, name,
				text.n ? str_span(&text) : SPAN("\n"));
	str_free(&text);
	str_free(&line);
	return rc < 0 ? mail_failed(m) : 0;
}

int mail_account(struct mail *m, struct span name)
{
	const char *text = mail_var_listed(m, MAIL_VAR_ACCOUNT, name);
	struct span rest;
	struct str copy;
	int rc = 0;

	if (!text) {
		err_set(&m->err, ERR_PERM, T("%.*s: no such account"),
				SPAN_ARG(span_sub(name, 0, 80)));
		return mail_failed(m);
	}
	if (!mail_rc_enter(m))
		return mail_tell(m, T("Too many commands inside each other"));
	/* its commands may define it anew */
	str_init(&copy, MAIL_LINE_MOST);
	str_adds(&copy, text);
	for (rest = str_span(&copy); rest.n && !m->too_deep; ) {
		struct span line = span_trim(span_cut(&rest, '\n'));

		if (line.n && mail_command_run(m, line) < 0)
			rc = -1;
	}
	mail_rc_leave(m);
	str_free(&copy);
	return rc < 0 ? -1 : mail_var_set(m, SPAN("account"), name);
}

int mail_do_account(struct mail *m)
{
	struct span rest = m->arg, name = mail_arg(&rest);

	if (!name.n) {
		mail_var_print(m, MAIL_VAR_ACCOUNT);
		return 0;
	}
	rest = span_trim(rest);
	if (span_is(rest, "{"))
		return define(m, name);
	if (rest.n)
		return mail_tell(m, T("account NAME, or account NAME {"));
	return mail_account(m, name);
}
