/* The commands save and copy. */
#include "mail/command.h"

#include <inttypes.h>
#include "mail/args.h"
#include "mail/box.h"

/* "[LIST] FILE": the last word is the file, ~/mbox when there is none. */
static int aim(struct mail *m, char path[PATH_MAX])
{
	struct span list = m->arg, file = mail_arg_last(&list);

	if (!file.n)
		file = MAIL_MBOX;
	if (mail_list(m, list, false) < 0)
		return -1;
	return mail_path(m, file, path);
}

static int copy_list(struct mail *m, const char *path, uint64_t *octets)
{
	unsigned last = m->count;

	while (!m->set[last])
		last--;
	for (unsigned i = 1; i <= last; i++) {
		if (!m->set[i])
			continue;
		mailbox_flag(m->box, i, MAILBOX_SEEN, 0);
		if (mail_box_copy(m->box, i, path, i == last, octets,
				&m->err) < 0)
			return -1;
	}
	return 0;
}

static int save(struct mail *m, unsigned char note)
{
	char path[PATH_MAX];
	uint64_t octets = 0;

	if (aim(m, path) < 0 || copy_list(m, path, &octets) < 0)
		return mail_failed(m);
	/* only now is all of it on stable storage */
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i]) {
			m->note[i] |= note;
			m->dot = i;
		}
	mail_term_printf(&m->term, "\"%s\" %" PRIu64 " octets\n", path, octets);
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
