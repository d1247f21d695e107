/* The commands flag, answered, seen, unread and what takes them back. */
#include "mail/command.h"

static int mark(struct mail *m, unsigned set, unsigned clear)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i]) {
			mailbox_flag(m->box, i, set, clear);
			m->dot = i;
		}
	return 0;
}

int mail_do_flag(struct mail *m)
{
	return mark(m, MAILBOX_FLAGGED, 0);
}

int mail_do_unflag(struct mail *m)
{
	return mark(m, 0, MAILBOX_FLAGGED);
}

int mail_do_answered(struct mail *m)
{
	return mark(m, MAILBOX_ANSWERED, 0);
}

int mail_do_unanswered(struct mail *m)
{
	return mark(m, 0, MAILBOX_ANSWERED);
}

/* The row has cleared MAIL_READ: it stays in a system mailbox. */
int mail_do_unread(struct mail *m)
{
	return mark(m, MAILBOX_OLD, MAILBOX_SEEN);
}
