/* The commands mail, reply and Reply. */
#include "mail/command.h"

#include "mail/box.h"
#include "mail/send.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"

/* ---- whom to answer */

struct gather {
	struct mail *m;
	struct mail_draft *d;
	struct str *list;
	bool drop_own;
	unsigned n;
};

static bool is_own(const struct mail *m, const struct addr *a)
{
	struct span domain = span_of(m->address);
	struct span local = span_cut(&domain, '@');

	return span_caseeq(a->local, local) &&
			(!a->domain.n || span_caseeq(a->domain, domain) ||
			 conf_is_local(m->conf, a->domain));
}

struct seek {
	const struct addr *a;
	bool found;
};

static bool compare(void *arg, const struct addr_entry *e)
{
	struct seek *s = arg;

	s->found = span_caseeq(e->addr.local, s->a->local) &&
			span_caseeq(e->addr.domain, s->a->domain);
	return !s->found;
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	struct gather *g = arg;
	struct seek s = { .a = &e->addr };

	if (g->n >= g->m->conf->max_recipients)
		return false;
	addr_each(str_span(&g->d->field[MAIL_TO]), compare, &s);
	if (!s.found)
		addr_each(str_span(&g->d->field[MAIL_CC]), compare, &s);
	if (s.found || (g->drop_own && is_own(g->m, &e->addr)))
		return true;
	str_adds(g->list, g->list->n ? ", " : "");
	header_unfold(g->list, e->name);
	str_adds(g->list, e->name.n ? " <" : "");
	addr_put(g->list, &e->addr);
	str_adds(g->list, e->name.n ? ">" : "");
	g->n++;
	return true;
}

static bool add_field(struct gather *g, struct span header, const char *name)
{
	struct header_field f;

	if (!header_find(header, name, &f) || !f.value.n)
		return false;
	addr_each(f.value, on_entry, g);
	return true;
}

/* RFC 5322 3.6.2, 3.6.3: Reply-To, else From; the others into Cc. */
static int add_recipients(struct mail *m, struct mail_draft *d,
		struct span header, bool group)
{
	struct gather g = { .m = m, .d = d, .list = &d->field[MAIL_TO] };

	if (!add_field(&g, header, "Reply-To"))
		add_field(&g, header, "From");
	if (!g.n)
		return err_set(&m->err, ERR_PERM, "the message does not say "
				"whom to answer");
	g.list = &d->field[MAIL_CC];
	g.drop_own = true;
	if (group) {
		add_field(&g, header, "To");
		add_field(&g, header, "Cc");
	}
	return 0;
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

/* Fills d for an answer to the current message. group: to all who got it. */
static int fill(struct mail *m, struct mail_draft *d, bool group)
{
	struct str header;
	int rc;

	str_init(&header, MAIL_HEADER_MOST);
	rc = mail_box_header(m->box, m->dot, &header, &m->err);
	if (rc == 0)
		rc = add_recipients(m, d, str_span(&header), group);
	set_thread(d, str_span(&header));
	str_free(&header);
	if (rc == 0)
		mail_draft_show(m, d);
	return rc;
}

/* The worst is kept as the session's exit status. */
static int write_and_send(struct mail *m, struct mail_draft *d)
{
	int status = mail_send(m, d, true, true);

	if (status)
		m->status = status;
	return status ? -1 : 0;
}

static int answer(struct mail *m, bool group)
{
	struct mail_draft d;
	int rc;

	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i])
			m->dot = i;
	rc = mail_draft_init(&d, &m->err);
	if (rc == 0)
		rc = fill(m, &d, group);
	if (rc < 0)
		mail_failed(m);
	else
		rc = write_and_send(m, &d);
	if (rc == 0)
		m->note[m->dot] |= MAIL_ANSWERED;
	mail_draft_free(&d);
	return rc;
}

int mail_do_reply(struct mail *m)
{
	return answer(m, true);
}

int mail_do_reply_sender(struct mail *m)
{
	return answer(m, false);
}

int mail_do_mail(struct mail *m)
{
	struct mail_draft d;
	int rc = mail_draft_init(&d, &m->err);

	mail_draft_address(&d.field[MAIL_TO], m->arg);
	if (!m->arg.n)
		rc = err_set(&m->err, ERR_PERM, "No recipients given");
	rc = rc < 0 ? mail_failed(m) : write_and_send(m, &d);
	mail_draft_free(&d);
	return rc;
}
