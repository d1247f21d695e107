#include "os/opt.h"

#include <string.h>
#include "base/span.h"

/* Where opt_parse is. */
struct scan {
	char **argv;
	int argc, at;
	void *into;
	struct err *err;
	char shown[80];			/* the option as the user knows it */
};

/* What an option's argument is. */
enum opt_arg { ARG_NONE, ARG_JOINED, ARG_NEEDED };

static enum opt_arg wanted(const struct opt_row *row)
{
	switch (row->type) {
	case OPT_FLAG:
	case OPT_COUNT:
	case OPT_IGNORE:
		return ARG_NONE;
	case OPT_OPTIONAL:
		return ARG_JOINED;
	default:
		return ARG_NEEDED;
	}
}

static int add(struct scan *s, struct opt_list *list, const char *arg)
{
	if (list->n == OPT_LIST_MAX)
		return err_set(s->err, ERR_PERM, "%s: more than %d", s->shown,
				OPT_LIST_MAX);
	list->v[list->n++] = arg;
	return 0;
}

static int apply(struct scan *s, const struct opt_row *row, const char *arg)
{
	void *field = (char *)s->into + row->offset;

	switch (row->type) {
	case OPT_FLAG:
		*(bool *)field = true;
		break;
	case OPT_COUNT:
		++*(unsigned *)field;
		break;
	case OPT_TEXT:
	case OPT_OPTIONAL:
		*(const char **)field = arg;
		break;
	case OPT_LIST:
		return add(s, field, arg);
	}
	return 0;
}

/* Sets *arg to the next word of the command line. */
static int take_next(struct scan *s, const char **arg)
{
	if (s->at >= s->argc)
		return err_set(s->err, ERR_PERM, "option %s needs an argument",
				s->shown);
	*arg = s->argv[s->at++];
	return 0;
}

static bool is_end(const struct opt_row *row)
{
	return !row->letter && !*row->name;
}

static const struct opt_row *find_letter(const struct opt_row *row, char c)
{
	for (; !is_end(row); row++)
		if (row->letter == c)
			return row;
	return NULL;
}

static const struct opt_row *find_name(const struct opt_row *row,
		struct span name)
{
	for (; !is_end(row); row++)
		if (*row->name && span_eq(name, span_of(row->name)))
			return row;
	return NULL;
}

static int unknown(struct scan *s)
{
	return err_set(s->err, ERR_PERM, "unknown option %s", s->shown);
}

/* word: what follows "--". */
static int parse_long(struct scan *s, const struct opt_row *rows,
		const char *word)
{
	struct span rest = span_of(word), name = span_cut(&rest, '=');
	bool joined = word[name.n] == '=';
	const char *arg = joined ? word + name.n + 1 : "";
	const struct opt_row *row = find_name(rows, name);
	enum opt_arg wants;

	if (name.n > sizeof(s->shown) - 3)
		name.n = sizeof(s->shown) - 3;
	s->shown[1] = '-';
	memcpy(s->shown + 2, name.p, name.n);
	s->shown[name.n + 2] = '\0';
	if (!row)
		return unknown(s);
	wants = wanted(row);
	if (joined && wants == ARG_NONE)
		return err_set(s->err, ERR_PERM, "option %s takes no argument",
				s->shown);
	if (!joined && wants == ARG_NEEDED && take_next(s, &arg) < 0)
		return -1;
	return apply(s, row, arg);
}

/* word: what follows "-"; not empty. */
static int parse_short(struct scan *s, const struct opt_row *rows,
		const char *word)
{
	while (*word) {
		const struct opt_row *row = find_letter(rows, *word);
		const char *arg = "";
		enum opt_arg wants;

		s->shown[1] = *word++;
		s->shown[2] = '\0';
		if (!row)
			return unknown(s);
		wants = wanted(row);
		if (wants != ARG_NONE) {
			arg = word;
			word = "";
		}
		if (wants == ARG_NEEDED && !*arg && take_next(s, &arg) < 0)
			return -1;
		if (apply(s, row, arg) < 0)
			return -1;
	}
	return 0;
}

int opt_parse(int argc, char **argv, const struct opt_row *rows, void *into,
		struct err *err)
{
	struct scan s = { argv, argc, 1, into, err, "-" };

	while (s.at < argc) {
		const char *word = argv[s.at];

		if (word[0] != '-' || !word[1])	/* "-" is an operand */
			break;
		s.at++;
		if (!strcmp(word, "--"))
			break;
		if (word[1] == '-' ? parse_long(&s, rows, word + 2) < 0 :
				parse_short(&s, rows, word + 1) < 0)
			return -1;
	}
	return s.at;
}
