/* The commands top, show, pipe, write, edit and visual: messages other than on the screen, or not all of them. */
#include "mail/command.h"
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mail/args.h"
#include "mail/box.h"
#include "mail/child.h"
#include "mail/input.h"
#include "mail/part.h"
#include "mail/show.h"
#include "mail/var.h"
#include "os/file.h"

#define TOP_LINES 5		/* as POSIX has it */

/* Each message of the list, as long as fn gives 0. */
static int for_each(struct mail *m, int (*fn)(struct mail *m, unsigned n,
		void *arg), void *arg)
{
	int rc = 0;

	for (unsigned i = 1; i <= m->count && rc == 0; i++)
		if (m->set[i]) {
			rc = fn(m, i, arg);
			if (mail_term_interrupted(&m->term))
				break;
		}
	return rc < 0 ? mail_failed(m) : 0;
}

/* ---- top */

struct top {
	struct mail_term *t;
	unsigned left;
};

static bool put_top(void *arg, struct span text)
{
	struct top *top = arg;

	while (text.n && top->left) {
		size_t n = span_find(text, '\n');

		top->left -= n < text.n;
		mail_term_text(top->t, span_sub(text, 0, n + 1));
		text = span_rest(text, n + 1);
	}
	return top->left && !mail_term_stopped(top->t);
}

static int top_one(struct mail *m, unsigned n, void *arg)
{
	struct top top = { .t = &m->term, .left = *(unsigned *)arg };

	mail_term_printf(&m->term, T("Message %u:\n"), n);
	m->note[n] |= MAIL_READ;
	return mail_show_render(m, n, MAIL_SHOW_TOP, put_top, &top);
}

int mail_do_top(struct mail *m)
{
	unsigned lines = mail_var_number(m, "toplines", 10000, TOP_LINES);
	int rc;

	mail_term_page_begin(&m->term);
	rc = for_each(m, top_one, &lines);
	mail_term_page_end(&m->term);
	return rc;
}

/* ---- show: as it came */

static bool put_raw(void *arg, struct span text)
{
	mail_term_text(arg, text);
	return !mail_term_stopped(arg);
}

static int raw_one(struct mail *m, unsigned n, void *arg)
{
	(void)arg;
	mail_term_printf(&m->term, T("Message %u:\n"), n);
	m->note[n] |= MAIL_READ;
	return mailbox_read(m->box, n, put_raw, &m->term, &m->err);
}

int mail_do_show(struct mail *m)
{
	int rc;

	mail_term_page_begin(&m->term);
	rc = for_each(m, raw_one, NULL);
	mail_term_page_end(&m->term);
	return rc;
}

/* ---- into files, for others to read */

struct spill {
	int fd;
	struct mail *m;
	bool raw, feed;		/* as it came; a form feed after each */
	int rc;
};

static bool put_file(void *arg, struct span text)
{
	struct spill *s = arg;

	if (file_write(s->fd, text.p, text.n) < 0)
		s->rc = mail_errno(s->m, T("temporary file"));
	else if (mail_term_interrupted(&s->m->term))
		s->rc = err_set(&s->m->err, ERR_TEMP, "%s", T("Interrupt"));
	return s->rc == 0;
}

static int spill_one(struct mail *m, unsigned n, void *arg)
{
	struct spill *s = arg;
	int rc = s->raw ? mailbox_read(m->box, n, put_file, s, &m->err) :
			mail_show_render(m, n, 0, put_file, s);

	if (rc == 0 && s->feed)
		put_file(s, SPAN("\f"));
	m->note[n] |= MAIL_READ;
	mail_set_dot(m, n);
	return rc < 0 ? rc : s->rc;
}

/* ---- pipe */

/* Is it a word that only a message list has? */
static bool is_list(struct span word)
{
	return word.n && (ascii_isdigit(word.p[0]) ||
			(word.p[0] == ':' && word.n == 2) ||
			(word.n == 1 && span_has(SPAN("*.^$+-"), word.p[0])));
}

/*
 * "[LIST] COMMAND". POSIX has the command as one argument, quoted when it
 * has blanks: then what stands before it is the list. Without quotes it
 * begins at the first word that is no number or sign.
 */
static struct span split(struct span arg, struct span *list)
{
	struct span command, rest = arg, next = arg, word = mail_arg(&next);

	*list = arg;
	if (mail_arg_quoted(mail_arg_last(list), &command))
		return command;
	while (is_list(word)) {
		rest = next;
		word = mail_arg(&next);
	}
	*list = span_sub(arg, 0, arg.n - rest.n);
	return span_trim(rest);
}

static int run(struct mail *m, struct spill *s, struct span command)
{
	if (for_each(m, spill_one, s) < 0)
		return -1;
	if (lseek(s->fd, 0, SEEK_SET) < 0)
		mail_errno(m, T("temporary file"));
	else if (mail_child_run(m, command, s->fd, -1) == 0)
		return 0;
	return mail_failed(m);
}

static int pipe_list(struct mail *m, bool raw)
{
	struct spill s = { .m = m, .raw = raw, .feed = mail_var(m, "page") };
	struct span list, command = split(m->arg, &list);
	int rc;

	if (!command.n)
		command = span_of(mail_var(m, "cmd"));
	if (!command.n)
		return mail_tell(m, T("No command given, and cmd is not set"));
	if (mail_list(m, list, MAIL_LEFT) < 0)
		return mail_failed(m);
	s.fd = file_temporary(&m->err);
	if (s.fd < 0)
		return mail_failed(m);
	rc = run(m, &s, command);
	close(s.fd);
	return rc;
}

int mail_do_pipe(struct mail *m)
{
	return pipe_list(m, false);
}

int mail_do_pipe_raw(struct mail *m)
{
	return pipe_list(m, true);
}

/* ---- write */

struct target {
	int fd;
	const char *path;
};

/* Is the text all that is in it, so that nothing is lost when it goes? */
static bool is_text_alone(struct mail *m, unsigned n)
{
	struct header_field f;
	struct str header;
	bool alone;

	str_init(&header, MAIL_HEADER_MOST);
	alone = mail_box_header(m->box, n, &header, NULL) == 0 &&
			(!header_find(str_span(&header), "Content-Type", &f) ||
			 span_starts(f.value, "text/plain"));
	str_free(&header);
	return alone;
}

static int write_one(struct mail *m, unsigned n, void *arg)
{
	const struct target *to = arg;
	struct spill s = { .m = m, .fd = to->fd };
	int rc;

	mail_set_dot(m, n);
	if (CFG_MAIL_PARTS)
		return mail_part_write(m, n, s.fd, to->path);
	rc = mail_show_render(m, n, MAIL_SHOW_BODY, put_file, &s);
	/* as save does (POSIX) */
	if (rc == 0 && s.rc == 0)
		m->note[n] |= is_text_alone(m, n) ? MAIL_READ | MAIL_SAVED :
				MAIL_READ;
	return rc < 0 ? rc : s.rc;
}

int mail_do_write(struct mail *m)
{
	char path[PATH_MAX];
	struct target to = { -1, path };
	struct stat before, after;
	int fd, rc;

	if (mail_save_aim(m, SPAN(""), path) < 0)
		return mail_failed(m);
	fd = mail_input_create(path, O_APPEND, 0666);
	if (fd < 0 || fstat(fd, &before) < 0) {
		mail_errno(m, path);
		return mail_failed(m);
	}
	to.fd = fd;
	rc = for_each(m, write_one, &to);
	if (rc == 0 && fstat(fd, &after) == 0)
		mail_term_printf(&m->term, T("\"%s\" %llu octets\n"), path,
				(unsigned long long)(after.st_size -
				before.st_size));
	if (close(fd) < 0) {
		mail_errno(m, path);
		rc = mail_failed(m);
	}
	return rc;
}

/* ---- edit, visual: on a copy */

static int edit_one(struct mail *m, unsigned n, void *arg)
{
	struct spill s = { .m = m, .raw = true };
	char path[PATH_MAX];
	int rc;

	s.fd = file_temporary_named(path, &m->err);
	if (s.fd < 0)
		return -1;
	rc = spill_one(m, n, &s);
	close(s.fd);
	if (rc == 0)
		rc = mail_child_edit(m, arg, path);
	unlinkat(AT_FDCWD, path, 0);
	return rc;
}

int mail_do_edit(struct mail *m)
{
	return for_each(m, edit_one, "EDITOR");
}

int mail_do_visual(struct mail *m)
{
	return for_each(m, edit_one, "VISUAL");
}
