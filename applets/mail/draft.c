#include "mail/draft.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "mail/send.h"
#include "mime/word.h"
#include "os/file.h"

#define FIELD_MOST 65536
#define PIECE 16384

const char *mail_draft_name(enum mail_field f)
{
	static const char names[MAIL_FIELDS][12] = {
		"To", "Cc", "Bcc", "Subject", "In-Reply-To", "References"
	};

	return names[f];
}

int mail_draft_init(struct mail_draft *d, struct err *err)
{
	*d = (struct mail_draft){ .ends_in_lf = true };
	for (int i = 0; i < MAIL_FIELDS; i++)
		str_init(&d->field[i], FIELD_MOST);
	d->fd = file_temporary(err);
	return d->fd < 0 ? -1 : 0;
}

void mail_draft_free(struct mail_draft *d)
{
	for (int i = 0; i < MAIL_FIELDS; i++)
		str_free(&d->field[i]);
	if (d->fd >= 0)
		close(d->fd);
}

/* ---- the body */

int mail_draft_add(struct mail_draft *d, struct span text, struct err *err)
{
	if (!text.n)
		return 0;
	if (lseek(d->fd, MAIL_DRAFT_ROOM + (off_t)d->size, SEEK_SET) < 0 ||
	    file_write(d->fd, text.p, text.n) < 0)
		return err_errno(err, "temporary file");
	d->size += text.n;
	d->ends_in_lf = text.p[text.n - 1] == '\n';
	return 0;
}

int mail_draft_each(const struct mail_draft *d,
		int (*fn)(void *arg, struct span piece), void *arg,
		struct err *err)
{
	char buf[PIECE];

	for (uint64_t at = 0; at < d->size; ) {
		uint64_t left = d->size - at;
		ssize_t n = file_pread(d->fd, buf, left < PIECE ?
				(size_t)left : PIECE,
				MAIL_DRAFT_ROOM + (int64_t)at);
		struct span piece = span_make(buf, n > 0 ? (size_t)n : 0);
		size_t lf = span_rfind(piece, '\n');

		if (n <= 0)
			return err_errno(err, "temporary file");
		if (piece.n < left)
			piece.n = lf < piece.n ? lf + 1 :
					mail_term_whole(piece);
		if (fn(arg, piece) < 0)
			return -1;
		at += piece.n;
	}
	return 0;
}

/* ---- the fields */

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
	struct span rest = span_trim(address);
	bool whole = is_list(rest);

	while (rest.n) {
		str_adds(list, list->n ? ", " : "");
		str_add(list, whole ? rest : span_word(&rest));
		if (whole)
			break;
	}
}

void mail_draft_show(struct mail *m, const struct mail_draft *d)
{
	struct str text;

	str_init(&text, FIELD_MOST);
	for (enum mail_field f = MAIL_TO; f <= MAIL_SUBJECT; f++) {
		if (!d->field[f].n)
			continue;
		str_addf(&text, "%s: ", mail_draft_name(f));
		word_decode(&text, str_span(&d->field[f]));
		str_addc(&text, '\n');
	}
	mail_term_text(&m->term, str_span(&text));
	str_free(&text);
}

bool mail_draft_ask(struct mail *m, struct mail_draft *d, enum mail_field f)
{
	struct str *field = &d->field[f];
	char prompt[16];
	struct str line;
	bool ok;

	snprintf(prompt, sizeof(prompt), "%s: ", mail_draft_name(f));
	str_init(&line, MAIL_LINE_MOST);
	m->term.ask = f == MAIL_SUBJECT ? MAIL_ASK_SUBJECT : MAIL_ASK_ADDRESS;
	ok = mail_term_edit(&m->term, prompt, str_span(field), &line) ==
			MAIL_LINE;
	if (ok) {
		str_clear(field);
		str_add(field, span_trim(str_span(&line)));
	}
	str_free(&line);
	return ok;
}

/* ---- the ~ escapes (POSIX mailx, "Command Escapes") */

enum next { GO_ON, SEND, GIVE_UP, FORGET };

static int show_piece(void *arg, struct span piece)
{
	mail_term_text(arg, piece);
	return mail_term_stopped(arg) ? -1 : 0;
}

static void show_draft(struct mail *m, struct mail_draft *d)
{
	mail_term_page_begin(&m->term);
	mail_term_printf(&m->term, "-------\nMessage contains:\n");
	mail_draft_show(m, d);
	mail_term_printf(&m->term, "\n");
	mail_draft_each(d, show_piece, &m->term, &m->err);
	mail_term_page_end(&m->term);
	mail_term_printf(&m->term, "(continue)\n");
}

static void insert_file(struct mail *m, struct mail_draft *d, struct span name)
{
	char path[PATH_MAX], buf[4096];
	ssize_t n = -1;
	int64_t at = 0;
	int fd = -1;

	if (mail_path(m, name, path) == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		err_errno(&m->err, "%s", path);
	}
	while (fd >= 0 && (n = file_pread(fd, buf, sizeof(buf), at)) > 0 &&
	    mail_draft_add(d, span_make(buf, (size_t)n), &m->err) == 0)
		at += n;
	if (fd >= 0)
		close(fd);
	if (n != 0)
		mail_failed(m);
	else
		mail_term_printf(&m->term, "%lld octets\n", (long long)at);
}

static enum next escape(struct mail *m, struct mail_draft *d, struct span rest)
{
	struct span arg = span_trim(span_rest(rest, 1));
	char c = rest.n ? rest.p[0] : '?';
	size_t end = span_find(SPAN(".qx"), c);		/* in enum next's order */
	size_t field = span_find(SPAN("tcbs"), c);	/* enum mail_field's */

	if (end < 3)
		return (enum next)(SEND + end);
	if (c == 's') {
		str_clear(&d->field[field]);
		str_add(&d->field[field], arg);
	} else if (field < MAIL_SUBJECT) {
		mail_draft_address(&d->field[field], arg);
	} else if (c == 'p') {
		show_draft(m, d);
	} else if (c == 'r') {
		insert_file(m, d, arg);
	} else {
		mail_term_printf(&m->term, "~. send  ~q give up  ~x and keep "
				"no dead.letter  ~p show\n~s SUBJECT  "
				"~t ~c ~b ADDRESS: to, cc, bcc  ~r FILE  "
				"~~ a line with ~\n");
	}
	return GO_ON;
}

/* ---- reading it in */

static enum next add(struct mail *m, struct mail_draft *d, struct span text)
{
	if (mail_draft_add(d, text, &m->err) == 0)
		return GO_ON;
	mail_failed(m);
	return GIVE_UP;
}

/* A line of text, a dot, an escape. */
static enum next take_line(struct mail *m, struct mail_draft *d,
		struct str *line)
{
	struct span text = str_span(line);

	if (span_is(text, ".") && !m->term.pasted)
		return SEND;
	if (span_starts(text, "~") && !m->term.pasted) {
		text = span_rest(text, 1);
		if (!span_starts(text, "~"))
			return escape(m, d, text);
		str_cut(line, 1);
	}
	if (!m->term.partial)
		str_addc(line, '\n');
	return add(m, d, str_span(line));
}

static enum next edit_lines(struct mail *m, struct mail_draft *d,
		struct str *line)
{
	bool warned = false;	/* one ^C came */
	enum next next = GO_ON;

	while (next == GO_ON) {
		enum mail_input in = mail_term_line(&m->term, "", line);

		if (in == MAIL_LINE) {
			warned = false;
			next = take_line(m, d, line);
		} else if (in == MAIL_EOF) {
			next = SEND;
		} else if (in == MAIL_HANGUP || warned || !m->term.tty_in) {
			next = GIVE_UP;
		} else {
			warned = true;
			mail_term_printf(&m->term, "\n(Interrupt -- one more "
					"to kill letter)\n");
		}
	}
	return next;
}

/* A script's text, as it is. */
static enum next edit_block(struct mail *m, struct mail_draft *d)
{
	char buf[4096];
	long n;

	while ((n = mail_term_block(&m->term, buf, sizeof(buf))) > 0) {
		if (add(m, d, span_make(buf, (size_t)n)) != GO_ON)
			return FORGET;
		if (d->size > m->conf->max_message_size) {
			mail_term_error(&m->term, "mail: the message is "
					"larger than max-message-size");
			return FORGET;
		}
	}
	return n < 0 ? GIVE_UP : SEND;
}

bool mail_draft_edit(struct mail *m, struct mail_draft *d, bool escapes)
{
	struct str line;
	enum next next;

	str_init(&line, MAIL_LINE_MOST + 1);
	next = escapes ? edit_lines(m, d, &line) : edit_block(m, d);
	str_free(&line);
	if (next == GIVE_UP)
		mail_send_dead(m, d);
	return next == SEND;
}
