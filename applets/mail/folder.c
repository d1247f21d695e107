/* Another mailbox: the commands folder, file and newmail. */
#include "mail/command.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "mail/box.h"
#include "mail/show.h"
#include "mail/var.h"

/* There it must be: "folder" makes none. But no mail yet is no error. */
static bool can_open(struct mail *m, const char *path, bool own)
{
	struct stat st;

	if (stat(path, &st) == 0 || (own && errno == ENOENT))
		return true;
	err_set(&m->err, ERR_PERM, "%s: %s", path, strerror(errno));
	return false;
}

static int open_other(struct mail *m, const char *path)
{
	unsigned how = MAIL_BOX_PREVIEW;
	char last[PATH_MAX] = "";

	if (mail_path_is_own(m, path))
		how |= MAIL_BOX_SYSTEM;
	if (!can_open(m, path, how & MAIL_BOX_SYSTEM))
		return mail_failed(m);
	if (m->box) {
		str_copys(last, sizeof(last), m->path);
		if (mail_box_quit(m) < 0)
			return -1;
	}
	if (*last)
		mail_var_list(m, MAIL_VAR_LAST, SPAN("#"), span_of(last));
	if (mail_box_open(m, path, how) < 0) {
		mail_failed(m);
		/* as if nothing had been asked for, if it can be */
		return *last && mail_box_open(m, last,
				mail_path_is_own(m, last) ?
				MAIL_BOX_SYSTEM : 0) < 0 ? mail_failed(m) : -1;
	}
	mail_box_tell(m);
	if (m->count && mail_var(m, "header"))
		mail_show_screen(m, m->dot);
	return 0;
}

int mail_do_folder(struct mail *m)
{
	char path[PATH_MAX];

	if (m->arg.n)
		return mail_path(m, m->arg, path) < 0 ? mail_failed(m) :
				open_other(m, path);
	if (!m->box)
		return mail_tell(m, T("No mailbox is open"));
	mail_box_tell(m);
	return 0;
}

int mail_do_newmail(struct mail *m)
{
	if (!mail_box_announce(m))
		mail_term_printf(&m->term, T("No new mail\n"));
	return 0;
}
