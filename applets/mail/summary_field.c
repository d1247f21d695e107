/* What stands in the line of a message: its state, who, when, what. */
#include "mail/summary_private.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/date.h"
#include "config.h"
#include "mail/alias.h"
#include "mail/box.h"
#include "mail/order.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/clock.h"

#define OLD (182 * 86400)	/* seconds: then the year says more than the hour */

/* The letter of a message's state: the first row that fits. */
static const struct {
	unsigned char note, set, clear;
	char letter;
} states[] = {
	{ MAIL_DELETED, 0, 0, 'D' },
	{ MAIL_HELD, 0, 0, 'P' },
	{ MAIL_SAVED, 0, 0, '*' },
	{ 0, MAILBOX_FLAGGED, 0, 'F' },
	{ 0, MAILBOX_ANSWERED, 0, 'A' },
	{ 0, 0, MAILBOX_SEEN | MAILBOX_OLD, 'N' },
	{ 0, MAILBOX_OLD, MAILBOX_SEEN, 'U' },
	{ 0, MAILBOX_SEEN, MAILBOX_OLD, 'R' },
	{ 0, 0, 0, ' ' }
};

char mail_summary_state(struct mail *m, unsigned n)
{
	unsigned flags = mail_box_flags(m, n), note = m->note[n];
	size_t i = 0;

	while ((note & states[i].note) != states[i].note ||
	    (flags & states[i].set) != states[i].set ||
	    flags & states[i].clear)
		i++;
	return states[i].letter;
}

static struct span header(struct summary *l)
{
	if (!l->header.n)
		mail_box_header(l->m->box, l->n, &l->header, NULL);
	return str_span(&l->header);
}

/* Text of others: what fits, and blanks up to width. 0: up to the end. */
void mail_summary_text(struct summary *l, struct span text, unsigned width)
{
	unsigned room = l->columns > l->used ? l->columns - l->used : 0;
	unsigned most = width && width < room ? width : room;
	unsigned used = mail_term_field(&l->m->term, text, most);

	if (width)
		mail_term_printf(&l->m->term, "%*s", (int)(most - used), "");
	l->used += width ? most : used;
}

void mail_summary_number(struct summary *l, uint64_t n, unsigned width, bool left)
{
	char text[32];
	int size = snprintf(text, sizeof(text), left ? "%-*" PRIu64 :
			"%*" PRIu64, (int)width, n);

	mail_summary_text(l, span_make(text, size > 0 ? (size_t)size : 0), 0);
}

/* ---- who */

/* The first one: its name with showname, or where there is no other. */
static bool add_first(void *arg, const struct addr_entry *e)
{
	struct summary *l = arg;
	struct span name = e->name;

	if (name.n > 1 && name.p[0] == '"')
		name = span_sub(name, 1, name.n - 2);
	if (CFG_MAIL_HEADLINE && name.n && mail_var(l->m, "showname"))
		word_decode(&l->text, name);
	else
		addr_put(&l->text, &e->addr);
	return false;
}

/* The sender; of one's own mail, with showto, whom it went to. */
void mail_summary_sender(struct summary *l, unsigned width)
{
	struct mail *m = l->m;
	struct header_field f;
	struct addr from;

	mail_box_sender(header(l), &l->text);
	from = addr_split(str_span(&l->text));
	if (mail_var(m, "showto") && mail_is_own(m, &from) &&
	    header_find(header(l), "To", &f)) {
		str_clear(&l->text);
		str_adds(&l->text, "To ");
		addr_each(f.value, add_first, l);
	} else if (CFG_MAIL_HEADLINE && mail_var(m, "showname") &&
	    header_find(header(l), "From", &f)) {
		str_clear(&l->text);
		addr_each(f.value, add_first, l);
	}
	mail_summary_text(l, str_span(&l->text), width ? width : 18);
}

/* ---- when */

/* Where a date that date_iso and date_mbox wrote has it; strftime's letters. */
static const struct {
	char letter;
	unsigned char from, size;	/* from: from 32 on of date_mbox */
} date_parts[] = {
	{ 'Y', 0, 4 }, { 'R', 11, 5 }, { 'a', 32, 3 }, { 'b', 36, 3 },
	{ 'e', 40, 2 },
	USE_MAIL_HEADLINE({ 'y', 2, 2 }, { 'm', 5, 2 }, { 'd', 8, 2 },
	{ 'H', 11, 2 }, { 'M', 14, 2 }, { 'S', 17, 2 }, { 'F', 0, 10 },
	{ 'T', 11, 8 }, { 'h', 36, 3 }, { 'c', 32, 24 },)
};

static void add_date(struct str *out, const char *format, int64_t local)
{
	char parts[32 + DATE_SIZE];

	date_iso(parts, local);
	date_mbox(parts + 32, local);
	for (; *format; format++) {
		size_t i = 0, most = sizeof(date_parts) / sizeof(*date_parts);

		if (*format != '%' || !format[1]) {
			str_addc(out, *format);
			continue;
		}
		format++;
		while (i < most && date_parts[i].letter != *format)
			i++;
		if (i < most)
			str_add(out, span_make(parts + date_parts[i].from,
					date_parts[i].size));
		else
			str_addc(out, *format);
	}
}

/* [by its width][is it old?] */
static const char *default_date(unsigned width, bool old)
{
	static const char formats[][2][13] = {
		{ "%b %e", "  %Y" },
		{ "%b %e %R", "%b %e  %Y" },
		{ "%a %b %e %R", "%a %b %e  %Y" }
	};

	return formats[(width >= 12) + (width >= 16)][old];
}

/* When it came, or with datefield when it was sent. */
void mail_summary_date(struct summary *l, unsigned width)
{
	const char *format = CFG_MAIL_HEADLINE ?
			mail_var(l->m, "datefield") : NULL, *aged;
	int64_t when = mailbox_message(l->m->box, l->n)->arrived, sent;
	int64_t now = clock_now();
	struct header_field f;
	bool old;
	int offset;

	if (format && header_find(header(l), "Date", &f) &&
	    date_parse(f.value, &sent, &offset))
		when = sent;
	old = when < now - OLD || when > now + 86400;
	if (!format)
		format = default_date(width, old);
	else if (!*format)
		format = "%F %R";
	aged = CFG_MAIL_HEADLINE ?
			mail_var(l->m, "datefield-markout-older") : NULL;
	if (old && aged)
		format = *aged ? aged : "%b %e  %Y";
	add_date(&l->text, format, when + date_offset(when));
	mail_summary_text(l, str_span(&l->text), width);
}

/* ---- what */

void mail_summary_subject(struct summary *l, unsigned width, bool quoted)
{
	if (quoted)
		str_addc(&l->text, '"');
	mail_box_field(header(l), "Subject", &l->text);
	if (quoted)
		str_addc(&l->text, '"');
	mail_summary_text(l, str_span(&l->text), width);
}

static bool count_line(void *arg, struct span piece)
{
	uint64_t *lines = arg;

	for (size_t i = 0; i < piece.n; i++)
		*lines += piece.p[i] == '\n';
	return true;
}

uint64_t mail_summary_lines(struct summary *l)
{
	uint64_t n = 0;

	mailbox_read(l->m->box, l->n, count_line, &n, NULL);
	return n;
}

void mail_summary_tree(struct summary *l)
{
	unsigned depth = mail_order_depth(l->m, l->n);
	unsigned most = l->columns / 4;

	if (!depth)
		return;
	mail_summary_text(l, SPAN(""), depth > most ? most : depth);
	mail_summary_text(l, l->m->term.charset == MAIL_UTF8 ? SPAN("\xE2\x94\x94>") : SPAN("`>"), 0);
}
