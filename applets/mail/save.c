/* The commands save and copy. */
#include "mail/command.h"

#include <inttypes.h>
#include "mail/box.h"

/* "[LIST] FILE": the last word is the file, ~/mbox when there is none. */
static int aim(struct mail *m, char path[PATH_MAX])
{
	struct span list = m->arg, file = MAIL_MBOX;
	size_t at = list.n;

	while (at && !ascii_isspace(list.p[at - 1]))
		at--;
	if (list.n) {
		file = span_rest(list, at);
		list.n = at;
	}
	if (mail_list(m, list, false) < 0)
		return -1;
	return mail_path(m, file, path);
}

static int save(struct mail *m, unsigned char note)
{
	char path[PATH_MAX];
	struct mail_copied sum;

	if (aim(m, path) < 0)
		return mail_failed(m);
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i])
			mailbox_flag(m->box, i, MAILBOX_SEEN, 0);
	if (mail_box_copy(m, path, &sum) < 0)
		return mail_failed(m);
	/* only now is all of it on stable storage */
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i]) {
			m->note[i] |= note;
			m->dot = i;
		}
	mail_term_printf(&m->term, "\"%s\" %" PRIu64 " octets\n", path,
			sum.octets);
	return 0;
}

int mail_do_save(struct mail *m)
{
	return save(m, MAIL_READ | MAIL_SAVED);
}

int mail_do_copy(struct mail *m)
{
	return save(m, MAIL_READ);
}
