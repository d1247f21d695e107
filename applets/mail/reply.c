#include "mail/reply.h"

#include "mail/box.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"

struct gather {
	struct mail *m;
	struct mail_draft *d;
	struct str *list;
	bool drop_own;
	unsigned n;
};

bool mail_reply_is_own(const struct mail *m, const struct addr *a)
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

static bool is_in(const struct str *list, const struct addr *a)
{
	struct seek s = { .a = a };

	addr_each(str_span(list), compare, &s);
	return s.found;
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	struct gather *g = arg;

	if (g->n >= g->m->conf->max_recipients)
		return false;
	if (g->drop_own && mail_reply_is_own(g->m, &e->addr))
		return true;
	if (is_in(&g->d->to, &e->addr) || is_in(&g->d->cc, &e->addr))
		return true;
	if (g->list->n)
		str_adds(g->list, ", ");
	if (e->name.n) {
		header_unfold(g->list, e->name);
		str_adds(g->list, " <");
	}
	addr_put(g->list, &e->addr);
	str_adds(g->list, e->name.n ? ">" : "");
	g->n++;
	return true;
}

static bool add_field(struct gather *g, struct span header, const char *name,
		struct str *list)
{
	struct header_field f;

	if (!header_find(header, name, &f) || !f.value.n)
		return false;
	g->list = list;
	addr_each(f.value, on_entry, g);
	return true;
}

/* RFC 5322 3.6.2, 3.6.3: Reply-To, else From; the others into Cc. */
static void add_recipients(struct gather *g, struct span header, bool group)
{
	g->drop_own = false;
	if (!add_field(g, header, "Reply-To", &g->d->to))
		add_field(g, header, "From", &g->d->to);
	if (!group)
		return;
	g->drop_own = !mail_var_on(&g->m->vars, MAIL_VAR_METOO);
	add_field(g, header, "To", &g->d->cc);
	add_field(g, header, "Cc", &g->d->cc);
}

static void set_thread(struct mail_draft *d, struct span header)
{
	struct header_field f;
	struct str subject;

	str_init(&subject, d->subject.cap);
	mail_box_field(header, "Subject", &subject);
	compose_reply_subject(&d->subject, str_span(&subject));
	str_free(&subject);
	if (header_find(header, "Message-ID", &f))
		header_unfold(&d->in_reply_to, f.value);
	compose_references(&d->references, header);
}

int mail_reply_fill(struct mail *m, struct mail_draft *d, bool group,
		struct err *err)
{
	struct gather g = { .m = m, .d = d };
	bool first = true;
	struct str header;
	int rc = 0;

	str_init(&header, MAIL_HEADER_MOST);
	for (unsigned i = 1; i <= m->count && rc == 0; i++) {
		if (!m->set[i])
			continue;
		str_clear(&header);
		rc = mail_box_header(m, i, &header, NULL, err);
		add_recipients(&g, str_span(&header), group);
		if (first)
			set_thread(d, str_span(&header));
		first = false;
	}
	str_free(&header);
	if (rc == 0 && !d->to.n)
		return err_set(err, ERR_PERM, "the message does not say whom "
				"to answer");
	return rc;
}
