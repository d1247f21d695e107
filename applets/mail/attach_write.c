/* Attachments in the message: their type, their encoding, their octets. */
#include "mail/attach.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/base64.h"
#include "mail/input.h"
#include "mail/letter.h"
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
		return mail_wrong(m, T("the message is "
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
			mail_errno(o->m, T("temporary file")) : 0;
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
			rc = mail_errno(o->m, T("reading"));
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
	const struct mail_draft whole = {
		.fd = fd, .size = size, .m = o->m
	};
	struct span name = span_of(a->path);
	char type[TYPE_MOST], given[24], charset[LETTER_CHARSET];
	enum compose_encoding encoding;
	struct str head;
	int rc;

	o->look = 0;
	if (check(o->m, *o->size + size) < 0 ||
	    mail_draft_each(&whole, look, o) < 0)
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
	letter_charset(charset);
	encoding = compose_body(&head, span_of(type), span_of(charset),
			o->look);
	str_adds(&head, "Content-Disposition: attachment");
	param_put(&head, "filename", name);
	str_adds(&head, "\n\n");
	rc = put(o, str_span(&head));
	str_free(&head);
	if (rc == 0)
		rc = encoding == COMPOSE_BASE64 ? put_base64(o, fd, size) :
				mail_draft_each(&whole, put_raw, o);
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
			rc = mail_errno(m, a->path);
		else
			rc = write_part(&o, a, from, (uint64_t)st.st_size,
					boundary);
		*high |= rc == 1;
		if (from >= 0 && from != a->fd)
			close(from);
	}
	return rc < 0 ? -1 : 0;
}
