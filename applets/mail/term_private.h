/* What the files of term share. */
#ifndef MAIL_TERM_PRIVATE_H
#define MAIL_TERM_PRIVATE_H

#include <stdint.h>
#include "mail/term.h"

/* ---- term.c */

enum mail_fill {
	FILL_STOP = -1,		/* *why is MAIL_INTERRUPT or MAIL_HANGUP */
	FILL_END,		/* *why is MAIL_EOF or MAIL_HANGUP */
	FILL_DATA,		/* it is in t->in */
	FILL_REDRAW		/* the size has changed, or we were stopped */
};
/* Shows what is on its way and waits for input. */
enum mail_fill mail_term_fill(struct mail_term *t, enum mail_input *why);
void mail_term_flush(struct mail_term *t);
/*
 * From here on keys come one by one and are not shown; signals that would end
 * or stop us come in between by fill, which puts the terminal back first.
 * false: it is no terminal.
 */
bool mail_term_keys_begin(struct mail_term *t);
void mail_term_keys_end(struct mail_term *t);
/*
 * The kernel's own editing shall take whole characters back; keys_end ends it.
 */
void mail_term_lines_begin(struct mail_term *t);
/* A variable of the session, or NULL. */
const char *mail_term_var(const struct mail_term *t, const char *name);

/* ---- term_key.c */

enum {
	/* behind Unicode */
	KEY_UP = 0x110000, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END,
	KEY_DELETE, KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_WORD_LEFT, KEY_WORD_RIGHT,
	KEY_PASTE, KEY_PASTE_END,
	KEY_REDRAW,		/* the screen may be another */
	KEY_NONE,		/* one that nobody knows */
	KEY_STOP		/* none: *why says what came instead */
};
/* The next key: a character (a control, too), or one of those above. */
uint32_t mail_term_key(struct mail_term *t, enum mail_input *why);

/* ---- term_out.c */

#define MAIL_TERM_TAB 8
#define MAIL_TERM_MARKS 4	/* accents and the like on one character */
/*
 * Takes one character off *text: what of it may go to the terminal, in the
 * terminal's charset; of how many columns. Some of it is in room.
 */
struct span mail_term_char(const struct mail_term *t, struct span *text,
		char room[4], unsigned *width);
/* Sets what the terminal shows, by the variable ttycharset or the locale. */
void mail_term_charset(struct mail_term *t);
/* The locale that the environment asks for. */
enum mail_charset mail_term_locale(void);
/* What was typed, in the terminal's charset, as UTF-8. */
void mail_term_decode(const struct mail_term *t, struct str *line);
uint32_t mail_term_code(const struct mail_term *t, unsigned char byte);

/* ---- term_page.c */

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

/* Takes bytes of so many columns that go to the terminal. */
void mail_term_page_put(struct mail_term *t, struct span bytes,
		unsigned width);

/* ---- term_more.c */

/* Lines of a screen, without that of the prompt. */
unsigned mail_term_page_screen(const struct mail_term *t);
/* Where the line that begins at `at` ends. */
size_t mail_term_page_line(const struct mail_page *p, size_t at);
/* The start of the line so many lines before `at`. */
size_t mail_term_page_before(const struct mail_page *p, size_t at, unsigned n);
/* The screen is full: asks for a key, and does what it says. */
void mail_term_page_ask(struct mail_term *t);
/* Shows on from the next line that has the text; none there: goes on seeking. */
void mail_term_page_seek(struct mail_term *t);

/* ---- term_edit.c */

/* As mail_term_edit, where t->kind is not MAIL_DUMB and keys can be read. */
enum mail_input mail_term_edit_line(struct mail_term *t, const char *prompt,
		struct span text, struct str *out);
void mail_term_edit_free(struct mail_term *t);

#endif
