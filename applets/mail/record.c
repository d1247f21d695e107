#include "mail/record.h"

#include <fcntl.h>
#include <string.h>
#include "mail/box.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "os/clock.h"
#include "os/text.h"

static bool first_local(void *arg, const struct addr_entry *e)
{
	addr_local_plain(arg, e->addr.local);
	return false;
}

int mail_record_name(struct span text, char name[NAME_MAX + 1])
{
	struct str local;
	int rc;

	str_init(&local, NAME_MAX);
	addr_each(text, first_local, &local);
	for (size_t i = 0; i < local.n; i++)
		if (!ascii_isalnum(local.p[i]) &&
		    !strchr("+-_.=", local.p[i]) &&
		    (unsigned char)local.p[i] < 128)
			local.p[i] = '_';
	if (local.n && strchr("+.-", local.p[0]))
		local.p[0] = '_';
	rc = local.n ? str_copy(name, NAME_MAX + 1, str_span(&local)) : -1;
	str_free(&local);
	return rc;
}

int mail_record_path(struct mail *m, struct span name, char path[PATH_MAX])
{
	char in_folder[PATH_MAX] = "+";

	if (!mail_var(m, "outfolder") || !name.n || strchr("/+~", name.p[0]))
		return mail_path_given(m, name, path);
	if (str_copy(in_folder + 1, sizeof(in_folder) - 1, name) < 0)
		return err_set(&m->err, ERR_PERM, "%s",
				T("No such file name"));
	return mail_path_given(m, span_of(in_folder), path);
}

static int append(struct letter *l, const struct mail_draft *d,
		const char *path)
{
	struct mailbox_add add = {
		.fd = l->fd, .start = l->start, .length = (int64_t)l->size,
		.when = clock_now(), .flush = true,
		.from = str_c(&l->sender),
		.flags = MAILBOX_SEEN | MAILBOX_OLD
	};
	struct str head;
	int rc;

	str_init(&head, MAIL_DRAFT_ROOM);
	if (d->field[MAIL_BCC].n)
		header_put(&head, mail_draft_name(MAIL_BCC),
				str_span(&d->field[MAIL_BCC]));
	add.head = str_span(&head);
	rc = mailbox_append(AT_FDCWD, path, mail_box_is_folder(path), &add,
			NULL, &l->m->err);
	str_free(&head);
	return rc;
}

int mail_record(struct letter *l, const struct mail_draft *d)
{
	const char *name = *d->record ? d->record : mail_var(l->m, "record");
	char path[PATH_MAX];

	if (!name || !*name)
		return 0;
	if (mail_record_path(l->m, span_of(name), path) < 0)
		return -1;
	mail_path_make_folder(l->m, path);
	return append(l, d, path);
}
