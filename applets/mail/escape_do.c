/* The ~ escapes that change fields, and those that insert text. */
#include "mail/escape_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "mail/attach.h"
#include "mail/box.h"
#include "mail/child.h"
#include "mail/command.h"
#include "mail/drafts.h"
#include "mail/escape.h"
#include "mail/input.h"
#include "mail/quote.h"
#include "mail/rc.h"
#include "mail/send.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

/* ---- fields */

int mail_escape_do_address(struct mail_escape *w)
{
	mail_draft_typed(w->m, &w->d->field[w->how], w->arg);
	return 0;
}

int mail_escape_do_subject(struct mail_escape *w)
{
	str_clear(&w->d->field[MAIL_SUBJECT]);
	str_add(&w->d->field[MAIL_SUBJECT], w->arg);
	return 0;
}

int mail_escape_do_header(struct mail_escape *w)
{
	static const unsigned char fields[] = {
		MAIL_TO, MAIL_SUBJECT, MAIL_CC, MAIL_BCC
	};

	for (size_t i = 0; w->m->term.tty_in && i < sizeof(fields); i++)
		if (!mail_draft_ask(w->m, w->d, fields[i]))
			break;
	return 0;
}

int mail_escape_do_attach(struct mail_escape *w)
{
	mail_attach_edit(w->m, w->d, w->arg);
	return 0;
}

/* ---- text from elsewhere */

static int add_line(struct mail_draft *d, const char *text)
{
	if (!*text)
		return 0;
	return mail_draft_add(d, span_of(text)) < 0 ? -1 :
			mail_draft_add(d, SPAN("\n"));
}

/* POSIX, "Internal Variables": \t and \n in sign and Sign. */
int mail_escape_sign(struct mail_draft *d, const char *value)
{
	struct str text;
	int rc;

	str_init(&text, MAIL_LINE_MOST);
	for (; *value; value++) {
		if (value[0] == '\\' && (value[1] == 'n' || value[1] == 't'))
			str_addc(&text, *++value == 'n' ? '\n' : '\t');
		else
			str_addc(&text, *value);
	}
	rc = add_line(d, str_c(&text));
	str_free(&text);
	return rc;
}

int mail_escape_do_variable(struct mail_escape *w)
{
	const char *value;
	char name[64] = "sign";

	if (w->how)
		name[0] = (char)w->how;
	else if (str_copy(name, sizeof(name), w->arg) < 0)
		return 0;
	value = mail_var(w->m, name);
	if (!value)
		return 0;
	return (!strcmp(name, "sign") || !strcmp(name, "Sign") ?
			mail_escape_sign : add_line)(w->d, value);
}

static int insert_fd(struct mail_escape *w, const char *what, int fd)
{
	uint64_t had = w->d->size;

	if (mail_draft_add_file(w->d, fd, 0) < 0)
		return -1;
	mail_term_printf(&w->m->term, T("\"%s\" %" PRIu64 " octets\n"), what,
			w->d->size - had);
	return 0;
}

static int insert_path(struct mail_escape *w, const char *path)
{
	int fd = mail_input_open(path), rc;

	if (fd < 0)
		return mail_errno(w->m, path);
	rc = insert_fd(w, path, fd);
	close(fd);
	return rc;
}

static int insert_output(struct mail_escape *w, struct span command)
{
	struct str text;
	int fd, rc;

	str_init(&text, MAIL_LINE_MOST);
	mail_bang(w->m, span_trim(command), &text);
	fd = mail_escape_output(w, str_span(&text), -1);
	str_free(&text);
	if (fd < 0)
		return -1;
	rc = insert_fd(w, "!", fd);
	close(fd);
	return rc;
}

int mail_escape_do_read(struct mail_escape *w)
{
	char path[PATH_MAX];

	if (span_starts(w->arg, "!"))
		return insert_output(w, span_rest(w->arg, 1));
	return mail_path(w->m, w->arg, path) < 0 ? -1 : insert_path(w, path);
}

int mail_escape_do_quote(struct mail_escape *w)
{
	mail_quote_list(w->m, w->d, w->arg, w->how);
	return 0;
}

/* ---- ~d */

/* The last letter of dead.letter: its text, and what fields we have not. */
static int add_letter(struct mail_escape *w, struct mailbox *box)
{
	unsigned n = mailbox_count(box);
	int fd = file_temporary(&w->m->err), rc;
	struct str head;

	if (fd < 0)
		return -1;
	str_init(&head, MAIL_HEADER_MOST);
	rc = mail_box_header(box, n, &head, &w->m->err);
	if (rc == 0)
		rc = mail_box_write(box, n, fd, &w->m->err);
	if (rc == 0)
		rc = mail_draft_add_file(w->d, fd, (int64_t)
				mail_box_header_end(str_span(&head), 0));
	if (rc == 0)
		mail_draft_fill(w->m, w->d, str_span(&head));
	str_free(&head);
	close(fd);
	return rc;
}

int mail_escape_do_dead(struct mail_escape *w)
{
	int rc = CFG_MAIL_DRAFTS ? mail_drafts_take(w->m, w->d, 1) : 0;
	struct mailbox *box;
	char path[PATH_MAX];

	if (rc || mail_send_dead_path(w->m, path) < 0)
		return rc;
	box = mailbox_open(AT_FDCWD, path, false, false, &w->m->err);
	/* what is no mbox is just text */
	rc = box && mailbox_count(box) ? add_letter(w, box) :
			insert_path(w, path);
	if (box)
		mailbox_close(box);
	return rc;
}
