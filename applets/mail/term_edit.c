/* The line editor at work: keys in, completion, bytes out. */
#include "mail/edit.h"

#include <stdlib.h>
#include <string.h>
#include "mail/complete.h"
#include "mail/mail.h"
#include "os/text.h"

#define ROOM_LEAST 10		/* columns; a longer prompt has its own line */

void mail_term_edit_free(struct mail_term *t)
{
	if (t->edit)
		mail_edit_free(t->edit);
	free(t->edit);
	t->edit = NULL;
}

static struct mail_edit *editor(struct mail_term *t)
{
	if (!t->edit)
		t->edit = malloc(sizeof(*t->edit));
	else
		return t->edit;
	if (t->edit)
		mail_edit_init(t->edit, t);
	return t->edit;
}

/* Gives the columns that are left for the line; '<' and '>' have theirs. */
static unsigned show_prompt(struct mail_term *t, const char *prompt)
{
	t->column = 0;
	mail_term_text(t, span_of(prompt));
	if (t->column + ROOM_LEAST + 1 > t->columns) {
		mail_term_text(t, SPAN("\n"));
		return t->columns > 3 ? t->columns - 2 : 1;
	}
	return t->columns - t->column - 2;
}

static void draw(struct mail_term *t)
{
	struct str out;

	str_init(&out, 4 * MAIL_LINE_MOST);
	mail_edit_draw(t->edit, &out);
	fwrite(out.p, 1, out.n, stdout);
	str_free(&out);
}

/* ---- completion */

static size_t count_words(struct span list, size_t *widest)
{
	size_t n = 0;

	for (*widest = 0; list.n; n++) {
		struct span word = span_cut(&list, '\0');

		if (word.n > *widest)
			*widest = word.n;
	}
	return n;
}

/* What all words of the list begin with. */
static struct span common(struct span list)
{
	struct span start = span_cut(&list, '\0');

	while (list.n) {
		struct span word = span_cut(&list, '\0');
		size_t n = 0;

		while (n < start.n && n < word.n && start.p[n] == word.p[n])
			n++;
		start.n = n;
	}
	while (start.n && (start.p[start.n] & 0xC0) == 0x80)
		start.n--;
	return start;
}

/* One screen of them, in columns. */
static void show_words(struct mail_term *t, struct span list)
{
	size_t widest, n = count_words(list, &widest), shown = 0;
	unsigned width = widest + 2 < t->columns ? (unsigned)widest + 2 :
			t->columns;
	size_t across = t->columns / width;
	size_t most = across * (t->rows > 4 ? t->rows - 3 : 1);

	mail_term_printf(t, "\n");
	for (; list.n && shown < most; shown++) {
		unsigned used;

		t->column = 0;
		used = mail_term_field(t, span_cut(&list, '\0'), t->columns);
		if (shown % across == across - 1 || !list.n ||
		    shown == most - 1)
			mail_term_printf(t, "\n");
		else
			mail_term_printf(t, "%*s", (int)(width - used), "");
	}
	if (n > shown)
		mail_term_printf(t, T("... and %u more\n"),
				(unsigned)(n - shown));
}

/* true: there was a choice, and it is on the screen now. */
static bool complete(struct mail_term *t, enum mail_ask ask)
{
	struct mail_edit *e = t->edit;
	struct span line = span_sub(str_span(&e->text), 0, e->at), start;
	struct str list;
	size_t from, widest, n;
	bool choice = false;

	str_init(&list, MAIL_COMPLETE_MOST);
	from = mail_complete(t->mail, &ask, line, &list);
	n = count_words(str_span(&list), &widest);
	start = common(str_span(&list));
	if (!n) {
		fputc('\a', stdout);
	} else if (n == 1 || (start.n > e->at - from &&
			span_caseeq(span_sub(start, 0, e->at - from),
			span_rest(line, from)))) {
		mail_edit_replace(e, from, start);
		if (n == 1 && ask != MAIL_ASK_ADDRESS && start.n &&
		    start.p[start.n - 1] != '/')
			mail_edit_replace(e, e->at, SPAN(" "));
	} else {
		choice = true;
		show_words(t, str_span(&list));
	}
	str_free(&list);
	return choice;
}

/* ---- a line */

/* A key of what is pasted: nothing of it is a command. */
static uint32_t pasted_key(struct mail_term *t, enum mail_ask ask,
		uint32_t key)
{
	if (key == KEY_PASTE_END) {
		t->pasting = false;
		return KEY_NONE;
	}
	if ((key == '\n' || key == '\t') && ask != MAIL_ASK_TEXT)
		return ' ';
	if (key == '\n' || key == '\t' || key == KEY_REDRAW ||
	    key == KEY_STOP || (key >= ' ' && key != 127 && key < KEY_UP))
		return key;
	return KEY_NONE;
}

struct asking {
	const char *prompt;
	enum mail_ask ask;
	enum mail_input how;		/* it ended */
};

/* The prompt and the line once more, on a new screen or a line of their own. */
static void show_again(struct mail_term *t, const struct asking *a,
		const char *before)
{
	fputs(before, stdout);
	mail_edit_lost(t->edit, show_prompt(t, a->prompt));
}

/* false: the line has ended. */
static bool take_key(struct mail_term *t, struct asking *a, uint32_t key)
{
	if (!t->edit->text.n)
		t->pasted = t->pasting;
	if (t->pasting)
		key = pasted_key(t, a->ask, key);
	if (key == KEY_PASTE) {
		t->pasting = true;
		return true;
	}
	if (key == KEY_STOP)
		return false;
	if (key == KEY_REDRAW) {
		show_again(t, a, "\r\033[K");
		return true;
	}
	if (key == '\t' && a->ask != MAIL_ASK_TEXT && t->mail) {
		if (complete(t, a->ask))
			show_again(t, a, "");
		return true;
	}
	switch (mail_edit_key(t->edit, key)) {
	case EDIT_DONE:
		a->how = MAIL_LINE;
		return false;
	case EDIT_END:
		a->how = MAIL_EOF;
		return false;
	case EDIT_CLEAR:
		show_again(t, a, "\033[H\033[J");
		break;
	case EDIT_ON:
		break;
	}
	return true;
}

static void run(struct mail_term *t, struct asking *a)
{
	uint32_t key;

	do {
		/* what was typed ahead is drawn once */
		if (t->in_at == t->in_n)
			draw(t);
		key = mail_term_key(t, &a->how);
	} while (take_key(t, a, key));
	draw(t);
}

enum mail_input mail_term_edit_line(struct mail_term *t, const char *prompt,
		struct span text, struct str *out)
{
	struct asking a = { .prompt = prompt, .ask = t->ask };
	bool pastes = t->kind >= MAIL_PASTES;

	if (!editor(t) || !mail_term_keys_begin(t))
		return MAIL_HANGUP;
	mail_term_size(t);
	if (pastes)
		fputs("\033[?2004h", stdout);
	mail_edit_start(t->edit, a.ask, text, show_prompt(t, prompt));
	run(t, &a);
	if (a.how == MAIL_INTERRUPT)
		fputs("^C", stdout);
	if (a.how == MAIL_LINE) {
		mail_edit_remember(t->edit);
		str_add(out, str_span(&t->edit->text));
	}
	if (pastes)
		fputs("\033[?2004l", stdout);
	if (a.how == MAIL_LINE)
		fputc('\n', stdout);
	mail_term_flush(t);
	mail_term_keys_end(t);
	return a.how;
}
