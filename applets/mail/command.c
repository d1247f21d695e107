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

/* The longer help. */
#define MORE(text) USE_MAIL_HELP(text)

/*
 * Where one abbreviation fits several rows the first one wins, so the order is
 * that of POSIX.
 */
static const struct command {
	/*
	 * the name, then, after blanks, what help says; more of it after \n;
	 * without any it is another name of a row that runs the same
	 */
	const char *text __attribute__((packed, aligned(4)));
	unsigned char least;	/* letters that suffice, as POSIX brackets them */
	unsigned char takes;
	/* notes of the listed messages */
	unsigned char set, clear;
	/* no gap before it, where pointers have 64 bits */
	int (*run)(struct mail *m) __attribute__((packed, aligned(4)));
} commands[] = {
	USE_MAIL_READ(
	{ "next     [LIST]  show the next message (Enter, too; - the one before)"
		MORE("\nWith a number that one. Without: the current message, "
			"when it has not\n"
			"been shown yet, else the one after it."),
		1, LIST | ALL | ONE, 0, 0, mail_do_next },
	{ "+", 1, LIST | ALL | ONE, 0, 0, mail_do_next },
	{ "-" MORE(" show the message before the current one"),
		1, BOX | RARE, 0, 0, mail_do_previous },
	{ "print    [LIST]  show messages (Print: with all header fields)"
		MORE("\nThe header fields that are shown: see ignore and "
			"retain. A long message\n"
			"stops at each screen; the variable crt says from how many "
			"lines on."),
		1, LIST, 0, 0, mail_do_print },
	{ "type", 1, LIST, 0, 0, mail_do_print },
	{ "Print" MORE(" [LIST]  show messages with all header fields\n"
			"As print, but ignore and retain do not count."),
		1, LIST | RARE, 0, 0, mail_do_print_all },
	{ "Type", 1, LIST, 0, 0, mail_do_print_all },
	USE_MAIL_NAIL({ "page" MORE(" [LIST]  as print, through the pager however short"),
		2, LIST | RARE, 0, 0, mail_do_page },)
	USE_MAIL_NAIL({ "more", 2, LIST | RARE, 0, 0, mail_do_page },)
	USE_MAIL_NAIL({ "Page" MORE(" [LIST]  as Print, through the pager"),
		2, LIST | RARE, 0, 0, mail_do_page_all },)
	USE_MAIL_NAIL({ "More", 2, LIST | RARE, 0, 0, mail_do_page_all },)
	{ "headers  [LIST]  list one screen of messages (z, z-: the other screens)"
		MORE("\nThe screen that the message is on. Its first one "
			"becomes the current\n"
			"message. The variable screen says how many lines a screen "
			"has."),
		1, LIST | ALL | ONE, 0, 0, mail_do_headers },
	{ "z" MORE(" [+|-]  the next screen of headers, or the one before"),
		1, TEXT | BOX | RARE, 0, 0, mail_do_z },
	{ "from     [LIST]  list messages"
		MORE("\nOne line each: > the current one, then N new, U unread, "
			"R read, O old,\n"
			"* saved, P preserved, number, sender, date, size and "
			"subject."),
		1, LIST, 0, 0, mail_do_from },
	{ "size" MORE(" [LIST]  how many octets messages have"),
		2, LIST | RARE, 0, 0, mail_do_size },
	USE_MAIL_SEARCH({ "search   WORDS   list the messages that have them (sort, thread)",
		4, LIST, 0, 0, mail_do_search },)
	USE_MAIL_SORT({ "sort" MORE(" date|from|size|status|subject|thread|to  (unsort)"),
		3, TEXT | BOX | RARE, 0, 0, mail_do_sort },)
	USE_MAIL_SORT({ "unsort" MORE(" list messages in the order of their numbers"),
		4, BOX | RARE, 0, 0, mail_do_unsort },)
	USE_MAIL_SORT({ "thread" MORE(" list messages by who answers whom (unthread)"),
		2, BOX | RARE, 0, 0, mail_do_thread },)
	USE_MAIL_SORT({ "unthread", 4, BOX | RARE, 0, 0, mail_do_unsort },)
	{ "=" MORE(" the current message's number"),
		1, BOX | RARE, 0, 0, mail_do_number },
	{ "delete   [LIST]  delete messages (dp: and show the next one)"
		MORE("\nThey go when you quit; until then undelete takes it "
			"back. With the\n"
			"variable autoprint the next message is shown."),
		1, LIST, MAIL_DELETED, MAIL_HELD, mail_do_delete },
	{ "dp" MORE(" [LIST]  delete messages, show the next one"),
		2, LIST | RARE, MAIL_DELETED, MAIL_HELD, mail_do_delete_print },
	{ "dt", 2, LIST, MAIL_DELETED, MAIL_HELD, mail_do_delete_print },
	{ "undelete [LIST]  take that back"
		MORE("\nWithout a list: the next deleted message, or the last "
			"one before."),
		1, LIST | GONE, MAIL_READ, MAIL_DELETED, mail_do_undelete },
	{ "reply    [LIST]  answer all who got it (Reply: the author alone)"
		MORE("\nTo the author and all others who got it, with its "
			"subject. The variable\n"
			"flipr exchanges reply and Reply."),
		1, LIST | LATE, 0, 0, mail_do_reply },
	{ "respond", 1, LIST | LATE, 0, 0, mail_do_reply },
	{ "Reply" MORE(" [LIST]  answer the authors of messages"),
		1, LIST | LATE | RARE, 0, 0, mail_do_reply_sender },
	{ "Respond", 1, LIST | LATE, 0, 0, mail_do_reply_sender },
	{ "mail     ADDRESS write a message"
		MORE("\nEnd the text with a line of one dot or ^D; ~? lists "
			"what else a line may\n"
			"begin with. ADDRESS may be an alias."),
		1, TEXT | LATE, 0, 0, mail_do_mail },
	{ "followup" MORE(" [LIST]  reply, and keep a copy in a file with the "
			"author's name"),
		2, LIST | LATE | RARE, 0, 0, mail_do_followup },
	{ "Followup", 1, LIST | LATE, 0, 0, mail_do_followup_each },
	USE_MAIL_NAIL({ "replyall"
		MORE(" [LIST]  answer all, whatever flipr says"),
		6, LIST | LATE | RARE, 0, 0, mail_do_reply_all },)
	USE_MAIL_NAIL({ "replysender"
		MORE(" [LIST]  answer the author, whatever flipr says"),
		6, LIST | LATE | RARE, 0, 0, mail_do_reply_author },)
	USE_MAIL_NAIL({ "Lreply" MORE(" [LIST]  answer the mailing list"),
		2, LIST | LATE | RARE, 0, 0, mail_do_reply_list },)
	USE_MAIL_FORWARD({ "forward  [LIST] ADDRESS  send messages on (resend: unchanged)",
		3, TEXT | BOX | LATE, 0, 0, mail_do_forward },)
	USE_MAIL_FORWARD({ "Forward" MORE(" [LIST] ADDRESS  as forward, and keep a copy"),
		3, TEXT | BOX | LATE | RARE, 0, 0,
		mail_do_forward_record },)
	USE_MAIL_FORWARD({ "resend" MORE(" [LIST] ADDRESS  send messages on, unchanged"),
		3, TEXT | BOX | LATE | RARE, 0, 0, mail_do_resend },)
	USE_MAIL_FORWARD({ "Resend" MORE(" [LIST] ADDRESS  as resend, but nobody sees that it was"),
		3, TEXT | BOX | LATE | RARE, 0, 0,
		mail_do_resend_silent },)
	USE_MAIL_FORWARD({ "redirect", 3, TEXT | BOX | LATE, 0, 0, mail_do_resend },)
	USE_MAIL_FORWARD({ "Redirect", 3, TEXT | BOX | LATE, 0, 0,
		mail_do_resend_silent },)
	USE_MAIL_DRAFTS({ "drafts" MORE(" [NUMBER]  go on with what was cut short"),
		2, TEXT | LATE | RARE, 0, 0, mail_do_drafts },)
	{ "save     [LIST] [FILE]  move messages to a file (copy: copy them)"
		MORE("\nAppends them to a mailbox, ~/mbox when no FILE is "
			"named. +FILE is in the\n"
			"folder directory. Saved messages leave this mailbox on "
			"quit."),
		1, TEXT | BOX, 0, 0, mail_do_save },
	{ "copy" MORE(" [LIST] [FILE]  copy messages to a file\n"
			"As save, but they stay here."),
		1, TEXT | BOX | RARE, 0, 0, mail_do_copy },
	{ "Save" MORE(" [LIST]  move messages to a file with the author's name"),
		1, LIST | LATE | RARE, 0, 0, mail_do_save_author },
	{ "Copy" MORE(" [LIST]  copy messages to a file with the author's name"),
		1, LIST | LATE | RARE, 0, 0, mail_do_copy_author },
	{ "write    [LIST] FILE  write their texts alone to a file"
		MORE("\nAttachments go to files of their own beside it."),
		1, TEXT | BOX, 0, 0, mail_do_write },
	{ "top" MORE(" [LIST]  show the first lines of messages\n"
			"The variable toplines says how many."),
		2, LIST | RARE, 0, 0, mail_do_top },
	{ "pipe     [LIST] COMMAND  give them to a program (| does, too)",
		2, TEXT | BOX | LATE, 0, 0, mail_do_pipe },
	{ "|", 1, TEXT | BOX | LATE, 0, 0, mail_do_pipe },
	USE_MAIL_NAIL({ "Pipe" MORE(" [LIST] COMMAND  give them to a program as they came"),
		2, TEXT | BOX | LATE | RARE, 0, 0, mail_do_pipe_raw },)
	USE_MAIL_NAIL({ "show" MORE(" [LIST]  show messages as they came, nothing decoded"),
		3, LIST | RARE, 0, 0, mail_do_show },)
	USE_MAIL_NAIL({ "Show", 3, LIST | RARE, 0, 0, mail_do_show },)
	{ "edit" MORE(" [LIST]  read a copy of messages with EDITOR"),
		1, LIST | LATE | RARE, 0, 0, mail_do_edit },
	{ "visual" MORE(" [LIST]  read a copy of messages with VISUAL"),
		1, LIST | LATE | RARE, 0, 0, mail_do_visual },
	USE_MAIL_PARTS({ "parts    [LIST]  list what is attached",
		3, LIST, 0, 0, mail_do_parts },)
	USE_MAIL_PARTS({ "attachments", 3, LIST | RARE, 0, 0,
		mail_do_parts },)
	USE_MAIL_PARTS({ "view     PART [COMMAND]  show a part (detach: save it)",
		3, TEXT | BOX, 0, 0, mail_do_view },)
	USE_MAIL_PARTS({ "detach" MORE(" [PART] [FILE]  save attachments"),
		3, TEXT | BOX | RARE, 0, 0, mail_do_detach },)
	{ "mbox" MORE(" [LIST]  to ~/mbox on quit\n"
			"To the file that the variable MBOX names."),
		2, LIST | RARE, MAIL_TO_MBOX | MAIL_READ, MAIL_HELD, NULL },
	{ "touch" MORE(" [LIST]  as if they had been read: to ~/mbox on quit"),
		3, LIST | RARE, MAIL_TOUCHED, MAIL_HELD, NULL },
	{ "flag     [LIST]  mark as important (unflag; unread, seen)",
		2, LIST, 0, 0, mail_do_flag },
	{ "unflag", 3, LIST | RARE, 0, 0, mail_do_unflag },
	{ "unread" MORE(" [LIST]  mark as not read (seen: as read)"),
		3, LIST | RARE, 0, MAIL_READ, mail_do_unread },
	USE_MAIL_NAIL({ "Unread", 1, LIST | RARE, 0, MAIL_READ, mail_do_unread },)
	USE_MAIL_NAIL({ "new", 3, LIST | RARE, 0, MAIL_READ, mail_do_unread },)
	{ "seen", 3, LIST | RARE, MAIL_READ, 0, NULL },
	USE_MAIL_NAIL({ "answered" MORE(" [LIST]  mark as answered (unanswered)"),
		2, LIST | RARE, 0, 0, mail_do_answered },)
	USE_MAIL_NAIL({ "unanswered", 4, LIST | RARE, 0, MAIL_ANSWERED, mail_do_unanswered },)
	{ "hold     [LIST]  keep here on quit (mbox: move to ~/mbox)"
		MORE("\nThey stay in this mailbox, though they have been read "
			"or saved."),
		2, LIST | LATE, MAIL_HELD, 0, NULL },
	{ "preserve", 3, LIST | LATE, MAIL_HELD, 0, NULL },
	{ "help", 3, TEXT, 0, 0, mail_do_help },
	{ "?", 1, TEXT, 0, 0, mail_do_help },
	{ "quit             read messages move to ~/mbox"
		MORE("\nDeleted and saved messages go, what was read moves to "
			"~/mbox, if this is\n"
			"your own mailbox and the variable hold is not set; all "
			"else stays."),
		1, BOX, 0, 0, mail_do_quit },
	{ "exit             change nothing"
		MORE("\nAs if nothing had been read, deleted or saved. Files "
			"that save has\n"
			"written stay."),
		2, 0, 0, 0, mail_do_exit },
	{ "xit", 1, 0, 0, 0, mail_do_exit },
	{ "folder   [NAME]  quit this mailbox and open another (also: file)"
		MORE("\nNAME: a file or folder, +x in the folder directory, "
			"% the system's\n"
			"mailbox, %USER that of another, & ~/mbox, # the one "
			"before. Without NAME:\n"
			"what is open."),
		4, TEXT | LATE, 0, 0, mail_do_folder },
	{ "file", 2, TEXT | LATE, 0, 0, mail_do_folder },
	{ "newmail" MORE("  look for mail that has come"),
		5, BOX | RARE, 0, 0, mail_do_newmail },
	USE_MAIL_FOLDERS({ "remove" MORE(" NAME...  remove mailboxes"),
		5, TEXT | LATE | RARE, 0, 0, mail_do_remove },)
	USE_MAIL_FOLDERS({ "rename" MORE(" OLD NEW  give a mailbox another name"),
		6, TEXT | LATE | RARE, 0, 0, mail_do_rename },)
	{ "folders" MORE(" [NAME]  list the folder directory, or a part of it\n"
			"The variable folder names the directory, LISTER the "
			"program (ls)."),
		7, TEXT | RARE, 0, 0, mail_do_folders },
	{ "list" MORE("  the names of all commands"),
		1, RARE, 0, 0, mail_do_list },
	USE_MAIL_NAIL({ "version" MORE("  which program this is"),
		3, RARE, 0, 0, mail_do_version },)
	{ "shell" MORE("  a shell; exit comes back"),
		2, LATE | RARE, 0, 0, mail_do_shell },
	{ "!" MORE(" COMMAND  let the shell run it\n"
			"With the variable bang each ! in it is the command before."),
		1, TEXT | LATE | RARE, 0, 0, mail_do_command },
	)
	/* of start-up files, also where mail only sends */
	{ "alias    NAME ADDRESS...  a short name for addresses"
		MORE("\nAdds to those that NAME has. NAME alone shows them, "
			"without NAME all are\n"
			"shown. An address may be another alias."),
		1, TEXT, 0, 0, mail_do_alias },
	{ "group", 1, TEXT | RARE, 0, 0, mail_do_alias },
	{ "unalias" MORE(" NAME...  forget aliases"),
		3, TEXT | RARE, 0, 0, mail_do_unalias },
	{ "ungroup", 3, TEXT | RARE, 0, 0, mail_do_unalias },
	{ "alternates" MORE(" NAME...  other names and addresses that are yours, too\n"
			"Replies leave them out, unless the variable metoo is set."),
		3, TEXT | RARE, 0, 0, mail_do_alternates },
	{ "cd" MORE(" [DIRECTORY]  change to it, or to the home directory"),
		2, TEXT | RARE, 0, 0, mail_do_cd },
	{ "chdir", 2, TEXT | RARE, 0, 0, mail_do_cd },
	{ "discard" MORE(" [FIELD...]  do not show these header fields\n"
			"Without FIELD: which these are. retain counts more."),
		2, TEXT | RARE, 0, 0, mail_do_ignore },
	{ "ignore", 2, TEXT | RARE, 0, 0, mail_do_ignore },
	{ "retain" MORE(" [FIELD...]  show these header fields, and no others"),
		3, TEXT | RARE, 0, 0, mail_do_retain },
	USE_MAIL_NAIL({ "unignore" MORE(" FIELD...  show them again; * for all"),
		3, TEXT | RARE, 0, 0, mail_do_unignore },)
	USE_MAIL_NAIL({ "unretain" MORE(" FIELD...  the opposite of retain; * for all"),
		3, TEXT | RARE, 0, 0, mail_do_unretain },)
	USE_MAIL_FORWARD({ "fwdignore" MORE(" [FIELD...]  leave these header fields out of what is "
			"forwarded"),
		4, TEXT | RARE, 0, 0, mail_do_fwdignore },)
	USE_MAIL_FORWARD({ "fwdretain" MORE(" [FIELD...]  forward these header fields, and no others"),
		4, TEXT | RARE, 0, 0, mail_do_fwdretain },)
	USE_MAIL_ACCOUNT({ "account" MORE(" [NAME]  run the commands that NAME stands for\n"
			"account NAME { begins them, a line with } ends them. "
			"Without NAME: a list."),
		2, TEXT | RARE, 0, 0,
		mail_do_account },)
	{ "echo" MORE(" TEXT...  show it"),
		2, TEXT | RARE, 0, 0, mail_do_echo },
	{ "set      [NAME[=VALUE]...]  give variables values, or show them"
		MORE("\nset noNAME is the same as unset NAME."),
		2, TEXT, 0, 0, mail_do_set },
	{ "unset" MORE(" NAME...  forget variables"),
		3, TEXT | RARE, 0, 0, mail_do_unset },
	{ "source" MORE(" FILE  run the commands in a file"),
		2, TEXT | RARE, 0, 0, mail_do_source },
	{ "if" MORE(" s|r|t  run what follows only when sending, reading, on a "
			"terminal\n"
			"else begins the other case, endif ends it."),
		1, TEXT | RARE, 0, 0, mail_do_if },
	{ "else" MORE("  see if"),
		2, RARE, 0, 0, mail_do_else },
	{ "endif" MORE("  see if"),
		2, RARE, 0, 0, mail_do_endif },
	{ "#" MORE("  what follows is for the reader"),
		1, TEXT | RARE, 0, 0, mail_do_comment },
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

const char *mail_command_find(struct span name, const char **help)
{
	const struct command *c = find(name), *same = commands;

	*help = c ? c->text : NULL;
	if (c && !strchr(c->text, ' ')) {
		while (same->text && (same->run != c->run ||
		    same->set != c->set || !strchr(same->text, ' ')))
			same++;
		*help = same->text;
	}
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
