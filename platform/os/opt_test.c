#include "os/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct opts {
	bool all, foreground;
	unsigned verbose;
	const char *from, *odd;
	struct opt_list users;
};

static const struct opt_row rows[] = {
	{ 'a', "all", OPT_FLAG, OPT_AT(struct opts, all) },
	{ 'v', "", OPT_COUNT, OPT_AT(struct opts, verbose) },
	{ 'f', "from", OPT_TEXT, OPT_AT(struct opts, from) },
	{ 'u', "user", OPT_LIST, OPT_AT(struct opts, users) },
	{ 'o', "odd", OPT_OPTIONAL, OPT_AT(struct opts, odd) },
	{ 'i', "", OPT_IGNORE, 0 },
	{ 'N', "notify", OPT_IGNORE_ARG, 0 },
	{ 0, "foreground", OPT_FLAG, OPT_AT(struct opts, foreground) },
	{ 0 }
};

#define MOST 48
static struct opts got;
static struct err err;

/* Parses the words of line behind the program's name. */
static int parse(const char *line)
{
	static char text[2048];
	char *argv[MOST] = { text };
	int argc = 0;

	memset(&got, 0, sizeof(got));
	memset(&err, 0, sizeof(err));
	snprintf(text, sizeof(text), "prog %s", line);
	for (char *p = text; p; argc++) {
		assert_true(argc < MOST - 1);
		argv[argc] = p;
		p = strchr(p, ' ');
		if (p)
			*p++ = '\0';
	}
	argv[argc] = NULL;
	return opt_parse(argc, argv, rows, &got, &err);
}

static void assert_wrong(const char *line, const char *why)
{
	assert_int_equal(parse(line), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_string_equal(err.text, why);
}

static void short_options(void **state)
{
	(void)state;
	assert_int_equal(parse("-a -v -v x"), 4);
	assert_true(got.all);
	assert_int_equal(got.verbose, 2);
	assert_int_equal(parse("-avvv"), 2);
	assert_true(got.all);
	assert_int_equal(got.verbose, 3);
	assert_int_equal(parse("-ifme -va"), 3);
	assert_string_equal(got.from, "me");
	assert_true(got.all);
	assert_int_equal(parse("-if me x"), 3);
	assert_string_equal(got.from, "me");
	/* an argument may look like an option, or be empty */
	assert_int_equal(parse("-f -a"), 3);
	assert_string_equal(got.from, "-a");
	assert_false(got.all);
	assert_int_equal(parse("-f  x"), 3);
	assert_string_equal(got.from, "");
	assert_int_equal(parse("-N never -a"), 4);
	assert_true(got.all);
	assert_int_equal(parse("-Nnever -a"), 3);
	assert_true(got.all);
}

static void long_options(void **state)
{
	(void)state;
	assert_int_equal(parse("--all --from=me x"), 3);
	assert_true(got.all);
	assert_string_equal(got.from, "me");
	assert_int_equal(parse("--from me x"), 3);
	assert_string_equal(got.from, "me");
	assert_int_equal(parse("--from="), 2);
	assert_string_equal(got.from, "");
	assert_int_equal(parse("--from=a=b"), 2);
	assert_string_equal(got.from, "a=b");
	assert_int_equal(parse("--foreground"), 2);
	assert_true(got.foreground);
	assert_int_equal(parse("--notify=x --all"), 3);
	assert_true(got.all);
}

static void optional_argument(void **state)
{
	(void)state;
	assert_int_equal(parse("-oem x"), 2);
	assert_string_equal(got.odd, "em");
	assert_int_equal(parse("-o x"), 2);
	assert_string_equal(got.odd, "");
	assert_int_equal(parse("-aoa"), 2);
	assert_string_equal(got.odd, "a");
	assert_int_equal(parse("--odd x"), 2);
	assert_string_equal(got.odd, "");
	assert_int_equal(parse("--odd=x"), 2);
	assert_string_equal(got.odd, "x");
	assert_int_equal(parse("-a"), 2);
	assert_null(got.odd);
}

static void operands_end_options(void **state)
{
	(void)state;
	assert_int_equal(parse("x -a"), 1);
	assert_false(got.all);
	assert_int_equal(parse("-a -- -v"), 3);
	assert_int_equal(got.verbose, 0);
	assert_int_equal(parse("- -a"), 1);
	assert_false(got.all);
	assert_int_equal(parse("-f --"), 3);
	assert_string_equal(got.from, "--");
	assert_int_equal(opt_parse(1, (char *[]){ "prog", NULL }, rows, &got,
			&err), 1);
	assert_int_equal(opt_parse(0, (char *[]){ NULL }, rows, &got, &err),
			1);
}

static void lists(void **state)
{
	char line[OPT_LIST_MAX * 4 + 8] = "";
	struct opt_list *list = &got.users;

	(void)state;
	assert_int_equal(parse("-u a -ub --user=c --user d"), 7);
	assert_int_equal(list->n, 4);
	assert_string_equal(list->v[0], "a");
	assert_string_equal(list->v[1], "b");
	assert_string_equal(list->v[2], "c");
	assert_string_equal(list->v[3], "d");
	for (size_t i = 0; i < OPT_LIST_MAX; i++)
		memcpy(line + 4 * i, "-ux ", 5);
	line[4 * OPT_LIST_MAX - 1] = '\0';
	assert_int_equal(parse(line), OPT_LIST_MAX + 1);
	assert_int_equal(list->n, OPT_LIST_MAX);
	memcpy(line + 4 * OPT_LIST_MAX - 1, " -ux", 5);
	assert_wrong(line, "-u: more than 32");
	assert_int_equal(list->n, OPT_LIST_MAX);
}

static void errors(void **state)
{
	char line[300] = "--";

	(void)state;
	assert_wrong("-x", "unknown option -x");
	assert_wrong("-ax", "unknown option -x");
	assert_wrong("--al", "unknown option --al");
	assert_wrong("--allx", "unknown option --allx");
	assert_wrong("--=x", "unknown option --");
	assert_wrong("---", "unknown option ---");
	assert_wrong("--v", "unknown option --v");
	assert_wrong("-f", "option -f needs an argument");
	assert_wrong("--from", "option --from needs an argument");
	assert_wrong("-aN", "option -N needs an argument");
	assert_wrong("--all=yes", "option --all takes no argument");
	for (size_t n = 2; n < sizeof(line) - 1; n++) {
		line[n] = 'x';
		assert_int_equal(parse(line), -1);
		assert_memory_equal(err.text, "unknown option --x", 18);
		assert_true(strlen(err.text) < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_options),
		cmocka_unit_test(long_options),
		cmocka_unit_test(optional_argument),
		cmocka_unit_test(operands_end_options),
		cmocka_unit_test(lists),
		cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
