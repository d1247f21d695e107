#include "mail/command.h"

#include <string.h>
#include <sysexits.h>
#include "mail/box.h"
#include "mail/select.h"
#include "mail/show.h"

#define LIST (MAIL_ARG_LIST | MAIL_ARG_BOX)
#define TEXT MAIL_ARG_TEXT
#define BOX MAIL_ARG_BOX

/*
 * Where one abbreviation fits several rows the first one wins, so the order is
 * that of POSIX. The text is the name and, for help, the rest of the line.
 */
static const struct mail_command commands[] = {
	{ "next      [LIST]         show the next message (Enter does, too)",
		1, LIST | MAIL_ARG_ALL, mail_do_next },
	{ "+", 1, LIST | MAIL_ARG_ALL, mail_do_next },
	{ "-                        show the one before",
		1, BOX, mail_do_previous },
	{ "print     [LIST]         show messages", 1, LIST, mail_do_print },
	{ "type", 1, LIST, mail_do_print },
	{ "Print     [LIST]         show messages with all header fields",
		1, LIST, mail_do_print_all },
	{ "Type", 1, LIST, mail_do_print_all },
	{ "top       [LIST]         show their first lines",
		2, LIST, mail_do_top },
	{ "headers   [LIST]         list the messages of one screen",
		1, LIST | MAIL_ARG_ALL, mail_do_headers },
	{ "z         [+|-]          the next screen, or the last",
		1, TEXT, mail_do_z },
	{ "from      [LIST]         list messages", 1, LIST, mail_do_from },
	{ "size      [LIST]         their sizes", 2, LIST, mail_do_size },
	{ "=                        the current message's number",
		1, 0, mail_do_number },
	{ "delete    [LIST]         delete messages", 1, LIST, mail_do_delete },
	{ "dp        [LIST]         delete, show the next one",
		2, LIST, mail_do_delete_print },
	{ "dt", 2, LIST, mail_do_delete_print },
	{ "undelete  [LIST]         take that back",
		1, LIST | MAIL_ARG_DELETED, mail_do_undelete },
	{ "reply     [LIST]         answer all who got it",
		1, LIST, mail_do_reply },
	{ "respond", 1, LIST, mail_do_reply },
	{ "Reply     [LIST]         answer the author",
		1, LIST, mail_do_reply_sender },
	{ "Respond", 1, LIST, mail_do_reply_sender },
	{ "mail      ADDRESS        write a message", 1, TEXT, mail_do_mail },
	{ "save      [LIST] [FILE]  append messages to a file",
		1, TEXT | BOX, mail_do_save },
	{ "copy      [LIST] [FILE]  the same, and keep them here",
		1, TEXT | BOX, mail_do_copy },
	{ "write     [LIST] FILE    append their text alone",
		1, TEXT | BOX, mail_do_write },
	{ "mbox      [LIST]         move to ~/mbox on quit",
		2, LIST, mail_do_mbox },
	{ "hold      [LIST]         keep here on quit", 2, LIST, mail_do_hold },
	{ "preserve", 3, LIST, mail_do_hold },
	{ "touch     [LIST]         mark as read", 3, LIST, mail_do_touch },
	{ "unread    [LIST]         mark as not read",
		3, LIST, mail_do_unread },
	{ "Unread", 1, LIST, mail_do_unread },
	{ "new", 3, LIST, mail_do_unread },
	{ "file      [FILE]         open another mailbox; which one is open",
		2, TEXT, mail_do_file },
	{ "folder", 4, TEXT, mail_do_file },
	{ "set       [NAME[=VALUE]] set or show variables",
		2, TEXT, mail_do_set },
	{ "unset     NAME", 3, TEXT, mail_do_unset },
	{ "!         COMMAND        run a command", 1, TEXT, mail_do_shell },
	{ "shell", 2, TEXT, mail_do_shell },
	{ "list                     all commands", 1, 0, mail_do_list },
	{ "help                     this list", 3, 0, mail_do_help },
	{ "?", 1, 0, mail_do_help },
	{ "quit                     end; read messages move to ~/mbox",
		1, 0, mail_do_quit },
	{ "exit                     end, change nothing", 2, 0, mail_do_exit },
	{ "xit", 1, 0, mail_do_exit },
	{ NULL, 0, 0, NULL }
};

const struct mail_command *mail_command_table(void)
{
	return commands;
}

/* ---- finding the command */

static bool ends_name(char c)
{
	return ascii_isspace(c) || ascii_isdigit(c) ||
			(c && strchr("$^.:/-+*'\"|&=!?", c));
}

/* "d1-3": letters, or one of the signs that are commands by themselves. */
static struct span take_name(struct span *line)
{
	struct span all = span_trim(*line);
	size_t n = 0;

	while (n < all.n && !ends_name(all.p[n]))
		n++;
	if (!n && all.n && strchr("!?=+-", all.p[0]))
		n = 1;
	*line = span_sub(all, n, all.n);
	return span_sub(all, 0, n);
}

static const struct mail_command *find(struct span name)
{
	const struct mail_command *c;

	for (c = commands; c->text; c++) {
		struct span rest = span_of(c->text), full = span_word(&rest);

		if (name.n >= c->least && name.n <= full.n &&
		    span_eq(span_sub(full, 0, name.n), name))
			return c;
	}
	return NULL;
}

/* ---- its arguments */

static bool match_text(struct span text, struct span want)
{
	for (size_t at = 0; at + want.n <= text.n; at++)
		if (span_caseeq(span_sub(text, at, want.n), want))
			return true;
	return !want.n;
}

static bool match_header(struct mail *m, unsigned n, bool subject,
		struct span want)
{
	struct str header, value;
	bool found;

	str_init(&header, MAIL_HEADER_MOST);
	str_init(&value, MAIL_HEADER_MOST);
	mail_box_header(m, n, &header, NULL, NULL);
	if (subject)
		mail_box_field(str_span(&header), "Subject", &value);
	else
		mail_box_sender(str_span(&header), &value);
	found = match_text(str_span(&value), want);
	str_free(&header);
	str_free(&value);
	return found;
}

static const struct {
	char letter;
	unsigned set, clear;
} states[] = {
	{ 'n', 0, MAILBOX_SEEN | MAILBOX_OLD },
	{ 'o', MAILBOX_OLD, 0 },
	{ 'r', MAILBOX_SEEN, 0 },
	{ 'u', 0, MAILBOX_SEEN },
};

static bool match_state(struct mail *m, unsigned n, char letter)
{
	unsigned flags = mail_box_flags(m, n);

	if (letter == 'd')
		return mail_box_deleted(m, n);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (states[i].letter == letter)
			return (flags & states[i].set) == states[i].set &&
					!(flags & states[i].clear);
	return false;
}

static bool match(void *arg, unsigned n, enum mail_select_kind kind,
		struct span text)
{
	struct mail *m = arg;

	if (kind == MAIL_SELECT_DELETED)
		return mail_box_deleted(m, n);
	if (kind == MAIL_SELECT_STATE)
		return match_state(m, n, text.p[0]);
	return match_header(m, n, kind == MAIL_SELECT_SUBJECT, text);
}

int mail_list(struct mail *m, struct span words, bool deleted, struct err *err)
{
	struct mail_select s = {
		.count = m->count, .dot = m->dot, .deleted = deleted,
		.match = match, .arg = m
	};

	if (!m->box || !m->count)
		return err_set(err, ERR_PERM, "No applicable messages");
	return mail_select(&s, words, m->set, err);
}

/* ---- running it */

static int refuse(struct mail *m, const char *text)
{
	mail_term_error(&m->term, "%s", text);
	return -1;
}

static int run(struct mail *m, const struct mail_command *c, struct span args)
{
	struct err err;

	args = span_trim(args);
	if (c->takes & (MAIL_ARG_BOX | MAIL_ARG_LIST) && !m->box)
		return refuse(m, "No mailbox is open");
	if (c->takes & MAIL_ARG_BOX && !m->count)
		return refuse(m, "No messages");
	if (!(c->takes & (MAIL_ARG_LIST | MAIL_ARG_TEXT)) && args.n)
		return refuse(m, "This command takes no argument");
	if (!(c->takes & MAIL_ARG_LIST))
		return c->run(m, args);
	if (!args.n && c->takes & MAIL_ARG_ALL)
		memset(m->set, 0, (size_t)m->count + 1);
	else if (mail_list(m, args, c->takes & MAIL_ARG_DELETED, &err) < 0)
		return refuse(m, err.text);
	return c->run(m, args);
}

int mail_command_run(struct mail *m, struct span line)
{
	const struct mail_command *c;
	struct span rest = span_trim(line), name;

	if (rest.n && rest.p[0] == '#')
		return 0;
	name = take_name(&rest);
	/* a number, or a list, alone: show it; an empty line: the next one */
	c = find(name.n ? name : SPAN("next"));
	if (c)
		return run(m, c, rest);
	mail_term_error(&m->term, "Unknown command: %.*s  (? lists them)",
			name.n < 60 ? (int)name.n : 60, name.p);
	return -1;
}

/* Tells of mail that came while the user was typing. */
static void announce(struct mail *m)
{
	unsigned had = m->count, n;

	if (!m->term.tty_in)
		return;
	n = mail_box_refresh(m);
	if (!n)
		return;
	mail_term_printf(&m->term, "New mail has arrived.\n");
	if (!m->dot)
		m->dot = had + 1;
	for (unsigned i = had + 1; i <= m->count && n <= 5; i++)
		mail_show_summary(m, i);
}

/* The input is at its end: that is a quit. If it fails, all stays as it was. */
static void end_of_input(struct mail *m)
{
	if (mail_box_quit(m) < 0) {
		m->status = EX_TEMPFAIL;
		mail_box_close(m);
	}
	m->done = true;
}

void mail_command_loop(struct mail *m)
{
	struct str line;

	str_init(&line, MAIL_LINE_MOST);
	while (!m->done) {
		const char *prompt = mail_var(&m->vars, MAIL_VAR_PROMPT);
		enum mail_input in;

		announce(m);
		in = mail_term_line(&m->term, prompt ? prompt : "", &line);
		if (in == MAIL_HANGUP)
			break;		/* the mailbox stays as it was */
		if (in == MAIL_EOF)
			end_of_input(m);
		else if (in == MAIL_LINE)
			mail_command_run(m, str_span(&line));
		else if (!m->term.tty_in)
			break;
		else
			mail_term_printf(&m->term, "\nInterrupt\n");
	}
	str_free(&line);
}
