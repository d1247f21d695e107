/* What `if` and `elif` ask (s-nail): words, variables, texts, ! && || [ ]. */
#include "mail/rc.h"

#include <stdlib.h>
#include <string.h>
#include "mail/args.h"
#include "mail/var.h"

#define DEPTH_MOST 8		/* of brackets */

/* NO is false, YES is true: the rest of the file depends on it. */
enum { NO, YES, UNKNOWN };

static int all_of(struct mail *m, struct span *rest, unsigned depth);

/* "$x" and "${x}" are a variable's value, or the environment's. */
static struct span value_of(struct mail *m, struct span arg)
{
	char name[MAIL_VAR_NAME_MOST];
	const char *value = NULL;
	struct span inside;

	if (mail_arg_quoted(arg, &inside))
		arg = inside;
	if (!span_starts(arg, "$"))
		return arg;
	arg = span_rest(arg, 1);
	if (span_starts(arg, "{") && span_ends(arg, "}"))
		arg = span_sub(arg, 1, arg.n - 2);
	if (str_copy(name, sizeof(name), arg) == 0) {
		value = mail_var(m, name);
		value = value ? value : getenv(name);
	}
	return span_of(value);
}

/* "a == b" and so on; without an operator: is there anything? */
static int compare(struct span a, struct span how, struct span b)
{
	bool equal = span_eq(a, b);
	bool has = !b.n || (a.n && memmem(a.p, a.n, b.p, b.n));

	if (!how.n)
		return a.n > 0;
	/* =@ is what older ones have for =% */
	if (span_is(how, "=%") || span_is(how, "=@"))
		return has;
	if (span_is(how, "!%") || span_is(how, "!@"))
		return !has;
	if (span_is(how, "=") || span_is(how, "=="))
		return equal;
	return span_is(how, "!=") ? !equal : UNKNOWN;
}

static bool ends_item(struct span word)
{
	return !word.n || span_is(word, "&&") || span_is(word, "||") ||
			span_is(word, "]");
}

static int one_word(struct mail *m, struct span word)
{
	static const struct {
		char word[9];
		char kind;
	} words[] = {
		{ "send", 's' }, { "receive", 'r' }, { "terminal", 't' },
		{ "true", YES }, { "yes", YES }, { "1", YES },
		{ "false", NO }, { "no", NO }, { "0", NO }
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!span_caseeq(span_sub(span_of(words[i].word), 0, word.n),
				word))
			continue;
		switch (words[i].kind) {
		case 's': return m->sending;
		case 'r': return !m->sending;
		case 't': return m->term.tty_in;
		}
		return words[i].kind;
	}
	return UNKNOWN;
}

static int item(struct mail *m, struct span *rest, unsigned depth)
{
	struct span word = mail_arg(rest), next, after;
	int is;

	if (span_is(word, "[")) {
		is = depth < DEPTH_MOST ? all_of(m, rest, depth + 1) : UNKNOWN;
		return span_is(mail_arg(rest), "]") ? is : UNKNOWN;
	}
	if (span_is(word, "-N") || span_is(word, "-Z")) {
		char name[MAIL_VAR_NAME_MOST];

		next = mail_arg(rest);
		return !next.n || str_copy(name, sizeof(name), next) < 0 ?
				UNKNOWN : (mail_var(m, name) != NULL) ==
				(word.p[1] == 'N');
	}
	after = *rest;
	next = mail_arg(&after);
	if (ends_item(next) && !span_starts(word, "$") &&
	    !span_starts(word, "\""))
		return word.n ? one_word(m, word) : UNKNOWN;
	if (ends_item(next))
		return compare(value_of(m, word), SPAN(""), SPAN(""));
	*rest = after;
	return compare(value_of(m, word), next, value_of(m, mail_arg(rest)));
}

static int negated(struct mail *m, struct span *rest, unsigned depth)
{
	struct span after = *rest;
	bool negate = false;
	int is;

	while (span_is(mail_arg(&after), "!")) {
		negate = !negate;
		*rest = after;
	}
	is = item(m, rest, depth);
	return is == UNKNOWN ? is : is != negate;
}

/* From left to right, as in a shell: neither of && and || binds closer. */
static int all_of(struct mail *m, struct span *rest, unsigned depth)
{
	int is = negated(m, rest, depth);

	for (;;) {
		struct span after = *rest, word = mail_arg(&after);
		bool both = span_is(word, "&&");
		int next;

		if (!both && !span_is(word, "||"))
			return is;
		*rest = after;
		next = negated(m, rest, depth);
		if (is == UNKNOWN || next == UNKNOWN)
			is = UNKNOWN;
		else
			is = both ? is && next : is || next;
	}
}

int mail_condition(struct mail *m, struct span text)
{
	int is = all_of(m, &text, 0);

	return is == UNKNOWN || span_trim(text).n ? -1 : is;
}
