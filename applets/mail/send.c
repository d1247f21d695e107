#include "mail/send.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "base/date.h"
#include "config.h"
#include "mail/escape.h"
#include "mail/input.h"
#include "mail/letter.h"
#include "mail/record.h"
#include "mail/var.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/text.h"

/* ---- dead.letter */

int mail_send_dead_path(struct mail *m, char path[PATH_MAX])
{
	const char *name = CFG_MAIL_RC ? mail_var(m, "DEAD") : NULL;

	if (!name || !*name)
		name = getenv("DEAD");
	return mail_path_given(m, name && *name ? span_of(name) :
			SPAN("~/dead.letter"), path);
}

/* As an mbox has it: no line of the text may look like the start of a letter. */
static int write_piece(void *arg, struct span piece)
{
	int fd = *(const int *)arg, rc = 0;

	while (piece.n && rc == 0) {
		struct span line = span_sub(piece, 0,
				span_find(piece, '\n') + 1), rest = line;

		while (span_sub(rest, 0, 1).n && rest.p[0] == '>')
			rest = span_rest(rest, 1);
		if (span_eq(span_sub(rest, 0, 5), SPAN("From ")))
			rc = file_write(fd, ">", 1);
		if (rc == 0)
			rc = file_write(fd, line.p, line.n);
		piece = span_rest(piece, line.n);
	}
	return rc;
}

/*
 * An mbox, but for one message at a time and with no lock: nobody delivers to
 * it. The addresses are kept as they were typed: they may be what is wrong.
 */
static int append_dead(struct mail *m, const struct mail_draft *d,
		const char *path)
{
	int fd = mail_input_create(path, O_APPEND, 0600);
	off_t had = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	char when[DATE_SIZE];
	struct str head;
	int rc;

	date_mbox(when, clock_now());
	str_init(&head, 2 * MAIL_DRAFT_ROOM);
	str_addf(&head, "From %s %s\nStatus: RO\n", m->address, when);
	mail_draft_fields(d, &head);
	rc = fd < 0 || head.bad ? -1 : file_write(fd, head.p, head.n);
	if (rc == 0)
		rc = mail_draft_each(d, write_piece, &fd);
	if (rc == 0)
		rc = file_write(fd, "\n\n", d->ends_in_lf ? 1 : 2);
	if (rc == 0)
		rc = fsync(fd);
	if (rc < 0)
		mail_errno(m, path);
	/* half of it would hide what comes after it */
	if (rc < 0 && had >= 0 && ftruncate(fd, had) < 0)
		file_write(fd, "\n\n", 2);
	if (fd >= 0)
		close(fd);
	str_free(&head);
	return rc;
}

static void keep(struct mail *m, struct mail_draft *d)
{
	char path[PATH_MAX];
	int rc;

	if (!d->size || (CFG_MAIL_RC && !mail_var(m, "save")))
		return;
	rc = mail_send_dead_path(m, path);
	if (rc == 0 && !strcmp(path, "/dev/null"))
		return;		/* whoever says so wants none of it */
	if (rc == 0 && append_dead(m, d, path) == 0)
		mail_term_error(&m->term, T("The text is kept in %s"), path);
	else if (CFG_MAIL_DRAFTS && d->path) {
		mail_draft_keep(d);
		mail_term_error(&m->term, T("mail: %s. The text is kept in "
				"%s: see \"drafts\""), m->err.text, d->path);
		free(d->path);
		d->path = NULL;		/* the file stays */
	} else {
		mail_term_error(&m->term, T("mail: the text is lost: %s"),
				m->err.text);
	}
}

/* ---- writing it */

/* A script's text, as it is. */
static enum mail_written read_block(struct mail *m, struct mail_draft *d)
{
	char buf[4096];
	long n;

	while ((n = mail_term_block(&m->term, buf, sizeof(buf))) > 0) {
		if (mail_draft_add(d, span_make(buf, (size_t)n)) < 0) {
			mail_failed(m);
			return MAIL_FORGET;
		}
		if (d->size > m->conf->max_message_size) {
			mail_term_error(&m->term, "%s", T("mail: the message "
					"is larger than max-message-size"));
			return MAIL_FORGET;
		}
	}
	return n < 0 ? MAIL_GIVE_UP : MAIL_SEND;
}

static bool ask(struct mail *m, struct mail_draft *d, bool at_end)
{
	static const struct {
		char name[8];
		unsigned char field;
	} questions[] = {
		{ "asksub", MAIL_SUBJECT },
		{ "askcc", MAIL_CC },
		{ "askbcc", MAIL_BCC }
	};

	for (size_t i = 0; i < 3; i++) {
		enum mail_field f = questions[i].field;
		bool late = CFG_MAIL_NAIL && f != MAIL_SUBJECT &&
				mail_var(m, "askatend");

		if (late == at_end && mail_var(m, questions[i].name) &&
		    !(f == MAIL_SUBJECT && (d->asked || d->field[f].n)) &&
		    !mail_draft_ask(m, d, f))
			return false;
	}
	return true;
}

/* On a terminal: the questions, the text, and the end of it. */
static enum mail_written write_it(struct mail *m, struct mail_draft *d)
{
	enum mail_written end;

	if (m->term.tty_in && !ask(m, d, false))
		return MAIL_GIVE_UP;
	end = mail_escape_read(m, d);
	if (CFG_MAIL_NAIL && end == MAIL_SEND && m->term.tty_in &&
	    !ask(m, d, true))
		return MAIL_GIVE_UP;
	return end;
}

/* The file of `signature`, or with autosign the text of `sign`. */
static int add_signature(struct mail *m, struct mail_draft *d)
{
	const char *name = mail_var(m, "signature"), *text;
	char path[PATH_MAX];
	int fd, rc;

	text = mail_var(m, "autosign") ? mail_var(m, "sign") : NULL;
	if (text && *text)
		return mail_escape_sign(d, text);
	if (!name || !*name)
		return 0;
	if (mail_path_given(m, span_of(name), path) < 0)
		return -1;
	fd = mail_input_open(path);
	if (fd < 0)
		return mail_errno(m, path);
	rc = d->ends_in_lf ? 0 : mail_draft_add(d, SPAN("\n"));
	/* RFC 3676 4.3 */
	if (rc == 0)
		rc = mail_draft_add(d, SPAN("-- \n"));
	if (rc == 0)
		rc = mail_draft_add_file(d, fd, 0);
	close(fd);
	return rc;
}

/* ---- sending */

/* Told, not done (POSIX: "Messages are not delivered"). */
static int debug(struct letter *l)
{
	struct span rest = str_span(&l->rcpts);

	mail_term_printf(&l->m->term, T("Sender: %s\nRecipients:"),
			str_c(&l->sender));
	while (rest.n)
		mail_term_printf(&l->m->term, " %s", span_cut(&rest, '\0').p);
	mail_term_printf(&l->m->term, "\n");
	mail_term_text(&l->m->term, str_span(&l->header));
	return 0;
}

static int deliver(struct mail *m, struct mail_draft *d)
{
	struct letter l;
	int rc;

	letter_init(&l, m);
	rc = letter_make(&l, d);
	if (rc == 0 && CFG_MAIL_RC && mail_var(m, "debug"))
		rc = debug(&l);
	else if (rc == 0)
		rc = letter_send(&l);
	if (d->head < l.header.n)	/* that is what stands in the room now */
		d->head = l.header.n;
	if (rc < 0)
		mail_term_error(&m->term, T("mail: not sent: %s"),
				m->err.text);
	else if (CFG_MAIL_READ && (rc = mail_record(&l, d)) < 0)
		mail_term_error(&m->term, T("mail: sent, but no copy is "
				"kept: %s"), m->err.text);
	letter_free(&l);
	return rc;
}

/* Who gets a copy of each message, whatever it is. */
static void add_copies(struct mail *m, struct mail_draft *d)
{
	const char *cc = mail_var(m, "autocc"), *bcc = mail_var(m, "autobcc");

	if (cc)
		mail_draft_typed(m, &d->field[MAIL_CC], span_of(cc));
	if (bcc)
		mail_draft_typed(m, &d->field[MAIL_BCC], span_of(bcc));
}

static int finish(struct mail *m, struct mail_draft *d)
{
	int rc = CFG_MAIL_RC && d->template ? mail_draft_template(m, d) : 0;

	if (rc == 0 && !d->size && (d->skip_empty ||
			(CFG_MAIL_RC && mail_var(m, "skipemptybody"))))
		return 0;
	if (!d->size && !d->attached)
		mail_term_error(&m->term, "%s",
				T("Null message body; hope that's ok"));
	if (CFG_MAIL_NAIL)
		add_copies(m, d);
	if (rc == 0 && CFG_MAIL_NAIL)
		rc = add_signature(m, d);
	if (rc < 0)
		mail_term_error(&m->term, T("mail: not sent: %s"),
				m->err.text);
	else
		rc = deliver(m, d);
	if (rc == 0)
		return 0;
	rc = err_exit(m->err.kind);
	keep(m, d);
	return rc;
}

int mail_send(struct mail *m, struct mail_draft *d, bool escapes)
{
	enum mail_written end = CFG_MAIL_READ && escapes ? write_it(m, d) :
			read_block(m, d);

	if (end == MAIL_GIVE_UP)
		keep(m, d);
	if (end != MAIL_SEND)
		return EX_TEMPFAIL;
	if (m->term.tty_in)
		mail_term_printf(&m->term, "EOT\n");
	return finish(m, d);
}

int mail_send_command(struct mail *m, struct mail_draft *d)
{
	int status = mail_send(m, d, true);

	if (status)
		m->status = status;
	return status ? -1 : 0;
}
