/* The ~ escapes (POSIX mailx, "Command Escapes"), one row each. */
#include "mail/draft.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "mail/box.h"
#include "mail/select.h"
#include "mail/show.h"
#include "os/file.h"

#define BLOCK 4096

typedef enum mail_escape escape_fn(struct mail *m, struct mail_draft *d,
		struct span arg);

static enum mail_escape failed(struct mail *m, const struct err *err)
{
	mail_term_error(&m->term, "mail: %s", err->text);
	return MAIL_ESCAPE_ON;
}

/* Where the user is told that writing goes on. */
static enum mail_escape go_on(struct mail *m)
{
	mail_term_printf(&m->term, "(continue)\n");
	return MAIL_ESCAPE_ON;
}

static enum mail_escape escape_send(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m, (void)d, (void)arg;
	return MAIL_ESCAPE_SEND;
}

static enum mail_escape escape_quit(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m, (void)d, (void)arg;
	return MAIL_ESCAPE_QUIT;
}

static enum mail_escape escape_exit(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m, (void)d, (void)arg;
	return MAIL_ESCAPE_EXIT;
}

static enum mail_escape escape_subject(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m;
	str_clear(&d->subject);
	str_add(&d->subject, arg);
	return MAIL_ESCAPE_ON;
}

static enum mail_escape escape_to(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m;
	mail_draft_address(&d->to, arg);
	return MAIL_ESCAPE_ON;
}

static enum mail_escape escape_cc(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m;
	mail_draft_address(&d->cc, arg);
	return MAIL_ESCAPE_ON;
}

static enum mail_escape escape_bcc(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)m;
	mail_draft_address(&d->bcc, arg);
	return MAIL_ESCAPE_ON;
}

static enum mail_escape escape_header(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)arg;
	if (mail_draft_ask(m, "To", &d->to) &&
	    mail_draft_ask(m, "Subject", &d->subject) &&
	    mail_draft_ask(m, "Cc", &d->cc))
		mail_draft_ask(m, "Bcc", &d->bcc);
	return go_on(m);
}

static void show_field(struct mail *m, const char *name,
		const struct str *value)
{
	if (!value->n)
		return;
	mail_term_printf(&m->term, "%s: ", name);
	mail_term_text(&m->term, str_span(value));
	mail_term_printf(&m->term, "\n");
}

static enum mail_escape escape_print(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	char buf[BLOCK];
	ssize_t n;

	(void)arg;
	mail_term_page_begin(&m->term);
	mail_term_printf(&m->term, "-------\nMessage contains:\n");
	show_field(m, "To", &d->to);
	show_field(m, "Subject", &d->subject);
	show_field(m, "Cc", &d->cc);
	show_field(m, "Bcc", &d->bcc);
	mail_term_printf(&m->term, "\n");
	for (uint64_t at = 0; at < d->size && !mail_term_stopped(&m->term);
			at += (uint64_t)n) {
		n = file_pread(d->fd, buf, sizeof(buf),
				MAIL_DRAFT_ROOM + (int64_t)at);
		if (n <= 0)
			break;
		mail_term_text(&m->term, span_make(buf, (size_t)n));
	}
	mail_term_page_end(&m->term);
	return go_on(m);
}

/* ---- files */

static int add_file(struct mail_draft *d, int fd, uint64_t *octets,
		struct err *err)
{
	char buf[BLOCK];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (mail_draft_add(d, span_make(buf, (size_t)n), err) < 0)
			return -1;
		*octets += (uint64_t)n;
	}
	return n < 0 ? err_errno(err, "reading") : 0;
}

static enum mail_escape escape_read(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	char path[PATH_MAX];
	uint64_t octets = 0;
	struct err err;
	int fd, rc;

	if (mail_path(m, arg, path, &err) < 0)
		return failed(m, &err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		err_errno(&err, "%s", path);
		return failed(m, &err);
	}
	rc = add_file(d, fd, &octets, &err);
	close(fd);
	if (rc < 0)
		return failed(m, &err);
	mail_term_printf(&m->term, "\"%s\" %llu octets\n", path,
			(unsigned long long)octets);
	return MAIL_ESCAPE_ON;
}

static enum mail_escape escape_dead(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)arg;
	return escape_read(m, d, span_of(mail_var(&m->vars, MAIL_VAR_DEAD)));
}

static enum mail_escape escape_write(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	char path[PATH_MAX];
	struct err err;
	int fd, rc;

	if (mail_path(m, arg, path, &err) < 0)
		return failed(m, &err);
	/* POSIX: an existing file is left alone */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(&err, "%s", path);
		return failed(m, &err);
	}
	rc = mail_draft_copy(d, fd, &err);
	if (close(fd) < 0 && rc == 0)
		rc = err_errno(&err, "%s", path);
	if (rc < 0)
		return failed(m, &err);
	mail_term_printf(&m->term, "\"%s\" %llu octets\n", path,
			(unsigned long long)d->size);
	return MAIL_ESCAPE_ON;
}

/* ---- messages of the open mailbox */

struct adding {
	struct mail_draft *d;
	struct err err;
	bool bad;
};

static bool add_piece(void *arg, struct span piece)
{
	struct adding *a = arg;

	a->bad = mail_draft_add(a->d, piece, &a->err) < 0;
	return !a->bad;
}

static enum mail_escape insert(struct mail *m, struct mail_draft *d,
		struct span list, const char *prefix)
{
	struct adding a = { .d = d };
	struct err err;

	if (!m->box) {
		err_set(&err, ERR_PERM, "No mailbox is open");
		return failed(m, &err);
	}
	if (mail_list(m, list, false, &err) < 0)
		return failed(m, &err);
	mail_term_printf(&m->term, "Interpolating:");
	for (unsigned i = 1; i <= m->count && !a.bad; i++) {
		if (!m->set[i])
			continue;
		mail_term_printf(&m->term, " %u", i);
		mail_show_quote(m, i, prefix, add_piece, &a);
		mail_box_touch(m, i);
	}
	mail_term_printf(&m->term, "\n");
	return a.bad ? failed(m, &a.err) : go_on(m);
}

static enum mail_escape escape_quote(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	const char *prefix = mail_var(&m->vars, MAIL_VAR_INDENTPREFIX);

	return insert(m, d, arg, prefix ? prefix : "");
}

static enum mail_escape escape_forward(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	return insert(m, d, arg, "");
}

/* ---- programs */

static enum mail_escape escape_editor(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)arg;
	mail_draft_editor(m, d, MAIL_VAR_EDITOR);
	return go_on(m);
}

static enum mail_escape escape_visual(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)arg;
	mail_draft_editor(m, d, MAIL_VAR_VISUAL);
	return go_on(m);
}

static enum mail_escape escape_shell(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	char line[4096];

	(void)d;
	if (str_copy(line, sizeof(line), arg) == 0)
		mail_shell(m, line);
	return go_on(m);
}

static enum mail_escape escape_help(struct mail *m, struct mail_draft *d,
		struct span arg);

static const struct {
	char letter;
	escape_fn *run;
	const char *help;	/* NULL: a second name of the row before */
} rows[] = {
	{ '.', escape_send, "send the message" },
	{ 'q', escape_quit, "give up, keep the text in dead.letter" },
	{ 'x', escape_exit, "give up, keep nothing" },
	{ 'p', escape_print, "show the message as it is now" },
	{ 's', escape_subject, "TEXT     set the subject" },
	{ 't', escape_to, "ADDRESS  add to the recipients" },
	{ 'c', escape_cc, "ADDRESS  add to Cc" },
	{ 'b', escape_bcc, "ADDRESS  add to Bcc" },
	{ 'h', escape_header, "ask for all these anew" },
	{ 'm', escape_quote, "[LIST]   insert messages, indented" },
	{ 'f', escape_forward, "[LIST]   insert messages" },
	{ 'r', escape_read, "FILE     insert a file" },
	{ '<', escape_read, NULL },
	{ 'd', escape_dead, "insert dead.letter" },
	{ 'w', escape_write, "FILE     write the text to a new file" },
	{ 'e', escape_editor, "edit the text with $EDITOR" },
	{ 'v', escape_visual, "edit the text with $VISUAL" },
	{ '!', escape_shell, "COMMAND  run a command" },
	{ '?', escape_help, "this list; ~~ begins a line with ~" },
};

static enum mail_escape escape_help(struct mail *m, struct mail_draft *d,
		struct span arg)
{
	(void)d, (void)arg;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].help)
			mail_term_printf(&m->term, "~%c %s\n", rows[i].letter,
					rows[i].help);
	return MAIL_ESCAPE_ON;
}

enum mail_escape mail_draft_escape(struct mail *m, struct mail_draft *d,
		struct span rest)
{
	struct span arg = span_trim(span_sub(rest, 1, rest.n));

	for (size_t i = 0; rest.n && i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].letter == rest.p[0])
			return rows[i].run(m, d, arg);
	mail_term_error(&m->term, "Unknown tilde escape; ~? lists them");
	return MAIL_ESCAPE_ON;
}
