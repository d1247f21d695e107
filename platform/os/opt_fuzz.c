/* Any command line: each result is an operand's index or an error's text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "os/opt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct opts {
	bool flag;
	unsigned count;
	const char *text, *optional;
	struct opt_list list;
};

static const struct opt_row rows[] = {
	{ 'a', "all", OPT_FLAG, OPT_AT(struct opts, flag) },
	{ 'v', "verbose", OPT_COUNT, OPT_AT(struct opts, count) },
	{ 'f', "from", OPT_TEXT, OPT_AT(struct opts, text) },
	{ 'u', "user", OPT_LIST, OPT_AT(struct opts, list) },
	{ 'o', "odd", OPT_OPTIONAL, OPT_AT(struct opts, optional) },
	{ 'i', "", OPT_IGNORE, 0 },
	{ 'N', "", OPT_IGNORE_ARG, 0 },
	{ 0 }
};

#define WORDS_MOST 100

/* data's words end with a NUL each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), *argv[WORDS_MOST + 2] = { text };
	struct opts opts = { 0 };
	struct err err;
	int argc = 1, operand;

	if (!text)
		return 0;
	if (n)
		memcpy(text, data, n);
	text[n] = '\0';
	for (size_t at = 0; at <= n && argc <= WORDS_MOST; argc++) {
		argv[argc] = text + at;
		at += strlen(text + at) + 1;
	}
	err.text[0] = '\0';
	operand = opt_parse(argc, argv, rows, &opts, &err);
	if (operand < -1 || operand == 0 || operand > argc)
		abort();
	if (operand < 0 && (err.kind != ERR_PERM || !err.text[0]))
		abort();
	if (opts.list.n > OPT_LIST_MAX)
		abort();
	free(text);
	return 0;
}
