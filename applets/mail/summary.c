/* Lists of messages: one line for each, as variable headline has it, and screens of them. */
#include "mail/summary_private.h"

#include "config.h"
#include "mail/box.h"
#include "mail/order.h"
#include "mail/show.h"
#include "mail/var.h"
#include "os/text.h"

#define SCREEN 20		/* summaries, where the terminal does not say */
#define NARROW 64		/* columns: below it there is no room for all */
#define FULL "%>%a%m %-20f  %16d %7o %i%s"
#define SHORT "%>%a%m %-12f %6d %i%s"

static unsigned digits(unsigned n)
{
	return n < 1000 ? 3 : 1 + digits(n / 10);
}

/* Those that no format of ours has. */
static void put_rare_field(struct summary *l, char letter, unsigned width,
		bool left)
{
	switch (letter) {
	case 't':
		mail_summary_number(l, mail_order_place(l->m, l->n),
				width ? width : digits(l->m->count), left);
		break;
	case 'e':
		mail_summary_number(l, mail_order_depth(l->m, l->n), width, left);
		break;
	case 'l': mail_summary_number(l, mail_summary_lines(l), width, left); break;
	case 'S': mail_summary_subject(l, width, true); break;
	case '%': mail_summary_text(l, SPAN("%"), 0); break;
	}
}

static void put_field(struct summary *l, char letter, unsigned width, bool left)
{
	struct mail *m = l->m;
	char state;

	switch (letter) {
	case '>':
	case '<':
		mail_summary_text(l, l->n == m->dot ? span_make(&letter, 1) : SPAN(" "),
				0);
		break;
	case 'a':
		state = mail_summary_state(m, l->n);
		mail_summary_text(l, span_make(&state, 1), 0);
		break;
	case 'm':
		mail_summary_number(l, l->n, width ? width : digits(m->count), left);
		break;
	case 'o':
		mail_summary_number(l, mailbox_message(m->box, l->n)->size, width, left);
		break;
	case 'f': mail_summary_sender(l, width); break;
	case 'd': mail_summary_date(l, width); break;
	case 's': mail_summary_subject(l, width, false); break;
	case 'i':
		if (CFG_MAIL_SORT)
			mail_summary_tree(l);
		break;
	default:
		if (CFG_MAIL_HEADLINE)
			put_rare_field(l, letter, width, left);
		break;
	}
	str_clear(&l->text);
}

/* "%-18f", as s-nail has it, or "%18-f". Gives what follows it. */
static const char *put_next(struct summary *l, const char *at)
{
	unsigned width = 0;
	bool left = false;
	size_t plain = span_find(span_of(at), '%');

	if (plain) {
		mail_summary_text(l, span_make(at, plain), 0);
		return at + plain;
	}
	for (at++; *at == '-' || ascii_isdigit(*at); at++) {
		if (*at == '-')
			left = true;
		else if (width < 1000)
			width = width * 10 + (unsigned)(*at - '0');
	}
	if (!*at)
		return at;
	put_field(l, *at, width, left);
	return at + 1;
}

void mail_show_summary(struct mail *m, unsigned n)
{
	const char *at = CFG_MAIL_HEADLINE ? mail_var(m, "headline") : NULL;
	/* a terminal may wrap what ends in its last column */
	struct summary l = { .m = m, .n = n, .columns = m->term.columns - 1 };

	str_init(&l.header, MAIL_HEADER_MOST);
	str_init(&l.text, 4096);
	if (!at)
		at = l.columns < NARROW ? SHORT : FULL;
	while (*at)
		at = put_next(&l, at);
	mail_term_printf(&m->term, "\n");
	str_free(&l.header);
	str_free(&l.text);
}

/* ---- screens of them */

unsigned mail_show_screen_size(struct mail *m)
{
	unsigned rows = SCREEN;

	mail_term_size(&m->term);
	if (m->term.tty_out)
		rows = m->term.rows > 6 ? m->term.rows - 4 : 2;
	rows = mail_var_number(m, "screen", 10000, rows);
	return rows ? rows : 1;
}

void mail_show_screen(struct mail *m, unsigned n)
{
	unsigned size = mail_show_screen_size(m), shown = 0;
	unsigned place = mail_order_place(m, n);

	m->top = place ? (place - 1) / size * size + 1 : 1;
	for (unsigned i = m->top; i <= m->count && i < m->top + size; i++) {
		n = mail_order_at(m, i);
		if (mail_box_deleted(m, n))
			continue;
		mail_show_summary(m, n);
		shown++;
	}
	if (!shown)
		mail_term_printf(&m->term, T("No messages\n"));
}
