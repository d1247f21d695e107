/* Send Mode: the options become a draft. */
#include "mail/options.h"

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>
#include "config.h"
#include "mail/attach.h"
#include "mail/drafts.h"
#include "mail/input.h"
#include "mail/record.h"
#include "mail/send.h"
#include "os/text.h"

static int add_addresses(struct mail *m, struct str *list,
		const char *const *v, int n)
{
	for (int i = 0; i < n; i++) {
		if (span_has_control(span_of(v[i])))
			return -1;
		mail_draft_typed(m, list, span_of(v[i]));
	}
	return 0;
}

static int fill_draft(struct mail *m, struct mail_draft *d,
		const struct mail_options *o, char **addresses, int n)
{
	if (span_has_control(span_of(o->subject)) ||
	    span_has_control(span_of(o->from)) ||
	    span_has_control(span_of(o->type)) ||
	    add_addresses(m, &d->field[MAIL_CC], o->cc.v, o->cc.n) < 0 ||
	    add_addresses(m, &d->field[MAIL_BCC], o->bcc.v, o->bcc.n) < 0 ||
	    add_addresses(m, &d->field[MAIL_TO],
			(const char *const *)addresses, n) < 0)
		return mail_wrong(m, T("an option or "
				"address holds a line break or control "
				"character"));
	str_adds(&d->field[MAIL_SUBJECT], o->subject ? o->subject : "");
	str_adds(&d->field[MAIL_TYPE], o->type ? o->type : "");
	d->from = span_of(o->from);
	d->template = o->template;
	d->skip_empty = o->skip_empty;
	d->asked = o->subject;	/* -s "" is a subject, too */
	return 0;
}

static int start_text(struct mail *m, struct mail_draft *d, const char *name)
{
	int fd = mail_input_open(name), rc;

	if (fd < 0)
		return mail_errno(m, name);
	rc = mail_draft_add_file(d, fd, 0);
	close(fd);
	return rc;
}

/* -a: a file for s-nail, a header field for bsd-mailx: what is there decides. */
static int add_more(struct mail *m, struct mail_draft *d, const char *what)
{
	char path[PATH_MAX];
	const char *name = what;

	/* the shell has taken the quotes off: only what it leaves is ours */
	if (CFG_MAIL_ATTACH && access(what, F_OK) < 0 &&
	    mail_path_given(m, span_of(what), path) == 0)
		name = path;
	if (CFG_MAIL_ATTACH && access(name, F_OK) == 0)
		return mail_attach_add(m, d, span_of(name));
	if (mail_draft_line(m, d, span_of(what)) == 0)
		return 0;
	if (access(name, F_OK) == 0)
		return err_set(&m->err, ERR_PERM, T("%s: this mail attaches no "
				"files (it was built without MAIL_ATTACH)"),
				what);
	return err_set(&m->err, ERR_PERM, CFG_MAIL_ATTACH ?
			T("%s: no such file, and no header field") :
			T("%s: no header field"), what);
}

static int fill_more(struct mail *m, struct mail_draft *d,
		const struct mail_options *o)
{
	int rc = CFG_MAIL_NAIL && o->quoted ?
			start_text(m, d, o->quoted) : 0;

	for (int i = 0; i < o->more.n && rc == 0; i++)
		rc = add_more(m, d, o->more.v[i]);
	for (int i = 0; CFG_MAIL_ACCOUNT && i < o->account.n && rc == 0; i++)
		if (mail_options_file(m, o->account.v[i]))
			rc = mail_attach_add(m, d, span_of(o->account.v[i]));
	for (int i = 0; CFG_MAIL_NAIL && i < o->fields.n && rc == 0; i++)
		if (mail_draft_line(m, d, span_of(o->fields.v[i])) < 0)
			rc = err_set(&m->err, ERR_PERM,
					T("%s: no header field"),
					o->fields.v[i]);
	if (CFG_MAIL_READ && o->record)
		mail_record_name(str_span(&d->field[MAIL_TO]), d->record);
	return rc;
}

/* Whom it goes to: on a terminal one can be asked. */
static bool has_recipients(struct mail *m, struct mail_draft *d)
{
	if (!m->term.tty_in || d->template || d->field[MAIL_CC].n ||
	    d->field[MAIL_BCC].n)
		return true;
	mail_draft_ask(m, d, MAIL_TO);
	return d->field[MAIL_TO].n || mail_wrong(m, T("No recipients given")) == 0;
}

int mail_send_mode(struct mail *m, const struct mail_options *o,
		char **addresses, int n)
{
	struct mail_draft d;
	int status = EX_CANTCREAT;

	if (mail_draft_init(m, &d) < 0) {
		mail_failed(m);
	} else if (fill_draft(m, &d, o, addresses, n) < 0 ||
	    (CFG_MAIL_READ && !n && !has_recipients(m, &d))) {
		mail_failed(m);
		status = EX_USAGE;
	} else if (fill_more(m, &d, o) < 0) {
		mail_failed(m);
		status = EX_NOINPUT;
	} else {
		if (CFG_MAIL_DRAFTS)
			mail_drafts_tell(m);
		status = mail_send(m, &d, m->term.tty_in || o->escapes);
	}
	mail_draft_free(&d);
	return status;
}
