#include "mail/send.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/arena.h"
#include "base/date.h"
#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "mime/qp.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/submit.h"

#define HEADER_MOST (1024 * 1024)
#define QP_BLOCK 16384

bool mail_send_forged(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c < 32 && c != '\t') || c == 127)
			return true;
	}
	return false;
}

/* ---- addresses */

struct rcpts {
	struct mail *m;
	struct arena *arena;
	const char **v;
	unsigned n, size;
	struct str *header;	/* the field being made */
	const char *bad;	/* the first address that cannot be used */
	const char *why;
};

static bool add_rcpt(struct rcpts *r, const char *address)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!strcmp(r->v[i], address))
			return true;
	if (r->n == r->size) {
		unsigned size = r->size ? r->size * 2 : 16;
		const char **v = realloc(r->v, size * sizeof(*v));

		if (!v)
			return false;
		r->v = v;
		r->size = size;
	}
	r->v[r->n++] = address;
	return true;
}

/* `bob` is bob at our own domain. */
static struct span own_domain(const struct mail *m)
{
	struct span rest = span_of(m->address);

	return span_sub(rest, span_rfind(rest, '@') + 1, rest.n);
}

static bool is_plain_name(struct span name)
{
	for (size_t i = 0; i + 1 < name.n; i++)
		if (name.p[i] == '=' && name.p[i + 1] == '?')
			return false;
	return utf8_ascii(name);
}

/* A display name for the header: ASCII as it was written, else encoded. */
static void put_name(struct str *out, struct span name)
{
	struct str plain, text;

	if (is_plain_name(name)) {
		str_add(out, name);
		return;
	}
	str_init(&plain, 4096);
	str_init(&text, 4096);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '"' && name.p[i] != '\\')
			str_addc(&plain, name.p[i]);
	word_decode(&text, str_span(&plain));
	word_encode(out, str_span(&text));
	str_free(&text);
	str_free(&plain);
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	struct rcpts *r = arg;
	struct addr a = e->addr;
	struct str text;
	const char *address;

	if (!a.domain.n)
		a.domain = own_domain(r->m);
	str_init(&text, ADDR_MAX);
	addr_put(&text, &a);
	address = text.bad ? NULL : arena_dup(r->arena, str_span(&text));
	str_free(&text);
	if (!address || !utf8_ascii(span_of(address))) {
		r->bad = address ? address : "(address)";
		r->why = address ? "only ASCII addresses can be used" :
				"too long";
		return false;
	}
	if (r->header->n)
		str_adds(r->header, ", ");
	if (e->name.n) {
		put_name(r->header, e->name);
		str_addf(r->header, " <%s>", address);
	} else {
		str_adds(r->header, address);
	}
	return add_rcpt(r, address);
}

/* One list of addresses: into the recipients, and as a field's value. */
static int read_list(struct rcpts *r, const struct str *list,
		struct str *header, struct err *err)
{
	int broken;

	r->header = header;
	broken = addr_each(str_span(list), on_entry, r);
	if (r->bad)
		return err_set(err, ERR_PERM, "%s: %s", r->bad, r->why);
	if (broken || list->bad)
		return err_set(err, ERR_PERM, "%.180s: not an address",
				str_c(list));
	if (r->n > r->m->conf->max_recipients)
		return err_set(err, ERR_PERM, "more than %u recipients",
				r->m->conf->max_recipients);
	return 0;
}

/* ---- the header */

/* A name with the characters that RFC 5322 3.2.3 keeps for itself is quoted. */
static void put_own_name(struct str *out, const char *name)
{
	struct span s = span_of(name);
	bool quote = false;

	if (!utf8_ascii(s)) {
		word_encode(out, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		quote = quote || strchr("()<>[]:;@\\,.\"", s.p[i]);
	str_adds(out, quote ? "\"" : "");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			str_addc(out, '\\');
		str_addc(out, s.p[i]);
	}
	str_adds(out, quote ? "\"" : "");
}

struct letter {
	struct mail *m;
	struct mail_draft *d;
	struct rcpts rcpts, from;
	struct str from_field, to, cc, bcc;
	struct str header;
	int fd;			/* the finished message */
	bool own_fd;
	int64_t start;
	uint64_t size;
};

static void letter_init(struct letter *l, struct mail *m, struct mail_draft *d)
{
	*l = (struct letter){ .m = m, .d = d, .fd = -1 };
	l->rcpts.m = l->from.m = m;
	l->rcpts.arena = l->from.arena = arena_new(4 * 1024 * 1024);
	str_init(&l->from_field, HEADER_MOST);
	str_init(&l->to, HEADER_MOST);
	str_init(&l->cc, HEADER_MOST);
	str_init(&l->bcc, HEADER_MOST);
	str_init(&l->header, HEADER_MOST);
}

static void letter_free(struct letter *l)
{
	free(l->rcpts.v);
	free(l->from.v);
	arena_free(l->rcpts.arena);
	str_free(&l->from_field);
	str_free(&l->to);
	str_free(&l->cc);
	str_free(&l->bcc);
	str_free(&l->header);
	if (l->own_fd && l->fd >= 0)
		close(l->fd);
}

/* Who the mail is from: -r, else the user. */
static int read_from(struct letter *l, struct err *err)
{
	struct mail *m = l->m;

	if (l->d->from.n) {
		if (read_list(&l->from, &l->d->from, &l->from_field, err) < 0)
			return -1;
		return l->from.n == 1 ? 0 : err_set(err, ERR_PERM,
				"%.180s: one sender is needed", str_c(&l->d->from));
	}
	if (m->name[0]) {
		put_own_name(&l->from_field, m->name);
		str_addf(&l->from_field, " <%s>", m->address);
	} else {
		str_adds(&l->from_field, m->address);
	}
	return add_rcpt(&l->from, m->address) ? 0 :
			err_set(err, ERR_NOMEM, "out of memory");
}

static int read_addresses(struct letter *l, struct err *err)
{
	if (!l->rcpts.arena)
		return err_set(err, ERR_NOMEM, "out of memory");
	if (read_from(l, err) < 0 ||
	    read_list(&l->rcpts, &l->d->to, &l->to, err) < 0 ||
	    read_list(&l->rcpts, &l->d->cc, &l->cc, err) < 0 ||
	    read_list(&l->rcpts, &l->d->bcc, &l->bcc, err) < 0)
		return -1;
	return l->rcpts.n ? 0 : err_set(err, ERR_PERM, "no recipients");
}

static void put_field(struct str *out, const char *name,
		const struct str *value)
{
	if (value->n)
		header_put(out, name, str_span(value));
}

static void put_subject(struct str *out, const struct str *subject)
{
	struct str text;

	str_init(&text, HEADER_MOST);
	word_encode(&text, str_span(subject));
	put_field(out, "Subject", &text);
	str_free(&text);
}

/* With no clock yet, the server that has one adds the date (RFC 6409 8.1). */
static void put_date(struct str *out)
{
	char text[DATE_SIZE];

	if (!clock_plausible())
		return;
	date_mail(text, clock_now(), date_offset(clock_now()));
	header_put(out, "Date", span_of(text));
}

static void put_id(struct str *out, const char *host)
{
	struct str id;

	str_init(&id, 1024);
	compose_message_id(&id, host);
	put_field(out, "Message-ID", &id);
	str_free(&id);
}

static void make_header(struct letter *l, enum compose_encoding *encoding)
{
	struct str *out = &l->header;

	put_field(out, "From", &l->from_field);
	put_field(out, "To", &l->to);
	put_field(out, "Cc", &l->cc);
	if (!l->to.n && !l->cc.n)	/* RFC 5322 3.6.3: all in Bcc */
		str_adds(out, "To: undisclosed-recipients:;\n");
	put_subject(out, &l->d->subject);
	put_date(out);
	put_id(out, l->m->conf->hostname);
	put_field(out, "In-Reply-To", &l->d->in_reply_to);
	put_field(out, "References", &l->d->references);
	*encoding = compose_text(out, mail_draft_sample(l->d), true);
	str_addc(out, '\n');
}

/* ---- the whole message in one file */

/* A piece for qp_encode ends at a line end, or the line goes on after "=". */
static int write_qp(struct letter *l, struct span piece, bool last,
		size_t *used, struct err *err)
{
	size_t lf = span_rfind(piece, '\n');
	bool at_line = lf < piece.n;
	struct str out;
	int rc;

	*used = at_line && !last ? lf + 1 : piece.n;
	str_init(&out, 4 * QP_BLOCK + 64);
	qp_encode(&out, span_sub(piece, 0, *used));
	if (!at_line && !last)
		str_adds(&out, "=\n");
	rc = file_write(l->fd, out.p, out.n);
	str_free(&out);
	return rc < 0 ? err_errno(err, "temporary file") : 0;
}

static int encode_body(struct letter *l, struct err *err)
{
	char buf[QP_BLOCK];

	for (uint64_t at = 0; at < l->d->size; ) {
		uint64_t left = l->d->size - at;
		size_t want = left < QP_BLOCK ? (size_t)left : QP_BLOCK, used;
		ssize_t n = file_pread(l->d->fd, buf, want,
				MAIL_DRAFT_ROOM + (int64_t)at);

		if (n <= 0)
			return err_errno(err, "temporary file");
		if (write_qp(l, span_make(buf, (size_t)n),
				(uint64_t)n == left, &used, err) < 0)
			return -1;
		at += used;
	}
	return 0;
}

/* A second file: the body has to be encoded, or the header needs more room. */
static int write_anew(struct letter *l, enum compose_encoding encoding,
		struct err *err)
{
	off_t end;

	l->fd = mail_temp(err);
	l->own_fd = true;
	if (l->fd < 0)
		return -1;
	if (file_write(l->fd, l->header.p, l->header.n) < 0)
		return err_errno(err, "temporary file");
	if (encoding == COMPOSE_QP ? encode_body(l, err) < 0 :
			mail_draft_copy(l->d, l->fd, err) < 0)
		return -1;
	end = lseek(l->fd, 0, SEEK_CUR);
	l->start = 0;
	l->size = (uint64_t)end;
	return end < 0 ? err_errno(err, "temporary file") : 0;
}

/* The header into the room before the body. */
static int write_before(struct letter *l, struct err *err)
{
	l->fd = l->d->fd;
	l->start = (int64_t)(MAIL_DRAFT_ROOM - l->header.n);
	l->size = l->header.n + l->d->size;
	if (lseek(l->fd, l->start, SEEK_SET) < 0 ||
	    file_write(l->fd, l->header.p, l->header.n) < 0)
		return err_errno(err, "temporary file");
	return 0;
}

static int finish(struct letter *l, enum compose_encoding encoding,
		struct err *err)
{
	if (l->header.bad)
		return err_set(err, ERR_NOMEM, "the header is too long");
	if (!l->d->ends_in_lf && mail_draft_add(l->d, SPAN("\n"), err) < 0)
		return -1;
	if (encoding == COMPOSE_QP || l->header.n > MAIL_DRAFT_ROOM)
		return write_anew(l, encoding, err);
	return write_before(l, err);
}

/* ---- dead.letter */

/* The addresses are kept as they were typed: they may be what is wrong. */
static void dead_header(struct letter *l)
{
	put_field(&l->header, "From", &l->from_field);
	put_field(&l->header, "To", &l->d->to);
	put_field(&l->header, "Cc", &l->d->cc);
	put_field(&l->header, "Bcc", &l->d->bcc);
	put_subject(&l->header, &l->d->subject);
	put_date(&l->header);
	str_adds(&l->header, "Status: RO\n\n");
}

static int append_dead(struct letter *l, const char *path, struct err *err)
{
	struct mailbox_add add = {
		.from = l->m->address, .when = clock_now(), .flush = true
	};
	bool found;

	dead_header(l);
	if (finish(l, COMPOSE_8BIT, err) < 0)
		return -1;
	add.fd = l->fd;
	add.start = l->start;
	add.length = (int64_t)l->size;
	return mailbox_append(AT_FDCWD, path, false, &add, &found, err);
}

void mail_send_dead(struct mail *m, struct mail_draft *d)
{
	const char *dead = mail_var(&m->vars, MAIL_VAR_DEAD);
	char path[PATH_MAX];
	struct letter l;
	struct err err;
	int rc;

	if (!d->size || !dead || !mail_var_on(&m->vars, MAIL_VAR_SAVE))
		return;
	letter_init(&l, m, d);
	rc = mail_path(m, span_of(dead), path, &err);
	if (rc == 0)
		rc = append_dead(&l, path, &err);
	letter_free(&l);
	if (rc == 0)
		mail_term_error(&m->term, "The text is kept in %s", path);
	else
		mail_term_error(&m->term, "mail: the text is lost: %s",
				err.text);
}

/* ---- sending */

static int deliver(struct letter *l, struct err *err)
{
	enum compose_encoding encoding;

	if (read_addresses(l, err) < 0)
		return -1;
	make_header(l, &encoding);
	if (finish(l, encoding, err) < 0)
		return -1;
	return submit_message(l->m->conf, l->from.v[0], l->rcpts.v, l->rcpts.n,
			l->fd, l->start, l->size, err);
}

int mail_send(struct mail *m, struct mail_draft *d)
{
	struct letter l;
	struct err err;
	int rc;

	if (!d->size && !mail_var_on(&m->vars, MAIL_VAR_QUIET))
		mail_term_error(&m->term,
				"Null message body; hope that's ok");
	letter_init(&l, m, d);
	rc = deliver(&l, &err);
	letter_free(&l);
	if (rc == 0)
		return 0;
	mail_term_error(&m->term, "mail: not sent: %s", err.text);
	mail_send_dead(m, d);
	return err_exit(err.kind);
}

int mail_send_interactive(struct mail *m, struct mail_draft *d)
{
	bool ask = m->term.tty_in;
	enum mail_written how;

	if (ask && !d->subject.n && mail_var_on(&m->vars, MAIL_VAR_ASKSUB) &&
	    !mail_draft_ask(m, "Subject", &d->subject))
		return EX_TEMPFAIL;
	how = mail_draft_edit(m, d, true);
	if (how != MAIL_WRITTEN)
		return EX_TEMPFAIL;
	if (ask && mail_var_on(&m->vars, MAIL_VAR_ASKCC))
		mail_draft_ask(m, "Cc", &d->cc);
	if (ask && mail_var_on(&m->vars, MAIL_VAR_ASKBCC))
		mail_draft_ask(m, "Bcc", &d->bcc);
	if (ask)
		mail_term_printf(&m->term, "EOT\n");
	return mail_send(m, d);
}
