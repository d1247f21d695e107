#include "mail/command.h"

#include <inttypes.h>
#include "mail/box.h"
#include "mail/show.h"

static int show_list(struct mail *m, bool all, unsigned most)
{
	int rc = 0;

	for (unsigned i = 1; i <= m->count && rc == 0; i++) {
		if (!m->set[i])
			continue;
		m->dot = i;
		m->dot_shown = true;
		rc = mail_show_message(m, i, all, most);
		if (mail_term_interrupted(&m->term))
			break;
	}
	return rc;
}

int mail_do_print(struct mail *m, struct span text)
{
	(void)text;
	return show_list(m, false, 0);
}

int mail_do_print_all(struct mail *m, struct span text)
{
	(void)text;
	return show_list(m, true, 0);
}

int mail_do_top(struct mail *m, struct span text)
{
	unsigned lines = mail_var_number(&m->vars, MAIL_VAR_TOPLINES);

	(void)text;
	return show_list(m, false, lines ? lines : 5);
}

static int show_one(struct mail *m, unsigned n)
{
	m->dot = n;
	m->dot_shown = true;
	return mail_show_message(m, n, false, 0);
}

/* The first message in the list, if there is one. */
static unsigned first_in_list(const struct mail *m)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i])
			return i;
	return 0;
}

int mail_do_next(struct mail *m, struct span text)
{
	unsigned n = first_in_list(m);

	(void)text;
	if (!n) {
		n = m->dot_shown ? m->dot + 1 : m->dot ? m->dot : 1;
		while (n <= m->count && mail_box_deleted(m, n))
			n++;
	}
	if (n <= m->count)
		return show_one(m, n);
	mail_term_error(&m->term, "At EOF");
	return -1;
}

int mail_do_previous(struct mail *m, struct span text)
{
	unsigned n = m->dot;

	(void)text;
	do
		n = n ? n - 1 : 0;
	while (n && mail_box_deleted(m, n));
	if (n)
		return show_one(m, n);
	mail_term_error(&m->term, "At the first message");
	return -1;
}

int mail_do_headers(struct mail *m, struct span text)
{
	unsigned n = first_in_list(m);

	(void)text;
	mail_show_screen(m, n ? n : m->dot);
	return 0;
}

int mail_do_z(struct mail *m, struct span text)
{
	unsigned size = mail_show_screen_size(m);
	unsigned top = m->top ? m->top : 1;
	bool back = text.n && text.p[0] == '-';

	if (text.n && !back && text.p[0] != '+') {
		mail_term_error(&m->term, "z+ or z-");
		return -1;
	}
	if (back ? top == 1 : top + size > m->count) {
		mail_term_error(&m->term, "On %s screenful of messages",
				back ? "first" : "last");
		return -1;
	}
	mail_show_screen(m, back ? (top > size ? top - size : 1) : top + size);
	return 0;
}

int mail_do_from(struct mail *m, struct span text)
{
	(void)text;
	mail_term_page_begin(&m->term);
	for (unsigned i = 1; i <= m->count; i++) {
		if (m->set[i])
			mail_show_summary(m, i);
		if (mail_term_stopped(&m->term))
			break;
	}
	mail_term_page_end(&m->term);
	return 0;
}

int mail_do_size(struct mail *m, struct span text)
{
	(void)text;
	for (unsigned i = 1; i <= m->count; i++) {
		const struct mailbox_message *msg = m->set[i] ?
				mailbox_message(m->box, i) : NULL;

		if (msg)
			mail_term_printf(&m->term, "%u: %" PRIu64 "\n", i,
					msg->size);
	}
	return 0;
}

int mail_do_number(struct mail *m, struct span text)
{
	(void)text;
	mail_term_printf(&m->term, "%u\n", m->dot);
	return 0;
}
