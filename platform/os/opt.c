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

static int too_big(struct scan *s, const struct opt_row *row, const char *arg)
{
	return err_set(s->err, ERR_PERM, "%s: %s is no number up to %lu",
			s->shown, arg, row->max);
}

static int set_flag(struct scan *s, const struct opt_row *row, void *field,
		const char *arg)
{
	(void)s, (void)row, (void)arg;
	*(bool *)field = true;
	return 0;
}

static int set_count(struct scan *s, const struct opt_row *row, void *field,
		const char *arg)
{
	(void)s, (void)row, (void)arg;
	++*(unsigned *)field;
	return 0;
}

static int set_text(struct scan *s, const struct opt_row *row, void *field,
		const char *arg)
{
	(void)s, (void)row;
	*(const char **)field = arg;
	return 0;
}

static int set_number(struct scan *s, const struct opt_row *row, void *field,
		const char *arg)
{
	if (!span_number(span_of(arg), row->max, field))
		return too_big(s, row, arg);
	return 0;
}

static int set_list(struct scan *s, const struct opt_row *row, void *field,
		const char *arg)
{
	struct opt_list *list = field;

	(void)row;
	if (list->n == OPT_LIST_MAX)
		return err_set(s->err, ERR_PERM, "%s: more than %d", s->shown,
				OPT_LIST_MAX);
	list->v[list->n++] = arg;
	return 0;
}

static int set_nothing(struct scan *s, const struct opt_row *row, void *field,
		const char *arg)
{
	(void)s, (void)row, (void)field, (void)arg;
	return 0;
}

static const struct {
	enum opt_arg arg;
	int (*set)(struct scan *s, const struct opt_row *row, void *field,
			const char *arg);
} types[] = {
	[OPT_FLAG] = { ARG_NONE, set_flag },
	[OPT_COUNT] = { ARG_NONE, set_count },
	[OPT_TEXT] = { ARG_NEEDED, set_text },
	[OPT_NUMBER] = { ARG_NEEDED, set_number },
	[OPT_LIST] = { ARG_NEEDED, set_list },
	[OPT_OPTIONAL] = { ARG_JOINED, set_text },
	[OPT_IGNORE] = { ARG_NONE, set_nothing },
	[OPT_IGNORE_ARG] = { ARG_NEEDED, set_nothing },
};

static int apply(struct scan *s, const struct opt_row *row, const char *arg)
{
	return types[row->type].set(s, row, (char *)s->into + row->offset, arg);
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
	return !row->letter && !row->name;
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
		if (row->name && span_eq(name, span_of(row->name)))
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
	wants = types[row->type].arg;
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
		wants = types[row->type].arg;
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
