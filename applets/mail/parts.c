/* The commands parts and view. */
#include "mail/command.h"

#include <stdio.h>
#include <unistd.h>
#include "mail/args.h"
#include "mail/child.h"
#include "mail/input.h"
#include "mail/part.h"
#include "mail/show.h"
#include "os/file.h"

#define TYPE 28			/* columns of a list of parts */

/* ---- parts: the list */

struct listing {
	struct mail *m;
	unsigned number;
	char type[TYPE + 1];
	struct str name;
};

static void list_part(struct listing *l, const char *size)
{
	struct mail_term *t = &l->m->term;

	mail_term_printf(t, "%3u  %-*s %8s  ", l->number, TYPE, l->type, size);
	mail_term_field(t, str_span(&l->name), t->columns > TYPE + 20 ?
			t->columns - TYPE - 16 : 4);
	mail_term_printf(t, "\n");
}

static bool list_begin(void *arg, const struct stream_part *p)
{
	struct listing *l = arg;

	if (!p->number)
		return false;
	l->number = p->number;
	snprintf(l->type, sizeof(l->type), "%.*s/%.*s", (int)(p->type.n < TYPE ?
			p->type.n : TYPE), p->type.p, (int)(p->subtype.n < TYPE
			? p->subtype.n : TYPE), p->subtype.p);
	str_clear(&l->name);
	mail_part_name(&l->name, p);
	if (p->enclosed)
		list_part(l, "");
	return !p->enclosed;
}

static bool list_end(void *arg, uint64_t octets)
{
	struct listing *l = arg;
	struct str size;

	str_init(&size, 64);
	mail_part_size(&size, octets);
	list_part(l, str_c(&size));
	str_free(&size);
	return !mail_term_stopped(&l->m->term);
}

static bool list_data(void *arg, struct span octets)
{
	struct listing *l = arg;

	(void)octets;
	return !mail_term_stopped(&l->m->term);
}

int mail_do_parts(struct mail *m)
{
	struct listing l = { .m = m };
	struct mail_part_reader reader = {
		.arg = &l, .begin = list_begin, .data = list_data,
		.end = list_end
	};
	int rc = 0;

	str_init(&l.name, 4096);
	mail_term_page_begin(&m->term);
	for (unsigned i = 1; i <= m->count && rc == 0; i++) {
		if (!m->set[i] || mail_term_stopped(&m->term))
			continue;
		mail_term_printf(&m->term, T("Message %u:\n"), i);
		rc = mail_part_read(m, i, &reader);
	}
	mail_term_page_end(&m->term);
	str_free(&l.name);
	return rc < 0 ? mail_failed(m) : 0;
}

/* ---- view */

struct view {
	struct mail *m;
	unsigned only;
	bool found;
	int fd;			/* a temporary file */
	int rc;
};

static bool view_data(void *arg, struct span octets)
{
	struct view *v = arg;

	if (file_write(v->fd, octets.p, octets.n) < 0)
		v->rc = mail_errno(v->m, T("temporary file"));
	return v->rc == 0;
}

static bool view_begin(void *arg, const struct stream_part *p)
{
	const struct view *v = arg;

	return p->number == v->only;
}

static bool view_end(void *arg, uint64_t octets)
{
	struct view *v = arg;

	(void)octets;
	v->found = true;
	return false;
}

/* The part is what the program reads. */
static int view_by(struct mail *m, unsigned part, struct span command)
{
	struct view v = { .m = m, .only = part };
	struct mail_part_reader reader = {
		.arg = &v, .begin = view_begin, .data = view_data,
		.end = view_end
	};
	int rc = -1;

	v.fd = file_temporary(&m->err);
	if (v.fd < 0)
		return -1;
	mail_arg_quoted(command, &command);
	if (mail_part_read(m, m->dot, &reader) == 0 && v.rc == 0)
		rc = v.found ? 0 : err_set(&m->err, ERR_PERM,
				T("No part %u: parts lists them"), part);
	if (rc == 0 && lseek(v.fd, 0, SEEK_SET) < 0)
		rc = mail_errno(m, T("temporary file"));
	if (rc == 0)
		rc = mail_child_run(m, command, v.fd, -1);
	close(v.fd);
	return rc;
}

bool mail_part_number(struct mail *m, struct span *rest, unsigned *part)
{
	struct span after = *rest, word = mail_arg(&after);
	unsigned long n = 0;

	if (!span_number(word, 1000000, &n) && !span_is(word, "*"))
		return false;
	*rest = span_trim(after);
	*part = (unsigned)n;
	return m->dot;
}

int mail_do_view(struct mail *m)
{
	unsigned part;
	int rc;

	if (!mail_part_number(m, &m->arg, &part) || !part)
		return mail_tell(m, T("view PART: parts lists them"));
	if (span_starts(m->arg, "|"))
		m->arg = span_trim(span_rest(m->arg, 1));
	rc = m->arg.n ? view_by(m, part, m->arg) :
			mail_show_part(m, m->dot, part);
	return rc < 0 ? mail_failed(m) : 0;
}
