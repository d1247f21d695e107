/* The ~ escapes (POSIX mailx, "Command Escapes"), and some of s-nail's. */
#include "mail/escape.h"

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
#include "mail/quote.h"
#include "mail/send.h"
#include "mail/show.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

#define EOF_MOST 25		/* with ignoreeof: then the terminal is gone */

struct work {
	struct mail *m;
	struct mail_draft *d;
	struct span arg;
	unsigned how;		/* of the table's row */
};

/* ---- fields */

static int do_address(struct work *w)
{
	mail_draft_typed(w->m, &w->d->field[w->how], w->arg);
	return 0;
}

static int do_subject(struct work *w)
{
	str_clear(&w->d->field[MAIL_SUBJECT]);
	str_add(&w->d->field[MAIL_SUBJECT], w->arg);
	return 0;
}

static int do_header(struct work *w)
{
	static const unsigned char fields[] = {
		MAIL_TO, MAIL_SUBJECT, MAIL_CC, MAIL_BCC
	};

	for (size_t i = 0; w->m->term.tty_in && i < sizeof(fields); i++)
		if (!mail_draft_ask(w->m, w->d, fields[i]))
			break;
	return 0;
}

static int do_attach(struct work *w)
{
	mail_attach_edit(w->m, w->d, w->arg);
	return 0;
}

/* ---- text from elsewhere */

static int add_line(struct mail *m, struct mail_draft *d, const char *text)
{
	if (!*text)
		return 0;
	return mail_draft_add(d, span_of(text), &m->err) < 0 ? -1 :
			mail_draft_add(d, SPAN("\n"), &m->err);
}

/* POSIX, "Internal Variables": \t and \n in sign and Sign. */
int mail_escape_sign(struct mail *m, struct mail_draft *d, const char *value)
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
	rc = add_line(m, d, str_c(&text));
	str_free(&text);
	return rc;
}

static int do_variable(struct work *w)
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
			mail_escape_sign : add_line)(w->m, w->d, value);
}

static int insert_fd(struct work *w, const char *what, int fd)
{
	uint64_t had = w->d->size;

	if (mail_draft_add_file(w->d, fd, 0, &w->m->err) < 0)
		return -1;
	mail_term_printf(&w->m->term, T("\"%s\" %" PRIu64 " octets\n"), what,
			w->d->size - had);
	return 0;
}

static int insert_path(struct work *w, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;

	if (fd < 0)
		return err_errno(&w->m->err, "%s", path);
	rc = insert_fd(w, path, fd);
	close(fd);
	return rc;
}

/* Runs it, its output into a file of its own. Gives that, or -1. */
static int output_of(struct work *w, struct span command, int in)
{
	int fd = file_temporary(&w->m->err);

	if (fd < 0 || mail_child_run(w->m, command, in, fd) == 0)
		return fd;
	close(fd);
	return -1;
}

static int insert_output(struct work *w, struct span command)
{
	struct str text;
	int fd, rc;

	str_init(&text, MAIL_LINE_MOST);
	mail_bang(w->m, span_trim(command), &text);
	fd = output_of(w, str_span(&text), -1);
	str_free(&text);
	if (fd < 0)
		return -1;
	rc = insert_fd(w, "!", fd);
	close(fd);
	return rc;
}

static int do_read(struct work *w)
{
	char path[PATH_MAX];

	if (span_starts(w->arg, "!"))
		return insert_output(w, span_rest(w->arg, 1));
	return mail_path(w->m, w->arg, path) < 0 ? -1 : insert_path(w, path);
}

static int do_quote(struct work *w)
{
	mail_quote_list(w->m, w->d, w->arg, w->how);
	return 0;
}

/* ---- ~d */

/* The last letter of dead.letter: its text, and what fields we have not. */
static int add_letter(struct work *w, struct mailbox *box)
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
				mail_box_header_end(str_span(&head), 0),
				&w->m->err);
	if (rc == 0)
		mail_draft_fill(w->m, w->d, str_span(&head));
	str_free(&head);
	close(fd);
	return rc;
}

static int do_dead(struct work *w)
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

/* ---- programs and files that get the text */

static int write_piece(void *arg, struct span piece)
{
	return file_write(*(const int *)arg, piece.p, piece.n);
}

static int do_write(struct work *w)
{
	char path[PATH_MAX];
	int fd, rc;

	if (mail_path(w->m, w->arg, path) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
			0666);
	rc = fd < 0 ? -1 : mail_draft_each(w->d, write_piece, &fd, NULL);
	if (rc < 0)
		err_errno(&w->m->err, "%s", path);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		mail_term_printf(&w->m->term, T("\"%s\" %" PRIu64
				" octets\n"), path, w->d->size);
	return rc;
}

static int do_filter(struct work *w)
{
	int fd, rc = 0;

	if (lseek(w->d->fd, w->d->start, SEEK_SET) < 0)
		return err_errno(&w->m->err, "%s", T("temporary file"));
	fd = output_of(w, w->arg, w->d->fd);
	if (fd < 0)
		return -1;
	if (lseek(fd, 0, SEEK_END) > 0)
		rc = mail_draft_replace(w->d, fd, &w->m->err);
	else
		rc = err_set(&w->m->err, ERR_PERM, "%s",
				T("no output: the text stays as it was"));
	close(fd);
	return rc;
}

static int do_shell(struct work *w)
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

static int do_command(struct work *w)
{
	mail_command_run(w->m, w->arg);
	return 0;
}

/* ---- the editor */

static int fill_file(struct work *w, int fd, bool header)
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
		rc = mail_draft_each(w->d, write_piece, &fd, NULL);
	return rc < 0 ? err_errno(&w->m->err, "%s", T("temporary file")) : 0;
}

/* The editor may have made a new file of that name. */
static int take_file(struct work *w, const char *path, bool header)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_errno(&w->m->err, "%s", path);
	rc = mail_draft_replace(w->d, fd, &w->m->err);
	close(fd);
	if (rc < 0 || !header)
		return rc;
	for (enum mail_field f = MAIL_TO; f <= MAIL_SUBJECT; f++)
		str_clear(&w->d->field[f]);
	return mail_draft_template(w->m, w->d);
}

static int do_edit(struct work *w)
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

static int do_print(struct work *w)
{
	struct mail_term *t = &w->m->term;

	mail_term_page_begin(t);
	mail_term_printf(t, "-------\n%s\n", T("Message contains:"));
	mail_draft_show(w->m, w->d);
	mail_term_printf(t, "\n");
	mail_draft_each(w->d, show_piece, t, &w->m->err);
	if (CFG_MAIL_ATTACH && w->d->attached) {
		mail_term_printf(t, "-------\n%s\n", T("Attachments:"));
		mail_attach_edit(w->m, w->d, SPAN(""));
	}
	mail_term_page_end(t);
	mail_term_printf(t, "%s\n", T("(continue)"));
	return 0;
}

static int do_help(struct work *w);

/* ---- the table */

static const struct escape {
	char letter;
	unsigned char how;
	int (*run)(struct work *w);
} escapes[] = {
	{ 't', MAIL_TO, do_address },
	{ 'c', MAIL_CC, do_address },
	{ 'b', MAIL_BCC, do_address },
	{ 's', 0, do_subject },
	{ 'h', 0, do_header },
	{ 'p', 0, do_print },
	{ 'r', 0, do_read },
	{ '<', 0, do_read },
	{ 'd', 0, do_dead },
	{ 'm', MAIL_QUOTE_INDENT, do_quote },
	{ 'M', MAIL_QUOTE_INDENT | MAIL_SHOW_ALL, do_quote },
	{ 'f', 0, do_quote },
	{ 'F', MAIL_SHOW_ALL, do_quote },
	USE_MAIL_NAIL({ 'u', MAIL_SHOW_BODY, do_quote },)
	USE_MAIL_NAIL({ 'U', MAIL_SHOW_BODY | MAIL_QUOTE_INDENT, do_quote },)
	{ 'i', 0, do_variable },
	{ 'a', 's', do_variable },
	{ 'A', 'S', do_variable },
	{ 'w', 0, do_write },
	{ 'e', 'e', do_edit },
	{ 'v', 'v', do_edit },
	{ '|', 0, do_filter },
	{ '!', 0, do_shell },
	{ ':', 0, do_command },
	{ '_', 0, do_command },
	{ '@', 0, CFG_MAIL_ATTACH ? do_attach : NULL },
	{ '?', 0, do_help }
};

static const char help[] = N_(
	"~. send   ~q give up   ~x give up and keep no dead.letter   "
	"~p show it\n"
	"~t ~c ~b ADDRESS  more recipients: to, cc, bcc   ~s SUBJECT   "
	"~h change them\n"
	"~r FILE  ~r !COMMAND  ~d  insert a file, an output, dead.letter\n"
	"~m LIST  ~f LIST  insert messages, indented or not (~M ~F: all "
	"fields)\n"
	"~a ~A ~i VARIABLE  insert the variable sign, Sign or another\n"
	"~e ~v  edit it with EDITOR or VISUAL   ~| COMMAND  filter it   "
	"~w FILE  write it\n"
	"~! COMMAND  run it   ~: COMMAND  a command of mail   "
	"~~  a line that begins with ~\n");

static int do_help(struct work *w)
{
	mail_term_printf(&w->m->term, "%s", T(help));
	if (CFG_MAIL_ATTACH)
		mail_term_printf(&w->m->term, "%s\n", T("~@ FILE  attach it, "
				"~@  list what is, ~@ -1  take the first away"));
	return 0;
}

static enum mail_written run(struct mail *m, struct mail_draft *d,
		struct span text)
{
	struct work w = { .m = m, .d = d };
	char c = text.n ? text.p[0] : '?';
	size_t end = span_find(SPAN(".qx"), c);	/* in the enum's order */

	if (end < 3)
		return (enum mail_written)(MAIL_SEND + end);
	w.arg = span_trim(span_rest(text, 1));
	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		if (escapes[i].letter != c || !escapes[i].run)
			continue;
		w.how = escapes[i].how;
		if (escapes[i].run(&w) < 0)
			mail_failed(m);
		return MAIL_GO_ON;
	}
	mail_term_error(&m->term, T("Unknown escape: ~%c (~? lists them)"), c);
	return MAIL_GO_ON;
}

/* ---- reading it in */

static enum mail_written add(struct mail *m, struct mail_draft *d,
		struct span text)
{
	if (mail_draft_add(d, text, &m->err) == 0)
		return MAIL_GO_ON;
	mail_failed(m);
	return MAIL_GIVE_UP;
}

/* A line of text, a dot, an escape. */
static enum mail_written take_line(struct mail *m, struct mail_draft *d,
		struct str *line)
{
	const char *escape = mail_var(m, "escape");
	struct span text = str_span(line);
	char c = escape ? *escape : '~';	/* NUL: there are none */

	if (m->term.pasted)	/* text, whatever it looks like */
		c = '\0';
	else if (span_is(text, ".") && (mail_var(m, "dot") ||
			mail_var(m, "ignoreeof")))
		return MAIL_SEND;
	if (c && text.n && text.p[0] == c) {
		text = span_rest(text, 1);
		if (!text.n || text.p[0] != c)
			return run(m, d, text);
		str_cut(line, 1);
	}
	if (!m->term.partial)
		str_addc(line, '\n');
	return add(m, d, str_span(line));
}

/* ^C once warns, twice gives up; with `ignore` it drops the line. */
static enum mail_written interrupt(struct mail *m, unsigned *count)
{
	if (!m->term.tty_in)
		return MAIL_GIVE_UP;
	if (mail_var(m, "ignore")) {
		mail_term_printf(&m->term, "@\n");
		return MAIL_GO_ON;
	}
	if (++*count > 1)
		return MAIL_GIVE_UP;
	mail_term_printf(&m->term, "\n%s\n",
			T("(Interrupt -- one more to kill letter)"));
	return MAIL_GO_ON;
}

static enum mail_written at_end(struct mail *m, unsigned *count)
{
	if (!m->term.tty_in || !mail_var(m, "ignoreeof") ||
	    ++*count > EOF_MOST)
		return MAIL_SEND;
	mail_term_printf(&m->term, "%s\n",
			T("Use \".\" to end the message"));
	return MAIL_GO_ON;
}

enum mail_written mail_escape_read(struct mail *m, struct mail_draft *d)
{
	enum mail_written next = MAIL_GO_ON;
	unsigned interrupts = 0, ends = 0;
	struct str line;

	str_init(&line, MAIL_LINE_MOST + 1);
	while (next == MAIL_GO_ON) {
		enum mail_input in;

		mail_draft_keep(d);
		in = mail_term_line(&m->term, "", &line);
		if (in == MAIL_INTERRUPT) {
			next = interrupt(m, &interrupts);
			continue;
		}
		interrupts = 0;
		if (in == MAIL_LINE)
			next = take_line(m, d, &line);
		else
			next = in == MAIL_EOF ? at_end(m, &ends) :
					MAIL_GIVE_UP;
	}
	str_free(&line);
	return next;
}
