/* command_private - a row of the table of commands */
#ifndef MAIL_COMMAND_PRIVATE_H
#define MAIL_COMMAND_PRIVATE_H

#include "mail/command.h"

/* What a command takes, and where it may stand. */
enum {
	TEXT = 1,	/* the rest of the line */
	LIST = 2,	/* a message list: m->set; none: the current one */
	ALL = 4,	/* with LIST: no list is fine, m->set is empty */
	GONE = 8,	/* with LIST: among the deleted ones */
	ONE = 16,	/* with LIST: the first of them alone */
	BOX = 32,	/* needs an open mailbox (LIST does, too) */
	LATE = 64,	/* not in start-up files (POSIX, "Start-Up in mailx") */
	RARE = 128	/* not on the screen that ? shows */
};

struct command {
	/*
	 * the name, then, after blanks, what help says; more of it after \n;
	 * without any it is another name of a row that runs the same
	 */
	const char *text __attribute__((packed, aligned(4)));
	unsigned char least;	/* letters that suffice, as POSIX brackets them */
	unsigned char takes;
	/* notes of the listed messages */
	unsigned char set, clear;
	/* no gap before it, where pointers have 64 bits */
	int (*run)(struct mail *m) __attribute__((packed, aligned(4)));
};

/* The row of a name or of its abbreviation, or NULL. */
const struct command *mail_command_row(struct span name);

#endif
