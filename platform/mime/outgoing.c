#include "mime/outgoing.h"

#include <string.h>

#include "base/date.h"
#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"

#define NAME_MOST 200		/* of what a From without address holds */
#define LINE_MOST 998		/* RFC 5322 2.1.1 */

/* -- addresses -- */

static void put_complete(const struct outgoing *o, struct str *out,
		const struct addr *a)
{
	addr_put(out, a);
	if (!a->domain.n)
		str_addf(out, "@%s", o->domain);
}

static const char *keep(struct outgoing *o, struct str *text)
{
	const char *kept = text->bad ? NULL :
		arena_dup(o->arena, str_span(text));

	str_free(text);
	return kept;
}

static const char *complete(struct outgoing *o, const struct addr *a)
{
	struct str text;

	str_init(&text, ADDR_MAX);
	put_complete(o, &text, a);
	return keep(o, &text);
}

static bool take_first(void *arg, const struct addr_entry *e)
{
	*(struct addr *)arg = e->addr;
	return false;
}

const char *outgoing_address(struct outgoing *o, struct span text)
{
	struct addr a = { 0 };

	text = span_trim(text);
	if (!text.n || span_is(text, "<>"))
		return "";
	addr_each(text, take_first, &a);
	return a.local.n ? complete(o, &a) : NULL;
}

const char *outgoing_account(struct outgoing *o, struct span name)
{
	struct addr a = { .local = name };

	return complete(o, &a);
}

/* -- recipients -- */

/* FNV-1a: tells most strings apart, so that 10,000 are compared in no time. */
static uint32_t hash_of(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static bool is_known(const struct outgoing *o, const char *address, uint32_t h)
{
	for (unsigned i = 0; i < o->nrcpt; i++)
		if (o->hash[i] == h && !strcmp(o->rcpt[i], address))
			return true;
	return false;
}

static bool grow(struct outgoing *o)
{
	unsigned room = o->room ? o->room * 2 : 16;
	const char **rcpt = arena_alloc(o->arena, room * sizeof(*rcpt));
	uint32_t *hash = arena_alloc(o->arena, room * sizeof(*hash));

	if (!rcpt || !hash)
		return false;
	if (o->nrcpt) {
		memcpy(rcpt, o->rcpt, o->nrcpt * sizeof(*rcpt));
		memcpy(hash, o->hash, o->nrcpt * sizeof(*hash));
	}
	o->rcpt = rcpt;
	o->hash = hash;
	o->room = room;
	return true;
}

static bool add_rcpt(void *arg, const struct addr_entry *e)
{
	struct outgoing *o = arg;
	const char *address = complete(o, &e->addr);
	uint32_t h = address ? hash_of(address) : 0;

	if (address && is_known(o, address, h))
		return true;
	if (!address || o->nrcpt == OUTGOING_RCPT_MOST ||
			(o->nrcpt == o->room && !grow(o))) {
		o->broken++;
		return true;
	}
	o->hash[o->nrcpt] = h;
	o->rcpt[o->nrcpt++] = address;
	return true;
}

void outgoing_recipients(struct outgoing *o, struct span list)
{
	o->broken += (unsigned)addr_each(list, add_rcpt, o);
}

/* -- fields -- */

enum { RCPT = 1, RESENT = 2, DROPPED = 4, ADDRESSES = 8, FROM = 16 };

static const struct {
	char name[12];
	unsigned char flags;
} known[] = {
	{ "To", RCPT | ADDRESSES },
	{ "Cc", RCPT | ADDRESSES },
	{ "Bcc", RCPT | DROPPED },
	{ "Resent-To", RESENT | ADDRESSES },
	{ "Resent-Cc", RESENT | ADDRESSES },
	{ "Resent-Bcc", RESENT | DROPPED },
	{ "From", ADDRESSES | FROM },
	{ "Sender", ADDRESSES },
	{ "Reply-To", ADDRESSES },
	/* whoever delivers writes it (RFC 5321 4.4) */
	{ "Return-Path", DROPPED },
};

static unsigned flags_of(const struct header_field *f)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (span_is(f->name, known[i].name))
			return known[i].flags;
	return 0;
}

static bool is_resent(struct span header)
{
	struct header_field f;

	while (header_next(&header, &f))
		if (span_starts(f.name, "Resent-"))
			return true;
	return false;
}

/*
 * RFC 5322 3.6.6: a message that is sent again goes to the Resent- ones. A
 * Resent-From without any of them says no more than who forwarded it.
 */
static void note_recipients(struct outgoing *o, struct span header)
{
	struct span rest = header;
	struct header_field f;
	unsigned want = RCPT;

	while (header_next(&rest, &f))
		if (flags_of(&f) & RESENT)
			want = RESENT;
	while (header_next(&header, &f))
		if (flags_of(&f) & want)
			outgoing_recipients(o, f.value);
}

struct completed {
	const struct outgoing *o;
	struct span field;	/* its octets; the addresses point into them */
	size_t at;		/* so far it is in text */
	struct str text;
	bool any;
	bool utf8;		/* an address is not ASCII */
};

/* In its place, so that comments, groups and folding stay as they are. */
static bool insert_domain(void *arg, const struct addr_entry *e)
{
	struct completed *c = arg;
	const struct addr *a = &e->addr;
	size_t end = (size_t)(a->local.p + a->local.n - c->field.p);

	c->any = true;
	c->utf8 |= !utf8_ascii(a->local) || !utf8_ascii(a->domain);
	if (!a->domain.n) {
		str_add(&c->text, span_sub(c->field, c->at, end - c->at));
		str_addf(&c->text, "@%s", c->o->domain);
		c->at = end;
	}
	return true;
}

/* What a program wrote for a name may hold anything. */
static void put_clean(struct str *out, struct span text)
{
	bool blank = true;

	for (size_t i = 0; i < text.n && i < NAME_MOST; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == 127 || c <= ' ')
			c = ' ';
		if (c != ' ' || !blank)
			str_addc(out, (char)c);
		blank = c == ' ';
	}
}

static void put_author(const struct outgoing *o, struct str *out,
		const char *field, struct span name)
{
	struct str clean, value;

	str_init(&clean, NAME_MOST + 1);
	str_init(&value, 4 * NAME_MOST + ADDR_MAX);
	put_clean(&clean, name);
	compose_author(&value, span_trim(str_span(&clean)), o->from);
	header_put(out, field, str_span(&value));
	str_free(&clean);
	str_free(&value);
}

static bool has_long_line(struct span text)
{
	while (text.n)
		if (span_cut(&text, '\n').n > LINE_MOST)
			return true;
	return false;
}

static void put_completed(struct str *out, const struct header_field *f,
		const struct completed *c)
{
	struct header_field now;
	struct span text = str_span(&c->text);
	char name[16];

	if (has_long_line(text) && header_next(&text, &now) &&
			str_copy(name, sizeof(name), f->name) == 0)
		header_put(out, name, now.value);
	else
		str_add(out, str_span(&c->text));
}

/*
 * "root", as cron writes it, means nobody once it has left this machine. And
 * "My Router" as a From is no address at all: big providers refuse that, and
 * two of them; it becomes the name of who sends it.
 */
static void put_addresses(struct outgoing *o, struct str *out,
		const struct header_field *f, bool from)
{
	struct completed c = { .o = o, .field = f->whole };

	str_init(&c.text, 2 * OUTGOING_HEADER_MOST);
	addr_each(f->value, insert_domain, &c);
	str_add(&c.text, span_rest(f->whole, c.at));
	if (from && !c.any)
		put_author(o, out, "From", f->value.n ? f->value :
				span_of(o->full_name));
	else if (c.text.bad)
		out->bad = true;
	else
		put_completed(out, f, &c);
	o->utf8 |= c.utf8;
	str_free(&c.text);
}

static void put_date(const struct outgoing *o, struct str *out,
		const char *prefix)
{
	char date[DATE_SIZE];

	/* with no clock yet, `queue` adds it when there is one */
	if (!o->now)
		return;
	date_mail(date, o->now, date_offset(o->now));
	str_addf(out, "%sDate: %s\n", prefix, date);
}

static void put_id(const struct outgoing *o, struct str *out,
		const char *prefix)
{
	struct str id;

	str_init(&id, 512);
	compose_message_id(&id, o->host);
	str_addf(out, "%sMessage-ID: %s\n", prefix, str_c(&id));
	str_free(&id);
}

static void put_missing(struct outgoing *o, unsigned missing, struct str *out)
{
	if (missing & COMPOSE_NO_FROM)
		put_author(o, out, "From", span_of(o->full_name));
	if (missing & COMPOSE_NO_TO)
		str_adds(out, "To: undisclosed-recipients:;\n");
	if (missing & COMPOSE_NO_DATE)
		put_date(o, out, "");
	if (missing & COMPOSE_NO_ID)
		put_id(o, out, "");
}

static bool lacks(struct span header, const char *name)
{
	struct header_field f;

	return !header_find(header, name, &f);
}

/* RFC 5322 3.6.6: when and by whom it was sent again stands above all else. */
static void put_missing_resent(struct outgoing *o, struct span header,
		struct str *out)
{
	if (lacks(header, "Resent-From"))
		put_author(o, out, "Resent-From", span_of(o->full_name));
	if (lacks(header, "Resent-Date"))
		put_date(o, out, "Resent-");
	if (lacks(header, "Resent-Message-ID"))
		put_id(o, out, "Resent-");
}

void outgoing_header(struct outgoing *o, struct span header, struct str *out)
{
	struct header_field f;
	bool has_from = false;
	unsigned flags;
	size_t start;

	if (o->from_header)
		note_recipients(o, header);
	if (is_resent(header))
		put_missing_resent(o, header, out);
	start = out->n;
	while (header_next(&header, &f)) {
		flags = flags_of(&f);
		if (flags & DROPPED || (flags & FROM && has_from))
			continue;
		has_from |= flags & FROM;
		if (flags & ADDRESSES)
			put_addresses(o, out, &f, flags & FROM);
		else
			str_add(out, f.whole);
	}
	/* of what is sent: a Bcc that was dropped is no destination */
	put_missing(o, compose_missing(span_rest(str_span(out), start)), out);
}
