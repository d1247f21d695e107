#include "mail/command.h"

#include <string.h>
#include <sysexits.h>
#include "config.h"
#include "mail/box.h"
#include "mail/drafts.h"
#include "mail/order.h"
#include "mail/rc.h"
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
	USE_MAIL_SEARCH({ "search   WORDS   list the messages that have them",
		4, LIST, 0, 0, mail_do_search },)
	USE_MAIL_SORT({ "sort     [date|from|size|status|subject|thread|to]",
		2, TEXT | BOX | RARE, 0, 0, mail_do_sort },)
	USE_MAIL_SORT({ "unsort           in the order of their numbers",
		4, BOX | RARE, 0, 0, mail_do_unsort },)
	USE_MAIL_SORT({ "thread           list them by who answers whom",
		2, BOX, 0, 0, mail_do_thread },)
	USE_MAIL_SORT({ "unthread", 4, BOX | RARE, 0, 0, mail_do_unsort },)
	{ "newmail          look for new mail",
		4, BOX | RARE, 0, 0, mail_do_newmail },
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
	{ "followup [LIST]  reply, and keep a copy by the author's name",
		2, LIST | LATE, 0, 0, mail_do_followup },
	{ "Followup", 1, LIST | LATE, 0, 0, mail_do_followup_each },
	{ "replyall", 6, LIST | LATE, 0, 0, mail_do_reply_all },
	{ "replysender", 6, LIST | LATE, 0, 0, mail_do_reply_author },
	{ "Lreply   [LIST]  answer the mailing list",
		2, LIST | LATE, 0, 0, mail_do_reply_list },
	USE_MAIL_FORWARD({ "forward  [LIST] ADDRESS  send messages on",
		3, TEXT | BOX | LATE, 0, 0, mail_do_forward },)
	USE_MAIL_FORWARD({ "Forward", 3, TEXT | BOX | LATE, 0, 0,
		mail_do_forward_record },)
	USE_MAIL_FORWARD({ "resend   [LIST] ADDRESS  the same, unchanged",
		3, TEXT | BOX | LATE, 0, 0, mail_do_resend },)
	USE_MAIL_FORWARD({ "Resend", 3, TEXT | BOX | LATE, 0, 0,
		mail_do_resend_silent },)
	USE_MAIL_FORWARD({ "redirect", 3, TEXT | BOX | LATE, 0, 0, mail_do_resend },)
	USE_MAIL_FORWARD({ "Redirect", 3, TEXT | BOX | LATE, 0, 0,
		mail_do_resend_silent },)
	USE_MAIL_DRAFTS({ "drafts   [NUMBER]  go on with what was cut short",
		2, TEXT | LATE, 0, 0, mail_do_drafts },)
	{ "save     [LIST] [FILE]  move messages to a file",
		1, TEXT | BOX, 0, 0, mail_do_save },
	{ "copy     [LIST] [FILE]  and keep them here, too",
		1, TEXT | BOX, 0, 0, mail_do_copy },
	{ "mbox     [LIST]  to ~/mbox on quit",
		2, LIST, MAIL_READ, MAIL_HELD, NULL },
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
		2, LIST | LATE, MAIL_HELD, 0, NULL },
	{ "preserve", 3, LIST | LATE, MAIL_HELD, 0, NULL },
	{ "help", 3, TEXT, 0, 0, mail_do_help },
	{ "?", 1, TEXT, 0, 0, mail_do_help },
	{ "quit             read messages move to ~/mbox",
		1, BOX, 0, 0, mail_do_quit },
	{ "exit             change nothing", 2, 0, 0, 0, mail_do_exit },
	{ "xit", 1, 0, 0, 0, mail_do_exit },
	{ "alias", 1, TEXT | RARE, 0, 0, mail_do_alias },
	{ "group", 1, TEXT | RARE, 0, 0, mail_do_alias },
	{ "unalias", 3, TEXT | RARE, 0, 0, mail_do_unalias },
	{ "ungroup", 3, TEXT | RARE, 0, 0, mail_do_unalias },
	{ "alternates", 3, TEXT | RARE, 0, 0, mail_do_alternates },
	{ "cd", 2, TEXT | RARE, 0, 0, mail_do_cd },
	{ "chdir", 2, TEXT | RARE, 0, 0, mail_do_cd },
	{ "discard", 2, TEXT | RARE, 0, 0, mail_do_ignore },
	{ "ignore", 2, TEXT | RARE, 0, 0, mail_do_ignore },
	{ "retain", 3, TEXT | RARE, 0, 0, mail_do_retain },
	{ "unignore", 3, TEXT | RARE, 0, 0, mail_do_unignore },
	{ "unretain", 3, TEXT | RARE, 0, 0, mail_do_unretain },
	{ "fwdignore", 4, TEXT | RARE, 0, 0, mail_do_fwdignore },
	{ "fwdretain", 4, TEXT | RARE, 0, 0, mail_do_fwdretain },
	USE_MAIL_ACCOUNT({ "account", 2, TEXT | RARE, 0, 0,
		mail_do_account },)
	{ "echo", 2, TEXT | RARE, 0, 0, mail_do_echo },
	{ "folders", 7, TEXT | RARE, 0, 0, mail_do_folders },
	{ "list", 1, RARE, 0, 0, mail_do_list },
	{ "version", 3, RARE, 0, 0, mail_do_version },
	{ "shell", 2, LATE | RARE, 0, 0, mail_do_shell },
	{ "!", 1, TEXT | LATE | RARE, 0, 0, mail_do_command },
	{ "set", 2, TEXT | RARE, 0, 0, mail_do_set },
	{ "unset", 3, TEXT | RARE, 0, 0, mail_do_unset },
	{ "source", 2, TEXT | RARE, 0, 0, mail_do_source },
	{ "if", 1, TEXT | RARE, 0, 0, mail_do_if },
	{ "else", 2, RARE, 0, 0, mail_do_else },
	{ "endif", 2, RARE, 0, 0, mail_do_endif },
	{ "#", 1, TEXT | RARE, 0, 0, mail_do_comment },
	{ NULL, 0, 0, 0, 0, NULL }
};

struct span mail_command_name(const char *text)
{
	struct span rest = span_of(text);

	return span_word(&rest);
}

int mail_do_comment(struct mail *m)
{
	(void)m;
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
	for (const struct command *c = commands; c->text; c++)
		if (name.n >= c->least &&
		    span_eq(span_sub(mail_command_name(c->text), 0, name.n),
				name))
			return c;
	return NULL;
}

const char *mail_command_text(unsigned n)
{
	return commands[n].text;
}

bool mail_command_is_rare(unsigned n)
{
	return commands[n].takes & RARE;
}

const char *mail_command_find(struct span name)
{
	const struct command *c = find(name);

	return c ? c->text : NULL;
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
	int rc;

	if (check(m, c, rest) < 0)
		return -1;
	m->arg = rest;
	if (c->takes & LIST) {
		memset(m->set, 0, (size_t)m->count + 1);
		if ((rest.n || !(c->takes & ALL)) &&
		    mail_list(m, rest, which(c)) < 0)
			return mail_tell(m, m->err.text);
		mark(m, c);
	}
	rc = c->run ? c->run(m) : 0;
	if (m->dot != dot)
		m->before = dot;
	return rc;
}

static bool is_condition(const struct command *c)
{
	return c && (c->run == mail_do_if || c->run == mail_do_else ||
			c->run == mail_do_endif);
}

int mail_command_run(struct mail *m, struct span line)
{
	struct span name = take_name(&line);
	/* a list alone: show it; an empty line: the next one */
	const struct command *c = find(name.n ? name : SPAN("next"));

	if (mail_rc_skips(m) && !is_condition(c))
		return 0;
	if (!c)
		return mail_help_unknown(m, name);
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

		/* what came while the user was typing */
		if (m->term.tty_in && m->box)
			mail_do_newmail(m);
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
