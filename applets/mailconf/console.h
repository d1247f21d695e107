/* console - what setup and doctor say to people, and what these answer
 *
 * Works on a dumb terminal of any width, and without one: nothing is drawn, lines
 * are broken between words. Words of others lose what would control a terminal.
 */
#ifndef MAILCONF_CONSOLE_H
#define MAILCONF_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include "base/span.h"

struct console {
	unsigned columns;
	bool utf8;		/* the terminal shows it; else ASCII and '?' */
	unsigned used;		/* columns that the next line has already */
	int signals;		/* signalfd of INT, HUP, TERM; -1: they end us */
};

/* ask: signals are waited for, and none ends us any more. */
void console_open(struct console *c, bool ask);
/*
 * A text of any length, broken at blanks. indent: columns of all lines but the
 * first; its LFs stay. A LF follows.
 */
void console_say(const struct console *c, unsigned indent, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));

enum console_input { CONSOLE_LINE, CONSOLE_END };	/* END: ^C, ^D, hang-up */
/*
 * "question [preset]: " and a line; when that is empty, the preset (NULL:
 * none). Without control characters.
 */
enum console_input console_ask(const struct console *c, const char *question,
		const char *preset, char *out, size_t size);
/* The same, and nobody sees what is typed. */
enum console_input console_ask_secret(const struct console *c,
		const char *question, char *out, size_t size);

#endif
