#include "mail/command.h"

#include "mail/box.h"
#include "mail/show.h"

static void mark(struct mail *m, unsigned set, unsigned clear)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i])
			m->note[i] = (unsigned char)
					((m->note[i] & ~clear) | set);
}

/* The last message in the list becomes the current one, as in all mailx. */
static void dot_to_last(struct mail *m)
{
	for (unsigned i = m->count; i >= 1; i--)
		if (m->set[i]) {
			m->dot = i;
			break;
		}
}

/*
 * After a delete the current message is the next one left, else the one
 * before; it has not been shown.
 */
static void dot_past_deleted(struct mail *m)
{
	unsigned n = m->dot;

	while (n <= m->count && mail_box_deleted(m, n))
		n++;
	if (n > m->count)
		for (n = m->dot; n && mail_box_deleted(m, n); )
			n--;
	if (n != m->dot)
		m->dot_shown = false;
	m->dot = n;
}

int mail_do_delete(struct mail *m, struct span text)
{
	(void)text;
	mark(m, MAIL_DELETED, MAIL_HELD | MAIL_MBOX);
	dot_to_last(m);
	dot_past_deleted(m);
	if (mail_var_on(&m->vars, MAIL_VAR_AUTOPRINT) && m->dot)
		return mail_do_next(m, text);
	return 0;
}

int mail_do_delete_print(struct mail *m, struct span text)
{
	unsigned last;

	(void)text;
	mark(m, MAIL_DELETED, MAIL_HELD | MAIL_MBOX);
	dot_to_last(m);
	last = m->dot;
	dot_past_deleted(m);
	if (m->dot <= last) {
		mail_term_printf(&m->term, "At EOF\n");
		return 0;
	}
	m->dot_shown = true;
	return mail_show_message(m, m->dot, false, 0);
}

int mail_do_undelete(struct mail *m, struct span text)
{
	(void)text;
	mark(m, 0, MAIL_DELETED);
	dot_to_last(m);
	return 0;
}

int mail_do_hold(struct mail *m, struct span text)
{
	(void)text;
	mark(m, MAIL_HELD, MAIL_MBOX);
	dot_to_last(m);
	return 0;
}

int mail_do_mbox(struct mail *m, struct span text)
{
	(void)text;
	if (!m->system) {
		mail_term_error(&m->term, "Only the system mailbox's messages "
				"move to mbox");
		return -1;
	}
	mark(m, MAIL_MBOX, MAIL_HELD);
	dot_to_last(m);
	return 0;
}

int mail_do_touch(struct mail *m, struct span text)
{
	(void)text;
	mark(m, MAIL_TOUCHED | MAIL_SEEN, MAIL_UNSEEN);
	dot_to_last(m);
	return 0;
}

int mail_do_unread(struct mail *m, struct span text)
{
	(void)text;
	mark(m, MAIL_UNSEEN, MAIL_TOUCHED | MAIL_SEEN);
	dot_to_last(m);
	return 0;
}
