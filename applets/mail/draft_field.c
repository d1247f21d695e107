/* The header fields of a draft: from the user, from scripts, on the terminal. */
#include "mail/draft.h"

#include <string.h>
#include "config.h"
#include "mail/alias.h"
#include "mail/attach.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/file.h"
#include "os/text.h"

const char *mail_draft_name(enum mail_field f)
{
	static const char names[] = "To\0Cc\0Bcc\0Subject\0From\0Reply-To\0"
		"In-Reply-To\0References\0Content-Type\0"
		"Content-Transfer-Encoding";
	const char *name = names;

	for (unsigned n = f; n; n--)
		name += strlen(name) + 1;
	return name;
}

/* ---- addresses */

/* Does the text follow RFC 5322, or is it the "bob alice" of old? */
static bool is_list(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] && strchr(",\"<(:;", text.p[i]))
			return true;
	return false;
}

void mail_draft_address(struct str *list, struct span address)
{
	struct span rest = span_trim(address);
	bool whole = is_list(rest);

	while (rest.n) {
		str_adds(list, list->n ? ", " : "");
		str_add(list, whole ? rest : span_word(&rest));
		if (whole)
			break;
	}
}

void mail_draft_typed(struct mail *m, struct str *list, struct span address)
{
	struct str text;

	str_init(&text, list->cap);
	mail_draft_address(&text, address);
	if (!CFG_MAIL_RC)
		mail_draft_address(list, address);
	else if (mail_alias_expand(m, str_span(&text), list) < 0)
		list->bad = mail_failed(m);	/* then it is not sent */
	str_free(&text);
}

/* ---- from scripts and drafts */

static void add_more(struct mail_draft *d, struct span name, struct span value)
{
	struct str text;
	char key[80];

	str_init(&text, d->field[MAIL_MORE].cap);
	word_encode(&text, value);
	if (str_copy(key, sizeof(key), name) == 0)
		header_put(&d->field[MAIL_MORE], key, str_span(&text));
	str_free(&text);
}

int mail_draft_field(struct mail *m, struct mail_draft *d, struct span name,
		struct span value)
{
	enum mail_field f = MAIL_TO;

	if (!header_name_valid(name) || name.n > 76 ||
	    span_has_control(value))
		return -1;
	while (f < MAIL_MORE && !span_is(name, mail_draft_name(f)))
		f++;
	if (f <= MAIL_BCC) {
		mail_draft_typed(m, &d->field[f], value);
	} else if (f < MAIL_MORE) {
		str_clear(&d->field[f]);
		str_add(&d->field[f], value);
	} else if (!span_is(name, "MIME-Version")) {	/* ours says it */
		add_more(d, name, value);
	}
	return 0;
}

int mail_draft_line(struct mail *m, struct mail_draft *d, struct span line)
{
	size_t at = span_find(line, ':');

	return at < line.n ? mail_draft_field(m, d, span_sub(line, 0, at),
			span_trim(span_rest(line, at + 1))) : -1;
}

/* A line with # is a comment (s-nail); at the end *rest is the body. */
static int take_fields(struct mail *m, struct mail_draft *d, struct span *rest)
{
	struct header_field f;
	struct str value;
	int rc = 0;

	str_init(&value, d->field[MAIL_MORE].cap);
	while (rc == 0) {
		while (span_starts(*rest, "#"))
			span_cut(rest, '\n');
		if (!header_next(rest, &f))
			break;
		str_clear(&value);
		header_unfold(&value, f.value);
		rc = mail_draft_field(m, d, f.name, str_span(&value));
	}
	str_free(&value);
	return rc;
}

int mail_draft_template(struct mail *m, struct mail_draft *d)
{
	size_t most = d->size < MAIL_DRAFT_ROOM ? (size_t)d->size :
			MAIL_DRAFT_ROOM;
	struct span rest;
	struct str text;
	char buf[4096];
	int rc;

	str_init(&text, MAIL_DRAFT_ROOM + sizeof(buf));
	while (text.n < most) {
		ssize_t n = file_pread(d->fd, buf, sizeof(buf),
				d->start + (int64_t)text.n);

		if (n <= 0)
			break;
		str_add(&text, span_make(buf, (size_t)n));
	}
	rest = str_span(&text);
	rc = take_fields(m, d, &rest);
	if (rc < 0 || text.bad || (!rest.n && text.n >= MAIL_DRAFT_ROOM))
		rc = mail_wrong(m, T("a field of the header is wrong"));
	if (rc == 0)
		rc = mail_draft_cut(d, text.n - rest.n);
	str_free(&text);
	return rc;
}

/* ---- drafts that are kept */

#define ATTACHED "Attach"	/* the field that names an attachment's file */

void mail_draft_fields(const struct mail_draft *d, struct str *out)
{
	for (enum mail_field f = MAIL_TO; f < MAIL_MORE; f++)
		if (d->field[f].n)
			str_addf(out, "%s: %s\n", mail_draft_name(f),
					str_c(&d->field[f]));
	str_add(out, str_span(&d->field[MAIL_MORE]));
	if (CFG_MAIL_ATTACH)
		for (struct mail_attach *a = d->attached; a; a = a->next)
			if (!a->message)
				str_addf(out, ATTACHED ": %s\n", a->path);
	str_addc(out, '\n');
}

static void fill_field(struct mail *m, struct mail_draft *d,
		const struct header_field *f)
{
	for (enum mail_field i = MAIL_TO; i < MAIL_MORE; i++)
		if (span_is(f->name, mail_draft_name(i)) && d->field[i].n)
			return;
	if (CFG_MAIL_ATTACH && span_is(f->name, ATTACHED)) {
		if (mail_attach_add(m, d, f->value) < 0)
			mail_failed(m);
	} else {
		mail_draft_field(m, d, f->name, f->value);
	}
}

void mail_draft_fill(struct mail *m, struct mail_draft *d, struct span head)
{
	struct header_field f;

	while (header_next(&head, &f))
		fill_field(m, d, &f);
}

/* ---- on the terminal */

void mail_draft_head(const struct mail_draft *d, struct str *out)
{
	for (enum mail_field f = MAIL_TO; f <= MAIL_SUBJECT; f++) {
		if (!d->field[f].n)
			continue;
		str_addf(out, "%s: ", mail_draft_name(f));
		word_decode(out, str_span(&d->field[f]));
		str_addc(out, '\n');
	}
}

void mail_draft_show(struct mail *m, const struct mail_draft *d)
{
	struct str text;

	str_init(&text, MAIL_DRAFT_ROOM);
	mail_draft_head(d, &text);
	mail_term_text(&m->term, str_span(&text));
	str_free(&text);
}

bool mail_draft_ask(struct mail *m, struct mail_draft *d, enum mail_field f)
{
	static const char prompts[MAIL_SUBJECT + 1][10] = {
		N_("To: "), N_("Cc: "), N_("Bcc: "), N_("Subject: ")
	};
	struct str *field = &d->field[f];
	struct str line;
	bool ok;

	str_init(&line, MAIL_LINE_MOST);
	m->term.ask = f == MAIL_SUBJECT ? MAIL_ASK_SUBJECT : MAIL_ASK_ADDRESS;
	ok = mail_term_edit(&m->term, T(prompts[f]), str_span(field),
			&line) == MAIL_LINE;
	if (ok) {
		str_clear(field);
		if (f == MAIL_SUBJECT)
			str_add(field, span_trim(str_span(&line)));
		else
			mail_draft_typed(m, field, str_span(&line));
	}
	str_free(&line);
	return ok;
}
