#include "mail/quote.h"

#include <string.h>
#include "mail/box.h"
#include "mail/show.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/text.h"

#define TEXT_MOST (8 * 1024 * 1024)	/* of one piece, prefixes and all */

struct quote {
	struct mail *m;
	struct mail_draft *d;
	const char *prefix;	/* "" for none */
	bool inside;		/* a line that has begun */
	int rc;
};

static bool put(void *arg, struct span text)
{
	struct quote *q = arg;
	struct str out;

	str_init(&out, TEXT_MOST);
	while (text.n) {
		struct span line = span_sub(text, 0, span_find(text, '\n') + 1);

		if (!q->inside && line.p[0] != '\n')
			str_adds(&out, q->prefix);
		str_add(&out, line);
		q->inside = line.p[line.n - 1] != '\n';
		text = span_rest(text, line.n);
	}
	q->rc = mail_draft_add(q->d, str_span(&out));
	if (out.bad)
		q->rc = err_nomem(&q->m->err);
	str_free(&out);
	return q->rc == 0;
}

int mail_quote(struct mail *m, struct mail_draft *d, unsigned n, unsigned how)
{
	struct quote q = { .m = m, .d = d, .prefix = "" };
	int rc;

	if (how & MAIL_QUOTE_INDENT)
		q.prefix = mail_var(m, "indentprefix");
	if (!q.prefix)		/* POSIX, "Internal Variables" */
		q.prefix = "\t";
	rc = mail_show_render(m, n, how & ~(unsigned)MAIL_QUOTE_INDENT, put,
			&q);
	if (rc == 0)
		rc = q.rc;
	if (rc == 0 && q.inside)
		rc = mail_draft_add(d, SPAN("\n"));
	if (rc == 0)
		m->note[n] |= MAIL_READ;
	return rc;
}

void mail_quote_list(struct mail *m, struct mail_draft *d, struct span list,
		unsigned how)
{
	int rc;

	if (!m->box)
		rc = mail_wrong(m, T("No mailbox is open"));
	else
		rc = mail_list(m, list, MAIL_LEFT);
	for (unsigned i = 1; rc == 0 && i <= m->count; i++) {
		if (!m->set[i])
			continue;
		mail_term_printf(&m->term, T("Interpolating: %u\n"), i);
		rc = mail_quote(m, d, i, how);
	}
	if (rc < 0)
		mail_failed(m);
}

/* ---- lines before it */

static bool put_author(void *arg, const struct addr_entry *e)
{
	struct str raw, *out = arg;

	str_init(&raw, ADDR_MAX + 4096);
	header_unfold(&raw, e->name);
	if (!raw.n)
		addr_put(&raw, &e->addr);
	else if (raw.p[0] == '"' && raw.n > 1)
		raw.p[--raw.n] = '\0';
	word_decode(out, span_rest(str_span(&raw), raw.n && raw.p[0] == '"'));
	str_free(&raw);
	return false;
}

int mail_quote_answer(struct mail *m, struct mail_draft *d, unsigned n,
		struct span header)
{
	struct header_field date = { .name.n = 0 }, from = date;
	struct str author, when, line;
	int rc;

	str_init(&author, 4096);
	str_init(&when, 4096);
	str_init(&line, 16384);
	header_find(header, "Date", &date);
	if (header_find(header, "From", &from))
		addr_each(from.value, put_author, &author);
	header_unfold(&when, date.value);
	if (when.n)
		str_addf(&line, T("On %s, %s wrote:\n"), str_c(&when),
				str_c(&author));
	else
		str_addf(&line, T("%s wrote:\n"), str_c(&author));
	rc = mail_draft_add(d, str_span(&line));
	str_free(&author);
	str_free(&when);
	str_free(&line);
	return rc < 0 ? -1 : mail_quote(m, d, n, MAIL_SHOW_BODY |
			MAIL_QUOTE_INDENT);
}

int mail_quote_forward(struct mail *m, struct mail_draft *d, unsigned n)
{
	const char *line = T("\n-------- Original Message --------\n");

	if (mail_draft_add(d, span_of(line)) < 0)
		return -1;
	return mail_quote(m, d, n, 0);
}
