/* The list of what is attached to a draft. */
#include "mail/attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mail/args.h"
#include "mail/box.h"
#include "mail/input.h"
#include "os/file.h"
#include "os/text.h"

/* What is too much is refused when it is sent. 0 or -1 with errno. */
static int copy_file(struct mail *m, int from, int to)
{
	uint64_t most = mail_input_most(m, from), size = 0;
	char buf[4096];
	ssize_t n = 1;

	while (n > 0 && size < most) {
		n = mail_input_read(m, from, buf, sizeof(buf));
		if (n < 0 || file_write(to, buf, (size_t)n) < 0)
			return -1;
		size += (uint64_t)n;
	}
	return 0;
}

/* A pipe can be read but once, a mailbox may be closed: a copy is made. */
static int copy(struct mail *m, const struct mail_attach *a)
{
	int to = file_temporary(&m->err), from = -1, rc;

	if (to < 0)
		return -1;
	if (a->message) {
		rc = mail_box_write(m->box, a->message, to, &m->err);
	} else {
		from = mail_input_open(a->path);
		rc = from < 0 ? -1 : copy_file(m, from, to);
		if (rc < 0)
			mail_errno(m, a->path);
	}
	if (from >= 0)
		close(from);
	if (rc == 0)
		return to;
	close(to);
	return -1;
}

static int look_at(struct mail *m, struct mail_attach *a)
{
	struct stat st;

	if (!a->message) {
		if (access(a->path, R_OK) < 0 || stat(a->path, &st) < 0)
			return mail_errno(m, a->path);
		if (S_ISDIR(st.st_mode))
			return err_set(&m->err, ERR_PERM, "%s: %s", a->path,
					strerror(EISDIR));
		if (S_ISREG(st.st_mode) && st.st_size)	/* not in /proc */
			return 0;
	}
	a->fd = copy(m, a);
	return a->fd < 0 ? -1 : 0;
}

/* "#3", "#.": a message's number; 0: it is a file's name. */
static unsigned message_of(const struct mail *m, struct span name)
{
	unsigned long n = 0;

	if (!m->box || !span_starts(name, "#"))
		return 0;
	name = span_rest(name, 1);
	if (span_is(name, "."))
		return m->dot;
	return span_number(name, m->count, &n) ? (unsigned)n : 0;
}

int mail_attach_add(struct mail *m, struct mail_draft *d, struct span name)
{
	struct mail_attach **at = &d->attached, *a;
	unsigned message = message_of(m, name);

	if (span_has_control(name))
		return mail_wrong(m, T("No such file name"));
	a = malloc(sizeof(*a) + name.n + 1);
	if (!a)
		return err_nomem(&m->err);
	*a = (struct mail_attach){ .message = message, .fd = -1 };
	str_copy(a->path, name.n + 1, name);
	if (look_at(m, a) < 0) {
		free(a);
		return -1;
	}
	while (*at)
		at = &(*at)->next;
	*at = a;
	return 0;
}

static void drop(struct mail_attach **at)
{
	struct mail_attach *a = *at;

	*at = a->next;
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

void mail_attach_free(struct mail_draft *d)
{
	while (d->attached)
		drop(&d->attached);
}

static void show_list(struct mail *m, const struct mail_draft *d)
{
	unsigned n = 0;

	for (const struct mail_attach *a = d->attached; a; a = a->next)
		mail_term_printf(&m->term, "%3u %s\n", ++n, a->path);
	if (!n)
		mail_term_printf(&m->term, "%s\n", T("No attachments: "
				"~@ FILE adds one, ~@ -1 removes the first"));
}

static int change(struct mail *m, struct mail_draft *d, struct span word)
{
	struct mail_attach **at = &d->attached;
	char path[PATH_MAX];
	unsigned long n;

	if (message_of(m, word))
		return mail_attach_add(m, d, word);
	if (!span_starts(word, "-") ||
	    !span_number(span_rest(word, 1), 9999, &n))
		return mail_path(m, word, path) < 0 ? -1 :
				mail_attach_add(m, d, span_of(path));
	while (*at && --n)
		at = &(*at)->next;
	if (!*at)
		return mail_wrong(m, T("No such attachment"));
	drop(at);
	return 0;
}

void mail_attach_edit(struct mail *m, struct mail_draft *d, struct span words)
{
	struct span word = mail_arg(&words);

	for (; word.n; word = mail_arg(&words))
		if (change(m, d, word) < 0)
			mail_failed(m);
	show_list(m, d);
}
