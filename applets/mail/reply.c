/* The commands mail, reply, followup and their kind. */
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "mail/alias.h"
#include "mail/args.h"
#include "mail/box.h"
#include "mail/command.h"
#include "mail/quote.h"
#include "mail/record.h"
#include "mail/send.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "os/text.h"

enum {
	REPLY_ALL = 1,	/* all who got it */
	REPLY_LIST = 2,	/* the mailing list alone */
	REPLY_EACH = 4,	/* the author of each message of m->set */
	REPLY_RECORD = 8	/* the copy goes to a file named by the author */
};

/* ---- whom to answer */

struct gather {
	struct mail *m;
	struct mail_draft *d;
	struct str *list;
	bool drop_own;
	unsigned n;		/* added */
	unsigned seen;		/* ... or left out: it is there, or is ourselves */
};

static bool is_dropped(struct gather *g, const struct addr *a)
{
	return mail_alias_has(str_span(&g->d->field[MAIL_TO]), a) ||
			mail_alias_has(str_span(&g->d->field[MAIL_CC]), a) ||
			(g->drop_own && mail_is_own(g->m, a));
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	struct gather *g = arg;

	if (g->n >= g->m->conf->max_recipients)
		return false;
	g->seen++;
	if (is_dropped(g, &e->addr))
		return true;
	mail_alias_put(g->list, e);
	g->n++;
	return true;
}

static void add_field(struct gather *g, struct span header, const char *name)
{
	struct header_field f;

	if (header_find(header, name, &f))
		addr_each(f.value, on_entry, g);
}

/* RFC 2369 3.4: List-Post: <mailto:list@a.com> (a comment), or NO. */
static void add_list(struct gather *g, struct span header)
{
	struct header_field f = { .name.n = 0 };
	struct span rest;

	header_find(header, "List-Post", &f);
	rest = f.value;
	while (rest.n) {
		span_cut(&rest, '<');
		if (!span_starts(rest, "mailto:"))
			continue;
		rest = span_rest(rest, 7);
		rest = span_cut(&rest, '>');
		addr_each(span_cut(&rest, '?'), on_entry, g);
		return;
	}
}

static void add_author(struct gather *g, struct span header)
{
	g->seen = 0;
	add_field(g, header, "Reply-To");
	if (!g->seen)	/* none, or nothing that can be read */
		add_field(g, header, "From");
}

/* RFC 5322 3.6.2, 3.6.3: Reply-To, else From; the others into Cc. */
static void add_everybody(struct gather *g, struct span header)
{
	g->drop_own = !mail_var(g->m, "metoo");
	add_field(g, header, "Mail-Followup-To");
	if (g->n)
		return;
	g->drop_own = false;
	add_author(g, header);
	if (!g->n)
		return;
	g->drop_own = !mail_var(g->m, "metoo");
	if (!mail_var(g->m, "recipients-in-to"))
		g->list = &g->d->field[MAIL_CC];
	add_field(g, header, "To");
	g->list = &g->d->field[MAIL_CC];
	add_field(g, header, "Cc");
}

static int add_recipients(struct mail *m, struct mail_draft *d,
		struct span header, unsigned how)
{
	struct gather g = { .m = m, .d = d, .list = &d->field[MAIL_TO] };

	if (CFG_MAIL_NAIL && how & REPLY_LIST)
		add_list(&g, header);
	else if (how & REPLY_ALL)
		add_everybody(&g, header);
	else
		add_author(&g, header);
	if (g.n || d->field[MAIL_TO].n)
		return 0;
	return err_set(&m->err, ERR_PERM, "%s", how & REPLY_LIST ?
			T("the message names no mailing list") :
			T("the message does not say whom to answer"));
}

/* ---- the answer */

static void set_thread(struct mail_draft *d, struct span header)
{
	struct header_field f;
	struct str subject;

	str_init(&subject, MAIL_LINE_MOST);
	mail_box_field(header, "Subject", &subject);
	compose_reply_subject(&d->field[MAIL_SUBJECT], str_span(&subject));
	str_free(&subject);
	if (header_find(header, "Message-ID", &f))
		header_unfold(&d->field[MAIL_IN_REPLY_TO], f.value);
	compose_references(&d->field[MAIL_REFERENCES], header);
}

/* What the first message decides: subject, thread, quoted text, copy. */
static int fill_first(struct mail *m, struct mail_draft *d, unsigned n,
		struct span header, unsigned how)
{
	const char *quote = CFG_MAIL_NAIL ? mail_var(m, "quote") : NULL;
	struct header_field from;

	set_thread(d, header);
	d->asked = true;
	if (how & REPLY_RECORD && header_find(header, "From", &from))
		mail_record_name(from.value, d->record);
	return quote ? mail_quote_answer(m, d, n, header) : 0;
}

static int fill(struct mail *m, struct mail_draft *d, unsigned n,
		unsigned how, bool first)
{
	struct str header;
	int rc;

	str_init(&header, MAIL_HEADER_MOST);
	rc = mail_box_header(m->box, n, &header, &m->err);
	if (rc == 0)
		rc = add_recipients(m, d, str_span(&header), how);
	if (rc == 0 && first)
		rc = fill_first(m, d, n, str_span(&header), how);
	str_free(&header);
	return rc;
}

static int write_and_send(struct mail *m, struct mail_draft *d)
{
	mail_draft_show(m, d);
	if (d->size && m->term.tty_in)
		mail_term_printf(&m->term, "%s\n", T("(a text is in it: ~p "
				"shows it, ~e edits it)"));
	return mail_send_command(m, d);
}

/* The list is the draft's: ~m and commands use m->set for theirs. */
static int answer_list(struct mail *m, const unsigned char *list, unsigned how)
{
	const struct mailbox *box = m->box;
	unsigned count = m->count, first = 0;
	struct mail_draft d;
	int rc = mail_draft_init(m, &d);

	for (unsigned i = 1; i <= count && rc == 0; i++) {
		if (!list[i] || (first && !(how & REPLY_EACH)))
			continue;
		m->dot = i;
		rc = fill(m, &d, i, how, !first);
		first = first ? first : i;
	}
	rc = rc < 0 ? mail_failed(m) : write_and_send(m, &d);
	if (rc < 0 || m->box != box)	/* ~: may have opened another one */
		first = UINT_MAX;
	for (unsigned i = 1; i <= count; i++)
		if (list[i] && (i == first || (how & REPLY_EACH && i > first)))
			m->note[i] |= MAIL_ANSWERED;
	mail_draft_free(&d);
	return rc;
}

static int answer(struct mail *m, unsigned how)
{
	unsigned char *list = malloc((size_t)m->count + 1);
	int rc;

	if (!list) {
		err_nomem(&m->err);
		return mail_failed(m);
	}
	memcpy(list, m->set, (size_t)m->count + 1);
	rc = answer_list(m, list, how);
	free(list);
	return rc;
}

/* POSIX: flipr exchanges r and R. */
static unsigned flip(struct mail *m, unsigned how, unsigned other)
{
	return mail_var(m, "flipr") ? other : how;
}

int mail_do_reply(struct mail *m)
{
	return answer(m, flip(m, REPLY_ALL, REPLY_EACH));
}

int mail_do_reply_sender(struct mail *m)
{
	return answer(m, flip(m, REPLY_EACH, REPLY_ALL));
}

int mail_do_reply_all(struct mail *m)
{
	return answer(m, REPLY_ALL);
}

int mail_do_reply_author(struct mail *m)
{
	return answer(m, 0);
}

int mail_do_reply_list(struct mail *m)
{
	return answer(m, REPLY_LIST);
}

int mail_do_followup(struct mail *m)
{
	return answer(m, REPLY_RECORD | REPLY_ALL);
}

int mail_do_followup_each(struct mail *m)
{
	return answer(m, REPLY_RECORD | REPLY_EACH);
}

/* POSIX: arguments may be quoted, as 'Bob B <bob@b.com>'. */
static void add_typed(struct mail *m, struct str *to)
{
	struct span rest = m->arg, done = rest, arg, inside;

	while ((arg = mail_arg(&rest)).n) {
		/* "B, Bob" <bob@b.com> is as it is */
		if (!mail_arg_quoted(arg, &inside) || !span_has(inside, '@') ||
		    span_starts(span_trim(rest), "<"))
			continue;
		mail_draft_typed(m, to, span_sub(done, 0,
				(size_t)(arg.p - done.p)));
		mail_draft_typed(m, to, inside);
		done = rest;
	}
	mail_draft_typed(m, to, span_trim(done));
}

int mail_do_mail(struct mail *m)
{
	struct mail_draft d;
	int rc = mail_draft_init(m, &d);

	if (rc == 0) {
		add_typed(m, &d.field[MAIL_TO]);
		if (!m->arg.n && m->term.tty_in)
			mail_draft_ask(m, &d, MAIL_TO);
		if (!d.field[MAIL_TO].n)
			rc = mail_wrong(m, T("No recipients given"));
	}
	rc = rc < 0 ? mail_failed(m) : mail_send_command(m, &d);
	mail_draft_free(&d);
	return rc;
}
