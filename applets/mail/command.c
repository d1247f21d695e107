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
 * that of POSIX.
 */
static const struct mail_command commands[] = {
	{ "next", 1, LIST | MAIL_ARG_ALL, mail_do_next,
		"[LIST]         show the next message (Enter does, too)" },
	{ "+", 1, LIST | MAIL_ARG_ALL, mail_do_next, NULL },
	{ "-", 1, BOX, mail_do_previous, "               show the one before" },
	{ "print", 1, LIST, mail_do_print, "[LIST]         show messages" },
	{ "type", 1, LIST, mail_do_print, NULL },
	{ "Print", 1, LIST, mail_do_print_all,
		"[LIST]         show messages with all header fields" },
	{ "Type", 1, LIST, mail_do_print_all, NULL },
	{ "top", 2, LIST, mail_do_top, "[LIST]         show their first lines" },
	{ "headers", 1, LIST | MAIL_ARG_ALL, mail_do_headers,
		"[LIST]         list the messages of one screen" },
	{ "z", 1, TEXT, mail_do_z, "[+|-]          the next screen, or the last" },
	{ "from", 1, LIST, mail_do_from, "[LIST]         list messages" },
	{ "size", 2, LIST, mail_do_size, "[LIST]         their sizes" },
	{ "=", 1, 0, mail_do_number, "               the current message's number" },
	{ "delete", 1, LIST, mail_do_delete, "[LIST]         delete messages" },
	{ "dp", 2, LIST, mail_do_delete_print,
		"[LIST]         delete, show the next one" },
	{ "dt", 2, LIST, mail_do_delete_print, NULL },
	{ "undelete", 1, LIST | MAIL_ARG_DELETED, mail_do_undelete,
		"[LIST]         take that back" },
	{ "reply", 1, LIST, mail_do_reply,
		"[LIST]         answer all who got it" },
	{ "respond", 1, LIST, mail_do_reply, NULL },
	{ "Reply", 1, LIST, mail_do_reply_sender,
		"[LIST]         answer the author" },
	{ "Respond", 1, LIST, mail_do_reply_sender, NULL },
	{ "mail", 1, TEXT, mail_do_mail, "ADDRESS        write a message" },
	{ "save", 1, TEXT | BOX, mail_do_save,
		"[LIST] [FILE]  append messages to a file" },
	{ "copy", 1, TEXT | BOX, mail_do_copy,
		"[LIST] [FILE]  the same, and keep them here" },
	{ "write", 1, TEXT | BOX, mail_do_write,
		"[LIST] FILE    append their text alone" },
	{ "mbox", 2, LIST, mail_do_mbox, "[LIST]         move to ~/mbox on quit" },
	{ "hold", 2, LIST, mail_do_hold, "[LIST]         keep here on quit" },
	{ "preserve", 3, LIST, mail_do_hold, NULL },
	{ "touch", 3, LIST, mail_do_touch, "[LIST]         mark as read" },
	{ "unread", 3, LIST, mail_do_unread, "[LIST]         mark as not read" },
	{ "Unread", 1, LIST, mail_do_unread, NULL },
	{ "new", 3, LIST, mail_do_unread, NULL },
	{ "file", 2, TEXT, mail_do_file,
		"[FILE]         open another mailbox; which one is open" },
	{ "folder", 4, TEXT, mail_do_file, NULL },
	{ "set", 2, TEXT, mail_do_set, "[NAME[=VALUE]] set or show variables" },
	{ "unset", 3, TEXT, mail_do_unset, "NAME" },
	{ "!", 1, TEXT, mail_do_shell, "COMMAND        run a command" },
	{ "shell", 2, TEXT, mail_do_shell, NULL },
	{ "list", 1, 0, mail_do_list, "               all commands" },
	{ "help", 3, 0, mail_do_help, "               this list" },
	{ "?", 1, 0, mail_do_help, NULL },
	{ "quit", 1, 0, mail_do_quit,
		"               end; read messages move to ~/mbox" },
	{ "exit", 2, 0, mail_do_exit, "               end, change nothing" },
	{ "xit", 1, 0, mail_do_exit, NULL },
	{ NULL, 0, 0, NULL, NULL }
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

	for (c = commands; c->name; c++) {
		struct span full = span_of(c->name);

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

/* The input is at its end: that is a quit. When it cannot be done, nothing is lost. */
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
