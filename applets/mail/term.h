/* term - the terminal of mail: lines in, safe text out, a pager
 *
 * Scripts have no terminal: then there is no prompt and no pager. All text
 * that came by mail goes through mail_term_text, which lets no control
 * sequence pass.
 */
#ifndef MAIL_TERM_H
#define MAIL_TERM_H

#include <stdbool.h>
#include <stdio.h>
#include <termios.h>
#include "base/span.h"
#include "base/str.h"

struct mail;

/* What a line is about: which history it has, and what TAB completes. */
enum mail_ask {
	MAIL_ASK_TEXT,		/* of a message: no history, TAB is a TAB */
	MAIL_ASK_COMMAND,
	MAIL_ASK_ADDRESS,	/* a list of them */
	MAIL_ASK_SUBJECT,
	MAIL_ASK_FILE,
	MAIL_ASKS
};

struct mail_term {
	bool tty_in, tty_out;
	unsigned rows, columns;
	int signals;		/* signalfd: INT, HUP, TERM and others */
	bool partial;		/* the line just read goes on: it was too long */
	/*
	 * The line just read was pasted as a whole: text, whatever it begins
	 * with (only of terminals that tell).
	 */
	bool pasted;
	bool hangup;		/* HUP or TERM came, or the output is gone */
	enum mail_ask ask;	/* what the next line is about; then TEXT again */
	struct mail *mail;	/* for its variables and completion; may be NULL */
	bool paged;		/* the next page_begin pages whatever crt says */
	/* private */
	FILE *out;
	enum mail_charset {
		MAIL_ASCII, MAIL_LATIN1, MAIL_LATIN9, MAIL_UTF8
	} locale, charset;	/* locale: as the environment has it */
	enum mail_terminal {	/* each can do what those before it can */
		MAIL_DUMB, MAIL_ANSI, MAIL_INSERTS, MAIL_PASTES
	} kind;
	unsigned in_at, in_n;	/* in `in` */
	unsigned column, marks, asked;
	/* what the terminal does is ours for now; keys: they come one by one */
	bool changed, keys;
	bool redraw;		/* the size has changed, or we were stopped */
	bool pasting;
	bool stopped;
	struct mail_page *page;
	struct mail_edit *edit;
	struct termios before;
	char in[4096];
};

/* ignore_int: ^C does nothing (-i). 0 or -1 with errno. */
int mail_term_init(struct mail_term *t, bool ignore_int);
void mail_term_free(struct mail_term *t);
/* Asks for the size again: it may have changed. */
void mail_term_size(struct mail_term *t);

enum mail_input {
	MAIL_LINE, MAIL_EOF,
	MAIL_INTERRUPT,		/* ^C; what was typed on the line is gone */
	MAIL_HANGUP
};
#define MAIL_LINE_MOST 65536
/*
 * Shows prompt on a terminal only, and reads a line into out, without its LF.
 * On a terminal that can, the user edits it (MAIL_EDIT), according to t->ask.
 */
enum mail_input mail_term_line(struct mail_term *t, const char *prompt,
		struct str *out);
/*
 * The same where the line has a text already, which the user may change. A
 * terminal that cannot edit shows it in the prompt; an empty line keeps it.
 */
enum mail_input mail_term_edit(struct mail_term *t, const char *prompt,
		struct span text, struct str *out);
/* Bytes as they come, for bodies of scripts: 0 at the end, -1 on a signal or an error. */
long mail_term_block(struct mail_term *t, void *buf, unsigned long size);
/* Has ^C come since the last question? */
bool mail_term_interrupted(struct mail_term *t);

/* Waits for any signal, as that a child has ended. false: a hang-up came. */
bool mail_term_pause(struct mail_term *t);

/* Our own words. */
void mail_term_printf(struct mail_term *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Words of others, UTF-8 or nearly; whole characters. Line feeds and tabs stay. */
void mail_term_text(struct mail_term *t, struct span text);
/* As much of it as fits into so many columns, in one line; gives how many it took. */
unsigned mail_term_field(struct mail_term *t, struct span text,
		unsigned columns);
/* An error: to stderr, after what is on its way to stdout; safe as text is. */
void mail_term_error(struct mail_term *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Between these two a full screen waits for a key (on a terminal), or, where
 * the variable PAGER is set, goes through that program; with the variable crt
 * only when there are more lines than that.
 */
void mail_term_page_begin(struct mail_term *t);
void mail_term_page_end(struct mail_term *t);
/* How far the text of a page is, for the prompt: octets. total 0: not known. */
void mail_term_page_at(struct mail_term *t, uint64_t done, uint64_t total);
/* The reader has had enough: output is dropped until page_end. */
bool mail_term_stopped(struct mail_term *t);

/* Octets of text that do not end inside a UTF-8 character: it was cut somewhere. */
size_t mail_term_whole(struct span text);

#endif
