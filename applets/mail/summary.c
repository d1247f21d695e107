#include "mail/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include "base/date.h"
#include "mail/box.h"
#include "mime/addr.h"
#include "mime/header.h"

#define SCREEN 20		/* summaries, where the terminal does not say */
#define FIXED 64		/* columns before the subject */

/* The letter of a message's state: the first row that fits. */
static const struct {
	unsigned note, set, clear;
	char letter;
} states[] = {
	{ MAIL_DELETED, 0, 0, 'D' },
	{ MAIL_HELD, 0, 0, 'P' },
	{ MAIL_SAVED, 0, 0, '*' },
	{ MAIL_MBOX, 0, 0, 'M' },
	{ 0, 0, MAILBOX_SEEN | MAILBOX_OLD, 'N' },
	{ 0, MAILBOX_OLD, MAILBOX_SEEN, 'U' },
	{ 0, MAILBOX_FLAGGED, 0, 'F' },
	{ 0, MAILBOX_ANSWERED, 0, 'A' },
	{ 0, MAILBOX_SEEN, MAILBOX_OLD, 'R' },
};

static char state_of(struct mail *m, unsigned n)
{
	unsigned flags = mail_box_flags(m, n), note = m->note[n];

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if ((note & states[i].note) == states[i].note &&
		    (flags & states[i].set) == states[i].set &&
		    !(flags & states[i].clear))
			return states[i].letter;
	return ' ';
}

/* When it arrived, in local time: "Tue Nov 24 11:11". */
static void put_date(struct mail *m, int64_t when)
{
	char text[DATE_SIZE];

	date_mbox(text, when + date_offset(when));
	mail_term_printf(&m->term, "%.16s", text);
}

static void put_size(struct mail *m, uint64_t octets, long lines)
{
	char text[40];

	if (lines >= 0)
		snprintf(text, sizeof(text), "%ld/%" PRIu64, lines, octets);
	else
		snprintf(text, sizeof(text), "-/%" PRIu64, octets);
	mail_term_printf(&m->term, " %9s ", text);
}

static void put_subject(struct mail *m, struct span header)
{
	struct str subject;

	str_init(&subject, 4096);
	mail_box_field(header, "Subject", &subject);
	if (m->term.columns > FIXED)
		mail_term_field(&m->term, str_span(&subject),
				m->term.columns - FIXED, false);
	str_free(&subject);
}

void mail_show_summary(struct mail *m, unsigned n)
{
	const struct mailbox_message *msg = mailbox_message(m->box, n);
	struct str header, sender;
	long lines = -1;

	str_init(&header, MAIL_HEADER_MOST);
	str_init(&sender, ADDR_MAX);
	if (!msg || mail_box_header(m, n, &header, &lines, NULL) < 0)
		lines = -1;
	mail_box_sender(str_span(&header), &sender);
	mail_term_printf(&m->term, "%c%c%3u ", n == m->dot ? '>' : ' ',
			msg ? state_of(m, n) : '?', n);
	mail_term_field(&m->term, str_span(&sender), 20, true);
	mail_term_printf(&m->term, "  ");
	put_date(m, msg ? msg->arrived : 0);
	put_size(m, msg ? msg->size : 0, lines);
	put_subject(m, str_span(&header));
	mail_term_printf(&m->term, "\n");
	str_free(&header);
	str_free(&sender);
}

/* Slow lines get short screens (POSIX, "screen"); else what fits. */
unsigned mail_show_screen_size(struct mail *m)
{
	unsigned n = mail_var_number(&m->vars, MAIL_VAR_SCREEN);

	if (n)
		return n;
	if (!m->term.tty_out)
		return SCREEN;
	mail_term_size(&m->term);
	return m->term.rows > 6 ? m->term.rows - 4 : 2;
}

void mail_show_screen(struct mail *m, unsigned n)
{
	unsigned size = mail_show_screen_size(m), shown = 0;

	if (!m->count) {
		mail_term_printf(&m->term, "No messages\n");
		return;
	}
	m->top = n ? (n - 1) / size * size + 1 : 1;
	for (unsigned i = m->top; i <= m->count && i < m->top + size; i++) {
		if (mail_box_deleted(m, i))
			continue;
		mail_show_summary(m, i);
		shown++;
		if (mail_term_interrupted(&m->term))
			break;
	}
	if (!shown)
		mail_term_printf(&m->term, "No more mail.\n");
}
