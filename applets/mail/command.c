/* The commands of mail as one table, and what is asked about its rows. */
#include "mail/command_private.h"

#include <string.h>
#include "config.h"
#include "mail/drafts.h"

/* The longer help. */
#define MORE(text) USE_MAIL_HELP(text)

/*
 * Where one abbreviation fits several rows the first one wins, so the order is
 * that of POSIX.
 */
static const struct command commands[] = {
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
	USE_MAIL_NAIL({ "shortcut" MORE(" [NAME FILE]...  short names for mailboxes"),
		5, TEXT | RARE, 0, 0, mail_do_shortcut },)
	USE_MAIL_NAIL({ "unshortcut" MORE(" NAME...  forget such names"),
		5, TEXT | RARE, 0, 0, mail_do_unshortcut },)
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
	USE_MAIL_NAIL({ "elif" MORE(" CONDITION  the other case, under one of its own"),
		3, TEXT | RARE, 0, 0, mail_do_elif },)
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

const struct command *mail_command_row(struct span name)
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
	const struct command *c = mail_command_row(name), *same = commands;

	*help = c ? c->text : NULL;
	if (c && !strchr(c->text, ' ')) {
		while (same->text && (same->run != c->run ||
		    same->set != c->set || !strchr(same->text, ' ')))
			same++;
		*help = same->text;
	}
	return c ? c->text : NULL;
}
