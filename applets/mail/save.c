/* The commands save and copy. */
#include "mail/command.h"

#include "mail/args.h"
#include "mail/box.h"

int mail_save_aim(struct mail *m, struct span otherwise, char path[PATH_MAX])
{
	struct span list = m->arg, file = mail_arg_last(&list);

	if (!file.n)
		file = otherwise;
	if (!file.n)
		return err_set(&m->err, ERR_PERM, "%s",
				T("No file name given"));
	if (mail_list(m, list, MAIL_LEFT) < 0)
		return -1;
	return mail_path(m, file, path);
}

int mail_save_to(struct mail *m, const char *path, bool saved)
{
	struct mail_copied sum;

	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i])
			mailbox_flag(m->box, i, MAILBOX_SEEN, 0);
	if (mail_box_copy(m, path, &sum, NULL) < 0)
		return mail_failed(m);
	/* only now is all of it on stable storage */
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i]) {
			m->note[i] |= saved ? MAIL_READ | MAIL_SAVED :
					MAIL_READ;
			m->dot = i;
		}
	mail_term_printf(&m->term, T("\"%s\" %llu octets\n"), path,
			(unsigned long long)sum.octets);
	return 0;
}

static int save(struct mail *m, bool saved)
{
	char path[PATH_MAX];

	return mail_save_aim(m, SPAN("&"), path) < 0 ? mail_failed(m) :
			mail_save_to(m, path, saved);
}

int mail_do_save(struct mail *m)
{
	return save(m, true);
}

int mail_do_copy(struct mail *m)
{
	return save(m, false);
}
