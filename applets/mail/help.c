/* The commands help, list and version, and what helps when a name is unknown. */
#include "mail/help.h"

#include "mail/command.h"

#define NAME_MOST 16		/* letters of names that are compared */
#define FAR 3			/* as wrong as this is no typing error */

/* ---- what was meant? */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* One row of the table of Damerau and Levenshtein, neighbours swapped once. */
static void next_row(unsigned char row[3][NAME_MOST + 1], struct span a,
		struct span b, size_t i)
{
	unsigned char *now = row[i % 3];
	const unsigned char *up = row[(i + 2) % 3], *upper = row[(i + 1) % 3];

	now[0] = (unsigned char)i;
	for (size_t j = 1; j <= b.n; j++) {
		bool same = a.p[i - 1] == b.p[j - 1];
		unsigned d = least(up[j] + 1U, now[j - 1] + 1U);

		d = least(d, up[j - 1] + !same);
		if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
		    a.p[i - 2] == b.p[j - 1])
			d = least(d, upper[j - 2] + 1U);
		now[j] = (unsigned char)d;
	}
}

unsigned mail_help_distance(struct span a, struct span b)
{
	unsigned char row[3][NAME_MOST + 1];

	if (a.n > NAME_MOST || b.n > NAME_MOST)
		return FAR;
	for (size_t j = 0; j <= b.n; j++)
		row[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= a.n; i++)
		next_row(row, a, b, i);
	return row[a.n % 3][b.n];
}

int mail_help_unknown(struct mail *m, struct span name)
{
	struct span best = SPAN(""), have;
	unsigned far = FAR;
	const char *text;

	for (unsigned n = 0; (text = mail_command_text(n)); n++) {
		unsigned d;

		have = mail_command_name(text);
		d = mail_help_distance(name, have);
		if (d < far && d < have.n && d < name.n) {
			far = d;
			best = have;
		}
	}
	name = span_sub(name, 0, 40);
	mail_term_error(&m->term, best.n ?
			T("Unknown command: %.*s. Is it %.*s? (? lists all)") :
			T("Unknown command: %.*s (? lists all)"),
			SPAN_ARG(name), SPAN_ARG(best));
	return -1;
}

/* ---- the commands */

/* `?` is one screen; `help COMMAND` is all that the row says. */
static int explain(struct mail *m, struct span name)
{
	const char *help, *text = mail_command_find(name, &help);

	if (!text)
		return mail_help_unknown(m, name);
	name = mail_command_name(text);
	if (help != text)
		mail_term_printf(&m->term, help ? "%.*s = " : "%.*s\n",
				SPAN_ARG(name));
	if (help)
		mail_term_printf(&m->term, "%s\n", T(help));
	return 0;
}

int mail_do_help(struct mail *m)
{
	const char *text;

	if (m->arg.n)
		return explain(m, m->arg);
	mail_term_page_begin(&m->term);
	for (unsigned n = 0; (text = mail_command_text(n)); n++) {
		struct span rest = span_of(T(text)),
			    line = span_cut(&rest, '\n');

		if (!mail_command_is_rare(n) && span_has(line, ' '))
			mail_term_printf(&m->term, "%.*s\n", SPAN_ARG(line));
	}
	mail_term_printf(&m->term, "%s\n",
			T("LIST: 1 1-3 . $ * + -  More: list, help COMMAND"));
	mail_term_page_end(&m->term);
	return 0;
}

/* Names alone (POSIX: "No explanation shall be given"). */
int mail_do_list(struct mail *m)
{
	const char *text;
	size_t column = 0;

	for (unsigned n = 0; (text = mail_command_text(n)); n++) {
		struct span name = mail_command_name(text);

		if (column + 1 + name.n >= m->term.columns) {
			mail_term_printf(&m->term, "\n");
			column = 0;
		}
		mail_term_printf(&m->term, column ? " %.*s" : "%.*s",
				SPAN_ARG(name));
		column += name.n + (column > 0);
	}
	mail_term_printf(&m->term, "\n");
	return 0;
}

int mail_do_version(struct mail *m)
{
	mail_term_printf(&m->term, "Pillarbox mail\n");
	return 0;
}
