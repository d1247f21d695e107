/* The ~ escapes that give the text to others: files, programs, editors, the screen. */
#include "mail/escape_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include "config.h"
#include "mail/attach.h"
#include "mail/child.h"
#include "mail/command.h"
#include "mail/input.h"
#include "mail/rc.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

static int write_piece(void *arg, struct span piece)
{
	return file_write(*(const int *)arg, piece.p, piece.n);
}

int mail_escape_do_write(struct mail_escape *w)
{
	char path[PATH_MAX];
	int fd, rc;

	if (mail_path(w->m, w->arg, path) < 0)
		return -1;
	fd = mail_input_create(path, O_APPEND, 0666);
	rc = fd < 0 ? -1 : mail_draft_each(w->d, write_piece, &fd);
	if (rc < 0)
		mail_errno(w->m, path);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		mail_term_printf(&w->m->term, T("\"%s\" %" PRIu64
				" octets\n"), path, w->d->size);
	return rc;
}

int mail_escape_output(struct mail_escape *w, struct span command, int in)
{
	int fd = file_temporary(&w->m->err);

	if (fd < 0 || mail_child_run(w->m, command, in, fd) == 0)
		return fd;
	close(fd);
	return -1;
}

int mail_escape_do_filter(struct mail_escape *w)
{
	int fd, rc = 0;

	if (lseek(w->d->fd, w->d->start, SEEK_SET) < 0)
		return mail_errno(w->m, T("temporary file"));
	fd = mail_escape_output(w, w->arg, w->d->fd);
	if (fd < 0)
		return -1;
	if (lseek(fd, 0, SEEK_END) > 0)
		rc = mail_draft_replace(w->d, fd);
	else
		rc = mail_wrong(w->m, T("no output: the text stays as it was"));
	close(fd);
	return rc;
}

int mail_escape_do_shell(struct mail_escape *w)
{
	struct str text;
	int rc;

	str_init(&text, MAIL_LINE_MOST);
	mail_bang(w->m, w->arg, &text);
	rc = mail_child(w->m, str_c(&text), -1, -1);
	str_free(&text);
	if (rc >= 0)
		mail_term_printf(&w->m->term, "!\n");
	return rc < 0 ? -1 : 0;
}

int mail_escape_do_command(struct mail_escape *w)
{
	if (!mail_rc_enter(w->m))
		return mail_wrong(w->m, T("Too many commands inside each other"));
	mail_command_run(w->m, w->arg);
	mail_rc_leave(w->m);
	return 0;
}

/* ---- the editor */

static int fill_file(struct mail_escape *w, int fd, bool header)
{
	struct str head;
	int rc = 0;

	str_init(&head, MAIL_DRAFT_ROOM);
	mail_draft_head(w->d, &head);
	str_addc(&head, '\n');
	if (header)
		rc = file_write(fd, head.p, head.n);
	str_free(&head);
	if (rc == 0)
		rc = mail_draft_each(w->d, write_piece, &fd);
	return rc < 0 ? mail_errno(w->m, T("temporary file")) : 0;
}

/* The editor may have made a new file of that name. */
static int take_file(struct mail_escape *w, const char *path, bool header)
{
	int fd = mail_input_open(path), rc;

	if (fd < 0)
		return mail_errno(w->m, path);
	rc = mail_draft_replace(w->d, fd);
	close(fd);
	if (rc < 0 || !header)
		return rc;
	for (enum mail_field f = MAIL_TO; f <= MAIL_SUBJECT; f++)
		str_clear(&w->d->field[f]);
	return mail_draft_template(w->m, w->d);
}

int mail_escape_do_edit(struct mail_escape *w)
{
	bool header = CFG_MAIL_NAIL && mail_var(w->m, "editheaders");
	char path[PATH_MAX];
	int fd = file_temporary_named(path, &w->m->err), rc;

	if (fd < 0)
		return -1;
	rc = fill_file(w, fd, header);
	close(fd);
	if (rc == 0)
		rc = mail_child_edit(w->m, w->how == 'v' ? "VISUAL" : "EDITOR",
				path);
	if (rc == 0)
		rc = take_file(w, path, header);
	unlinkat(AT_FDCWD, path, 0);
	if (rc == 0)
		mail_term_printf(&w->m->term, "%s\n", T("(continue)"));
	return rc;
}

/* ---- showing */

static int show_piece(void *arg, struct span piece)
{
	mail_term_text(arg, piece);
	return mail_term_stopped(arg) ? -1 : 0;
}

int mail_escape_do_print(struct mail_escape *w)
{
	struct mail_term *t = &w->m->term;

	mail_term_page_begin(t);
	mail_term_printf(t, "-------\n%s\n", T("Message contains:"));
	mail_draft_show(w->m, w->d);
	mail_term_printf(t, "\n");
	mail_draft_each(w->d, show_piece, t);
	if (CFG_MAIL_ATTACH && w->d->attached) {
		mail_term_printf(t, "-------\n%s\n", T("Attachments:"));
		mail_attach_edit(w->m, w->d, SPAN(""));
	}
	mail_term_page_end(t);
	mail_term_printf(t, "%s\n", T("(continue)"));
	return 0;
}
