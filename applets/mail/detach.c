/* Parts into files: the command detach, and what write does with them. */
#include "mail/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mail/input.h"
#include "mail/part.h"
#include "os/file.h"

#define TRIES 999		/* names that are tried for a file */

struct extract {
	struct mail *m;
	unsigned only;		/* this part; 0: what is attached */
	unsigned first;		/* the part that went elsewhere already */
	bool all;		/* without a name of its own, too */
	bool ask;
	const char *folder;	/* that ends in a slash, or "" */
	const char *path;	/* of the only one; NULL: its own name */
	char name[PATH_MAX];	/* of the file that is being written */
	int fd;
	char last;		/* octet that was written */
	bool text;
	bool made;		/* the file is ours: gone when it fails */
	unsigned n;
	int rc;
};

static int open_new(struct extract *e, int flags)
{
	e->fd = mail_input_create(e->name, flags, 0666);
	e->made = e->fd >= 0 && flags & O_EXCL;
	return e->fd < 0 ? mail_errno(e->m, e->name) : 0;
}

/* "report.pdf" is there: "report-2.pdf". */
static int open_beside(struct extract *e)
{
	struct span name = span_of(e->name), dir = span_before(name, '/');
	size_t from = dir.n < name.n ? dir.n + 1 : 0;
	size_t dot = from + span_rfind(span_rest(name, from), '.');
	char before[PATH_MAX];
	int rc = -1;

	memcpy(before, e->name, name.n + 1);
	for (unsigned i = 2; rc < 0 && i < TRIES && errno == EEXIST; i++) {
		int n = snprintf(e->name, sizeof(e->name), "%.*s-%u%s",
				(int)dot, before, i, before + dot);

		if (n < 0 || (size_t)n >= sizeof(e->name))
			break;
		rc = open_new(e, O_EXCL);
	}
	return rc;
}

static bool says_yes(struct mail *m, const char *question, const char *name)
{
	struct str prompt, answer;
	bool yes;

	str_init(&prompt, 2 * PATH_MAX);
	str_init(&answer, MAIL_LINE_MOST);
	str_addf(&prompt, question, name);
	yes = mail_term_line(&m->term, str_c(&prompt), &answer) == MAIL_LINE &&
			(span_is(str_span(&answer), "y") ||
			 span_is(str_span(&answer), "yes"));
	str_free(&prompt);
	str_free(&answer);
	return yes;
}

/* Never over a file that is there, unless the user says so. */
static int open_file(struct extract *e, bool asked)
{
	if (open_new(e, O_EXCL) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	if (!asked)
		return open_beside(e);
	if (!says_yes(e->m, T("%s is there already. Overwrite it (y/n)? "),
			e->name))
		return 1;
	return open_new(e, O_TRUNC);
}

/* What the user calls it; 1: not wanted. */
static int ask_name(struct extract *e, const struct stream_part *p,
		struct str *name)
{
	struct str prompt, kind, answer;
	enum mail_input in;
	int rc = 0;

	str_init(&prompt, 1024);
	str_init(&kind, 256);
	str_init(&answer, MAIL_LINE_MOST);
	mail_part_kind(&kind, p);
	str_addf(&prompt, T("Save part %u (%s; - skips it) as: "), p->number,
			str_c(&kind));
	in = mail_term_edit(&e->m->term, str_c(&prompt), str_span(name),
			&answer);
	if (in != MAIL_LINE)
		rc = -1;
	else if (!answer.n || span_is(str_span(&answer), "-"))
		rc = 1;
	else if (span_eq(str_span(&answer), str_span(name)))
		snprintf(e->name, sizeof(e->name), "%s%s", e->folder,
				str_c(name));
	else
		rc = mail_path(e->m, str_span(&answer), e->name);
	str_free(&prompt);
	str_free(&kind);
	str_free(&answer);
	return rc;
}

/* 1: it is not to be saved. */
static int choose_name(struct extract *e, const struct stream_part *p)
{
	struct str name;
	int rc = 0;

	str_init(&name, 1024);
	mail_part_safe_name(&name, p);
	if (e->ask)
		rc = ask_name(e, p, &name);
	else
		snprintf(e->name, sizeof(e->name), "%s%s", e->path ? e->path :
				e->folder, e->path ? "" : str_c(&name));
	str_free(&name);
	return rc;
}

static bool is_wanted(const struct extract *e, const struct stream_part *p)
{
	struct str name;
	bool named;

	if (e->only)
		return p->number == e->only;
	if (!p->number || p->number == e->first || p->enclosed)
		return false;
	if (e->all)
		return true;
	str_init(&name, 4096);
	mail_part_name(&name, p);
	named = name.n;
	str_free(&name);
	return named || p->attachment;
}

static bool extract_begin(void *arg, const struct stream_part *p)
{
	struct extract *e = arg;
	int rc;

	if (e->rc < 0 || !is_wanted(e, p))
		return false;
	rc = choose_name(e, p);
	if (rc == 0)
		rc = open_file(e, e->ask || e->path);
	if (rc < 0)
		e->rc = -1;
	return rc == 0;
}

static bool extract_data(void *arg, struct span octets)
{
	struct extract *e = arg;

	if (file_write(e->fd, octets.p, octets.n) < 0)
		e->rc = mail_errno(e->m, e->name);
	else if (mail_term_interrupted(&e->m->term))
		e->rc = err_set(&e->m->err, ERR_TEMP, "%s: %s", e->name,
				T("Interrupt"));
	return e->rc == 0;
}

static void tell_written(struct extract *e, uint64_t octets)
{
	mail_term_printf(&e->m->term, T("\"%s\" %llu octets\n"), e->name,
			(unsigned long long)octets);
	e->n++;
}

static bool extract_end(void *arg, uint64_t octets)
{
	struct extract *e = arg;
	int rc = close(e->fd);

	e->fd = -1;
	if (rc < 0)
		e->rc = mail_errno(e->m, e->name);
	else
		tell_written(e, octets);
	return e->rc == 0 && !e->only;
}

static int extract(struct extract *e, unsigned n)
{
	struct mail_part_reader reader = {
		.arg = e, .begin = extract_begin, .data = extract_data,
		.end = extract_end
	};

	e->fd = -1;
	if (mail_part_read(e->m, n, &reader) < 0)
		e->rc = -1;
	if (e->fd >= 0)		/* it failed in the middle */
		close(e->fd);
	if (e->fd >= 0 && e->made)
		unlink(e->name);
	if (e->rc == 0 && e->only && !e->n)
		e->rc = err_set(&e->m->err, ERR_PERM,
				T("No part %u: parts lists them"), e->only);
	return e->rc;
}

/* ---- detach */

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int mail_do_detach(struct mail *m)
{
	struct extract e = { .m = m, .folder = "" };
	char path[PATH_MAX], folder[PATH_MAX + 1];

	if (!m->dot)
		return mail_tell(m, T("No applicable messages"));
	mail_part_number(m, &m->arg, &e.only);
	if (m->arg.n) {
		if (mail_path(m, m->arg, path) < 0)
			return mail_failed(m);
		if (is_folder(path)) {
			snprintf(folder, sizeof(folder), "%s/", path);
			e.folder = folder;
		} else if (e.only) {
			e.path = path;
		} else {
			return mail_tell(m, T("Several parts need a folder"));
		}
	}
	if (extract(&e, m->dot) < 0)
		return mail_failed(m);
	if (!e.n)
		return mail_tell(m, T("No attachments"));
	m->note[m->dot] |= MAIL_READ;
	return 0;
}

/* ---- write */

static bool first_begin(void *arg, const struct stream_part *p)
{
	struct extract *e = arg;

	if (!p->number || p->enclosed)
		return false;
	e->n++;
	if (e->n > 1)
		return false;
	e->first = p->number;
	e->text = mail_part_is_text(p);
	return true;
}

static bool first_data(void *arg, struct span octets)
{
	struct extract *e = arg;

	e->last = octets.p[octets.n - 1];
	return extract_data(arg, octets);
}

/* A text ends with its line, also where a boundary took the line's end. */
static bool first_end(void *arg, uint64_t octets)
{
	struct extract *e = arg;

	return !octets || !e->text || e->last == '\n' ||
			extract_data(arg, SPAN("\n"));
}

int mail_part_write(struct mail *m, unsigned n, int fd, const char *path)
{
	struct extract e = { .m = m, .fd = fd, .folder = "" };
	struct mail_part_reader reader = {
		.arg = &e, .begin = first_begin, .data = first_data,
		.end = first_end, .utf8 = true
	};

	str_copys(e.name, sizeof(e.name), path);
	if (mail_part_read(m, n, &reader) < 0 || e.rc < 0)
		return -1;
	/* what was not written would be lost: then the message stays */
	m->note[n] |= e.n > 1 ? MAIL_READ : MAIL_READ | MAIL_SAVED;
	if (e.n < 2)
		return 0;
	e.n = 0;
	e.ask = e.all = m->term.tty_in;
	return extract(&e, n);
}
