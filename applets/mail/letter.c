#include "mail/letter.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/date.h"
#include "base/utf8.h"
#include "config.h"
#include "mail/attach.h"
#include "mail/child.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "mime/qp.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/rand.h"
#include "os/text.h"
#include "store/submit.h"

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
		rc = err_set(&m->err, ERR_PERM, "%s",
				T("one sender is needed"));
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
	return l->n ? 0 : err_set(&l->m->err, ERR_PERM, "%s",
			T("no recipients"));
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

/* ---- the body */

static int look(void *arg, struct span piece)
{
	struct letter *l = arg;

	l->look |= compose_look(piece);
	return 0;
}

static int put(void *arg, struct span text)
{
	struct letter *l = arg;

	l->size += text.n;
	return file_write(l->own, text.p, text.n) < 0 ?
			err_errno(&l->m->err, "%s", T("temporary file")) : 0;
}

static int encode(void *arg, struct span piece)
{
	struct str out;
	int rc;

	str_init(&out, 4 * piece.n + 64);
	qp_encode(&out, piece);
	if (piece.p[piece.n - 1] != '\n')
		str_adds(&out, "=\n");
	rc = put(arg, str_span(&out));
	str_free(&out);
	return rc;
}

/* What the locale says of text that is not UTF-8: "de_DE.ISO-8859-1". */
static struct span locale_charset(void)
{
	static const char names[][9] = { "LC_ALL", "LC_CTYPE", "LANG" };
	struct span value = { NULL, 0 };

	for (size_t i = 0; i < 3 && !value.n; i++)
		value = span_of(getenv(names[i]));
	value = span_behind(value, '.');
	value = span_cut(&value, '@');
	return span_starts(value, "utf") || !span_isalnum(value, "-_") ?
			SPAN("") : value;
}

/* Content-Type and its encoding; a type of the user's own is believed. */
static enum compose_encoding put_type(struct letter *l,
		const struct mail_draft *d, struct str *out)
{
	struct span type = str_span(&d->field[MAIL_TYPE]);
	struct span encoding = str_span(&d->field[MAIL_ENCODING]);

	if (!type.n)
		type = SPAN("text/plain");
	/* what has parts cannot be encoded (RFC 2045 6.4) */
	if (span_starts(type, "multipart/") || span_starts(type, "message/"))
		l->look &= ~(unsigned)COMPOSE_HARD;
	if (!encoding.n)
		return compose_body(out, type, CFG_MAIL_NAIL ?
				locale_charset() : SPAN(""), l->look);
	str_addf(out, "Content-Type: %.*s\nContent-Transfer-Encoding: %.*s\n",
			SPAN_ARG(type), SPAN_ARG(encoding));
	return COMPOSE_8BIT;
}

static int own_file(struct letter *l)
{
	l->own = l->fd = file_temporary(&l->m->err);
	if (l->own < 0)
		return -1;
	if (lseek(l->own, MAIL_DRAFT_ROOM, SEEK_SET) < 0)
		return err_errno(&l->m->err, "%s", T("temporary file"));
	l->start = MAIL_DRAFT_ROOM;
	l->size = 0;
	return 0;
}

static int put_text(struct letter *l, struct mail_draft *d, bool qp)
{
	return mail_draft_each(d, qp ? encode : put, l, &l->m->err);
}

/* RFC 2046 5.1: the text, then what is attached. */
static int make_parts(struct letter *l, struct mail_draft *d)
{
	bool high = l->look & COMPOSE_HIGH;
	char boundary[28] = "=_";
	struct str head;
	bool qp;
	int rc;

	rand_word(boundary + 2, 24);
	if (own_file(l) < 0)
		return -1;
	str_init(&head, 4096);
	str_addf(&head, "--%s\n", boundary);
	qp = put_type(l, d, &head) == COMPOSE_QP;
	str_addc(&head, '\n');
	rc = put(l, str_span(&head));
	if (rc == 0)
		rc = put_text(l, d, qp);
	if (rc == 0)
		rc = mail_attach_write(l->m, d, l->own, boundary, &l->size,
				&high);
	str_clear(&head);
	str_addf(&head, "\n--%s--\n", boundary);
	if (rc == 0)
		rc = put(l, str_span(&head));
	str_addf(&l->header, "Content-Type: multipart/mixed;\n"
			" boundary=\"%s\"\nContent-Transfer-Encoding: %s\n\n",
			boundary, high ? "8bit" : "7bit");
	str_free(&head);
	return rc;
}

static bool is_too_long(const struct letter *l, const struct mail_draft *d)
{
	bool bad = l->header.bad || l->rcpts.bad || l->sender.bad;

	for (int i = 0; i < MAIL_FIELDS; i++)
		bad = bad || d->field[i].bad;
	return bad;
}

static int make_body(struct letter *l, struct mail_draft *d)
{
	if (CFG_MAIL_ATTACH && d->attached)
		return make_parts(l, d);
	if (put_type(l, d, &l->header) == COMPOSE_QP) {
		str_addc(&l->header, '\n');
		return own_file(l) < 0 ? -1 : put_text(l, d, true);
	}
	str_addc(&l->header, '\n');
	l->fd = d->fd;
	l->start = d->start;
	l->size = d->size;
	return 0;
}

int letter_make(struct letter *l, struct mail_draft *d)
{
	struct err *err = &l->m->err;

	if (put_all_addresses(l, d) < 0)
		return -1;
	if (d->size > l->m->conf->max_message_size)
		return err_set(err, ERR_PERM, "%s", T("the message is larger "
				"than max-message-size"));
	if (!d->ends_in_lf && mail_draft_add(d, SPAN("\n"), err) < 0)
		return -1;
	if (mail_draft_each(d, look, l, err) < 0)
		return -1;
	make_header(l, d);
	if (make_body(l, d) < 0)
		return -1;
	return is_too_long(l, d) ? err_set(err, ERR_NOMEM, "%s",
			T("the header is too long")) : 0;
}

/* ---- handing it over */

static const char **rcpt_array(struct letter *l)
{
	const char **v = calloc(l->n, sizeof(*v)), *at = str_c(&l->rcpts);

	for (unsigned i = 0; v && i < l->n; i++) {
		v[i] = at;
		at += strlen(at) + 1;
	}
	return v;
}

/* The program instead of the socket; what is a URL we have no use for. */
static const char *program(const struct mail *m)
{
	const char *value = mail_var(m, "sendmail");

	if (!value)
		value = mail_var(m, "mta");
	return value && *value && !strstr(value, "://") ? value : NULL;
}

/* As every mailx calls sendmail: the message is its input. */
static int run_program(struct letter *l, const char *name)
{
	struct span rest = str_span(&l->rcpts);
	struct str command;
	int status = -1;

	str_init(&command, 2 * 1024 * 1024);
	str_addf(&command, "%s -i -f ", name);
	mail_child_word(&command, span_of(str_c(&l->sender)));
	str_adds(&command, " --");
	while (rest.n) {
		str_addc(&command, ' ');
		mail_child_word(&command, span_cut(&rest, '\0'));
	}
	if (command.bad)
		err_nomem(&l->m->err);
	else if (lseek(l->fd, l->start, SEEK_SET) < 0)
		err_errno(&l->m->err, "%s", T("temporary file"));
	else
		status = mail_child(l->m, str_c(&command), l->fd, -1);
	str_free(&command);
	return status <= 0 ? status : err_set(&l->m->err,
			status == EX_TEMPFAIL ? ERR_TEMP : ERR_PERM,
			T("%s: exit status %d"), name, status);
}

int letter_send(struct letter *l)
{
	const struct submit_options more = { .utf8_header = l->utf8 };
	struct err *err = &l->m->err;
	const char *name = CFG_MAIL_NAIL ? program(l->m) : NULL, **v;
	int rc;

	l->start -= (int64_t)l->header.n;
	l->size += l->header.n;
	if (lseek(l->fd, l->start, SEEK_SET) < 0 ||
	    file_write(l->fd, l->header.p, l->header.n) < 0)
		return err_errno(err, "%s", T("temporary file"));
	if (name)
		return run_program(l, name);
	v = rcpt_array(l);
	if (!v)
		return err_nomem(err);
	rc = submit_message(l->m->conf, str_c(&l->sender), v, l->n, l->fd,
			l->start, l->size, &more, err);
	free(v);
	return rc;
}
