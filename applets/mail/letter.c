/* A letter: its addresses and its header. */
#include "mail/letter.h"

#include <unistd.h>
#include "base/date.h"
#include "base/utf8.h"
#include "config.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/text.h"

void letter_init(struct letter *l, struct mail *m)
{
	*l = (struct letter){ .m = m, .own = -1, .fd = -1 };
	str_init(&l->sender, ADDR_MAX);
	str_init(&l->rcpts, 1024 * 1024);
	str_init(&l->field, MAIL_DRAFT_ROOM);
	str_init(&l->header, MAIL_DRAFT_ROOM);
}

void letter_free(struct letter *l)
{
	str_free(&l->sender);
	str_free(&l->rcpts);
	str_free(&l->field);
	str_free(&l->header);
	if (l->own >= 0)
		close(l->own);
}

/* ---- addresses */

static bool has(const struct str *list, struct span address)
{
	struct span rest = str_span(list);

	while (rest.n)
		if (span_eq(span_cut(&rest, '\0'), address))
			return true;
	return false;
}

/* No control character gets into a header, wherever the text came from. */
static void put_encoded(struct str *out, struct span text)
{
	(span_has_control(text) ? word_encode_whole : word_encode)(out, text);
}

/* A display name for the header: ASCII as it was written, else encoded. */
static void put_name(struct str *out, struct span name)
{
	struct str plain;

	if (utf8_ascii(name) && !span_has_control(name)) {
		str_add(out, name);
		return;
	}
	str_init(&plain, 4096);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '"' && name.p[i] != '\\')
			str_addc(&plain, name.p[i]);
	put_encoded(out, str_span(&plain));
	str_free(&plain);
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	struct letter *l = arg;
	struct addr a = e->addr;
	struct str text;

	if (!a.domain.n)	/* `bob` is bob at our own domain */
		a.domain = span_behind(span_of(l->m->address), '@');
	str_init(&text, ADDR_MAX);
	addr_put_ascii(&text, &a);	/* then any host may take it */
	l->bad = text.bad || !(CFG_SMTPUTF8 ? utf8_clean :
			utf8_ascii)(str_span(&text));
	l->utf8 |= !utf8_ascii(str_span(&text));
	str_adds(&l->field, l->field.n ? ", " : "");
	put_name(&l->field, e->name);
	str_addf(&l->field, e->name.n ? " <%s>" : "%s", str_c(&text));
	if (l->list && !has(l->list, str_span(&text))) {
		str_add(l->list, span_make(str_c(&text), text.n + 1));
		l->n++;
	}
	str_free(&text);
	return !l->bad;
}

int letter_addresses(struct letter *l, const char *name, struct span text,
		struct str *list)
{
	struct err *err = &l->m->err;
	unsigned most = l->m->conf->max_recipients;

	str_clear(&l->field);
	l->list = list;
	if (addr_each(text, on_entry, l) || l->bad || l->field.bad)
		return err_set(err, ERR_PERM, CFG_SMTPUTF8 ?
				T("%.*s: not an address") :
				T("%.*s: not an address, or not in ASCII"),
				text.n < 180 ? (int)text.n : 180, text.p);
	if (l->n > most)
		return err_set(err, ERR_PERM, T("more than %u recipients"),
				most);
	if (name && l->field.n)
		header_put(&l->header, name, str_span(&l->field));
	return 0;
}

int letter_sender(struct letter *l, const char *name, struct span text)
{
	struct mail *m = l->m;
	struct str own;
	int rc;

	str_init(&own, 1024);
	compose_author(&own, span_of(m->name), m->address);
	rc = letter_addresses(l, name, text.n ? text : str_span(&own),
			&l->sender);
	str_free(&own);
	if (rc == 0 && l->n != 1)
		rc = mail_wrong(m, T("one sender is needed"));
	l->n = 0;
	return rc;
}

/*
 * -r and the variable `from` are the sender in the envelope, too. A From field
 * that a script gives is not, as with other mailx.
 */
static int put_from(struct letter *l, struct mail_draft *d)
{
	struct span given = str_span(&d->field[MAIL_FROM]), from = d->from;

	if (CFG_MAIL_RC && !from.n)
		from = span_of(mail_var(l->m, "from"));
	if (letter_addresses(l, "From", given, NULL) < 0)
		return -1;
	return letter_sender(l, l->field.n ? NULL : "From", from);
}

static int put_all_addresses(struct letter *l, struct mail_draft *d)
{
	struct span answers = str_span(&d->field[MAIL_REPLY_TO]);

	if (CFG_MAIL_NAIL && !answers.n)
		answers = span_of(mail_var(l->m, "reply-to"));
	if (put_from(l, d) < 0 ||
	    letter_addresses(l, "Reply-To", answers, NULL) < 0)
		return -1;
	for (enum mail_field f = MAIL_TO; f <= MAIL_BCC; f++)
		if (letter_addresses(l, f == MAIL_BCC ? NULL :
				mail_draft_name(f), str_span(&d->field[f]),
				&l->rcpts) < 0)
			return -1;
	return l->n ? 0 : mail_wrong(l->m, T("no recipients"));
}

/* ---- the header */

static void put_field(struct letter *l, const struct mail_draft *d,
		enum mail_field f)
{
	struct span value = str_span(&d->field[f]);

	str_clear(&l->field);
	if (f == MAIL_SUBJECT)
		put_encoded(&l->field, value);
	else if (!span_has_control(value))
		str_add(&l->field, value);
	if (l->field.n)
		header_put(&l->header, mail_draft_name(f),
				str_span(&l->field));
}

static bool given(struct span header, const char *name)
{
	struct header_field f;

	return header_find(header, name, &f);
}

void letter_stamp(struct letter *l, const char *date, const char *id)
{
	char now[DATE_SIZE];

	/* with no clock yet, `queue` adds it when there is one */
	if (*date && clock_plausible()) {
		date_mail(now, clock_now(), date_offset(clock_now()));
		header_put(&l->header, date, span_of(now));
	}
	str_clear(&l->field);
	compose_message_id(&l->field, l->m->conf->hostname);
	if (*id)
		header_put(&l->header, id, str_span(&l->field));
}

static void make_header(struct letter *l, struct mail_draft *d)
{
	struct span more = str_span(&d->field[MAIL_MORE]);
	struct str *out = &l->header;

	if (!d->field[MAIL_TO].n && !d->field[MAIL_CC].n)
		str_adds(out, "To: undisclosed-recipients:;\n");
	put_field(l, d, MAIL_SUBJECT);
	letter_stamp(l, given(more, "Date") ? "" : "Date",
			given(more, "Message-ID") ? "" : "Message-ID");
	put_field(l, d, MAIL_IN_REPLY_TO);
	put_field(l, d, MAIL_REFERENCES);
	str_add(out, more);
	str_adds(out, "MIME-Version: 1.0\n");
}

static int look(void *arg, struct span piece)
{
	struct letter *l = arg;

	l->look |= compose_look(piece);
	return 0;
}

static bool is_too_long(const struct letter *l, const struct mail_draft *d)
{
	bool bad = l->header.bad || l->rcpts.bad || l->sender.bad;

	for (int i = 0; i < MAIL_FIELDS; i++)
		bad = bad || d->field[i].bad;
	return bad;
}

int letter_make(struct letter *l, struct mail_draft *d)
{
	struct err *err = &l->m->err;

	if (put_all_addresses(l, d) < 0)
		return -1;
	if (d->size > l->m->conf->max_message_size)
		return err_set(err, ERR_PERM, "%s", T("the message is larger "
				"than max-message-size"));
	if (!d->ends_in_lf && mail_draft_add(d, SPAN("\n")) < 0)
		return -1;
	if (mail_draft_each(d, look, l) < 0)
		return -1;
	make_header(l, d);
	if (letter_body(l, d) < 0)
		return -1;
	return is_too_long(l, d) ? err_set(err, ERR_NOMEM, "%s",
			T("the header is too long")) : 0;
}
