/* What filters want to have changed, at the end of a message. */
#include <stdlib.h>
#include <string.h>

#include "mime/dsn.h"
#include "os/log.h"
#include "smtpd/milter.h"

#define RCPTS_ADDED_MOST 100	/* beyond max-recipients */

/* -- header -- */

static int change_header(struct smtpd_filter *f, const struct milter_reply *r,
		struct err *err)
{
	struct milter_header *h = &f->all->message.header;
	struct str field;
	int rc;

	str_init(&field, MILTER_ADDED_MOST);
	/* no value: the field is to go */
	if (r->word != MILTER_IS_CHANGE_HEADER || r->value.n)
		milter_put_field(&field, r->name, r->value,
				!milter_leading_space(f->m));
	if (field.bad)
		rc = err_set(err, ERR_NOMEM, "the filters add too much");
	else if (r->word == MILTER_IS_CHANGE_HEADER)
		rc = milter_header_change(h, r->name, r->index,
				str_span(&field), err);
	else
		rc = milter_header_insert(h, r->word == MILTER_IS_ADD_HEADER ||
				r->index > h->n ? h->n : r->index,
				str_span(&field), err);
	str_free(&field);
	return rc;
}

/* -- body -- */

static int change_body(struct smtpd_filter *f, const struct milter_reply *r,
		struct err *err)
{
	struct smtpd_milter_message *m = &f->all->message;
	/* it is never committed, but a draft has somebody to go to */
	struct spool_rcpt nobody = { "nobody", SPOOL_WAITING, NULL };
	struct spool_envelope e = { .nrcpt = 1, .rcpt = &nobody };

	if (!m->new_body)
		m->new_body = spool_begin(f->all->x->service->smtpd->spool,
				&e, err);
	return m->new_body ? spool_write(m->new_body, r->name, err) : -1;
}

/* -- envelope -- */

/* "<a@b>" or "a@b", in normal form; NULL with err. */
static const char *take_address(struct smtpd_session *x, struct span text,
		bool null_too, struct err *err)
{
	struct smtp_session *s = x->smtp;
	struct span rest = span_trim(text);
	struct addr a = { { NULL, 0 }, { NULL, 0 } };
	struct str plain;
	char *made;

	if (rest.n && rest.p[0] == '<' ? !addr_path(&rest, &a, true) || rest.n :
			rest.n && !addr_parse(rest, &a, true)) {
		err_set(err, ERR_TEMP, "a filter's address is none");
		return NULL;
	}
	if (!a.local.n && !null_too) {
		err_set(err, ERR_TEMP, "a filter's address is empty");
		return NULL;
	}
	str_init(&plain, ADDR_MAX);
	addr_local_plain(&plain, a.local);
	if (!a.domain.n && a.local.n)
		a.domain = span_of(s->conf->domains ? s->conf->domains->text :
				s->conf->hostname);
	made = plain.bad ? NULL : arena_printf(s->arena, "%.*s%s%.*s",
			SPAN_ARG(str_span(&plain)), a.local.n ? "@" : "",
			SPAN_ARG(a.domain));
	for (char *c = made ? made + plain.n : NULL; c && *c; c++)
		*c = ascii_lower(*c);
	str_free(&plain);
	if (!made)
		err_nomem(err);
	return made;
}

static int change_from(struct smtpd_filter *f, const struct milter_reply *r,
		struct err *err)
{
	struct smtp_session *s = f->all->x->smtp;
	const char *address = take_address(f->all->x, r->name, true, err);

	if (!address)
		return -1;
	s->sender = address;
	return 0;
}

static struct smtp_rcpt **find_rcpt(struct smtp_session *s,
		const char *address)
{
	struct smtp_rcpt **at = &s->rcpts;

	while (*at && strcmp((*at)->address, address) != 0)
		at = &(*at)->next;
	return at;
}

/* "NOTIFY=... ORCPT=..."; what is something else is left out. */
static const char *take_params(struct smtp_session *s, struct span text)
{
	struct span word, all = text;
	const char *params = NULL;

	while ((word = span_word(&text)).n) {
		struct span value = word, name = span_cut(&value, '=');
		bool notify = span_is(name, "NOTIFY") && dsn_is_notify(value);

		if ((notify || (span_is(name, "ORCPT") && dsn_is_orcpt(value)))
				&& all.n < DSN_ORCPT_MOST * 2)
			params = arena_printf(s->arena, "%s%s%s=%.*s",
					params ? params : "",
					params ? " " : "",
					notify ? "NOTIFY" : "ORCPT",
					SPAN_ARG(value));
	}
	return params;
}

static int add_rcpt(struct smtpd_filter *f, const struct milter_reply *r,
		struct err *err)
{
	struct smtp_session *s = f->all->x->smtp;
	const char *address = take_address(f->all->x, r->name, false, err);
	struct smtp_rcpt **at, *new;

	if (!address)
		return -1;
	at = find_rcpt(s, address);
	if (*at)
		return 0;
	if (s->nrcpt >= s->conf->max_recipients + RCPTS_ADDED_MOST)
		return err_set(err, ERR_NOMEM, "the filters add too many "
				"recipients");
	new = arena_alloc(s->arena, sizeof(*new));
	if (!new)
		return err_nomem(err);
	new->address = address;
	new->dsn = take_params(s, r->value);
	*at = new;
	s->nrcpt++;
	return 0;
}

static int delete_rcpt(struct smtpd_filter *f, const struct milter_reply *r,
		struct err *err)
{
	struct smtp_session *s = f->all->x->smtp;
	const char *address = take_address(f->all->x, r->name, false, err);
	struct smtp_rcpt **at;

	if (!address)
		return -1;
	at = find_rcpt(s, address);
	if (*at) {
		*at = (*at)->next;
		s->nrcpt--;
	}
	return 0;
}

static int hold(struct smtpd_filter *f, const struct milter_reply *r,
		struct err *err)
{
	struct smtpd_milter_message *m = &f->all->message;

	free(m->held);
	m->held = strndup(r->name.p ? r->name.p : "", r->name.n);
	if (!m->held)
		return err_nomem(err);
	for (char *c = m->held; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return 0;
}

static const struct {
	char word;
	int (*make)(struct smtpd_filter *f, const struct milter_reply *r,
			struct err *err);
} changes[] = {
	{ MILTER_IS_ADD_HEADER, change_header },
	{ MILTER_IS_INSERT_HEADER, change_header },
	{ MILTER_IS_CHANGE_HEADER, change_header },
	{ MILTER_IS_BODY, change_body }, { MILTER_IS_FROM, change_from },
	{ MILTER_IS_ADD_RCPT, add_rcpt },
	{ MILTER_IS_ADD_RCPT_PARAMS, add_rcpt },
	{ MILTER_IS_DELETE_RCPT, delete_rcpt },
	{ MILTER_IS_QUARANTINE, hold },
};

/* One that cannot be made is told when the filter is done. */
void smtpd_milter_change(struct smtpd_filter *f, const struct milter_reply *r)
{
	struct smtpd_milter_message *m = &f->all->message;
	size_t i = 0;

	while (changes[i].word != r->word)
		i++;
	if (m->err.kind)
		return;
	if (changes[i].make(f, r, &m->err) < 0)
		log_warn("milter %s: %s", f->conf->name, m->err.text);
	/* a body counts once it is whole */
	if (r->word != MILTER_IS_BODY)
		m->changed = true;
}
