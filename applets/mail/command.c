#include "mail/command.h"

#include <string.h>
#include <sysexits.h>
#include "config.h"
#include "mail/box.h"
#include "mail/rc.h"
#include "mail/select.h"
#include "mail/show.h"
#include "mail/var.h"

/* ---- the table */

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

/*
 * Where one abbreviation fits several rows the first one wins, so the order is
 * that of POSIX.
 */
static const struct command {
	/* the name, then, after blanks, what help says; more of it after \n */
	const char *text __attribute__((packed, aligned(4)));
	unsigned char least;	/* letters that suffice, as POSIX brackets them */
	unsigned char takes;
	/* notes of the listed messages */
	unsigned char set, clear;
	/* no gap before it, where pointers have 64 bits */
	int (*run)(struct mail *m) __attribute__((packed, aligned(4)));
} commands[] = {
	{ "next     [LIST]  show the next message (Enter does, too)",
		1, LIST | ALL | ONE, 0, 0, mail_do_next },
	{ "+", 1, LIST | ALL | ONE, 0, 0, mail_do_next },
	{ "-                show the one before",
		1, BOX, 0, 0, mail_do_previous },
	{ "print    [LIST]  show messages", 1, LIST, 0, 0, mail_do_print },
	{ "type", 1, LIST, 0, 0, mail_do_print },
	{ "Print    [LIST]  with all header fields",
		1, LIST, 0, 0, mail_do_print_all },
	{ "Type", 1, LIST, 0, 0, mail_do_print_all },
	{ "headers  [LIST]  list one screen of messages",
		1, LIST | ALL | ONE, 0, 0, mail_do_headers },
	{ "z        [+|-]   the next screen, or the last",
		1, TEXT | BOX, 0, 0, mail_do_z },
	{ "from     [LIST]  list messages", 1, LIST, 0, 0, mail_do_from },
	{ "size", 2, LIST | RARE, 0, 0, mail_do_size },
	{ "=                the current message's number",
		1, BOX, 0, 0, mail_do_number },
	{ "delete   [LIST]  delete messages",
		1, LIST, MAIL_DELETED, MAIL_HELD, mail_do_delete },
	{ "dp       [LIST]  delete, show the next one",
		2, LIST, MAIL_DELETED, MAIL_HELD, mail_do_delete_print },
	{ "dt", 2, LIST, MAIL_DELETED, MAIL_HELD, mail_do_delete_print },
	{ "undelete [LIST]  take that back",
		1, LIST | GONE, MAIL_READ, MAIL_DELETED, mail_do_undelete },
	{ "reply    [LIST]  answer all who got it",
		1, LIST | LATE, 0, 0, mail_do_reply },
	{ "respond", 1, LIST | LATE, 0, 0, mail_do_reply },
	{ "Reply    [LIST]  answer the author",
		1, LIST | LATE, 0, 0, mail_do_reply_sender },
	{ "Respond", 1, LIST | LATE, 0, 0, mail_do_reply_sender },
	{ "mail     ADDRESS write a message",
		1, TEXT | LATE, 0, 0, mail_do_mail },
	{ "save     [LIST] [FILE]  move messages to a file",
		1, TEXT | BOX, 0, 0, mail_do_save },
	{ "copy     [LIST] [FILE]  and keep them here, too",
		1, TEXT | BOX, 0, 0, mail_do_copy },
	{ "mbox     [LIST]  to ~/mbox on quit",
		2, LIST, MAIL_READ | MAIL_TO_MBOX, MAIL_HELD, NULL },
	{ "touch", 3, LIST | RARE, MAIL_READ, MAIL_HELD, NULL },
	{ "flag     [LIST]  mark as important; unflag",
		2, LIST, 0, 0, mail_do_flag },
	{ "unflag", 3, LIST | RARE, 0, 0, mail_do_unflag },
	{ "unread   [LIST]  mark as not read; seen",
		3, LIST, 0, MAIL_READ, mail_do_unread },
	{ "Unread", 1, LIST | RARE, 0, MAIL_READ, mail_do_unread },
	{ "new", 3, LIST | RARE, 0, MAIL_READ, mail_do_unread },
	{ "seen", 3, LIST | RARE, 0, 0, mail_do_seen },
	{ "answered [LIST]  mark as answered; unanswered",
		2, LIST | RARE, 0, 0, mail_do_answered },
	{ "unanswered", 4, LIST | RARE, 0, MAIL_ANSWERED, mail_do_unanswered },
	{ "hold     [LIST]  keep here on quit",
		2, LIST | LATE, MAIL_HELD, MAIL_DELETED, NULL },
	{ "preserve", 3, LIST | LATE, MAIL_HELD, MAIL_DELETED, NULL },
	{ "help", 3, 0, 0, 0, mail_do_help },
	{ "?", 1, 0, 0, 0, mail_do_help },
	{ "quit             read messages move to ~/mbox",
		1, BOX, 0, 0, mail_do_quit },
	{ "exit             change nothing", 2, 0, 0, 0, mail_do_exit },
	{ "xit", 1, 0, 0, 0, mail_do_exit },
	{ "set", 2, TEXT | RARE, 0, 0, mail_do_set },
	{ "unset", 3, TEXT | RARE, 0, 0, mail_do_unset },
	{ "source", 2, TEXT | RARE, 0, 0, mail_do_source },
	{ "if", 1, TEXT | RARE, 0, 0, mail_do_if },
	{ "else", 2, RARE, 0, 0, mail_do_else },
	{ "endif", 2, RARE, 0, 0, mail_do_endif },
	{ "#", 1, TEXT | RARE, 0, 0, mail_do_comment },
	{ NULL, 0, 0, 0, 0, NULL }
};

const char *mail_command_text(unsigned n)
{
	return n < sizeof(commands) / sizeof(*commands) ? commands[n].text :
			NULL;
}

int mail_do_comment(struct mail *m)
{
	(void)m;
	return 0;
}

int mail_do_help(struct mail *m)
{
	const struct command *c;

	mail_term_page_begin(&m->term);
	for (c = commands; c->text; c++)
		if (!(c->takes & RARE) && strchr(c->text, ' '))
			mail_term_printf(&m->term, "%s\n", T(c->text));
	mail_term_printf(&m->term, T("LIST: 1 1-3 . $ * + -\n"));
	mail_term_page_end(&m->term);
	return 0;
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

static const struct command *find(struct span name)
{
	const struct command *c;

	for (c = commands; c->text; c++) {
		struct span rest = span_of(c->text), full = span_word(&rest);

		if (name.n >= c->least && span_eq(span_sub(full, 0, name.n),
				name))
			return c;
	}
	return NULL;
}

/* ---- running it */

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

int mail_list(struct mail *m, struct span words, bool deleted)
{
	struct mail_select s = {
		.count = m->count, .dot = m->dot, .note = m->note,
		.mask = MAIL_DELETED, .want = deleted ? MAIL_DELETED : 0
	};

	return mail_select(&s, words, m->set, &m->err);
}

/* The last of the list becomes the current message. */
static void mark(struct mail *m, const struct command *c)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= m->count; i++) {
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
	if (c->takes & (LIST | BOX) && !m->box)
		return mail_tell(m, T("No mailbox is open"));
	if (c->takes & LATE && m->starting)
		return mail_tell(m, T("Not in a start-up file"));
	if (rest.n && !(c->takes & (TEXT | LIST)))
		return mail_tell(m, T("This command takes no argument"));
	return 0;
}

static int run(struct mail *m, const struct command *c, struct span rest)
{
	if (check(m, c, rest) < 0)
		return -1;
	m->arg = rest;
	if (c->takes & LIST) {
		memset(m->set, 0, (size_t)m->count + 1);
		if ((rest.n || !(c->takes & ALL)) &&
		    mail_list(m, rest, c->takes & GONE) < 0)
			return mail_tell(m, m->err.text);
		mark(m, c);
	}
	return c->run ? c->run(m) : 0;
}

static bool is_condition(const struct command *c)
{
	return c && (c->run == mail_do_if || c->run == mail_do_else ||
			c->run == mail_do_endif);
}

int mail_command(struct mail *m, struct span line)
{
	struct span name = take_name(&line);
	/* a list alone: show it; an empty line: the next one */
	const struct command *c = find(name.n ? name : SPAN("next"));

	if (mail_rc_skips(m) && !is_condition(c))
		return 0;
	if (!c)
		return mail_tell(m, T("Unknown command: ? lists them"));
	return run(m, c, line);
}

/* ---- the loop */

/* Tells of mail that came while the user was typing. */
static void announce(struct mail *m)
{
	unsigned had = m->count, n = 0;

	if (m->term.tty_in && m->box)
		n = mail_box_refresh(m);
	if (!n)
		return;
	mail_term_printf(&m->term, T("New mail has arrived.\n"));
	if (!m->dot)
		m->dot = had + 1;
	for (unsigned i = had + 1; i <= m->count && n <= 5; i++)
		mail_show_summary(m, i);
}

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

		announce(m);
		in = read_line(m, &line);
		if (in == MAIL_LINE) {
			int rc = mail_command(m, span_trim(str_span(&line)));

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
