/* The pager asks: its prompt, its keys, and searching in what it keeps. */
#include "mail/term_private.h"

#include <stdio.h>
#include "config.h"
#include "os/text.h"

/* ---- lines of what is kept */

unsigned mail_term_page_screen(const struct mail_term *t)
{
	return t->rows > 2 ? t->rows - 1 : 1;
}

size_t mail_term_page_line(const struct mail_page *p, size_t at)
{
	while (at < p->line && p->text.p[at] != '\n' && p->text.p[at] != WRAP)
		at++;
	return at < p->line ? at + 1 : p->line;
}

size_t mail_term_page_before(const struct mail_page *p, size_t at, unsigned n)
{
	for (n++; at && n; at -= n > 0)
		if (p->text.p[at - 1] == '\n' || p->text.p[at - 1] == WRAP)
			n--;
	return n ? 0 : at;
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

void mail_term_page_seek(struct mail_term *t)
{
	struct mail_page *p = t->page;

	p->seeking = true;
	while (p->seeking && p->from < p->line) {
		size_t at = p->from;

		p->from = mail_term_page_line(p, at);
		if (has_text(p, at, p->from)) {
			p->at = at;
			p->room = mail_term_page_screen(t);
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
		p->from = mail_term_page_before(p, p->at, mail_term_page_screen(t) - 1);
		mail_term_page_seek(t);
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
		p->at = mail_term_page_before(p, p->at, 2 * mail_term_page_screen(t));
		p->room = mail_term_page_screen(t);
		break;
	case '/':
		ask_search(t);
		break;
	case 'n':
		if (p->find.n)
			mail_term_page_seek(t);
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
		p->room = mail_term_page_screen(t);
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
		p->room = mail_term_page_screen(t);
}

void mail_term_page_ask(struct mail_term *t)
{
	unsigned columns = show_more(t);
	uint32_t key = read_key(t);

	erase_line(t, columns);
	obey_key(t, key);
}
