#include "mail/send.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/date.h"
#include "base/utf8.h"
#include "config.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "mime/qp.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/submit.h"

struct letter {
	struct mail *m;
	struct mail_draft *d;
	struct str sender, rcpts;	/* addresses, each with its NUL */
	unsigned n;			/* in rcpts */
	struct str *list, field;	/* the two that are being made */
	struct str header;
	bool bad;			/* an address that cannot be used */
	bool utf8;			/* one that is not ASCII */
	unsigned look;			/* compose_look of the body */
	int qp;				/* the body encoded: a second file */
	uint64_t qp_size;
};

/* ---- addresses */

static bool has(const struct str *list, struct span address)
{
	struct span rest = str_span(list);

	while (rest.n)
		if (span_eq(span_cut(&rest, '\0'), address))
			return true;
	return false;
}

/* A display name for the header: ASCII as it was written, else encoded. */
static void put_name(struct str *out, struct span name)
{
	struct str plain;

	if (utf8_ascii(name)) {
		str_add(out, name);
		return;
	}
	str_init(&plain, 4096);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '"' && name.p[i] != '\\')
			str_addc(&plain, name.p[i]);
	word_encode(out, str_span(&plain));
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
	if (!has(l->list, str_span(&text))) {
		str_add(l->list, span_make(str_c(&text), text.n + 1));
		l->n++;
	}
	str_free(&text);
	return !l->bad;
}

/* One list of addresses: into the envelope, and as a field, if it has a name. */
static int put_addresses(struct letter *l, const char *name, struct span text,
		struct str *list)
{
	struct err *err = &l->m->err;
	unsigned most = l->m->conf->max_recipients;

	str_clear(&l->field);
	l->list = list;
	if (addr_each(text, on_entry, l) || l->bad || l->field.bad)
		return err_set(err, ERR_PERM, "%.*s: not an address%s",
				text.n < 180 ? (int)text.n : 180, text.p,
				CFG_SMTPUTF8 ? "" : ", or not in ASCII");
	if (l->n > most)
		return err_set(err, ERR_PERM, "more than %u recipients", most);
	if (name && l->field.n)
		header_put(&l->header, name, str_span(&l->field));
	return 0;
}

/* Who the mail is from: -r, else the user. */
static int put_from(struct letter *l)
{
	struct mail *m = l->m;
	struct span from = l->d->from;
	struct str own;
	int rc;

	str_init(&own, 1024);
	compose_author(&own, span_of(m->name), m->address);
	rc = put_addresses(l, "From", from.n ? from : str_span(&own),
			&l->sender);
	str_free(&own);
	if (rc < 0)
		return -1;
	if (l->n != 1)
		return err_set(&m->err, ERR_PERM, "one sender is needed");
	l->n = 0;
	return 0;
}

static int put_all_addresses(struct letter *l)
{
	if (put_from(l) < 0)
		return -1;
	for (enum mail_field f = MAIL_TO; f <= MAIL_BCC; f++)
		if (put_addresses(l, f == MAIL_BCC ? NULL : mail_draft_name(f),
				str_span(&l->d->field[f]), &l->rcpts) < 0)
			return -1;
	return l->n ? 0 : err_set(&l->m->err, ERR_PERM, "no recipients");
}

/* ---- the header */

static void put_field(struct letter *l, enum mail_field f)
{
	struct span value = str_span(&l->d->field[f]);

	str_clear(&l->field);
	if (f == MAIL_SUBJECT)
		word_encode(&l->field, value);
	else
		str_add(&l->field, value);
	if (value.n)
		header_put(&l->header, mail_draft_name(f),
				str_span(&l->field));
}

static enum compose_encoding make_header(struct letter *l)
{
	struct str *out = &l->header;
	enum compose_encoding encoding;
	char date[DATE_SIZE];

	if (!l->d->field[MAIL_TO].n && !l->d->field[MAIL_CC].n)
		str_adds(out, "To: undisclosed-recipients:;\n");
	put_field(l, MAIL_SUBJECT);
	/* with no clock yet, `queue` adds it when there is one */
	if (clock_plausible()) {
		date_mail(date, clock_now(), date_offset(clock_now()));
		header_put(out, "Date", span_of(date));
	}
	str_clear(&l->field);
	compose_message_id(&l->field, l->m->conf->hostname);
	header_put(out, "Message-ID", str_span(&l->field));
	put_field(l, MAIL_IN_REPLY_TO);
	put_field(l, MAIL_REFERENCES);
	encoding = compose_text(out, l->look);
	str_addc(out, '\n');
	return encoding;
}

/* ---- the whole message in one file */

static int look(void *arg, struct span piece)
{
	struct letter *l = arg;

	l->look |= compose_look(piece);
	return 0;
}

static int encode(void *arg, struct span piece)
{
	struct letter *l = arg;
	struct str out;
	int rc;

	str_init(&out, 4 * piece.n + 64);
	qp_encode(&out, piece);
	if (piece.p[piece.n - 1] != '\n')
		str_adds(&out, "=\n");
	rc = file_write(l->qp, out.p, out.n);
	l->qp_size += out.n;
	str_free(&out);
	return rc < 0 ? err_errno(&l->m->err, "temporary file") : 0;
}

/* The encoded body takes the other's place in the draft. */
static int encode_body(struct letter *l)
{
	struct mail_draft *d = l->d;

	l->qp = file_temporary(&l->m->err);
	if (l->qp < 0)
		return -1;
	if (lseek(l->qp, MAIL_DRAFT_ROOM, SEEK_SET) < 0)
		return err_errno(&l->m->err, "temporary file");
	return mail_draft_each(d, encode, l, &l->m->err);
}

static const char **rcpt_array(struct letter *l)
{
	const char **v = calloc(l->n, sizeof(*v)), *at = str_c(&l->rcpts);

	for (unsigned i = 0; v && i < l->n; i++) {
		v[i] = at;
		at += strlen(at) + 1;
	}
	return v;
}

static bool is_too_long(const struct letter *l)
{
	bool bad = l->header.bad || l->rcpts.bad || l->sender.bad;

	for (int i = 0; i < MAIL_FIELDS; i++)
		bad = bad || l->d->field[i].bad;
	return bad;
}

/* The header goes into the room before the body. */
static int submit(struct letter *l, int fd, uint64_t size)
{
	int64_t start = MAIL_DRAFT_ROOM - (int64_t)l->header.n;
	struct err *err = &l->m->err;
	const char **v = rcpt_array(l);
	const struct submit_options more = { .utf8_header = l->utf8 };
	int rc;

	if (!v || is_too_long(l))
		rc = err_set(err, ERR_NOMEM, "the header is too long");
	else if (lseek(fd, start, SEEK_SET) < 0 ||
	    file_write(fd, l->header.p, l->header.n) < 0)
		rc = err_errno(err, "temporary file");
	else
		rc = submit_message(l->m->conf, str_c(&l->sender), v, l->n, fd,
				start, l->header.n + size, &more, err);
	free(v);
	return rc;
}

static int finish(struct letter *l)
{
	struct mail_draft *d = l->d;
	struct err *err = &l->m->err;

	if (put_all_addresses(l) < 0)
		return -1;
	if (!d->ends_in_lf && mail_draft_add(d, SPAN("\n"), err) < 0)
		return -1;
	if (mail_draft_each(d, look, l, err) < 0)
		return -1;
	if (make_header(l) != COMPOSE_QP)
		return submit(l, d->fd, d->size);
	return encode_body(l) < 0 ? -1 : submit(l, l->qp, l->qp_size);
}

static void letter_init(struct letter *l, struct mail *m, struct mail_draft *d)
{
	*l = (struct letter){ .m = m, .d = d, .qp = -1 };
	str_init(&l->sender, ADDR_MAX);
	str_init(&l->rcpts, 1024 * 1024);
	str_init(&l->field, MAIL_DRAFT_ROOM);
	str_init(&l->header, MAIL_DRAFT_ROOM);
}

static void letter_free(struct letter *l)
{
	str_free(&l->sender);
	str_free(&l->rcpts);
	str_free(&l->field);
	str_free(&l->header);
	if (l->qp >= 0)
		close(l->qp);
}

/* ---- dead.letter */

static int write_piece(void *arg, struct span piece)
{
	return file_write(*(const int *)arg, piece.p, piece.n);
}

/*
 * An mbox, but for one message at a time and with no lock: nobody delivers to
 * it. The addresses are kept as they were typed: they may be what is wrong.
 */
static int append_dead(struct letter *l, const char *path)
{
	struct str *head = &l->header;
	char when[DATE_SIZE];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int rc;

	date_mbox(when, clock_now());
	str_addf(head, "From %s %s\nFrom: %s\n", l->m->address, when,
			l->m->address);
	for (enum mail_field f = MAIL_TO; f <= MAIL_SUBJECT; f++)
		put_field(l, f);
	str_adds(head, "Status: RO\n\n");
	rc = fd < 0 || head->bad ? -1 : write_piece(&fd, str_span(head));
	if (rc == 0)
		rc = mail_draft_each(l->d, write_piece, &fd, NULL);
	if (rc == 0)
		rc = write_piece(&fd, SPAN("\n\n"));
	if (rc < 0)
		err_errno(&l->m->err, "%s", path);
	close(fd);
	return rc;
}

void mail_send_dead(struct mail *m, struct mail_draft *d)
{
	char path[PATH_MAX];
	struct letter l;

	if (!d->size)
		return;
	letter_init(&l, m, d);
	if (mail_path(m, SPAN("~/dead.letter"), path) == 0 &&
	    append_dead(&l, path) == 0)
		mail_term_error(&m->term, "The text is kept in %s", path);
	else
		mail_term_error(&m->term, "mail: the text is lost: %s",
				m->err.text);
	letter_free(&l);
}

/* ---- sending */

int mail_send(struct mail *m, struct mail_draft *d, bool ask, bool escapes)
{
	struct letter l;
	int rc;

	if (ask && m->term.tty_in && !d->field[MAIL_SUBJECT].n &&
	    !mail_draft_ask(m, d, MAIL_SUBJECT))
		return EX_TEMPFAIL;
	if (!mail_draft_edit(m, d, escapes))
		return EX_TEMPFAIL;
	if (m->term.tty_in)
		mail_term_printf(&m->term, "EOT\n");
	if (!d->size)
		mail_term_error(&m->term, "Null message body; hope that's ok");
	letter_init(&l, m, d);
	rc = finish(&l);
	letter_free(&l);
	if (rc == 0)
		return 0;
	mail_term_error(&m->term, "mail: not sent: %s", m->err.text);
	rc = err_exit(m->err.kind);
	mail_send_dead(m, d);
	return rc;
}
