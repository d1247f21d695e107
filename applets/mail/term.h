/* term - the terminal of mail: lines in, safe text out, a pager for dumb screens
 *
 * Scripts have no terminal: then there is no prompt and no pager. All text
 * that came by mail goes through mail_term_text, which lets no control
 * sequence pass.
 */
#ifndef MAIL_TERM_H
#define MAIL_TERM_H

#include <stdbool.h>
#include <stdio.h>
#include "base/span.h"
#include "base/str.h"

struct mail_term {
	bool tty_in, tty_out;
	bool utf8;		/* the terminal shows UTF-8; else ASCII and '?' */
	unsigned rows, columns;
	int signals;		/* signalfd: INT, HUP, TERM */
	bool partial;		/* the line just read goes on: it was too long */
	bool hangup;		/* HUP or TERM came, or the output is gone */
	/* private */
	FILE *out;
	char in[4096];
	unsigned in_at, in_n;
	bool paging, stopped;
	unsigned line, column, asked;
};

/* ignore_int: ^C does nothing (-i). 0 or -1 with errno. */
int mail_term_init(struct mail_term *t, bool ignore_int);
/* Asks for the size again: it may have changed. */
void mail_term_size(struct mail_term *t);

enum mail_input {
	MAIL_LINE, MAIL_EOF,
	MAIL_INTERRUPT,		/* ^C; what was typed on the line is gone */
	MAIL_HANGUP
};
#define MAIL_LINE_MOST 65536
/* Shows prompt on a terminal only, and reads a line into out, without its LF. */
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

/* Between these two a full screen waits for a key (on a terminal). */
void mail_term_page_begin(struct mail_term *t);
void mail_term_page_end(struct mail_term *t);
/* The reader has had enough: output is dropped until page_end. */
bool mail_term_stopped(struct mail_term *t);

/* Octets of text that do not end inside a UTF-8 character: it was cut somewhere. */
size_t mail_term_whole(struct span text);

#endif
