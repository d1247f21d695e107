/* Commands run: one line, and all lines up to the end. */
#include "mail/command_private.h"

#include <string.h>
#include <sysexits.h>
#include "config.h"
#include "mail/box.h"
#include "mail/order.h"
#include "mail/rc.h"
#include "mail/var.h"

int mail_do_comment(struct mail *m)
{
	(void)m;
	return 0;
}

int mail_tell(struct mail *m, const char *text)
{
	mail_term_error(&m->term, "%s", text);
	return -1;
}

void mail_set_dot(struct mail *m, unsigned n)
{
	m->dot_shown = m->dot_shown && m->dot == n;
	m->dot = n;
}

/* The last of the list becomes the current message. */
static void mark(struct mail *m, const struct command *c)
{
	unsigned n = 0;

	for (unsigned i = mail_order_next(m, 0); i; i = mail_order_next(m, i)) {
		if (!m->set[i])
			continue;
		if (n && c->takes & ONE) {
			m->set[i] = 0;
			continue;
		}
		m->note[i] &= (unsigned char)~c->clear;
		m->note[i] |= c->set;
		n = i;
	}
	if (n)
		mail_set_dot(m, n);
}

/* May it run here? */
static int check(struct mail *m, const struct command *c, struct span rest)
{
	if (c->takes & LATE && m->starting)
		return mail_tell(m, T("Not in a start-up file"));
	if (c->takes & (LIST | BOX) && !m->box)
		return mail_tell(m, T("No mailbox is open"));
	if (rest.n && !(c->takes & (TEXT | LIST)))
		return mail_tell(m, T("This command takes no argument"));
	return 0;
}

static unsigned which(const struct command *c)
{
	if (CFG_MAIL_SEARCH && c->run == mail_do_search)
		return MAIL_SHOWN | MAIL_WIDE;
	return c->takes & GONE ? MAIL_GONE :
			c->run == mail_do_from ? MAIL_SHOWN : MAIL_LEFT;
}

static int run(struct mail *m, const struct command *c, struct span rest)
{
	unsigned dot = m->dot;
	int rc = 0;

	if (check(m, c, rest) < 0)
		return -1;
	m->arg = rest;
	if (CFG_MAIL_READ && c->takes & LIST) {
		memset(m->set, 0, (size_t)m->count + 1);
		if ((rest.n || !(c->takes & ALL)) &&
		    mail_list(m, rest, which(c)) < 0)
			return mail_tell(m, m->err.text);
		mark(m, c);
	}
	/* POSIX, next: it is as if what these mark had been shown */
	if (c->run)
		rc = c->run(m);
	else
		m->dot_shown = true;
	if (m->dot != dot)
		m->before = dot;
	return rc;
}

static bool is_condition(const struct command *c)
{
	return c && (c->run == mail_do_if || c->run == mail_do_else ||
			(CFG_MAIL_NAIL && c->run == mail_do_elif) ||
			c->run == mail_do_endif);
}

/* "d1-3": letters, or one of the signs that are commands by themselves. */
static struct span take_name(struct span *line)
{
	struct span all = *line;
	size_t n = 0;

	while (n < all.n && (unsigned char)(ascii_lower(all.p[n]) - 'a') < 26)
		n++;
	if (!n && all.n && strchr("?=+-#!|", all.p[0]))
		n = 1;
	*line = span_trim(span_rest(all, n));
	return span_sub(all, 0, n);
}

/* Without the backslash and the modifiers that s-nail may have before it. */
static struct span without_modifiers(struct span line)
{
	struct span rest, word;

	if (line.n && line.p[0] == '\\')
		line = span_rest(line, 1);
	if (!CFG_MAIL_NAIL)
		return line;
	rest = line;
	word = span_word(&rest);
	return span_is(word, "wysh") || span_is(word, "ignerr") ||
			span_is(word, "local") || span_is(word, "global") ?
			without_modifiers(span_trim(rest)) : line;
}

int mail_command_run(struct mail *m, struct span text)
{
	struct span line = without_modifiers(text);
	struct span name = take_name(&line);
	/* a list alone: show it; an empty line: the next one */
	const struct command *c = mail_command_row(name.n ? name : SPAN("next"));

	if (mail_rc_skips(m) && !is_condition(c))
		return 0;
	if (!c)
		return mail_rc_unknown(m, name, line);
	return run(m, c, line);
}

/* ---- the loop */

/* A backslash at the end of a line: the next one goes on with it. */
bool mail_line_goes_on(struct str *line)
{
	size_t n = line->n, from = n;

	while (from && line->p[from - 1] == '\\')
		from--;
	if ((n - from) % 2 == 0)
		return false;
	line->p[--line->n] = '\0';
	return true;
}

static enum mail_input read_line(struct mail *m, struct str *line)
{
	const char *prompt = mail_var(m, "prompt");
	enum mail_input in;
	struct str more;

	m->term.ask = MAIL_ASK_COMMAND;
	in = mail_term_line(&m->term, prompt ? prompt : "", line);
	str_init(&more, MAIL_LINE_MOST);
	while (in == MAIL_LINE && mail_line_goes_on(line)) {
		in = mail_term_line(&m->term, prompt ? prompt : "", &more);
		str_add(line, str_span(&more));
	}
	str_free(&more);
	return in;
}

void mail_command_loop(struct mail *m)
{
	struct str line;

	str_init(&line, MAIL_LINE_MOST);
	while (!m->done) {
		enum mail_input in;

		if (m->term.tty_in && m->box)
			mail_box_announce(m);
		in = read_line(m, &line);
		if (in == MAIL_LINE) {
			int rc = mail_command_run(m, span_trim(str_span(&line)));

			/* of a script the status tells */
			if (rc < 0 && !m->term.tty_in && !m->status)
				m->status = 1;
		} else if (in == MAIL_INTERRUPT && m->term.tty_in) {
			mail_term_printf(&m->term, T("\nInterrupt\n"));
		} else {
			/* the end is a quit; else the mailbox stays as it was */
			if (in == MAIL_EOF && mail_box_quit(m) < 0)
				m->status = EX_TEMPFAIL;
			break;
		}
	}
	str_free(&line);
}
