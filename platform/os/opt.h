/* opt - a program's options as one table; nobody writes an option switch */
#ifndef OS_OPT_H
#define OS_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"

enum opt_type {
	OPT_FLAG,	/* bool: set to true */
	OPT_COUNT,	/* unsigned: one more each time */
	OPT_TEXT,	/* const char *: the argument, not copied */
	OPT_LIST,	/* struct opt_list: each argument in turn */
	OPT_OPTIONAL,	/* const char *: a joined argument (-oem) or "" */
	OPT_IGNORE,	/* accepted, no argument */
	OPT_IGNORE_ARG	/* accepted with an argument, which is dropped */
};

#define OPT_LIST_MAX 32
struct opt_list {
	const char *v[OPT_LIST_MAX];
	int n;
};

/* An array of rows ends with a row of zeros. */
struct opt_row {
	char letter;		/* 0: long form only */
	char name[14];		/* long form without "--"; "": short only */
	unsigned char type;	/* enum opt_type */
	unsigned short offset;	/* of the field in opt_parse's into */
};

#define OPT_AT(type, field) offsetof(type, field)

/*
 * Short options may be joined (-ti), an argument may be joined or the next
 * word, "--" and the first word that is no option end them (interspersed
 * options are not taken, as POSIX says); --name=value and --name value.
 * Gives the index of the first operand, or -1 with err (ERR_PERM) saying
 * which option is wrong. argv is not changed.
 */
int opt_parse(int argc, char **argv, const struct opt_row *rows, void *into,
		struct err *err);

#endif
