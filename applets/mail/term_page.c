/* The pager: it keeps the last screens, and shows them or gives them to a program. */
#include "mail/term_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "config.h"
#include "mail/child.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

#define KEPT_MOST (64 * 1024)	/* octets of text to go back to */
#define FIND_MOST 256		/* what can be searched for */

/* ---- the user's own pager */

static const char *pager_of(const struct mail_term *t)
{
	const char *command = mail_term_var(t, "PAGER");

	return command && *command ? command : NULL;
}

/* A process in between waits for it, so that mail can go on writing. */
static bool start_pager(struct mail_term *t, const char *command)
{
	struct mail_page *p = t->page;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return false;
	fflush(stdout);
	p->pager = fork();
	if (p->pager == 0) {
		close(fd[1]);
		_exit(mail_child(t->mail, command, fd[0], -1));
	}
	close(fd[0]);
	if (p->pager < 0) {
		close(fd[1]);
		return false;
	}
	p->pipe = fd[1];
	return true;
}

static void end_pager(struct mail_page *p)
{
	close(p->pipe);
	while (waitpid(p->pager, NULL, 0) < 0 && errno == EINTR)
		;
	p->pipe = -1;
}

/* ---- showing what is kept */

/* Rows of a line: more than one where the screen has become narrower. */
static unsigned rows_of(const struct mail_term *t, struct span line)
{
	unsigned columns = 0;
	char room[4];

	if (t->columns >= t->page->columns || t->charset != MAIL_UTF8)
		return 1;
	while (line.n) {
		unsigned width;

		mail_term_char(t, &line, room, &width);
		columns += width;
	}
	return columns ? (columns - 1) / t->columns + 1 : 1;
}

static void show_line(struct mail_term *t, size_t end)
{
	struct mail_page *p = t->page;
	struct span line = span_make(p->text.p + p->at, end - p->at);
	unsigned rows;

	p->at = end;
	if (line.n && line.p[line.n - 1] == WRAP)
		line.n--;
	rows = rows_of(t, line.n && line.p[line.n - 1] == '\n' ?
			span_sub(line, 0, line.n - 1) : line);
	p->room = p->room > rows ? p->room - rows : 0;
	if (p->pipe < 0)
		fwrite(line.p, 1, line.n, stdout);
	else if (file_write(p->pipe, line.p, line.n) < 0)
		t->stopped = true;	/* it was left before the end */
}

/* Shows lines that are there, asking when a screen is full. */
static void advance(struct mail_term *t)
{
	struct mail_page *p = t->page;

	while (p->at < p->line && !t->stopped && !p->seeking) {
		if (p->room || p->pipe >= 0)
			show_line(t, mail_term_page_line(p, p->at));
		else
			mail_term_page_ask(t);
	}
}

/* ---- taking text */

/* So many lines are more than crt: now it is for a pager. */
static void start(struct mail_term *t)
{
	struct mail_page *p = t->page;
	const char *command = pager_of(t);

	p->hold = 0;
	if (command)
		start_pager(t, command);
	advance(t);
}

static void end_line(struct mail_term *t, const char *mark)
{
	struct mail_page *p = t->page;

	str_add(&p->text, span_make(mark, 1));
	p->line = p->text.n;
	t->column = 0;
	if (p->hold) {
		if (++p->held > p->hold)
			start(t);
		return;
	}
	if (CFG_MAIL_EDIT && p->seeking)
		mail_term_page_seek(t);
	advance(t);
}

/* Makes room: half of what was shown goes. */
static void forget(struct mail_term *t)
{
	struct mail_page *p = t->page;
	size_t n;

	if (p->hold)
		start(t);
	n = mail_term_page_line(p, p->at / 2);
	if (p->seeking || n > p->at)
		n = p->line;
	str_cut(&p->text, n);
	p->line -= n;
	p->at = p->at > n ? p->at - n : 0;
	p->from = p->from > n ? p->from - n : 0;
}

void mail_term_page_put(struct mail_term *t, struct span bytes, unsigned width)
{
	struct mail_page *p = t->page;

	if (p->text.n + bytes.n + 1 > KEPT_MOST)
		forget(t);
	if (bytes.p[0] == '\n') {
		end_line(t, "\n");
		return;
	}
	if (t->column + width > t->columns)
		end_line(t, (const char[]){ WRAP });
	str_add(&p->text, bytes);
	t->column += width;
}

void mail_term_page_at(struct mail_term *t, uint64_t done, uint64_t total)
{
	if (t->page) {
		t->page->done = done;
		t->page->total = total;
	}
}

/* ---- begin and end */

/* crt: so many lines need no pager; without a number, a screen of them. */
static unsigned lines_held(const struct mail_term *t)
{
	const char *crt = mail_term_var(t, "crt");

	if (t->paged)
		return 0;
	if (!crt || !*crt)
		return pager_of(t) ? mail_term_page_screen(t) : 0;
	return mail_var_number(t->mail, "crt", UINT32_MAX, mail_term_page_screen(t));
}

void mail_term_page_begin(struct mail_term *t)
{
	struct mail_page *p = t->page;

	if (p) {
		p->depth++;
		return;
	}
	mail_term_size(t);
	mail_term_charset(t);
	t->stopped = false;
	t->column = 0;
	if (!t->tty_in || !t->tty_out || t->hangup)
		return;
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	str_init(&p->text, KEPT_MOST + 1);
	str_init(&p->find, FIND_MOST);
	p->room = mail_term_page_screen(t);
	p->columns = t->columns;
	p->pipe = -1;
	p->hold = lines_held(t);
	t->page = p;
	if (!p->hold && pager_of(t))
		start(t);
}

/* The end of a search that found nothing: back to where it began. */
static void not_found(struct mail_term *t)
{
	struct mail_page *p = t->page;

	p->seeking = false;
	p->room = 0;
	t->page = NULL;
	mail_term_printf(t, T("Not found\n"));
	t->page = p;
	if (p->at == p->line)
		p->at = mail_term_page_before(p, p->at, mail_term_page_screen(t));
	advance(t);
}

void mail_term_page_end(struct mail_term *t)
{
	struct mail_page *p = t->page;

	if (p && p->depth) {
		p->depth--;
		return;
	}
	if (p) {
		if (!t->stopped)
			p->line = p->text.n;
		if (p->hold)	/* too few for a pager */
			p->room = p->held + 2;
		p->hold = 0;
		advance(t);
		while (CFG_MAIL_EDIT && p->seeking && !t->stopped)
			not_found(t);
		if (p->pipe >= 0)
			end_pager(p);
		str_free(&p->text);
		str_free(&p->find);
		free(p);
	}
	t->page = NULL;
	t->stopped = t->paged = false;
	t->column = 0;
	mail_term_flush(t);
}

bool mail_term_stopped(struct mail_term *t)
{
	bool pipe = t->page && t->page->pipe >= 0;

	/* a system call: not for each of a million lines */
	if (t->asked++ % 16 == 0 && mail_term_interrupted(t))
		t->stopped = !pipe || t->hangup;	/* ^C is the pager's */
	if (ferror(stdout))
		t->stopped = true;
	return t->stopped;
}
