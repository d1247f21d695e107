/* The commands forward, Forward, resend and Resend. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "mail/attach.h"
#include "mail/box.h"
#include "mail/command.h"
#include "mail/letter.h"
#include "mail/quote.h"
#include "mail/record.h"
#include "mail/send.h"
#include "mail/var.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "os/file.h"
#include "os/text.h"

/* "[LIST] ADDRESS...": words that begin as only a list does are the list. */
static int aim(struct mail *m, struct span *addresses, bool can_ask)
{
	struct span rest = m->arg, list = m->arg, word;

	*addresses = rest;
	while ((word = span_word(&rest)).n &&
	    (ascii_isdigit(word.p[0]) || strchr(".^$*+-:/(,", word.p[0])))
		*addresses = span_trim(rest);
	list.n = (size_t)(addresses->p - m->arg.p);
	if (!addresses->n && !can_ask)
		return mail_wrong(m, T("No recipients given"));
	return mail_list(m, list, MAIL_LEFT);
}

static bool is_forward(struct span subject)
{
	return span_starts(subject, "Fwd:") || span_starts(subject, "Fw:");
}

static int set_subject(struct mail *m, struct mail_draft *d, unsigned n)
{
	struct str header, subject;
	int rc;

	str_init(&header, MAIL_HEADER_MOST);
	str_init(&subject, MAIL_LINE_MOST);
	rc = mail_box_header(m->box, n, &header, &m->err);
	mail_box_field(str_span(&header), "Subject", &subject);
	if (!is_forward(str_span(&subject)))
		str_adds(&d->field[MAIL_SUBJECT], "Fwd: ");
	str_add(&d->field[MAIL_SUBJECT], str_span(&subject));
	d->asked = true;
	str_free(&header);
	str_free(&subject);
	return rc;
}

static int add_message(struct mail *m, struct mail_draft *d, unsigned n)
{
	char name[16];

	if (!CFG_MAIL_ATTACH || !(mail_var(m, "forward-as-attachment") ||
			mail_var(m, "forward_as_attachment")))
		return mail_quote_forward(m, d, n);
	snprintf(name, sizeof(name), "#%u", n);
	m->note[n] |= MAIL_READ;
	return mail_attach_add(m, d, span_of(name));
}

static int fill(struct mail *m, struct mail_draft *d)
{
	struct span addresses;
	int rc = aim(m, &addresses, m->term.tty_in);

	if (rc == 0 && addresses.n)
		mail_draft_typed(m, &d->field[MAIL_TO], addresses);
	else if (rc == 0)
		mail_draft_ask(m, d, MAIL_TO);
	if (rc == 0 && !d->field[MAIL_TO].n)
		rc = mail_wrong(m, T("No recipients given"));
	for (unsigned i = 1; i <= m->count && rc == 0; i++) {
		if (!m->set[i])
			continue;
		if (!d->asked)
			rc = set_subject(m, d, i);
		if (rc == 0)
			rc = add_message(m, d, i);
		m->dot = i;
	}
	return rc;
}

static int forward(struct mail *m, bool record)
{
	struct mail_draft d;
	int rc = mail_draft_init(m, &d);

	if (rc == 0)
		rc = fill(m, &d);
	if (rc == 0 && record)
		mail_record_name(str_span(&d.field[MAIL_TO]), d.record);
	if (rc == 0 && m->term.tty_in) {
		mail_draft_show(m, &d);
		mail_term_printf(&m->term, "%s\n", T("(a text is in it: ~p "
				"shows it, ~e edits it)"));
	}
	rc = rc < 0 ? mail_failed(m) : mail_send_command(m, &d);
	mail_draft_free(&d);
	return rc;
}

int mail_do_forward(struct mail *m)
{
	return forward(m, false);
}

int mail_do_forward_record(struct mail *m)
{
	return forward(m, true);
}

/* ---- resend (RFC 5322 3.6.6) */

struct resend {
	struct mail *m;
	int fd;
	uint64_t size;
	uint64_t skip;		/* octets of the header, which is written already */
	int rc;
};

static void put(struct resend *r, struct span text)
{
	r->size += text.n;
	if (r->rc == 0 && file_write(r->fd, text.p, text.n) < 0)
		r->rc = mail_errno(r->m, T("temporary file"));
}

/* Fields that this copy got where it was delivered. */
static bool is_local(struct span name)
{
	static const char names[][15] = {
		"Return-Path", "Delivered-To", "X-Original-To", "Bcc",
		"Status", "X-Status", "Content-Length", "Lines"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

static bool put_body(void *arg, struct span piece)
{
	struct resend *r = arg;
	size_t skip = r->skip < piece.n ? (size_t)r->skip : piece.n;

	r->skip -= skip;
	put(r, span_rest(piece, skip));
	return r->rc == 0;
}

static int copy(struct resend *r, unsigned n)
{
	struct header_field f;
	struct str header;
	struct span rest;

	str_init(&header, MAIL_HEADER_MOST);
	r->rc = mail_box_header(r->m->box, n, &header, &r->m->err);
	rest = str_span(&header);
	if (r->rc == 0 && lseek(r->fd, MAIL_DRAFT_ROOM, SEEK_SET) < 0)
		r->rc = mail_errno(r->m, T("temporary file"));
	while (r->rc == 0 && header_next(&rest, &f))
		if (!is_local(f.name))
			put(r, f.whole);
	r->skip = header.n - rest.n;
	put(r, SPAN("\n"));
	str_free(&header);
	if (r->rc == 0 && mailbox_read(r->m->box, n, put_body, r,
			&r->m->err) < 0)
		r->rc = -1;
	return r->rc;
}

/* Resend adds no header: nobody sees that it was sent again. */
static int resend_one(struct mail *m, unsigned n, struct span to, bool silent)
{
	struct resend r = { .m = m, .fd = file_temporary(&m->err) };
	struct letter l;
	int rc = -1;

	letter_init(&l, m);
	if (r.fd >= 0)
		rc = copy(&r, n);
	if (rc == 0)
		rc = letter_sender(&l, silent ? NULL : "Resent-From",
				span_of(mail_var(m, "from")));
	if (rc == 0)
		rc = letter_addresses(&l, silent ? NULL : "Resent-To", to,
				&l.rcpts);
	if (!silent)
		letter_stamp(&l, "Resent-Date", "Resent-Message-ID");
	l.fd = r.fd;
	l.start = MAIL_DRAFT_ROOM;
	l.size = r.size;
	if (rc == 0)
		rc = letter_send(&l);
	letter_free(&l);
	if (r.fd >= 0)
		close(r.fd);
	return rc;
}

static int resend(struct mail *m, bool silent)
{
	struct span addresses;
	struct str to;
	int rc = aim(m, &addresses, false);

	str_init(&to, MAIL_LINE_MOST);
	if (rc == 0)
		mail_draft_typed(m, &to, addresses);
	for (unsigned i = 1; rc == 0 && i <= m->count; i++) {
		if (!m->set[i])
			continue;
		m->dot = i;
		rc = resend_one(m, i, str_span(&to), silent);
		if (rc == 0)
			m->note[i] |= MAIL_READ;
		else
			m->status = err_exit(m->err.kind);
	}
	str_free(&to);
	return rc < 0 ? mail_failed(m) : 0;
}

int mail_do_resend(struct mail *m)
{
	return resend(m, false);
}

int mail_do_resend_silent(struct mail *m)
{
	return resend(m, true);
}
