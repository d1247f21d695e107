#include <string.h>

#include "base/date.h"
#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "os/clock.h"
#include "sendmail/sendmail.h"

/* -- addresses -- */

static const char *our_domain(const struct conf *conf)
{
	return conf->domains ? conf->domains->text : conf->hostname;
}

static void put_complete(const struct sendmail_message *m, struct str *out,
		const struct addr *a)
{
	addr_put(out, a);
	if (!a->domain.n)
		str_addf(out, "@%s", our_domain(m->conf));
}

static const char *keep(struct sendmail_message *m, struct str *text)
{
	const char *kept = text->bad ? NULL :
		arena_dup(m->arena, str_span(text));

	str_free(text);
	return kept;
}

/* What -f and the login name give; nothing is checked but the shape. */
const char *sendmail_complete(struct sendmail_message *m, struct span address)
{
	struct str text;

	address = span_trim(address);
	if (address.n > 1 && address.p[0] == '<' &&
			address.p[address.n - 1] == '>')
		address = span_sub(address, 1, address.n - 2);
	str_init(&text, ADDR_MAX);
	str_add(&text, address);
	if (address.n && span_rfind(address, '@') == address.n)
		str_addf(&text, "@%s", our_domain(m->conf));
	return keep(m, &text);
}

static bool add_rcpt(void *arg, const struct addr_entry *e)
{
	struct sendmail_message *m = arg;
	struct str text;

	if (m->nrcpt == m->rcpt_room) {
		unsigned room = m->rcpt_room ? m->rcpt_room * 2 : 16;
		const char **grown = arena_alloc(m->arena,
				room * sizeof(*grown));

		if (!grown || room > SENDMAIL_RCPT_MOST * 2) {
			m->broken++;
			return false;
		}
		if (m->nrcpt)
			memcpy(grown, m->rcpt, m->nrcpt * sizeof(*grown));
		m->rcpt = grown;
		m->rcpt_room = room;
	}
	str_init(&text, ADDR_MAX);
	put_complete(m, &text, &e->addr);
	m->rcpt[m->nrcpt] = keep(m, &text);
	if (m->rcpt[m->nrcpt])
		m->nrcpt++;
	else
		m->broken++;
	return true;
}

void sendmail_recipients(struct sendmail_message *m, struct span list)
{
	m->broken += (unsigned)addr_each(list, add_rcpt, m);
}

/* -- fields -- */

enum { RCPT = 1, RESENT = 2, DROPPED = 4, ADDRESSES = 8 };

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
	{ "From", ADDRESSES },
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

/* RFC 5322 3.6.6: a message that is sent again goes to the Resent- ones. */
static void note_recipients(struct sendmail_message *m, struct span header)
{
	struct span rest = header;
	struct header_field f;
	unsigned want = RCPT;

	while (header_next(&rest, &f))
		if (flags_of(&f) & RESENT)
			want = RESENT;
	while (header_next(&header, &f))
		if (flags_of(&f) & want)
			sendmail_recipients(m, f.value);
}

struct rebuilt {
	const struct sendmail_message *m;
	struct str text;
	bool incomplete;	/* an address had no domain */
	bool utf8;		/* ... or is not ASCII */
};

static bool rebuild(void *arg, const struct addr_entry *e)
{
	struct rebuilt *r = arg;

	r->incomplete |= !e->addr.domain.n;
	r->utf8 |= !utf8_ascii(e->addr.local) || !utf8_ascii(e->addr.domain);
	if (r->text.n)
		str_adds(&r->text, ", ");
	if (e->name.n) {
		header_unfold(&r->text, e->name);
		str_adds(&r->text, " <");
	}
	put_complete(r->m, &r->text, &e->addr);
	if (e->name.n)
		str_addc(&r->text, '>');
	return true;
}

/* "root", as cron writes it, means nobody once it has left this machine. */
static void put_addresses(struct sendmail_message *m, struct str *out,
		const struct header_field *f)
{
	struct rebuilt r = { .m = m };
	char name[16];

	str_init(&r.text, SENDMAIL_HEADER_MOST);
	if (addr_each(f->value, rebuild, &r) || !r.incomplete || r.text.bad ||
			str_copy(name, sizeof(name), f->name) < 0)
		str_add(out, f->whole);
	else
		header_put(out, name, str_span(&r.text));
	m->utf8 |= r.utf8;
	str_free(&r.text);
}

static void put_from(struct sendmail_message *m, struct str *out)
{
	const char *address = *m->sender ? m->sender :
		sendmail_complete(m, span_of(m->login));
	struct str value;

	str_init(&value, 1024);
	compose_author(&value, span_of(m->full_name), address ? address : "");
	header_put(out, "From", str_span(&value));
	str_free(&value);
}

static void put_missing(struct sendmail_message *m, unsigned missing,
		struct str *out)
{
	int64_t now = clock_now();
	char date[DATE_SIZE];
	struct str id;

	if (missing & COMPOSE_NO_FROM)
		put_from(m, out);
	if (missing & COMPOSE_NO_TO)
		str_adds(out, "To: undisclosed-recipients:;\n");
	/* with no clock yet, `queue` adds it when there is one */
	if (missing & COMPOSE_NO_DATE && clock_plausible()) {
		date_mail(date, now, date_offset(now));
		str_addf(out, "Date: %s\n", date);
	}
	if (missing & COMPOSE_NO_ID) {
		str_init(&id, 512);
		compose_message_id(&id, m->conf->hostname);
		str_addf(out, "Message-ID: %s\n", str_c(&id));
		str_free(&id);
	}
}

int sendmail_fields(struct sendmail_message *m, struct span header,
		struct str *out, struct err *err)
{
	struct header_field f;
	unsigned flags;

	if (m->rcpt_from_header)
		note_recipients(m, header);
	while (header_next(&header, &f)) {
		flags = flags_of(&f);
		if (flags & DROPPED)
			continue;
		if (flags & ADDRESSES)
			put_addresses(m, out, &f);
		else
			str_add(out, f.whole);
	}
	/* of what is sent: a Bcc that was dropped is no destination */
	put_missing(m, compose_missing(str_span(out)), out);
	if (out->bad)
		return err_set(err, ERR_NOMEM, "header section too long");
	return 0;
}
