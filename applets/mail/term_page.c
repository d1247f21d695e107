/* The pager. It keeps the last screens, so that one can go back to them. */
#include "mail/term_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "config.h"
#include "mail/child.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

#define KEPT_MOST (64 * 1024)	/* octets of text to go back to */
#define FIND_MOST 256		/* what can be searched for */
#define WRAP '\1'		/* in text: the terminal begins a new line */

struct mail_page {
	struct str text;	/* lines, each with '\n' or WRAP; safe */
	size_t line;		/* where the last one, being made, begins */
	size_t at;		/* shown up to here */
	unsigned room;		/* lines that may go without asking */
	unsigned hold;		/* lines that may go without a pager; then 0 */
	unsigned held;
	unsigned depth;		/* page_begin inside of another */
	unsigned columns;	/* that text was made for */
	struct str find;
	bool seeking;		/* lines are dropped until one has it */
	size_t from;		/* of text, the next line to look at */
	uint64_t done, total;
	int pipe;		/* to the user's pager; -1 */
	pid_t pager;
};

static unsigned screen(const struct mail_term *t)
{
	return t->rows > 2 ? t->rows - 1 : 1;
}

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

/* Where the line that begins at `at` ends. */
static size_t line_end(const struct mail_page *p, size_t at)
{
	while (at < p->line && p->text.p[at] != '\n' && p->text.p[at] != WRAP)
		at++;
	return at < p->line ? at + 1 : p->line;
}

/* The start of the line so many lines before `at`. */
static size_t lines_before(const struct mail_page *p, size_t at, unsigned n)
{
	for (n++; at && n; at -= n > 0)
		if (p->text.p[at - 1] == '\n' || p->text.p[at - 1] == WRAP)
			n--;
	return n ? 0 : at;
}

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

/* ---- asking */

static void erase_line(struct mail_term *t, unsigned columns)
{
	if (t->kind == MAIL_DUMB)
		printf("\r%*s\r", (int)columns, "");
	else
		fputs("\r\033[K", stdout);
}

/* The line of the prompt, of so many columns. */
static unsigned show_more(struct mail_term *t)
{
	struct mail_page *p = t->page;
	unsigned columns;

	t->page = NULL;		/* the words are the pager's own */
	t->column = 0;
	if (p->total && p->done < p->total)
		mail_term_printf(t, T("--More--(%u%%)"),
				(unsigned)(p->done * 100 / p->total));
	else
		mail_term_printf(t, T("--More--"));
	columns = t->column;
	t->page = p;
	return columns;
}

static void show_keys(struct mail_term *t)
{
	struct mail_page *p = t->page;

	t->page = NULL;
	mail_term_printf(t, T("Space next, Enter a line, b back,\n"
			"/text search, n again, q quit\n"));
	t->page = p;
}

/* ASCII letters of either case. */
static bool has_text(const struct mail_page *p, size_t at, size_t end)
{
	struct span line = span_make(p->text.p + at, end - at);

	for (; line.n >= p->find.n; line = span_rest(line, 1))
		if (span_caseeq(span_sub(line, 0, p->find.n),
				str_span(&p->find)))
			return true;
	return false;
}

/* Shows on from the next line that has the text; none there: goes on seeking. */
static void seek(struct mail_term *t)
{
	struct mail_page *p = t->page;

	p->seeking = true;
	while (p->seeking && p->from < p->line) {
		size_t at = p->from;

		p->from = line_end(p, at);
		if (has_text(p, at, p->from)) {
			p->at = at;
			p->room = screen(t);
			p->seeking = false;
		}
	}
}

static void ask_search(struct mail_term *t)
{
	struct mail_page *p = t->page;
	struct str line;

	t->page = NULL;
	str_init(&line, MAIL_LINE_MOST);
	if (mail_term_line(t, "/", &line) == MAIL_LINE && line.n) {
		str_clear(&p->find);
		str_add(&p->find, str_span(&line));
	}
	t->page = p;
	if (p->find.n && !p->find.bad && line.n) {
		/* the second line of this screen is the first to look at */
		p->from = lines_before(p, p->at, screen(t) - 1);
		seek(t);
	}
	str_free(&line);
}

static uint32_t read_key(struct mail_term *t)
{
	enum mail_input why;
	uint32_t key = KEY_STOP;

	if (mail_term_keys_begin(t)) {
		key = mail_term_key(t, &why);
		mail_term_keys_end(t);
	}
	return key;
}

/* What takes more than going on. */
static void obey_more(struct mail_term *t, uint32_t key)
{
	struct mail_page *p = t->page;

	switch (key) {
	case 'b':
	case KEY_PAGE_UP:
	case KEY_UP:
		p->at = lines_before(p, p->at, 2 * screen(t));
		p->room = screen(t);
		break;
	case '/':
		ask_search(t);
		break;
	case 'n':
		if (p->find.n)
			seek(t);
		break;
	default:
		show_keys(t);
	}
}

/* One key at the prompt. */
static void obey_key(struct mail_term *t, uint32_t key)
{
	struct mail_page *p = t->page;

	switch (key) {
	case 'q':
	case 'Q':
	case KEY_STOP:
		t->stopped = true;
		return;
	case ' ':
	case 'f':
	case KEY_PAGE_DOWN:
		p->room = screen(t);
		return;
	case '\n':
	case 'j':
	case KEY_DOWN:
		p->room = 1;
		return;
	case KEY_REDRAW:
		return;
	}
	if (CFG_MAIL_EDIT)
		obey_more(t, key);
	else
		p->room = screen(t);
}

/* Shows lines that are there, asking when a screen is full. */
static void advance(struct mail_term *t)
{
	struct mail_page *p = t->page;

	while (p->at < p->line && !t->stopped && !p->seeking) {
		if (p->room || p->pipe >= 0) {
			show_line(t, line_end(p, p->at));
		} else {
			unsigned columns = show_more(t);
			uint32_t key = read_key(t);

			erase_line(t, columns);
			obey_key(t, key);
		}
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
		seek(t);
	advance(t);
}

/* Makes room: half of what was shown goes. */
static void forget(struct mail_term *t)
{
	struct mail_page *p = t->page;
	size_t n;

	if (p->hold)
		start(t);
	n = line_end(p, p->at / 2);
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
		return pager_of(t) ? screen(t) : 0;
	return mail_var_number(t->mail, "crt", UINT32_MAX, screen(t));
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
	p->room = screen(t);
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
		p->at = lines_before(p, p->at, screen(t));
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
