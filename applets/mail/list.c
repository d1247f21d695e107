/* Message lists over the mailbox that is open: what select.h asks for. */
#include "mail/mail.h"

#include "config.h"
#include "base/date.h"
#include "mail/box.h"
#include "mail/find.h"
#include "mail/order.h"
#include "mail/select.h"
#include "mail/show.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/text.h"

struct lookup {
	struct mail *m;
	struct str header;	/* of message `of` */
	unsigned of;
	struct str parent;	/* id of what the current message answers */
	struct mail_find find;
	struct span text;	/* what is looked for */
	bool stopped;		/* ^C */
};

/* ---- one message */

static struct span header(struct lookup *l, unsigned n)
{
	if (l->of != n) {
		str_clear(&l->header);
		mail_box_header(l->m->box, n, &l->header, NULL);
		l->of = n;
	}
	return str_span(&l->header);
}

/* Without MAIL_SEARCH only ASCII letters have a case. */
static bool is_in(struct lookup *l, struct span text)
{
	size_t n = l->text.n;

	for (; !CFG_MAIL_SEARCH && n <= text.n; text = span_rest(text, 1))
		if (span_caseeq(span_sub(text, 0, n), l->text))
			return true;
	if (!CFG_MAIL_SEARCH)
		return false;
	mail_find_begin(&l->find);
	return mail_find_feed(&l->find, text);
}

/* The field as a reader sees it; whole: with its name. */
static bool is_in_field(struct lookup *l, const struct header_field *f,
		bool whole)
{
	struct str value, text;
	bool found;

	str_init(&value, MAIL_HEADER_MOST);
	str_init(&text, 2 * MAIL_HEADER_MOST);
	if (whole) {
		str_add(&text, f->name);
		str_adds(&text, ": ");
	}
	header_unfold(&value, f->value);
	word_decode(&text, str_span(&value));
	found = is_in(l, str_span(&text));
	str_free(&value);
	str_free(&text);
	return found;
}

static bool try_address(void *arg, const struct addr_entry *e)
{
	struct lookup *l = arg;
	struct str text;
	bool found;

	str_init(&text, ADDR_MAX);
	addr_put(&text, &e->addr);
	found = is_in(l, str_span(&text));
	str_free(&text);
	return !found;
}

/* names: "to,cc", or s-nail's letters for them. */
static bool is_named(struct span names, struct span name)
{
	static const char fields[][8] = { "from", "to", "cc", "bcc", "subject" };

	while (names.n) {
		struct span one = span_trim(span_cut(&names, ','));
		size_t at = CFG_MAIL_SEARCH && one.n == 1 ? span_find(SPAN("ftcbs"),
				ascii_lower(one.p[0])) : 5;

		if (span_caseeq(one, name) ||
		    (at < 5 && span_is(name, fields[at])))
			return true;
	}
	return false;
}

static bool in_fields(struct lookup *l, unsigned n,
		const struct mail_criterion *c)
{
	struct span rest = header(l, n);
	struct header_field f;
	bool found = false;

	while (!found && header_next(&rest, &f)) {
		if (CFG_MAIL_SEARCH && c->key == MAIL_KEY_HEADER) {
			found = is_in_field(l, &f, true);
		} else if (!is_named(c->name, f.name)) {
			continue;
		} else if (CFG_MAIL_SEARCH && c->address) {
			mail_find_begin(&l->find);
			addr_each(f.value, try_address, l);
			found = mail_find_feed(&l->find, SPAN(""));
		} else {
			found = is_in_field(l, &f, false);
		}
	}
	return found;
}

/* POSIX: an address as the summary shows it; allnet: the log-in name alone. */
static bool is_sender(struct lookup *l, unsigned n, struct span text)
{
	struct header_field f;
	struct str sender;
	bool found;

	if (!mail_var(l->m, "allnet") &&
	    header_find(header(l, n), "From", &f) &&
	    is_in_field(l, &f, false))
		return true;
	str_init(&sender, ADDR_MAX);
	mail_box_sender(header(l, n), &sender);
	found = mail_var(l->m, "allnet") ?
			span_eq(addr_split(str_span(&sender)).local,
				span_cut(&text, '@')) :
			is_in(l, str_span(&sender));
	str_free(&sender);
	return found;
}

static bool feed(void *arg, struct span piece)
{
	struct lookup *l = arg;

	l->stopped = l->stopped || mail_term_interrupted(&l->m->term);
	return !mail_find_feed(&l->find, piece) && !l->stopped;
}

static bool in_body(struct lookup *l, unsigned n, unsigned how)
{
	mail_find_begin(&l->find);
	return mail_show_render(l->m, n, how, feed, l) == 0 &&
			mail_find_feed(&l->find, SPAN(""));
}

static bool in_time(struct lookup *l, unsigned n,
		const struct mail_criterion *c)
{
	const struct mailbox_message *msg;
	struct header_field f;
	int64_t value;
	int offset;

	if (c->key == MAIL_KEY_SENT) {
		if (!header_find(header(l, n), "Date", &f) ||
		    !date_parse(f.value, &value, &offset))
			return false;
		value += offset;
	} else {
		msg = mailbox_message(l->m->box, n);
		value = c->key == MAIL_KEY_SIZE ? (int64_t)msg->size :
				msg->arrived + date_offset(msg->arrived);
	}
	return value >= c->from && value < c->to;
}

static bool has_state(struct lookup *l, unsigned n,
		const struct mail_criterion *c)
{
	unsigned flags = mail_box_flags(l->m, n) & ~(unsigned)MAILBOX_DELETED;

	if (mail_box_deleted(l->m, n))
		flags |= MAILBOX_DELETED;
	return (flags & c->set) == c->set && !(flags & c->clear);
}

/* ---- the current message's relatives */

static struct span field(struct lookup *l, unsigned n, const char *name)
{
	struct header_field f;

	return header_find(header(l, n), name, &f) ?
			mail_order_last_id(f.value) : SPAN("");
}

static bool is_parent(struct lookup *l, unsigned n)
{
	if (!l->parent.n && l->m->dot) {
		struct span id = field(l, l->m->dot, "In-Reply-To");

		if (!id.n)
			id = field(l, l->m->dot, "References");
		str_add(&l->parent, id.n ? id : SPAN(" "));
	}
	return span_eq(field(l, n, "Message-ID"), str_span(&l->parent));
}

static bool in_thread(struct mail *m, unsigned n, unsigned top)
{
	const struct mail_order *o = mail_order(m);

	while (n != top && n && o && o->parent)
		n = o->parent[n];
	return n == top && n;
}

/* ---- */

static bool look_up(struct lookup *l, unsigned n,
		const struct mail_criterion *c)
{
	switch (c->key) {
	case MAIL_KEY_SENDER:
		return is_sender(l, n, c->text);
	case MAIL_KEY_FIELD:
	case MAIL_KEY_HEADER:
		return in_fields(l, n, c);
	case MAIL_KEY_BODY:
		return CFG_MAIL_SEARCH && in_body(l, n, MAIL_SHOW_BODY);
	case MAIL_KEY_TEXT:
		return CFG_MAIL_SEARCH && in_body(l, n, MAIL_SHOW_ALL);
	case MAIL_KEY_STATE:
		return has_state(l, n, c);
	case MAIL_KEY_LISTED:
		return l->m->note[n] & MAIL_LISTED;
	case MAIL_KEY_PARENT:
		return CFG_MAIL_SORT && is_parent(l, n);
	case MAIL_KEY_THREAD:
		return CFG_MAIL_SORT && in_thread(l->m, n, (unsigned)c->from);
	default:
		return CFG_MAIL_SEARCH && in_time(l, n, c);
	}
}

static bool match(void *arg, unsigned n, const struct mail_criterion *c)
{
	struct lookup *l = arg;

	if (c->key != MAIL_KEY_STATE)
		l->stopped = l->stopped ||
				mail_term_interrupted(&l->m->term);
	if (l->stopped)
		return false;
	l->text = c->text;
	if (CFG_MAIL_SEARCH)
		mail_find_init(&l->find, c->text);
	return look_up(l, n, c);
}

static void remember(struct mail *m)
{
	for (unsigned n = 1; n <= m->count; n++) {
		m->note[n] &= (unsigned char)~MAIL_LISTED;
		m->note[n] |= m->set[n] ? MAIL_LISTED : 0;
	}
}

int mail_list(struct mail *m, struct span words, unsigned which)
{
	const struct mail_order *o = mail_order(m);
	struct lookup l = { .m = m };
	struct mail_select s = {
		.count = m->count, .dot = m->dot, .before = m->before,
		.at = o ? o->at : NULL, .place = o ? o->place : NULL,
		.note = m->note, .mask = MAIL_DELETED,
		.want = which & MAIL_GONE ? MAIL_DELETED : 0,
		.shows = which & (MAIL_SHOWN | MAIL_GONE),
		.fields = mail_var(m, "searchheaders"),
		.wide = which & MAIL_WIDE, .match = match, .arg = &l
	};
	int rc;

	s.now = clock_now();
	s.now += date_offset(s.now);
	str_init(&l.header, MAIL_HEADER_MOST);
	str_init(&l.parent, MAIL_HEADER_MOST);
	rc = mail_select(&s, words, m->set, &m->err);
	if (l.stopped)
		rc = err_set(&m->err, ERR_TEMP, T("Interrupted"));
	str_free(&l.header);
	str_free(&l.parent);
	if (rc == 0)
		remember(m);
	return rc;
}
