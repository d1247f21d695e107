#include "mail/edit.h"

#include <string.h>
#include "base/utf8.h"

#define KEY(c) ((c) & 31)	/* with control */

void mail_edit_init(struct mail_edit *e, const struct mail_term *t)
{
	*e = (struct mail_edit){ .term = t };
	str_init(&e->text, MAIL_LINE_MOST);
	str_init(&e->killed, MAIL_LINE_MOST);
	str_init(&e->fresh, MAIL_LINE_MOST);
	str_init(&e->shown, MAIL_LINE_MOST);
	for (int i = 0; i < MAIL_ASKS; i++)
		str_init(&e->past[i], MAIL_HISTORY_MOST);
}

void mail_edit_free(struct mail_edit *e)
{
	str_free(&e->text);
	str_free(&e->killed);
	str_free(&e->fresh);
	str_free(&e->shown);
	for (int i = 0; i < MAIL_ASKS; i++)
		str_free(&e->past[i]);
}

void mail_edit_lost(struct mail_edit *e, unsigned room)
{
	str_clear(&e->shown);
	e->column = 0;
	e->left = 0;
	e->room = room;
}

void mail_edit_start(struct mail_edit *e, enum mail_ask ask, struct span text,
		unsigned room)
{
	unsigned marks = 0;

	str_clear(&e->text);
	str_clear(&e->fresh);
	/* it may be a subject of somebody's: of what is not UTF-8, nothing */
	while (text.n && e->text.n + 4 < MAIL_LINE_MOST) {
		uint32_t c = utf8_next(&text);

		marks = utf8_width(c) == 0 ? marks + 1 : 0;
		if (marks <= MAIL_TERM_MARKS)
			utf8_put(&e->text, c);
	}
	e->at = e->text.n;
	e->history = ask == MAIL_ASK_TEXT ? NULL : &e->past[ask];
	e->back = e->history ? e->history->n : 0;
	mail_edit_lost(e, room);
}

/* ---- characters: a letter and the marks on it are one */

static size_t next(const struct mail_edit *e, size_t at)
{
	struct span rest = span_rest(str_span(&e->text), at);
	struct span before = rest;

	if (rest.n)
		utf8_next(&rest);
	for (before = rest; rest.n && utf8_width(utf8_next(&rest)) == 0; )
		before = rest;
	return e->text.n - before.n;
}

static size_t previous(const struct mail_edit *e, size_t at)
{
	while (at) {
		struct span one;

		do
			at--;
		while (at && (e->text.p[at] & 0xC0) == 0x80);
		one = span_rest(str_span(&e->text), at);
		if (utf8_width(utf8_next(&one)) != 0)
			break;
	}
	return at;
}

static bool in_word(const struct mail_edit *e, size_t at)
{
	return at < e->text.n && !ascii_isspace(e->text.p[at]) &&
			e->text.p[at] != ',';
}

static size_t word_left(const struct mail_edit *e, size_t at)
{
	while (at && !in_word(e, at - 1))
		at--;
	while (at && in_word(e, at - 1))
		at--;
	return at;
}

static size_t word_right(const struct mail_edit *e, size_t at)
{
	while (at < e->text.n && !in_word(e, at))
		at++;
	while (in_word(e, at))
		at++;
	return at;
}

/* ---- changes */

void mail_edit_replace(struct mail_edit *e, size_t from, struct span text)
{
	struct str whole;

	str_init(&whole, MAIL_LINE_MOST);
	str_add(&whole, span_sub(str_span(&e->text), 0, from));
	str_add(&whole, text);
	str_add(&whole, span_rest(str_span(&e->text), e->at));
	if (whole.bad) {	/* full: it stays as it is */
		str_free(&whole);
		return;
	}
	str_free(&e->text);
	e->text = whole;
	e->at = from + text.n;
}

static void insert(struct mail_edit *e, uint32_t c)
{
	struct str one;

	/* at the end, as nearly always, nothing has to be moved */
	if (e->at == e->text.n) {
		if (e->text.n + 4 < e->text.cap)
			utf8_put(&e->text, c);
		e->at = e->text.n;
		return;
	}
	str_init(&one, 4);
	utf8_put(&one, c);
	mail_edit_replace(e, e->at, str_span(&one));
	str_free(&one);
}

static void erase(struct mail_edit *e, size_t from, size_t to)
{
	e->at = to;
	mail_edit_replace(e, from, SPAN(""));
}

static void kill_text(struct mail_edit *e, size_t from, size_t to)
{
	if (from == to)
		return;
	str_clear(&e->killed);
	str_add(&e->killed, span_sub(str_span(&e->text), from, to - from));
	erase(e, from, to);
}

/* The last two characters change places. */
static void transpose(struct mail_edit *e)
{
	size_t middle, from;
	struct str swapped;

	if (e->at == e->text.n)
		e->at = previous(e, e->at);
	middle = e->at;
	from = previous(e, middle);
	if (from == middle)
		return;
	str_init(&swapped, MAIL_LINE_MOST);
	e->at = next(e, middle);
	str_add(&swapped, span_sub(str_span(&e->text), middle,
			e->at - middle));
	str_add(&swapped, span_sub(str_span(&e->text), from, middle - from));
	mail_edit_replace(e, from, str_span(&swapped));
	str_free(&swapped);
}

/* ---- the past */

void mail_edit_remember(struct mail_edit *e)
{
	struct span line = str_span(&e->text);
	struct str *past = e->history;

	if (!past || !line.n || line.n >= MAIL_HISTORY_MOST / 4 ||
	    span_has(line, '\0'))
		return;
	if (past->n > line.n && !memcmp(past->p + past->n - line.n - 1,
			line.p, line.n) && (past->n == line.n + 1 ||
			!past->p[past->n - line.n - 2]))
		return;		/* the same as before */
	while (past->n + line.n + 1 > MAIL_HISTORY_MOST)
		str_cut(past, span_find(str_span(past), '\0') + 1);
	str_add(past, line);
	str_addc(past, '\0');
}

static struct span entry(const struct mail_edit *e, size_t at)
{
	struct span rest = span_rest(str_span(e->history), at);

	return span_cut(&rest, '\0');
}

static void recall(struct mail_edit *e, size_t at)
{
	struct span line;

	if (e->back == e->history->n) {
		str_clear(&e->fresh);
		str_add(&e->fresh, str_span(&e->text));
	}
	e->back = at;
	line = at == e->history->n ? str_span(&e->fresh) : entry(e, at);
	str_clear(&e->text);
	str_add(&e->text, line);
	e->at = e->text.n;
}

static size_t older(const struct mail_edit *e, size_t at)
{
	if (at)
		at--;
	while (at && e->history->p[at - 1])
		at--;
	return at;
}

static void go_back(struct mail_edit *e)
{
	if (e->history && e->back)
		recall(e, older(e, e->back));
}

static void go_forth(struct mail_edit *e)
{
	if (e->history && e->back < e->history->n)
		recall(e, e->back + entry(e, e->back).n + 1);
}

static bool has(struct span text, struct span word)
{
	for (; text.n >= word.n; text = span_rest(text, 1))
		if (span_caseeq(span_sub(text, 0, word.n), word))
			return true;
	return false;
}

/* The line before that has in it what was typed; once more: the one before that. */
static void search(struct mail_edit *e)
{
	struct span word;
	size_t at;

	if (!e->history)
		return;
	if (e->back == e->history->n) {
		str_clear(&e->fresh);
		str_add(&e->fresh, str_span(&e->text));
	}
	word = str_span(&e->fresh);
	for (at = e->back; at; ) {
		at = older(e, at);
		if (has(entry(e, at), word)) {
			recall(e, at);
			return;
		}
	}
}

/* ---- keys */

static void move(struct mail_edit *e, uint32_t key)
{
	switch (key) {
	case KEY('A'):
	case KEY_HOME:
		e->at = 0;
		break;
	case KEY('E'):
	case KEY_END:
		e->at = e->text.n;
		break;
	case KEY('B'):
	case KEY_LEFT:
		e->at = previous(e, e->at);
		break;
	case KEY('F'):
	case KEY_RIGHT:
		e->at = next(e, e->at);
		break;
	case KEY_WORD_LEFT:
		e->at = word_left(e, e->at);
		break;
	case KEY_WORD_RIGHT:
		e->at = word_right(e, e->at);
		break;
	case KEY('P'):
	case KEY_UP:
		go_back(e);
		break;
	case KEY('N'):
	case KEY_DOWN:
		go_forth(e);
		break;
	case KEY('R'):
		search(e);
		break;
	}
}

static void change(struct mail_edit *e, uint32_t key)
{
	switch (key) {
	case KEY('H'):
	case 127:
		erase(e, previous(e, e->at), e->at);
		break;
	case KEY('D'):
	case KEY_DELETE:
		erase(e, e->at, next(e, e->at));
		break;
	case KEY('K'):
		kill_text(e, e->at, e->text.n);
		break;
	case KEY('U'):
		kill_text(e, 0, e->at);
		break;
	case KEY('W'):
		kill_text(e, word_left(e, e->at), e->at);
		break;
	case KEY('Y'):
		mail_edit_replace(e, e->at, str_span(&e->killed));
		break;
	case KEY('T'):
		transpose(e);
		break;
	default:
		move(e, key);
	}
}

enum mail_edit_next mail_edit_key(struct mail_edit *e, uint32_t key)
{
	if (key == '\n' || key == '\r')
		return EDIT_DONE;
	if (key == KEY('D') && !e->text.n)
		return EDIT_END;
	if (key == KEY('L'))
		return EDIT_CLEAR;
	if (key == '\t' || (key >= ' ' && key != 127 && key < KEY_UP))
		insert(e, key);
	else
		change(e, key);
	return EDIT_ON;
}
