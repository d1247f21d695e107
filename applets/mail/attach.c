#include "mail/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base64.h"
#include "mail/args.h"
#include "mail/box.h"
#include "mail/input.h"
#include "mime/compose.h"
#include "mime/param.h"
#include "os/file.h"
#include "os/text.h"

#define BASE64_LINE 57		/* octets that make 76 characters */
#define BASE64_LINES 64		/* at a time */
#define TYPE_MOST 128
#define RFC822 "message/rfc822"

/* ---- which type */

/* As /etc/mime.types has it: a type and the suffixes of its files. */
static const char known_types[] =
	"text/plain txt log conf cfg ini md sh c h py\n"
	"text/html html htm\n"
	"text/csv csv\n"
	"text/calendar ics\n"
	"text/x-diff diff patch\n"
	"text/vcard vcf\n"
	RFC822 " eml\n"
	"application/pdf pdf\n"
	"application/json json\n"
	"application/xml xml\n"
	"application/zip zip\n"
	"application/gzip gz tgz\n"
	"application/x-tar tar\n"
	"application/x-xz xz\n"
	"application/msword doc\n"
	"application/vnd.ms-excel xls\n"
	"application/vnd.openxmlformats-officedocument."
		"wordprocessingml.document docx\n"
	"application/vnd.openxmlformats-officedocument."
		"spreadsheetml.sheet xlsx\n"
	"application/vnd.oasis.opendocument.text odt\n"
	"application/vnd.oasis.opendocument.spreadsheet ods\n"
	"application/vnd.tcpdump.pcap pcap\n"
	"image/jpeg jpg jpeg\n"
	"image/png png\n"
	"image/gif gif\n"
	"image/svg+xml svg\n"
	"image/webp webp\n"
	"audio/mpeg mp3\n"
	"video/mp4 mp4\n";

/* "type/subtype suffix suffix": is the suffix among them? */
static bool line_has(struct span line, struct span suffix, char type[TYPE_MOST])
{
	struct span first = span_word(&line), word;

	if (span_starts(first, "#") || !span_has(first, '/'))
		return false;
	while ((word = span_word(&line)).n)
		if (span_caseeq(span_trim(word), suffix))
			return str_copy(type, TYPE_MOST, first) == 0;
	return false;
}

static bool file_has(const char *path, struct span suffix, char type[TYPE_MOST])
{
	FILE *f = fopen(path, "re");
	char line[1024];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = line_has(span_trim(span_of(line)), suffix, type);
	if (f)
		fclose(f);
	return found;
}

/* type stays as it is when nobody knows better. */
static void find_type(struct mail *m, struct span name, char type[TYPE_MOST])
{
	struct span suffix = span_behind(name, '.');
	struct span rest = span_make(known_types, sizeof(known_types) - 1);
	char path[PATH_MAX];

	if (!suffix.n || (mail_path(m, SPAN("~/.mime.types"), path) == 0 &&
			file_has(path, suffix, type)))
		return;
	while (rest.n)
		if (line_has(span_cut(&rest, '\n'), suffix, type))
			return;
	file_has("/etc/mime.types", suffix, type);
}

/* ---- the list */

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
			err_errno(&m->err, "%s", a->path);
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
			return err_errno(&m->err, "%s", a->path);
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
		return err_set(&m->err, ERR_PERM, "%s",
				T("No such file name"));
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
		return err_set(&m->err, ERR_PERM, "%s",
				T("No such attachment"));
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

/* ---- into the message */

struct out {
	struct mail *m;
	int fd;
	uint64_t *size;
	unsigned look;
};

/* Larger than may be, or ^C came: the letter is not made. 0 or -1. */
static int check(struct mail *m, uint64_t size)
{
	if (size > m->conf->max_message_size)
		return err_set(&m->err, ERR_PERM, "%s", T("the message is "
				"larger than max-message-size"));
	return mail_term_interrupted(&m->term) ? err_set(&m->err, ERR_TEMP,
			"%s", T("Interrupted")) : 0;
}

static int put(struct out *o, struct span text)
{
	*o->size += text.n;
	if (check(o->m, *o->size) < 0)
		return -1;
	return file_write(o->fd, text.p, text.n) < 0 ?
			err_errno(&o->m->err, T("temporary file")) : 0;
}

/* "From " at the start of a line would not come through every mbox. */
static int look(void *arg, struct span piece)
{
	struct out *o = arg;

	o->look |= compose_look(piece);
	while (piece.n)
		if (span_eq(span_sub(span_cut(&piece, '\n'), 0, 5),
				SPAN("From ")))
			o->look |= COMPOSE_HARD;
	return check(o->m, *o->size);
}

static int put_base64(struct out *o, int fd, uint64_t size)
{
	char buf[BASE64_LINE * BASE64_LINES];
	struct str text;
	int rc = 0;

	str_init(&text, sizeof(buf) * 2);
	for (uint64_t at = 0; at < size && rc == 0; ) {
		ssize_t n = file_pread(fd, buf, sizeof(buf), (int64_t)at);
		struct span rest = span_make(buf, n > 0 ? (size_t)n : 0);

		if (n <= 0)
			rc = err_errno(&o->m->err, "%s", T("reading"));
		str_clear(&text);
		for (; rest.n; rest = span_rest(rest, BASE64_LINE)) {
			base64_put(&text, span_sub(rest, 0, BASE64_LINE));
			str_addc(&text, '\n');
		}
		if (rc == 0)
			rc = put(o, str_span(&text));
		at += n > 0 ? (uint64_t)n : 0;
	}
	str_free(&text);
	return rc;
}

static int put_raw(void *arg, struct span piece)
{
	return put(arg, piece);
}

/* The type, and whether it goes as it is: text, and clean. */
static unsigned choose(struct out *o, const struct mail_attach *a,
		struct span name, char type[TYPE_MOST])
{
	unsigned hard = o->look & COMPOSE_HARD;

	str_copys(type, TYPE_MOST, a->message ? RFC822 : "");
	if (!a->message)
		find_type(o->m, name, type);
	/* RFC 2046 5.2.1: that type cannot be encoded */
	if (!*type || (hard && !strcmp(type, RFC822)))
		str_copys(type, TYPE_MOST, hard ? "application/octet-stream" :
				"text/plain");
	if (hard || !(span_starts(span_of(type), "text/") ||
			!strcmp(type, RFC822)))
		return o->look | COMPOSE_BINARY;
	return o->look;
}

static int write_part(struct out *o, const struct mail_attach *a, int fd,
		uint64_t size, const char *boundary)
{
	const struct mail_draft whole = { .fd = fd, .size = size };
	struct span name = span_of(a->path);
	char type[TYPE_MOST], given[24];
	enum compose_encoding encoding;
	struct str head;
	int rc;

	o->look = 0;
	if (check(o->m, *o->size + size) < 0 ||
	    mail_draft_each(&whole, look, o, &o->m->err) < 0)
		return -1;
	if (a->message) {
		snprintf(given, sizeof(given), "message-%u.eml", a->message);
		name = span_of(given);
	} else if (span_has(name, '/')) {
		name = span_behind(name, '/');
	}
	o->look = choose(o, a, name, type);
	str_init(&head, 16384);
	str_addf(&head, "\n--%s\n", boundary);
	encoding = compose_body(&head, span_of(type), SPAN(""), o->look);
	str_adds(&head, "Content-Disposition: attachment");
	param_put(&head, "filename", name);
	str_adds(&head, "\n\n");
	rc = put(o, str_span(&head));
	str_free(&head);
	if (rc == 0)
		rc = encoding == COMPOSE_BASE64 ? put_base64(o, fd, size) :
				mail_draft_each(&whole, put_raw, o,
					&o->m->err);
	return rc < 0 ? -1 : encoding == COMPOSE_8BIT;
}

int mail_attach_write(struct mail *m, const struct mail_draft *d, int fd,
		const char *boundary, uint64_t *size, bool *high)
{
	struct out o = { .m = m, .fd = fd, .size = size };
	int rc = 0;

	for (struct mail_attach *a = d->attached; a && rc >= 0; a = a->next) {
		int from = a->fd >= 0 ? a->fd : mail_input_open(a->path);
		struct stat st;

		if (from < 0 || fstat(from, &st) < 0)
			rc = err_errno(&m->err, "%s", a->path);
		else
			rc = write_part(&o, a, from, (uint64_t)st.st_size,
					boundary);
		*high |= rc == 1;
		if (from >= 0 && from != a->fd)
			close(from);
	}
	return rc < 0 ? -1 : 0;
}
