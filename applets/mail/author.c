/* The commands Save and Copy: to a file with the author's name. */
#include "mail/command.h"

#include "mail/box.h"
#include "mail/record.h"

/* The name is that of the first message's author (POSIX mailx, Save). */
static int name_of(struct mail *m, char name[NAME_MAX + 1])
{
	struct str header, sender;
	unsigned n = 1;
	int rc;

	while (!m->set[n])
		n++;
	str_init(&header, MAIL_HEADER_MOST);
	str_init(&sender, MAIL_HEADER_MOST);
	rc = mail_box_header(m->box, n, &header, &m->err);
	if (rc == 0) {
		mail_box_sender(str_span(&header), &sender);
		rc = mail_record_name(str_span(&sender), name);
		if (rc < 0)
			mail_wrong(m, T("The message has no author"));
	}
	str_free(&header);
	str_free(&sender);
	return rc;
}

static int save(struct mail *m, bool saved)
{
	char name[NAME_MAX + 1], path[PATH_MAX];

	if (name_of(m, name) < 0 ||
	    mail_record_path(m, span_of(name), path) < 0)
		return mail_failed(m);
	return mail_save_to(m, path, saved);
}

int mail_do_save_author(struct mail *m)
{
	return save(m, true);
}

int mail_do_copy_author(struct mail *m)
{
	return save(m, false);
}
