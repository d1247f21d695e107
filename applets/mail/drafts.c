#include "mail/drafts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mail/command.h"
#include "mail/send.h"
#include "mime/header.h"
#include "mime/word.h"
#include "os/file.h"
#include "os/text.h"

int mail_drafts_make(struct mail *m, struct mail_draft *d)
{
	char path[PATH_MAX];
	int dir, n = snprintf(path, sizeof(path), "%s/%sXXXXXX", m->home,
			MAIL_DRAFT_PREFIX);
	int fd = n < PATH_MAX ? mkostemp(path, O_CLOEXEC) : -1;

	if (fd < 0)
		return -1;
	d->path = strdup(path);
	if (!d->path) {
		unlinkat(AT_FDCWD, path, 0);
		close(fd);
		return -1;
	}
	file_lock(fd, 0);
	dir = file_parent(AT_FDCWD, path);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
	return fd;
}

/* ---- what was left behind */

/* Opens it, if its writer is gone. */
static int open_left(struct mail *m, const char *name, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s", m->home, name);
	int fd = n < PATH_MAX ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) :
			-1;

	if (fd >= 0 && file_lock(fd, 0) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The nth of them, open and locked, or -1. */
static int find_left(struct mail *m, unsigned nth, char path[PATH_MAX])
{
	DIR *dir = opendir(m->home);
	struct dirent *e;
	int fd = -1;

	while (dir && (e = readdir(dir)) != NULL && nth) {
		if (!span_starts(span_of(e->d_name), MAIL_DRAFT_PREFIX))
			continue;
		fd = open_left(m, e->d_name, path);
		if (fd < 0 || --nth == 0)
			continue;
		close(fd);
		fd = -1;
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* Its fields: what stands in the room behind the zeros. */
static struct span read_head(int fd, struct str *room)
{
	struct span head;
	char buf[4096];

	str_init(room, MAIL_DRAFT_ROOM);
	while (room->n < MAIL_DRAFT_ROOM) {
		ssize_t n = file_pread(fd, buf, sizeof(buf),
				(int64_t)room->n);

		if (n <= 0)
			break;
		str_add(room, span_make(buf, (size_t)n));
	}
	head = str_span(room);
	while (head.n && head.p[0] == '\0')
		head = span_rest(head, 1);
	return head;
}

int mail_drafts_take(struct mail *m, struct mail_draft *d, unsigned nth)
{
	char path[PATH_MAX];
	int fd = find_left(m, nth, path), rc;
	struct str room;

	if (fd < 0)
		return 0;
	rc = mail_draft_add_file(d, fd, MAIL_DRAFT_ROOM);
	if (rc == 0) {
		mail_draft_fill(m, d, read_head(fd, &room));
		str_free(&room);
		mail_draft_keep(d);
		/* only now is it safe in its new place */
		if (d->path && fdatasync(d->fd) == 0)
			unlinkat(AT_FDCWD, path, 0);
	}
	close(fd);
	return rc < 0 ? -1 : 1;
}

/* ---- telling */

void mail_drafts_tell(struct mail *m)
{
	char path[PATH_MAX];
	int fd = m->term.tty_in ? find_left(m, 1, path) : -1;

	if (fd < 0)
		return;
	close(fd);
	mail_term_printf(&m->term, "%s\n", T("A message that you were writing "
			"was kept: \"drafts\" lists it, ~d takes it in."));
}

static bool show_left(struct mail *m, unsigned nth)
{
	struct header_field to = { .name.n = 0 }, subject = to;
	char path[PATH_MAX];
	int fd = find_left(m, nth, path);
	struct str room, text;
	struct span head;

	if (fd < 0)
		return false;
	head = read_head(fd, &room);
	close(fd);
	header_find(head, "To", &to);
	header_find(head, "Subject", &subject);
	str_init(&text, MAIL_DRAFT_ROOM);
	word_decode(&text, to.value);
	str_adds(&text, "  ");
	word_decode(&text, subject.value);
	mail_term_printf(&m->term, "%3u ", nth);
	mail_term_field(&m->term, str_span(&text), m->term.columns - 5);
	mail_term_printf(&m->term, "\n");
	str_free(&text);
	str_free(&room);
	return true;
}

static int go_on(struct mail *m, unsigned nth)
{
	struct mail_draft d;
	int rc = mail_draft_init(m, &d);

	if (rc == 0)
		rc = mail_drafts_take(m, &d, nth);
	if (rc == 0)
		rc = mail_wrong(m, T("No such draft"));
	if (rc < 0) {
		mail_failed(m);
	} else {
		mail_draft_show(m, &d);
		mail_term_printf(&m->term, "%s\n", T("(continue)"));
		rc = mail_send_command(m, &d);
	}
	mail_draft_free(&d);
	return rc;
}

int mail_do_drafts(struct mail *m)
{
	unsigned long nth;
	unsigned n = 0;

	if (span_number(m->arg, 9999, &nth))
		return go_on(m, (unsigned)nth);
	while (show_left(m, n + 1))
		n++;
	mail_term_printf(&m->term, "%s\n", n ?
			T("\"drafts 1\" goes on with the first.") :
			T("No drafts"));
	return 0;
}
