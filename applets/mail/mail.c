/* mail - the mail program on a terminal, and `mail -s subject someone` in scripts
 *
 * POSIX mailx (IEEE 1003.1), RFC 5322, RFC 2045 to 2047.
 *
 * applet mail tool
 * applet mailx tool
 * file account.c MAIL_ACCOUNT
 * file args.c MAIL_RC
 * file attach.c MAIL_ATTACH
 * file attach_write.c MAIL_ATTACH
 * file author.c MAIL_READ
 * file command.c MAIL_RC
 * file command_run.c MAIL_RC
 * file complete.c MAIL_EDIT
 * file condition.c MAIL_NAIL
 * file criteria.c MAIL_SEARCH
 * file day.c MAIL_SEARCH
 * file detach.c MAIL_PARTS
 * file drafts.c MAIL_DRAFTS
 * file edit.c MAIL_EDIT
 * file edit_draw.c MAIL_EDIT
 * file escape.c MAIL_READ
 * file escape_do.c MAIL_READ
 * file escape_run.c MAIL_READ
 * file forward.c MAIL_FORWARD
 * file help.c MAIL_RC
 * file parts.c MAIL_PARTS
 * file path_system.c MAIL_READ
 * file quote.c MAIL_READ
 * file rc.c MAIL_RC
 * file read_mode.c MAIL_READ
 * file record.c MAIL_READ
 * file remove.c MAIL_FOLDERS
 * file reply.c MAIL_READ
 * file set.c MAIL_RC
 * file shell.c MAIL_RC
 * file shortcut.c MAIL_NAIL
 * file sort.c MAIL_SORT
 * file term_edit.c MAIL_EDIT
 * file thread.c MAIL_SORT
 *
 * config MAIL
 *	bool "mail (69 kB)"
 *	default y
 *	select LIB_ZLIB
 *	help
 *	  usage: mail [-Ei] [-s SUBJECT] [-c CC] [-b BCC] [-r FROM] [-a WHAT]
 *	              ADDRESS...
 *
 *	  Sends the text of standard input.
 *
 *	  -s SUBJECT  -c CC  -b BCC  -r FROM
 *	  -a WHAT     "Name: value": a header field; with MAIL_ATTACH a file
 *	  -E          do not send an empty text
 *	  -i          ignore ^C
 *
 *	  With MAIL_RC:
 *
 *	  -t          the text begins with its header: To, Cc, Bcc, Subject
 *	  -S VAR=X    set a variable
 *	  -n          do not read the system's start-up file
 *
 *	  With MAIL_READ:
 *
 *	  mail [-eHNR] [-L LIST] [-u USER]
 *	  mail [-eHNR] [-L LIST] -f [FILE]
 *	  reads mail: ? lists the commands.
 *
 *	  -f          read a mailbox: FILE, +FOLDER, or ~/mbox
 *	  -u USER     read the mail of USER, or of alice@a.com
 *	  -e          only tell by the exit status if there is mail
 *	  -H          only list the messages
 *	  -L LIST     only list these: ":n" new ones, "bob" those of bob
 *	  -N          do not list them at the start
 *	  -R          change nothing in the mailbox
 *
 *	  With MAILCONF_SETUP:
 *
 *	  --setup     set this machine up for mail
 *
 * config MAIL_RC
 *	depends on MAIL
 *	bool "start-up files, variables, aliases (11 kB)"
 *	default y
 *	help
 *	  ~/.mailrc and /etc/mail.rc (mail-rc), also where mail only sends.
 *
 * config MAIL_ACCOUNT
 *	depends on MAIL_RC
 *	bool "accounts: sets of variables by name (1 kB)"
 *	default n
 *	help
 *	  account work { ... } in a start-up file, and mail -A work.
 *
 * config MAIL_HELP
 *	depends on MAIL_READ
 *	bool "mail: help COMMAND explains each of them (4 kB)"
 *	default n
 *	help
 *	  Without it help COMMAND says what ? says.
 *
 * config MAIL_READ
 *	depends on MAIL
 *	select MAIL_RC
 *	bool "mail reads, too (41 kB)"
 *	default y
 *	help
 *	  Without it mail only sends, as scripts and cron need it:
 *	  mail [-s SUBJECT] [-c CC] [-b BCC] [-r FROM] ADDRESS...
 *
 * config MAIL_HEADLINE
 *	depends on MAIL_READ
 *	bool "mail: format of the lines of lists (1 kB)"
 *	default n
 *	help
 *	  The variables headline, datefield and showname.
 *
 * config MAIL_SEARCH
 *	depends on MAIL_READ
 *	bool "mail searches for words, days, sizes and in bodies (6 kB)"
 *	default n
 *	help
 *	  The command search, and message lists as in
 *	  delete from bob subject disk since monday. Without it letters
 *	  other than those of ASCII are found in their own case alone.
 *
 * config MAIL_SORT
 *	depends on MAIL_READ
 *	bool "mail sorts, and shows threads (4 kB)"
 *	default n
 *	help
 *	  The commands sort, thread, unsort, and the variable autosort.
 *
 * config MAIL_PARTS
 *	depends on MAIL_READ
 *	bool "attachments: list, view, save (6 kB)"
 *	help
 *	  The commands parts, view and detach; and write saves the attachments
 *	  of a message, too. Signatures and the like have words for names.
 *
 * config MAIL_FLOWED
 *	depends on MAIL_READ
 *	bool "Paragraphs that fit the screen (1 kB)"
 *	help
 *	  Lines of format=flowed (RFC 3676) are joined to the screen's width,
 *	  long header fields are folded to it; without it they are shown as
 *	  they are.
 *
 * config MAIL_ATTACH
 *	depends on MAIL
 *	bool "mail attaches files (6 kB)"
 *	default n
 *	help
 *	  mail -a FILE, and the escape ~@ FILE.
 *
 * config MAIL_FORWARD
 *	depends on MAIL_READ
 *	bool "mail: forward, resend (2 kB)"
 *	default n
 *	help
 *	  Sends messages on: quoted, attached (with MAIL_ATTACH), or as they are.
 *
 * config MAIL_DRAFTS
 *	depends on MAIL_READ
 *	bool "mail: what is being written survives a power cut (2 kB)"
 *	default n
 *	help
 *	  On a terminal the message is a file in the home folder while it is
 *	  being written: after kill -9 or a power cut ~d or drafts goes on.
 *
 * config MAIL_FOLDERS
 *	depends on MAIL_READ
 *	bool "The commands remove and rename (2 kB)"
 *	default n
 *	help
 *	  Remove mailboxes, mbox or Maildir, and give them other names.
 *
 * config MAIL_NAIL
 *	depends on MAIL_READ
 *	bool "mail: more of what s-nail has (6 kB)"
 *	default n
 *	help
 *	  -M TYPE  the type of the text: text/html
 *	  -q FILE  the text begins with it
 *	  -C "NAME: VALUE"  a header field
 *	  -~       ~ escapes in a script's text, too
 *
 *	  The variables quote, sendmail, signature, autosign, editheaders,
 *	  askatend, reply-to; the escapes ~u and ~U; the commands page, more,
 *	  show, Pipe, new, answered, unanswered, unignore, unretain, version,
 *	  Lreply, replyall, replysender and shortcut; what if and elif ask.
 *	  In POSIX' terms none of it has to be there.
 *
 * config MAIL_HTML
 *	depends on MAIL_READ
 *	bool "HTML as readable text (12 kB)"
 *	help
 *	  Mail that has no plain text is shown as text: paragraphs, lists,
 *	  links. Without it such a part is only named.
 *
 * config MAIL_CALENDAR
 *	depends on MAIL_READ
 *	bool "Invitations, and names in winmail.dat (4 kB)"
 *	help
 *	  What a calendar part (RFC 5545) is about: when, where, by whom; and
 *	  the names of the files that Outlook packs into winmail.dat.
 *
 * config MAIL_LATIN
 *	depends on MAIL
 *	bool "Letters on terminals without UTF-8 (2 kB)"
 *	default n
 *	help
 *	  Terminals of ISO-8859-1 and -15, as the locale or the variable
 *	  ttycharset says, show their letters, and what a terminal lacks is
 *	  shown as what looks like it: e for e with an accent, ASCII quotes
 *	  for typographic ones. Without it, a question mark.
 *
 * config MAIL_EDIT
 *	depends on MAIL_READ
 *	bool "Line editing, history, completion (11 kB)"
 *	default n
 *	help
 *	  On terminals that obey ANSI sequences lines can be edited with the
 *	  cursor keys and those of Emacs, lines typed before come back, and
 *	  TAB completes commands, variables, files, folders and addresses.
 *	  The pager goes back and searches, too.
 *	  Without it, and on others, the kernel's line discipline does what
 *	  it can.
 */
#include "applet.h"
#include "config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/command.h"
#include "mail/options.h"
#include "mail/rc.h"
#include "mail/var.h"
#include "os/proc.h"

int mail_failed(struct mail *m)
{
	mail_term_error(&m->term, "mail: %s", m->err.text);
	return -1;
}

int mail_wrong(struct mail *m, const char *text)
{
	return err_set(&m->err, ERR_PERM, "%s", text);
}

int mail_errno(struct mail *m, const char *what)
{
	return err_errno(&m->err, "%s", what);
}

/* Applets never include each other: it becomes the other one. */
static int set_up(void)
{
	char *argv[] = { (char[]){ "mailconf" }, (char[]){ "--setup" }, NULL };

	execv(proc_self("/proc/self/exe"), argv);
	perror("mail: mailconf --setup");
	return EX_OSERR;
}

/* -S counts more than the start-up files, and is there before them. */
static int set_all(struct mail *m, const struct mail_options *o)
{
	for (int i = 0; i < o->set.n; i++)
		if (mail_set(m, span_of(o->set.v[i])) < 0)
			return mail_failed(m);
	return 0;
}

static int start(struct mail *m, const struct mail_options *o)
{
	mail_rc_defaults(m, o->bare);
	if (o->verbose)
		mail_var_set(m, SPAN("verbose"), SPAN(""));
	if (o->read_only)
		mail_var_set(m, SPAN("readonly"), SPAN(""));
	if (o->debug)
		mail_var_set(m, SPAN("debug"), SPAN(""));
	if (set_all(m, o) < 0)
		return -1;
	mail_rc_start(m, o->bare);
	for (int i = 0; CFG_MAIL_ACCOUNT && i < o->account.n; i++)
		if (!mail_options_file(m, o->account.v[i]) &&
		    mail_account(m, span_of(o->account.v[i])) < 0)
			return -1;
	return set_all(m, o);
}

/* What the options ask for; the exit status. */
static int session(struct mail *m, struct mail_options *o, char **argv, int n)
{
	bool reads = CFG_MAIL_READ && (o->file || o->user || o->exists ||
			o->headers || o->list ||
			(!n && !mail_options_write(o)));

	if (mail_term_init(&m->term, o->ignore) < 0) {
		mail_errno(m, "signals");
		mail_failed(m);
		return EX_OSERR;
	}
	m->term.mail = m;
	if (!reads && n)
		n = mail_options_behind(m, o, argv, n);
	if (n < 0) {
		mail_failed(m);
		return EX_USAGE;
	}
	if (reads ? n > o->file : !n && !mail_options_write(o))
		usage_fail("mail");
	umask(077);	/* mail is private: mbox, dead.letter, what is saved */
	m->conf = conf_read_or_exit(NULL);
	mail_user_find(m);
	m->sending = !reads;
	if (CFG_MAIL_RC && start(m, o) < 0)
		return EX_USAGE;
	return CFG_MAIL_READ && reads ? mail_read_mode(m, o, argv[0]) :
			mail_send_mode(m, o, argv, n);
}

int mail_main(int argc, char **argv)
{
	struct mail_options o = { .file = false };
	struct mail m = { .status = 0 };
	int at = mail_options_parse(argc, argv, &o), status;

	if (CFG_MAILCONF_SETUP && o.setup)
		return set_up();
	status = session(&m, &o, argv + at, argc - at);
	conf_free(m.conf);
	mail_term_free(&m.term);
	mail_var_free(&m);
	if ((fflush(stdout) == EOF || ferror(stdout)) && !status)
		status = EX_IOERR;
	return status;
}
