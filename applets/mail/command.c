#include "mail/command.h"

#include <string.h>
#include <sysexits.h>
#include "mail/box.h"
#include "mail/select.h"
#include "mail/show.h"

/* ---- showing */

static unsigned first_in_list(const struct mail *m)
{
	unsigned n = 1;

	while (n <= m->count && !m->set[n])
		n++;
	return n <= m->count ? n : 0;
}

static int show_one(struct mail *m, unsigned n, unsigned how)
{
	m->dot = n;
	m->dot_shown = true;
	return mail_show_message(m, n, how);
}

static int show_list(struct mail *m, unsigned how)
{
	int rc = 0;

	for (unsigned i = 1; i <= m->count && rc == 0; i++)
		if (m->set[i]) {
			rc = show_one(m, i, how);
			if (mail_term_interrupted(&m->term))
				break;
		}
	return rc;
}

static int do_print(struct mail *m)
{
	return show_list(m, 0);
}

static int do_print_all(struct mail *m)
{
	return show_list(m, MAIL_SHOW_ALL);
}

static int tell(struct mail *m, const char *text)
{
	mail_term_error(&m->term, "%s", text);
	return -1;
}

static int do_next(struct mail *m)
{
	unsigned n = first_in_list(m);

	if (!n)
		for (n = m->dot + (m->dot_shown || !m->dot); n <= m->count &&
				mail_box_deleted(m, n); n++)
			;
	return n <= m->count ? show_one(m, n, 0) : tell(m, "At EOF");
}

static int do_previous(struct mail *m)
{
	unsigned n = m->dot ? m->dot - 1 : 0;

	while (n && mail_box_deleted(m, n))
		n--;
	return n ? show_one(m, n, 0) : tell(m, "At the first message");
}

static int do_headers(struct mail *m)
{
	unsigned n = first_in_list(m);

	mail_show_screen(m, n ? n : m->dot);
	return 0;
}

static int do_z(struct mail *m)
{
	unsigned size = mail_show_screen_size(m);
	bool back = span_is(m->arg, "-");

	if (back ? m->top <= size : m->top + size > m->count)
		return tell(m, "No more screens");
	mail_show_screen(m, back ? m->top - size : m->top + size);
	return 0;
}

static int do_from(struct mail *m)
{
	for (unsigned i = 1; i <= m->count &&
			!mail_term_interrupted(&m->term); i++)
		if (m->set[i])
			mail_show_summary(m, i);
	return 0;
}

static int do_number(struct mail *m)
{
	mail_term_printf(&m->term, "%u\n", m->dot);
	return 0;
}

/* ---- deleting */

/*
 * After a delete the current message is the next one left, else the one
 * before; it has not been shown.
 */
static int do_delete(struct mail *m)
{
	unsigned n = m->dot;

	while (n <= m->count && mail_box_deleted(m, n))
		n++;
	if (n > m->count)
		for (n = m->dot; n && mail_box_deleted(m, n); )
			n--;
	m->dot = n;
	m->dot_shown = false;
	return 0;
}

static int do_delete_print(struct mail *m)
{
	unsigned last = m->dot;

	do_delete(m);
	if (m->dot > last)
		return show_one(m, m->dot, 0);
	mail_term_printf(&m->term, "At EOF\n");
	return 0;
}

/* ---- ending */

static int do_quit(struct mail *m)
{
	m->done = mail_box_quit(m) == 0;
	return 0;
}

static int do_exit(struct mail *m)
{
	m->done = true;
	return 0;
}

/* ---- the table */

static int do_help(struct mail *m);

/* What a command takes. */
enum {
	TEXT = 1,	/* the rest of the line */
	LIST = 2,	/* a message list: m->set; none: the current one */
	ALL = 4,	/* with LIST: no list is fine, m->set is empty */
	GONE = 8	/* with LIST: among the deleted ones */
};

/*
 * Where one abbreviation fits several rows the first one wins, so the order is
 * that of POSIX.
 */
static const struct command {
	/* the name, then, after blanks, what help says */
	const char *text __attribute__((packed, aligned(4)));
	unsigned char least;	/* letters that suffice, as POSIX brackets them */
	unsigned char takes;
	/* notes of the listed messages: the last of them becomes the current one */
	unsigned char set, clear;
	/* no gap before it, where pointers have 64 bits */
	int (*run)(struct mail *m) __attribute__((packed, aligned(4)));
} commands[] = {
	{ "next     [LIST]  show the next message (Enter does, too)",
		1, LIST | ALL, 0, 0, do_next },
	{ "+", 1, LIST | ALL, 0, 0, do_next },
	{ "-                show the one before", 1, 0, 0, 0, do_previous },
	{ "print    [LIST]  show messages", 1, LIST, 0, 0, do_print },
	{ "type", 1, LIST, 0, 0, do_print },
	{ "Print    [LIST]  with all header fields",
		1, LIST, 0, 0, do_print_all },
	{ "Type", 1, LIST, 0, 0, do_print_all },
	{ "headers  [LIST]  list one screen of messages",
		1, LIST | ALL, 0, 0, do_headers },
	{ "z        [+|-]   the next screen, or the last",
		1, TEXT, 0, 0, do_z },
	{ "from     [LIST]  list messages", 1, LIST, 0, 0, do_from },
	{ "=                the current message's number",
		1, 0, 0, 0, do_number },
	{ "delete   [LIST]  delete messages",
		1, LIST, MAIL_DELETED, MAIL_HELD, do_delete },
	{ "dp       [LIST]  delete, show the next one",
		2, LIST, MAIL_DELETED, MAIL_HELD, do_delete_print },
	{ "dt", 2, LIST, MAIL_DELETED, MAIL_HELD, do_delete_print },
	{ "undelete [LIST]  take that back",
		1, LIST | GONE, 0, MAIL_DELETED, NULL },
	{ "reply    [LIST]  answer all who got it",
		1, LIST, 0, 0, mail_do_reply },
	{ "respond", 1, LIST, 0, 0, mail_do_reply },
	{ "Reply    [LIST]  answer the author",
		1, LIST, 0, 0, mail_do_reply_sender },
	{ "Respond", 1, LIST, 0, 0, mail_do_reply_sender },
	{ "mail     ADDRESS write a message", 1, TEXT, 0, 0, mail_do_mail },
	{ "save     [LIST] [FILE]  move messages to a file",
		1, TEXT, 0, 0, mail_do_save },
	{ "copy     [LIST] [FILE]  and keep them here, too",
		1, TEXT, 0, 0, mail_do_copy },
	{ "mbox     [LIST]  to ~/mbox on quit",
		2, LIST, MAIL_READ | MAIL_TO_MBOX, MAIL_HELD, NULL },
	{ "touch", 3, LIST, MAIL_READ, MAIL_HELD, NULL },
	{ "flag     [LIST]  mark as important; unflag",
		2, LIST, 0, 0, mail_do_flag },
	{ "unflag", 3, LIST, 0, 0, mail_do_unflag },
	{ "unread   [LIST]  mark as not read; seen",
		3, LIST, 0, MAIL_READ, mail_do_unread },
	{ "Unread", 1, LIST, 0, MAIL_READ, mail_do_unread },
	{ "new", 3, LIST, 0, MAIL_READ, mail_do_unread },
	{ "seen", 3, LIST, 0, 0, mail_do_seen },
	{ "answered [LIST]  mark as answered; unanswered",
		2, LIST, 0, 0, mail_do_answered },
	{ "unanswered", 4, LIST, 0, MAIL_ANSWERED, mail_do_unanswered },
	{ "hold     [LIST]  keep here on quit", 2, LIST, MAIL_HELD, 0, NULL },
	{ "preserve", 3, LIST, MAIL_HELD, 0, NULL },
	{ "help", 3, 0, 0, 0, do_help },
	{ "?", 1, 0, 0, 0, do_help },
	{ "quit             read messages move to ~/mbox",
		1, 0, 0, 0, do_quit },
	{ "exit             change nothing", 2, 0, 0, 0, do_exit },
	{ "xit", 1, 0, 0, 0, do_exit },
	{ NULL, 0, 0, 0, 0, NULL }
};

static int do_help(struct mail *m)
{
	const struct command *c;

	mail_term_page_begin(&m->term);
	for (c = commands; c->text; c++)
		if (strchr(c->text, ' '))
			mail_term_printf(&m->term, "%s\n", c->text);
	mail_term_printf(&m->term, "LIST: 1 1-3 . $ * + -\n");
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
	if (!n && all.n && strchr("?=+-", all.p[0]))
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

int mail_list(struct mail *m, struct span words, bool deleted)
{
	struct mail_select s = {
		.count = m->count, .dot = m->dot, .note = m->note,
		.mask = MAIL_DELETED, .want = deleted ? MAIL_DELETED : 0
	};

	return mail_select(&s, words, m->set, &m->err);
}

static void mark(struct mail *m, const struct command *c)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i]) {
			m->note[i] &= (unsigned char)~c->clear;
			m->note[i] |= c->set;
			m->dot = i;
		}
}

static int run_line(struct mail *m, struct span line)
{
	const struct command *c;
	struct span name;

	line = span_trim(line);
	name = take_name(&line);
	/* a list alone: show it; an empty line: the next one */
	c = find(name.n ? name : SPAN("next"));
	if (!c)
		return tell(m, "Unknown command: ? lists them");
	if (line.n && !c->takes)
		return tell(m, "This command takes no argument");
	m->arg = line;
	memset(m->set, 0, (size_t)m->count + 1);
	if (c->takes & LIST && (line.n || !(c->takes & ALL)) &&
	    mail_list(m, line, c->takes & GONE) < 0)
		return tell(m, m->err.text);
	if (c->set | c->clear)
		mark(m, c);
	return c->run ? c->run(m) : 0;
}

/* Tells of mail that came while the user was typing. */
static void announce(struct mail *m)
{
	unsigned had = m->count, n = m->term.tty_in ? mail_box_refresh(m) : 0;

	if (!n)
		return;
	mail_term_printf(&m->term, "New mail has arrived.\n");
	if (!m->dot)
		m->dot = had + 1;
	for (unsigned i = had + 1; i <= m->count && n <= 5; i++)
		mail_show_summary(m, i);
}

void mail_command_loop(struct mail *m)
{
	struct str line;

	str_init(&line, MAIL_LINE_MOST);
	while (!m->done) {
		enum mail_input in;

		announce(m);
		in = mail_term_line(&m->term, "? ", &line);
		if (in == MAIL_LINE) {
			run_line(m, str_span(&line));
		} else if (in == MAIL_INTERRUPT && m->term.tty_in) {
			mail_term_printf(&m->term, "\nInterrupt\n");
		} else {
			/* the end is a quit; else the mailbox stays as it was */
			if (in == MAIL_EOF && mail_box_quit(m) < 0)
				m->status = EX_TEMPFAIL;
			break;
		}
	}
	str_free(&line);
}
