/* The commands that go from message to message, and that mark them. */
#include "mail/command.h"

#include <inttypes.h>
#include "mail/box.h"
#include "mail/order.h"
#include "mail/show.h"
#include "mail/var.h"

/* ---- showing */

/* The message of the list behind n, as they are shown; 0: there is none. */
static unsigned next_in_list(struct mail *m, unsigned n)
{
	do
		n = mail_order_next(m, n);
	while (n && !m->set[n]);
	return n;
}

/* The one behind n, or before it, that is left; 0: there is none. */
static unsigned next_left(struct mail *m, unsigned n, int by)
{
	unsigned place = mail_order_place(m, n);

	do {
		place += (unsigned)by;
		n = mail_order_at(m, place);
	} while (n && mail_box_deleted(m, n));
	return n;
}

static int show_one(struct mail *m, unsigned n, unsigned how)
{
	m->dot = n;
	m->dot_shown = true;
	return mail_show_message(m, n, how);
}

static int show_list(struct mail *m, unsigned how)
{
	int rc = 0;

	mail_term_page_begin(&m->term);
	for (unsigned i = next_in_list(m, 0); i && rc == 0 &&
			!mail_term_stopped(&m->term); i = next_in_list(m, i))
		rc = show_one(m, i, how);
	mail_term_page_end(&m->term);
	return rc;
}

int mail_do_print(struct mail *m)
{
	return show_list(m, 0);
}

int mail_do_print_all(struct mail *m)
{
	return show_list(m, MAIL_SHOW_ALL);
}

/* As print, through the pager however short. */
int mail_do_page(struct mail *m)
{
	m->term.paged = true;
	return show_list(m, 0);
}

int mail_do_page_all(struct mail *m)
{
	m->term.paged = true;
	return show_list(m, MAIL_SHOW_ALL);
}

/* What is no error: there was nothing to do. */
static int note(struct mail *m, const char *text)
{
	mail_term_printf(&m->term, "%s\n", text);
	return 0;
}

int mail_do_next(struct mail *m)
{
	unsigned n = next_in_list(m, 0);

	if (!n && m->dot && !m->dot_shown && !mail_box_deleted(m, m->dot))
		n = m->dot;
	if (!n)
		n = next_left(m, m->dot, 1);
	return n ? show_one(m, n, 0) : note(m, T("At EOF"));
}

int mail_do_previous(struct mail *m)
{
	unsigned n = next_left(m, m->dot, -1);

	return n ? show_one(m, n, 0) : note(m, T("At the first message"));
}

/* ---- headers */

/* With a list the top of its screen becomes the current message. */
int mail_do_headers(struct mail *m)
{
	unsigned n = next_in_list(m, 0), size = mail_show_screen_size(m);

	if (n) {
		unsigned place = mail_order_place(m, n);

		n = mail_order_at(m, place - (place - 1) % size);
		if (mail_box_deleted(m, n))
			n = next_left(m, n, 1);
		mail_set_dot(m, n);
	}
	mail_show_screen(m, m->dot);
	return 0;
}

int mail_do_z(struct mail *m)
{
	unsigned size = mail_show_screen_size(m);
	bool back = span_is(m->arg, "-");

	if (m->arg.n && !back && !span_is(m->arg, "+"))
		return mail_tell(m, T("z goes on, z- goes back"));
	if (back ? m->top <= size : m->top + size > m->count)
		return note(m, back ? T("On the first screen of messages") :
				T("On the last screen of messages"));
	mail_show_screen(m, mail_order_at(m, back ? m->top - size :
			m->top + size));
	return 0;
}

int mail_do_from(struct mail *m)
{
	for (unsigned i = next_in_list(m, 0); i &&
			!mail_term_interrupted(&m->term);
			i = next_in_list(m, i))
		mail_show_summary(m, i);
	return 0;
}

/* Its list is what differs: MAIL_WIDE. */
int mail_do_search(struct mail *m)
{
	return mail_do_from(m);
}

int mail_do_size(struct mail *m)
{
	for (unsigned i = next_in_list(m, 0); i; i = next_in_list(m, i))
		mail_term_printf(&m->term, "%u: %" PRIu64 "\n", i,
				mailbox_message(m->box, i)->size);
	return 0;
}

int mail_do_number(struct mail *m)
{
	mail_term_printf(&m->term, "%u\n", m->dot);
	return 0;
}

/* ---- deleting */

/*
 * After a delete the current message is the next one left, else the one
 * before; it has not been shown.
 */
static void leave_deleted(struct mail *m)
{
	unsigned n = m->dot;

	if (n && mail_box_deleted(m, n))
		n = next_left(m, m->dot, 1);
	if (!n)
		n = next_left(m, m->dot, -1);
	m->dot = n;
	m->dot_shown = false;
}

int mail_do_delete(struct mail *m)
{
	leave_deleted(m);
	return m->dot && mail_var(m, "autoprint") ? show_one(m, m->dot, 0) : 0;
}

int mail_do_delete_print(struct mail *m)
{
	unsigned last = mail_order_place(m, m->dot);

	leave_deleted(m);
	return mail_order_place(m, m->dot) > last ? show_one(m, m->dot, 0) : note(m, T("At EOF"));
}

int mail_do_undelete(struct mail *m)
{
	return mail_var(m, "autoprint") ? show_one(m, m->dot, 0) : 0;
}

/* ---- ending */

int mail_do_quit(struct mail *m)
{
	int rc = mail_box_quit(m);

	m->done = rc == 0;
	return rc;
}

int mail_do_exit(struct mail *m)
{
	m->done = true;
	return 0;
}
