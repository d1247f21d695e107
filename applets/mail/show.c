/* Messages and parts, on the terminal or as text for others. */
#include "mail/show_private.h"

#include "config.h"
#include "mail/part.h"
#include "mail/var.h"
#include "os/text.h"

#define LOOK_MOST (1024 * 1024)	/* octets in which a richer form is looked for */

static bool on_piece(void *arg, struct span piece)
{
	struct view *v = arg;

	stream_put(&v->stream, piece);
	return !v->stream.stop;
}

struct look {
	bool choice, found;
};

static bool look_at(void *arg, const struct stream_part *p)
{
	struct look *l = arg;

	if (!p->number && span_is(p->subtype, "alternative"))
		l->choice = true;
	if (l->choice && span_is(p->subtype, "html") && !p->attachment)
		l->found = true;
	/* what is wanted ends the look */
	return l->found;
}

static bool end_look(void *arg, uint64_t octets)
{
	(void)arg;
	(void)octets;
	return false;
}

static bool end_look_early(void *arg, struct span octets)
{
	(void)octets;
	return end_look(arg, 0);
}

/* Will HTML come that may be shown in the place of plain text? */
static bool is_rich(struct mail *m, unsigned n)
{
	struct look l = { .choice = false };
	struct mail_part_reader reader = {
		.arg = &l, .begin = look_at, .data = end_look_early,
		.end = end_look, .most = LOOK_MOST
	};

	return CFG_MAIL_HTML && mail_var(m, "mime-alternative-favour-rich") &&
			mail_part_read(m, n, &reader) == 0 && l.found;
}

static int read_message(struct mail *m, unsigned n, struct view *v)
{
	int rc;

	if (v->how & MAIL_SHOW_SCREEN)
		v->width = m->term.columns - 1;
	v->rich = !v->only && is_rich(m, n);

	v->m = m;
	mail_view_begin(v);
	rc = mailbox_read(m->box, n, on_piece, v, &m->err);
	mail_view_end(v);
	return rc;
}

int mail_show_render(struct mail *m, unsigned n, unsigned how,
		bool (*put)(void *arg, struct span text), void *arg)
{
	struct view v = { .how = how, .put = put, .arg = arg };

	return read_message(m, n, &v);
}

static bool put_term(void *arg, struct span text)
{
	mail_term_text(arg, text);
	return !mail_term_stopped(arg);
}

int mail_show_message(struct mail *m, unsigned n, unsigned how)
{
	struct view v = { .how = how, .put = put_term, .arg = &m->term };
	int rc;

	mail_term_page_begin(&m->term);
	v.how |= m->term.tty_out ? MAIL_SHOW_SCREEN : 0;
	mail_term_printf(&m->term, T("Message %u:\n"), n);
	rc = read_message(m, n, &v);
	mail_term_page_end(&m->term);
	if (rc < 0)
		return mail_failed(m);
	m->note[n] |= MAIL_READ;
	return 0;
}

int mail_show_part(struct mail *m, unsigned n, unsigned part)
{
	struct view v = { .put = put_term, .arg = &m->term, .only = part };
	int rc;

	mail_term_page_begin(&m->term);
	v.how |= m->term.tty_out ? MAIL_SHOW_SCREEN : 0;
	rc = read_message(m, n, &v);
	mail_term_page_end(&m->term);
	if (rc == 0 && !v.found)
		rc = err_set(&m->err, ERR_PERM,
				T("No part %u: parts lists them"), part);
	if (rc == 0)
		m->note[n] |= MAIL_READ;
	return rc;
}
