/* Receive Mode: a mailbox is listed, asked about or opened for commands. */
#include "mail/options.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"
#include "mail/box.h"
#include "mail/command.h"
#include "mail/drafts.h"
#include "mail/order.h"
#include "mail/show.h"
#include "mail/var.h"
#include "os/priv.h"

#define NO_MAIL 1		/* exit status, as POSIX has it for -e */

static int choose_box(struct mail *m, const struct mail_options *o,
		const char *file, char path[PATH_MAX])
{
	struct stat st;

	if (o->user && mail_path_user(m, o->user, path) < 0)
		return -1;
	m->other = o->user;
	if (!o->file)
		return mail_path_own(m, path);
	if (mail_path_given(m, file ? span_of(file) : SPAN("&"), path) < 0)
		return -1;
	return stat(path, &st) < 0 ? err_set(&m->err, ERR_PERM, "%s: %s", path,
			strerror(errno)) : 0;
}

static void tell_no_mail(struct mail *m, const struct mail_options *o)
{
	mail_term_error(&m->term, o->file ? T("No mail in %s") :
			m->term.tty_in ?
			T("No mail for %s. To write: mail ADDRESS") :
			T("No mail for %s"), o->file ? m->path : m->login);
}

/* -L: those of a message list; with -e only whether there are some. */
static int list_some(struct mail *m, const struct mail_options *o)
{
	if (mail_list(m, span_of(o->list), MAIL_SHOWN) < 0) {
		if (!o->exists)
			mail_failed(m);
		return NO_MAIL;
	}
	for (unsigned i = mail_order_next(m, 0); i && !o->exists;
			i = mail_order_next(m, i))
		if (m->set[i])
			mail_show_summary(m, i);
	return 0;
}

static int read_open(struct mail *m, const struct mail_options *o)
{
	if (!m->count) {
		if (!o->exists)
			tell_no_mail(m, o);
		return NO_MAIL;
	}
	if (o->list)
		return list_some(m, o);
	if (o->exists)
		return 0;
	for (unsigned i = mail_order_next(m, 0); i && o->headers;
			i = mail_order_next(m, i))
		mail_show_summary(m, i);
	if (o->headers)
		return 0;
	if (m->term.tty_in && !mail_var(m, "quiet"))
		mail_term_printf(&m->term,
				T("Pillarbox mail. Type ? for help.\n"));
	if (CFG_MAIL_DRAFTS)
		mail_drafts_tell(m);
	if (!o->no_headers && mail_var(m, "header")) {
		mail_box_tell(m);
		mail_show_screen(m, m->dot);
	}
	mail_command_loop(m);
	return m->status;
}

/* Only one's own mail moves to one's own ~/mbox. */
static bool is_own(const struct mail_options *o)
{
	struct priv_user own;

	return !o->file && (!o->user ||
			(priv_find_uid(getuid(), &own, NULL) == 0 &&
			 !strcmp(o->user, own.name)));
}

int mail_read_mode(struct mail *m, const struct mail_options *o,
		const char *file)
{
	unsigned how = (o->exists && !o->list ? MAIL_BOX_CHECK : 0) |
			(is_own(o) ? MAIL_BOX_SYSTEM : 0) |
			(o->headers || o->no_headers ? 0 : MAIL_BOX_PREVIEW);
	char path[PATH_MAX];
	int status;

	if (choose_box(m, o, file, path) < 0 ||
	    mail_box_open(m, path, how) < 0) {
		mail_failed(m);
		return m->err.kind == ERR_PERM ? NO_MAIL :
				err_exit(m->err.kind);
	}
	status = read_open(m, o);
	mail_box_close(m);
	return status;
}
