#include "mail/order.h"

#include "config.h"
#include <stdlib.h>
#include <string.h>
#include "base/date.h"
#include "base/utf8.h"
#include "mail/box.h"
#include "mail/command.h"
#include "mail/find.h"
#include "mail/show.h"
#include "mail/thread.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "os/text.h"

#define PREFIX 24		/* octets of a text that are in order */

enum kind { DATE, FROM, SIZE, STATUS, SUBJECT, THREAD, TO, KINDS };

static const char names[KINDS][8] = {
	"date", "from", "size", "status", "subject", "thread", "to"
};

/* What a message is sorted by. Texts alike in their prefix stand together. */
struct key {
	unsigned char text[PREFIX + 8];
	unsigned n;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = memcmp(x->text, y->text, sizeof(x->text));

	return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* ---- keys */

static void put_number(struct key *k, size_t at, uint64_t n)
{
	for (size_t i = 0; i < 8; i++)
		k->text[at + i] = (unsigned char)(n >> (56 - 8 * i));
}

static void put_text(struct key *k, struct span text)
{
	struct str folded;
	uint64_t hash = SPAN_HASH;

	str_init(&folded, PREFIX);
	while (text.n) {
		uint32_t c = mail_find_fold(utf8_next(&text));

		utf8_put(&folded, c);
		hash = span_hash(hash, span_make((const char *)&c, sizeof(c)));
	}
	if (folded.n)
		memcpy(k->text, folded.p, folded.n);
	put_number(k, PREFIX, hash);
	str_free(&folded);
}

/* "Re: Fwd: lunch" is about lunch. */
static struct span topic(struct span subject)
{
	static const char before[][5] = { "re:", "aw:", "fw:", "fwd:" };
	size_t i = 0;

	while (i < 4) {
		subject = span_trim(subject);
		for (i = 0; i < 4 && !span_starts(subject, before[i]); i++)
			;
		if (i < 4)
			subject = span_rest(subject, strlen(before[i]));
	}
	return subject;
}

static bool first_address(void *arg, const struct addr_entry *e)
{
	addr_put(arg, &e->addr);
	return false;
}

static int64_t sent(struct span header, int64_t otherwise)
{
	struct header_field f;
	int64_t when;
	int offset;

	return header_find(header, "Date", &f) &&
			date_parse(f.value, &when, &offset) ? when : otherwise;
}

/* New, unread, read, answered, deleted. */
static uint64_t rank(struct mail *m, unsigned n)
{
	unsigned flags = mail_box_flags(m, n);

	if (mail_box_deleted(m, n))
		return 4;
	if (flags & MAILBOX_ANSWERED)
		return 3;
	if (flags & MAILBOX_SEEN)
		return 2;
	return flags & MAILBOX_OLD ? 1 : 0;
}

static void make_key(struct mail *m, enum kind kind, struct span header,
		struct key *k)
{
	struct header_field f;
	struct str text;

	str_init(&text, MAIL_HEADER_MOST);
	if (kind == DATE)
		put_number(k, 0, (uint64_t)sent(header, mailbox_message(m->box,
				k->n)->arrived) ^ UINT64_C(1) << 63);
	else if (kind == SIZE)
		put_number(k, 0, mailbox_message(m->box, k->n)->size);
	else if (kind == STATUS)
		put_number(k, 0, rank(m, k->n));
	else if (kind == SUBJECT)
		mail_box_field(header, "Subject", &text);
	else if (kind == FROM && mail_var(m, "showname"))
		mail_box_field(header, "From", &text);
	else if (kind == FROM)
		mail_box_sender(header, &text);
	else if (header_find(header, "To", &f))
		addr_each(f.value, first_address, &text);
	if (kind == SUBJECT || kind == FROM || kind == TO)
		put_text(k, topic(str_span(&text)));
	str_free(&text);
}

/* ---- sorting */

/* Calls fn with each message's header. -1: ^C. */
static int each_header(struct mail *m, bool needed,
		void (*fn)(void *arg, unsigned n, struct span header),
		void *arg)
{
	struct str header;
	int rc = 0;

	str_init(&header, MAIL_HEADER_MOST);
	for (unsigned n = 1; n <= m->count && rc == 0; n++) {
		str_clear(&header);
		if (needed)
			mail_box_header(m->box, n, &header, NULL);
		fn(arg, n, str_span(&header));
		if (mail_term_interrupted(&m->term))
			rc = err_set(&m->err, ERR_TEMP, T("Interrupted"));
	}
	str_free(&header);
	return rc;
}

struct sorting {
	struct mail *m;
	enum kind kind;
	struct key *keys;
};

static void add_key(void *arg, unsigned n, struct span header)
{
	struct sorting *s = arg;
	struct key *k = &s->keys[n - 1];

	k->n = n;
	make_key(s->m, s->kind, header, k);
}

static int sort_by_key(struct mail *m, enum kind kind, struct mail_order *o)
{
	struct sorting s = { .m = m, .kind = kind };
	int rc;

	s.keys = calloc((size_t)m->count + 1, sizeof(*s.keys));
	if (!s.keys)
		return err_nomem(&m->err);
	rc = each_header(m, kind != SIZE && kind != STATUS, add_key, &s);
	if (rc == 0)
		qsort(s.keys, m->count, sizeof(*s.keys), by_key);
	for (unsigned i = 1; i <= m->count; i++)
		o->at[i] = s.keys[i - 1].n;
	free(s.keys);
	return rc;
}

static void add_link(void *arg, unsigned n, struct span header)
{
	mail_thread_add(arg, n, header);
}

static int sort_threads(struct mail *m, struct mail_order *o)
{
	struct mail_thread *t = mail_thread_new(m->count);
	int rc = t ? each_header(m, true, add_link, t) : err_nomem(&m->err);

	if (rc == 0)
		rc = mail_thread_make(t, o->at, &o->parent, &m->err);
	mail_thread_free(t);
	return rc;
}

/* One block: itself, at and place. */
static struct mail_order *new_order(unsigned count, unsigned kind)
{
	size_t size = (size_t)count + 1;
	struct mail_order *o = calloc(1, sizeof(*o) +
			2 * size * sizeof(*o->at));

	if (!o)
		return NULL;
	o->count = count;
	o->kind = kind;
	o->at = (unsigned *)(o + 1);
	o->place = o->at + size;
	return o;
}

static int fill(struct mail *m, struct mail_order *o)
{
	int rc = o->kind == THREAD ? sort_threads(m, o) :
			sort_by_key(m, (enum kind)o->kind, o);

	for (unsigned i = 1; rc == 0 && i <= m->count; i++)
		o->place[o->at[i]] = i;
	return rc;
}

/* The order before stays when it fails. */
int mail_order_sort(struct mail *m, unsigned kind)
{
	struct mail_order *o = new_order(m->count, kind);
	int rc = o ? fill(m, o) : err_nomem(&m->err);

	if (rc < 0) {
		if (o)
			free(o->parent);
		free(o);
		return rc;
	}
	mail_order_free(m);
	m->order = o;
	return 0;
}

/* ---- commands */

static int sort_as(struct mail *m, struct span name)
{
	for (unsigned i = 0; i < KINDS; i++)
		if (span_eq(name, span_of(names[i])))
			return mail_order_sort(m, i);
	return err_set(&m->err, ERR_PERM, T("%.*s: no such order: date from "
			"size status subject thread to"), SPAN_ARG(name));
}

void mail_order_auto(struct mail *m)
{
	const char *name = mail_var(m, "autosort");

	if (name && sort_as(m, span_of(name)) < 0)
		mail_failed(m);
}

static int show(struct mail *m)
{
	if (m->term.tty_in)
		mail_show_screen(m, m->dot);
	return 0;
}

int mail_do_sort(struct mail *m)
{
	const struct mail_order *o = mail_order(m);

	if (!m->arg.n) {
		mail_term_printf(&m->term, T("Sorted by: %s\n"),
				o ? names[o->kind] : T("number"));
		return 0;
	}
	return sort_as(m, m->arg) < 0 ? mail_failed(m) : show(m);
}

int mail_do_thread(struct mail *m)
{
	return mail_order_sort(m, THREAD) < 0 ? mail_failed(m) : show(m);
}

int mail_do_unsort(struct mail *m)
{
	mail_order_free(m);
	return show(m);
}
