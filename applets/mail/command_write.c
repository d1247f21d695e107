#include "mail/command.h"

#include <stdlib.h>
#include <string.h>
#include "mail/reply.h"
#include "mail/send.h"
#include "mime/word.h"

static int failed(struct mail *m, const struct err *err)
{
	mail_term_error(&m->term, "mail: %s", err->text);
	return -1;
}

/* Sends and keeps the worst as the session's exit status. */
static int write_and_send(struct mail *m, struct mail_draft *d)
{
	int status = mail_send_interactive(m, d);

	if (status)
		m->status = status;
	return status ? -1 : 0;
}

int mail_do_mail(struct mail *m, struct span text)
{
	struct mail_draft d;
	struct err err;
	int rc;

	if (!text.n)
		rc = err_set(&err, ERR_PERM, "No recipients given");
	else
		rc = 0;
	if (rc < 0)
		return failed(m, &err);
	rc = mail_draft_init(&d, &err);
	if (rc < 0)
		failed(m, &err);
	mail_draft_address(&d.to, text);
	if (rc == 0)
		rc = write_and_send(m, &d);
	mail_draft_free(&d);
	return rc;
}

static void show_field(struct mail *m, const char *name,
		const struct str *value)
{
	struct str text;

	if (!value->n)
		return;
	str_init(&text, value->cap);
	word_decode(&text, str_span(value));
	mail_term_printf(&m->term, "%s: ", name);
	mail_term_text(&m->term, str_span(&text));
	mail_term_printf(&m->term, "\n");
	str_free(&text);
}

/* Writing may use m->set for other lists: `list` is this one, kept. */
static int answer_list(struct mail *m, struct mail_draft *d,
		const unsigned char *list)
{
	show_field(m, "To", &d->to);
	show_field(m, "Cc", &d->cc);
	show_field(m, "Subject", &d->subject);
	if (write_and_send(m, d) < 0)
		return -1;
	for (unsigned i = 1; i <= m->count; i++)
		if (list[i])
			m->note[i] |= MAIL_ANSWERED;
	return 0;
}

static int answer(struct mail *m, bool group)
{
	unsigned char *list = malloc((size_t)m->count + 1);
	struct mail_draft d;
	struct err err;
	int rc;

	rc = mail_draft_init(&d, &err);
	if (rc == 0 && !list)
		rc = err_set(&err, ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = mail_reply_fill(m, &d, group, &err);
	if (rc < 0) {
		failed(m, &err);
	} else {
		memcpy(list, m->set, (size_t)m->count + 1);
		for (unsigned i = 1; i <= m->count; i++)
			if (list[i])
				m->dot = i;
		rc = answer_list(m, &d, list);
	}
	mail_draft_free(&d);
	free(list);
	return rc;
}

int mail_do_reply(struct mail *m, struct span text)
{
	(void)text;
	return answer(m, !mail_var_on(&m->vars, MAIL_VAR_FLIPR));
}

int mail_do_reply_sender(struct mail *m, struct span text)
{
	(void)text;
	return answer(m, mail_var_on(&m->vars, MAIL_VAR_FLIPR));
}

int mail_do_shell(struct mail *m, struct span text)
{
	char line[4096];
	int status;

	if (str_copy(line, sizeof(line), text) < 0)
		return -1;
	status = mail_shell(m, line);
	if (m->term.tty_in)
		mail_term_printf(&m->term, "!\n");
	return status ? -1 : 0;
}

/* ---- variables */

static int show_vars(struct mail *m)
{
	for (int i = 0; i < MAIL_VAR_COUNT; i++) {
		const char *value = mail_var(&m->vars, (enum mail_var)i);
		const char *name = mail_var_name((enum mail_var)i);

		if (value)
			mail_term_printf(&m->term, *value ? "%s=\"%s\"\n" :
					"%s\n", name, value);
	}
	return 0;
}

/* name="a value": blanks inside quotes do not end it. */
static struct span take_setting(struct span *rest)
{
	struct span all = span_trim(*rest);
	char quote = '\0';
	size_t n = 0;

	for (; n < all.n && (quote || !ascii_isspace(all.p[n])); n++) {
		if (all.p[n] == quote)
			quote = '\0';
		else if (!quote && (all.p[n] == '"' || all.p[n] == '\''))
			quote = all.p[n];
	}
	*rest = span_sub(all, n, all.n);
	return span_sub(all, 0, n);
}

static int each_setting(struct mail *m, struct span text,
		int (*fn)(struct mail_vars *, struct span, struct err *))
{
	struct span word;
	struct err err;
	int rc = 0;

	while ((word = take_setting(&text)).n)
		if (fn(&m->vars, word, &err) < 0)
			rc = failed(m, &err);
	return rc;
}

int mail_do_set(struct mail *m, struct span text)
{
	return text.n ? each_setting(m, text, mail_var_set) : show_vars(m);
}

int mail_do_unset(struct mail *m, struct span text)
{
	return each_setting(m, text, mail_var_unset);
}

/* ---- help */

int mail_do_help(struct mail *m, struct span text)
{
	const struct mail_command *c;

	(void)text;
	mail_term_page_begin(&m->term);
	for (c = mail_command_table(); c->text; c++)
		if (strchr(c->text, ' '))
			mail_term_printf(&m->term, "%s\n", c->text);
	mail_term_printf(&m->term, "LIST: 1 1-3 . $ * + - NAME /SUBJECT "
			":n(ew) :u(nread) :r(ead) :o(ld) :d(eleted)\n");
	mail_term_page_end(&m->term);
	return 0;
}

int mail_do_list(struct mail *m, struct span text)
{
	const struct mail_command *c;
	unsigned column = 0;

	(void)text;
	for (c = mail_command_table(); c->text; c++) {
		int n = (int)strcspn(c->text, " ");

		if (column + (unsigned)n + 1 >= m->term.columns) {
			mail_term_printf(&m->term, "\n");
			column = 0;
		}
		mail_term_printf(&m->term, "%.*s ", n, c->text);
		column += (unsigned)n + 1;
	}
	mail_term_printf(&m->term, "\n");
	return 0;
}
