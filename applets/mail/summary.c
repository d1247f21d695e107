#include "mail/show.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/date.h"
#include "mail/box.h"
#include "mime/addr.h"
#include "os/text.h"

#define SCREEN 20		/* summaries, where the terminal does not say */
#define SENDER 20		/* columns */
#define FIXED 54		/* columns before the subject */

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

static char state_of(struct mail *m, unsigned n)
{
	unsigned flags = mail_box_flags(m, n), note = m->note[n];
	size_t i = 0;

	while ((note & states[i].note) != states[i].note ||
	    (flags & states[i].set) != states[i].set ||
	    flags & states[i].clear)
		i++;
	return states[i].letter;
}

void mail_show_summary(struct mail *m, unsigned n)
{
	const struct mailbox_message *msg = mailbox_message(m->box, n);
	int64_t when = msg->arrived + date_offset(msg->arrived);
	struct str header, sender, subject;
	uint64_t size = msg->size;
	char date[DATE_SIZE];
	unsigned used;

	str_init(&header, MAIL_HEADER_MOST);
	str_init(&sender, ADDR_MAX);
	str_init(&subject, 4096);
	mail_box_header(m->box, n, &header, NULL);
	mail_box_sender(str_span(&header), &sender);
	mail_box_field(str_span(&header), "Subject", &subject);
	mail_term_printf(&m->term, "%c%c%3u ", n == m->dot ? '>' : ' ',
			state_of(m, n), n);
	used = mail_term_field(&m->term, str_span(&sender), SENDER);
	date_mbox(date, when);	/* "Tue Nov 24 11:11" */
	mail_term_printf(&m->term, "%*s  %.16s %7" PRIu64 " ",
			(int)(SENDER - used), "", date, size);
	if (m->term.columns > FIXED)
		mail_term_field(&m->term, str_span(&subject),
				m->term.columns - FIXED);
	mail_term_printf(&m->term, "\n");
	str_free(&header);
	str_free(&sender);
	str_free(&subject);
}

unsigned mail_show_screen_size(struct mail *m)
{
	if (!m->term.tty_out)
		return SCREEN;
	mail_term_size(&m->term);
	return m->term.rows > 6 ? m->term.rows - 4 : 2;
}

void mail_show_screen(struct mail *m, unsigned n)
{
	unsigned size = mail_show_screen_size(m), shown = 0;

	m->top = n ? (n - 1) / size * size + 1 : 1;
	for (unsigned i = m->top; i <= m->count && i < m->top + size; i++) {
		if (mail_box_deleted(m, i))
			continue;
		mail_show_summary(m, i);
		shown++;
	}
	if (!shown)
		mail_term_printf(&m->term, T("No messages\n"));
}
