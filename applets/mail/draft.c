#include "mail/draft.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/utf8.h"
#include "mail/send.h"
#include "os/file.h"

#define FIELD_MOST 65536
#define SAMPLE_LINE 1200	/* more than RFC 5322 lets a line have */
#define BLOCK 4096

int mail_draft_init(struct mail_draft *d, struct err *err)
{
	*d = (struct mail_draft){ .fd = -1, .ends_in_lf = true };
	str_init(&d->to, FIELD_MOST);
	str_init(&d->cc, FIELD_MOST);
	str_init(&d->bcc, FIELD_MOST);
	str_init(&d->subject, FIELD_MOST);
	str_init(&d->from, FIELD_MOST);
	str_init(&d->in_reply_to, FIELD_MOST);
	str_init(&d->references, FIELD_MOST);
	str_init(&d->sample, 8 * SAMPLE_LINE);
	str_init(&d->line, SAMPLE_LINE);
	d->fd = mail_temp(err);
	return d->fd < 0 ? -1 : 0;
}

void mail_draft_free(struct mail_draft *d)
{
	str_free(&d->to);
	str_free(&d->cc);
	str_free(&d->bcc);
	str_free(&d->subject);
	str_free(&d->from);
	str_free(&d->in_reply_to);
	str_free(&d->references);
	str_free(&d->sample);
	str_free(&d->line);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

/* ---- the body */

/* What makes a line an example of its own for compose_text. */
static unsigned line_kinds(struct span line)
{
	unsigned kinds = 1;

	if (!utf8_ascii(line))
		kinds |= utf8_valid(line) ? 2 : 4;
	if (line.n > 998)
		kinds |= 8;
	if (span_find(line, '\r') < line.n)
		kinds |= 16;
	if (span_find(line, '\0') < line.n)
		kinds |= 32;
	return kinds;
}

/*
 * A line is complete (or as much of it as counts): the first of each kind
 * goes into the sample. The whole body need then never be in memory.
 */
static void sample_line(struct mail_draft *d)
{
	unsigned kinds = line_kinds(str_span(&d->line));

	if (kinds & ~d->seen) {
		str_add(&d->sample, str_span(&d->line));
		str_addc(&d->sample, '\n');
		d->seen |= kinds;
	}
	str_clear(&d->line);
}

/* The line is as long as counts: a character that was cut would look broken. */
static void sample_piece(struct mail_draft *d)
{
	size_t n = d->line.n, tail = 0;
	char kept[4];

	while (tail < 3 && (d->line.p[n - 1] & 0xC0) == 0x80) {
		tail++;
		n--;
	}
	if ((d->line.p[n - 1] & 0xC0) != 0xC0)
		tail = 0;
	else
		tail++;
	memcpy(kept, d->line.p + d->line.n - tail, tail);
	d->line.n -= tail;
	sample_line(d);
	str_add(&d->line, span_make(kept, tail));
}

static void sample(struct mail_draft *d, struct span text)
{
	while (text.n) {
		size_t room = SAMPLE_LINE - d->line.n;
		size_t n = span_find(text, '\n');
		bool ends = n < text.n && n <= room;

		if (n > room)
			n = room;
		str_add(&d->line, span_sub(text, 0, n));
		if (ends)
			sample_line(d);
		else if (d->line.n == SAMPLE_LINE)
			sample_piece(d);
		text = span_sub(text, n + ends, text.n);
	}
}

struct span mail_draft_sample(struct mail_draft *d)
{
	if (d->line.n)
		sample_line(d);
	return str_span(&d->sample);
}

int mail_draft_add(struct mail_draft *d, struct span text, struct err *err)
{
	if (!text.n)
		return 0;
	if (lseek(d->fd, MAIL_DRAFT_ROOM + (off_t)d->size, SEEK_SET) < 0 ||
	    file_write(d->fd, text.p, text.n) < 0)
		return err_errno(err, "temporary file");
	sample(d, text);
	d->size += text.n;
	d->ends_in_lf = text.p[text.n - 1] == '\n';
	return 0;
}

int mail_draft_clear(struct mail_draft *d, struct err *err)
{
	str_clear(&d->sample);
	str_clear(&d->line);
	d->seen = 0;
	d->size = 0;
	d->ends_in_lf = true;
	if (ftruncate(d->fd, 0) < 0)
		return err_errno(err, "temporary file");
	return 0;
}

int mail_draft_copy(const struct mail_draft *d, int fd, struct err *err)
{
	if (file_copy(d->fd, MAIL_DRAFT_ROOM, (int64_t)d->size, fd) < 0)
		return err_errno(err, "writing");
	return 0;
}

/* Does the text follow RFC 5322, or is it the "bob alice" of old? */
static bool is_list(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] && strchr(",\"<(:;", text.p[i]))
			return true;
	return false;
}

void mail_draft_address(struct str *list, struct span address)
{
	struct span rest = span_trim(address), word;

	if (is_list(rest)) {
		str_adds(list, list->n ? ", " : "");
		str_add(list, rest);
		return;
	}
	while ((word = span_word(&rest)).n) {
		str_adds(list, list->n ? ", " : "");
		str_add(list, word);
	}
}

/* ---- the editor */

/* The body's text file, edited, becomes the body. */
static int read_back(struct mail_draft *d, const char *path, struct err *err)
{
	char buf[BLOCK];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	int rc;

	if (fd < 0)
		return err_errno(err, "%s", path);
	rc = mail_draft_clear(d, err);
	for (int64_t at = 0; rc == 0; at += n) {
		n = file_pread(fd, buf, sizeof(buf), at);
		if (n <= 0)
			break;
		rc = mail_draft_add(d, span_make(buf, (size_t)n), err);
	}
	close(fd);
	return n < 0 ? err_errno(err, "%s", path) : rc;
}

static int edit_file(struct mail *m, struct mail_draft *d, const char *path,
		const char *editor, struct err *err)
{
	char line[PATH_MAX + 256];
	int n = snprintf(line, sizeof(line), "%s '%s'", editor, path);

	if (n < 0 || (size_t)n >= sizeof(line))
		return err_set(err, ERR_PERM, "editor: name too long");
	if (mail_shell(m, line) != 0)
		return err_set(err, ERR_TEMP, "%s failed; the text is as it "
				"was", editor);
	return read_back(d, path, err);
}

int mail_draft_editor(struct mail *m, struct mail_draft *d, enum mail_var which)
{
	const char *editor = mail_var(&m->vars, which);
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];
	struct err err;
	int fd, rc;

	snprintf(path, sizeof(path), "%s/mail.XXXXXX", dir && *dir &&
			!strchr(dir, '\'') ? dir : "/tmp");
	fd = mkstemp(path);
	if (fd < 0) {
		mail_term_error(&m->term, "mail: %s: cannot make it", path);
		return -1;
	}
	rc = mail_draft_copy(d, fd, &err);
	close(fd);
	if (rc == 0)
		rc = edit_file(m, d, path, editor ? editor : "vi", &err);
	unlink(path);
	if (rc < 0)
		mail_term_error(&m->term, "mail: %s", err.text);
	return rc;
}

/* ---- reading it in */

bool mail_draft_ask(struct mail *m, const char *name, struct str *field)
{
	char prompt[512];
	struct str line;
	bool ok;

	snprintf(prompt, sizeof(prompt), "%s: %s%.400s%s", name,
			field->n ? "[" : "", str_c(field), field->n ? "] " : "");
	str_init(&line, MAIL_LINE_MOST);
	ok = mail_term_line(&m->term, prompt, &line) == MAIL_LINE;
	if (ok && line.n) {
		str_clear(field);
		str_add(field, span_trim(str_span(&line)));
	}
	str_free(&line);
	return ok;
}

struct edit {
	struct mail *m;
	struct mail_draft *d;
	struct str line;
	bool warned;		/* one ^C came */
};

static bool add_line(struct edit *e)
{
	struct err err;

	if (!e->m->term.partial)
		str_addc(&e->line, '\n');
	if (mail_draft_add(e->d, str_span(&e->line), &err) == 0)
		return true;
	mail_term_error(&e->m->term, "mail: %s", err.text);
	return false;
}

/* A line of text, a dot, an escape. */
static enum mail_escape take_line(struct edit *e)
{
	const char *escape = mail_var(&e->m->vars, MAIL_VAR_ESCAPE);
	struct span line = str_span(&e->line);

	if (line.n == 1 && line.p[0] == '.' &&
	    mail_var_on(&e->m->vars, MAIL_VAR_DOT))
		return MAIL_ESCAPE_SEND;
	if (escape && *escape && line.n && line.p[0] == *escape) {
		if (line.n < 2 || line.p[1] != *escape)
			return mail_draft_escape(e->m, e->d,
					span_sub(line, 1, line.n));
		str_cut(&e->line, 1);
	}
	return add_line(e) ? MAIL_ESCAPE_ON : MAIL_ESCAPE_QUIT;
}

/* True: give up. */
static bool on_interrupt(struct edit *e)
{
	if (!e->m->term.tty_in || e->warned)
		return true;
	e->warned = true;
	mail_term_printf(&e->m->term,
			"\n(Interrupt -- one more to kill letter)\n");
	return false;
}

static enum mail_written abandon(struct edit *e, bool save)
{
	if (save)
		mail_send_dead(e->m, e->d);
	return e->m->term.hangup ? MAIL_CUT_OFF : MAIL_ABANDONED;
}

static enum mail_written edit_lines(struct edit *e)
{
	for (;;) {
		enum mail_input in = mail_term_line(&e->m->term, "", &e->line);
		enum mail_escape next = MAIL_ESCAPE_ON;

		if (in == MAIL_EOF)
			return MAIL_WRITTEN;
		if (in == MAIL_HANGUP)
			return abandon(e, true);
		if (in == MAIL_INTERRUPT && on_interrupt(e))
			return abandon(e, true);
		if (in == MAIL_LINE) {
			e->warned = false;
			next = take_line(e);
		}
		if (next == MAIL_ESCAPE_SEND)
			return MAIL_WRITTEN;
		if (next != MAIL_ESCAPE_ON)
			return abandon(e, next == MAIL_ESCAPE_QUIT);
	}
}

/* A script's text, as it is. */
static enum mail_written edit_block(struct edit *e)
{
	uint64_t most = e->m->conf->max_message_size;
	char buf[BLOCK];
	struct err err;
	long n;

	while ((n = mail_term_block(&e->m->term, buf, sizeof(buf))) > 0) {
		if (mail_draft_add(e->d, span_make(buf, (size_t)n), &err) < 0) {
			mail_term_error(&e->m->term, "mail: %s", err.text);
			return abandon(e, false);
		}
		if (e->d->size > most) {
			mail_term_error(&e->m->term, "mail: the message is "
					"larger than max-message-size");
			return abandon(e, false);
		}
	}
	return n < 0 ? abandon(e, true) : MAIL_WRITTEN;
}

enum mail_written mail_draft_edit(struct mail *m, struct mail_draft *d,
		bool escapes)
{
	struct edit e = { .m = m, .d = d };
	enum mail_written how;

	str_init(&e.line, MAIL_LINE_MOST + 1);
	how = escapes ? edit_lines(&e) : edit_block(&e);
	str_free(&e.line);
	return how;
}
