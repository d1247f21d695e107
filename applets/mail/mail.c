/* mail - the mail program on a terminal, and `mail -s subject someone` in scripts
 *
 * POSIX mailx (IEEE 1003.1), RFC 5322, RFC 2045 to 2047.
 *
 * applet mail tool
 * applet mailx tool
 * file attach.c MAIL_ATTACH
 * file drafts.c MAIL_DRAFTS
 * file escape.c MAIL_READ
 * file forward.c MAIL_FORWARD
 * file quote.c MAIL_READ
 * file record.c MAIL_READ
 * file reply.c MAIL_READ
 *
 * config MAIL
 *	bool "mail (33 kB)"
 *	default y
 *	select LIB_ZLIB
 *	help
 *	  usage: mail [-Eit] [-s SUBJECT] [-c CC] [-b BCC] [-r FROM] [-a WHAT]
 *	              ADDRESS...
 *	         mail [-eHNR] [-L LIST] [-u USER]
 *	         mail [-eHNR] [-L LIST] -f [FILE]
 *
 *	  Sends the text of standard input, or reads mail: ? lists the commands.
 *
 *	  -s SUBJECT  -c CC  -b BCC  -r FROM
 *	  -a WHAT     "Name: value": a header field; with MAIL_ATTACH a file
 *	  -E          do not send an empty text
 *	  -t          the text begins with its header: To, Cc, Bcc, Subject
 *	  -f          read a mailbox: FILE, +FOLDER, or ~/mbox
 *	  -u USER     read the mail of USER, or of alice@a.com
 *	  -e          only tell by the exit status if there is mail
 *	  -H          only list the messages
 *	  -L LIST     only list these: ":n" new ones, "bob" those of bob
 *	  -N          do not list them at the start
 *	  -R          change nothing in the mailbox
 *	  -S VAR=X    set a variable
 *	  -i          ignore ^C
 *	  --setup     set this machine up for mail (where built in)
 *	  -n          do not read the system's start-up file
 *
 * file account.c MAIL_ACCOUNT
 * file args.c MAIL_RC
 * file author.c MAIL_READ
 * file help.c MAIL_RC
 * file shell.c MAIL_RC
 * file command.c MAIL_RC
 * file rc.c MAIL_RC
 * file set.c MAIL_RC
 * file criteria.c MAIL_SEARCH
 * file sort.c MAIL_SORT
 * file thread.c MAIL_SORT
 * file edit.c MAIL_EDIT
 * file edit_draw.c MAIL_EDIT
 * file term_edit.c MAIL_EDIT
 * file complete.c MAIL_EDIT
 * file remove.c MAIL_FOLDERS
 * file parts.c MAIL_PARTS
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
 *	bool "mail reads, too (17 kB)"
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
 *	  delete from bob subject disk since monday.
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
 *	bool "attachments: list, view, save (5 kB)"
 *	help
 *	  The commands parts, view and detach; and write saves the attachments
 *	  of a message, too.
 *
 * config MAIL_FLOWED
 *	depends on MAIL_READ
 *	bool "Paragraphs that fit the screen (1 kB)"
 *	help
 *	  Lines of format=flowed (RFC 3676) are joined to the screen's width;
 *	  without it they are shown as they are.
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
 * config MAIL_FOLDERS
 *	depends on MAIL_READ
 *	bool "The commands remove and rename (2 kB)"
 *	default n
 *	help
 *	  Remove mailboxes, mbox or Maildir, and give them other names.
 *
 * config MAIL_NAIL
 *	depends on MAIL_READ
 *	bool "mail: more of s-nail's ways to write (2 kB)"
 *	default n
 *	help
 *	  -M TYPE  the type of the text: text/html
 *	  -q FILE  the text begins with it
 *	  -C "NAME: VALUE"  a header field
 *	  -~       ~ escapes in a script's text, too
 *	  The commands page and more.
 *
 *	  The variables sendmail, signature, autosign, editheaders, askatend,
 *	  reply-to; the escapes ~u and ~U; the commands Lreply, replyall and
 *	  replysender; in POSIX' terms none of it has to be there.
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

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/idna.h"
#include "mail/attach.h"
#include "mail/box.h"
#include "mail/command.h"
#include "mail/drafts.h"
#include "mail/mail.h"
#include "mail/order.h"
#include "mail/record.h"
#include "mail/rc.h"
#include "mail/send.h"
#include "mail/show.h"
#include "mail/var.h"
#include "os/opt.h"
#include "os/priv.h"
#include "os/proc.h"
#include "os/text.h"

#define NO_MAIL 1		/* exit status, as POSIX has it for -e */

struct options {
	const char *subject, *from, *user, *list;
	const char *type, *quoted;
	struct opt_list cc, bcc, more, fields, set, account;
	bool file, exists, headers, no_headers, ignore, bare, setup;
	bool template, skip_empty, record, escapes, debug;
	bool read_only, verbose;
};

/* Behind an address these are sendmail's, as scripts for bsd-mailx have it. */
#define OF_SENDMAIL 3

static const struct opt_row all_rows[] = {
	{ 'f', "", OPT_TEXT, OPT_AT(struct options, from) },
	{ 'F', "", OPT_IGNORE_ARG, 0 },
	{ 'o', "", OPT_IGNORE_ARG, 0 },
	{ 's', "subject", OPT_TEXT, OPT_AT(struct options, subject) },
	{ 'c', "cc", OPT_LIST, OPT_AT(struct options, cc) },
	{ 'b', "bcc", OPT_LIST, OPT_AT(struct options, bcc) },
	{ 'r', "from", OPT_TEXT, OPT_AT(struct options, from) },
	{ 'a', "attach", OPT_LIST, OPT_AT(struct options, more) },
	USE_MAIL_NAIL({ 'C', "header", OPT_LIST,
		OPT_AT(struct options, fields) },)
	{ 'E', "", OPT_FLAG, OPT_AT(struct options, skip_empty) },
	USE_MAIL_NAIL({ 'M', "type", OPT_TEXT,
		OPT_AT(struct options, type) },)
	USE_MAIL_NAIL({ 'q', "quote-file", OPT_TEXT,
		OPT_AT(struct options, quoted) },)
	{ 't', "template", OPT_FLAG, OPT_AT(struct options, template) },
	USE_MAIL_READ({ 'F', "record", OPT_FLAG,
		OPT_AT(struct options, record) },)
	USE_MAIL_NAIL({ '~', "escapes", OPT_FLAG,
		OPT_AT(struct options, escapes) },)
	USE_MAIL_NAIL({ 'I', "", OPT_FLAG, OPT_AT(struct options, escapes) },)
	/* what other mailx have, and what is so here in any case */
	USE_MAIL_NAIL({ 0, "append", OPT_LIST, OPT_AT(struct options, more) },)
	USE_MAIL_NAIL({ 0, "content-type", OPT_TEXT,
		OPT_AT(struct options, type) },)
	USE_MAIL_NAIL({ 'B', "", OPT_IGNORE, 0 },)
	USE_MAIL_NAIL({ 'D', "", OPT_IGNORE, 0 },)
	USE_MAIL_NAIL({ 'h', "", OPT_IGNORE_ARG, 0 },)
	USE_MAIL_READ({ 'd', "debug", OPT_FLAG,
		OPT_AT(struct options, debug) },)
	USE_MAIL_READ({ 'f', "file", OPT_FLAG,
		OPT_AT(struct options, file) },)
	USE_MAIL_READ({ 'u', "user", OPT_TEXT,
		OPT_AT(struct options, user) },)
	USE_MAIL_READ({ 'e', "check", OPT_FLAG,
		OPT_AT(struct options, exists) },)
	USE_MAIL_READ({ 'H', "headers", OPT_FLAG,
		OPT_AT(struct options, headers) },)
	USE_MAIL_READ({ 'N', "no-headers", OPT_FLAG,
		OPT_AT(struct options, no_headers) },)
	USE_MAIL_READ({ 'L', "list", OPT_TEXT,
		OPT_AT(struct options, list) },)
	USE_MAIL_READ({ 'R', "read-only", OPT_FLAG,
		OPT_AT(struct options, read_only) },)
	USE_MAIL_ACCOUNT({ 'A', "account", OPT_LIST,
		OPT_AT(struct options, account) },)
	USE_MAIL_ATTACH({ 'A', "", OPT_LIST, OPT_AT(struct options, more) },)
	USE_MAIL_RC({ 'S', "set", OPT_LIST, OPT_AT(struct options, set) },)
	{ 'v', "verbose", OPT_FLAG, OPT_AT(struct options, verbose) },
	{ 'i', "ignore", OPT_FLAG, OPT_AT(struct options, ignore) },
	USE_MAILCONF_SETUP({ 0, "setup", OPT_FLAG,
		OPT_AT(struct options, setup) },)
	{ 'n', "no-start-up", OPT_FLAG, OPT_AT(struct options, bare) },
	{ 0 }
};

int mail_failed(struct mail *m)
{
	mail_term_error(&m->term, "mail: %s", m->err.text);
	return -1;
}

/* ---- who the user is */

static void set_address(struct mail *m)
{
	const char *domain = m->conf->domains ? m->conf->domains->text :
			m->conf->hostname;
	int n = snprintf(m->address, sizeof(m->address), "%s%s%s", m->login,
			strchr(m->login, '@') ? "" : "@",
			strchr(m->login, '@') ? "" : domain);

	if (n < 0 || (size_t)n >= sizeof(m->address))
		m->address[0] = '\0';
}

static void find_user(struct mail *m)
{
	const char *home = getenv("HOME");
	struct priv_user user;
	struct span name;

	if (priv_find_uid(getuid(), &user, NULL) < 0) {
		user = (struct priv_user){ .home = "/" };
		snprintf(user.name, sizeof(user.name), "uid%u", getuid());
	}
	str_copys(m->login, sizeof(m->login), user.name);
	name = span_of(user.full_name);
	/* the log-in name again says nothing */
	if (!span_has_control(name) && !span_eq(name, span_of(m->login)))
		str_copy(m->name, sizeof(m->name), span_trim(name));
	if (!home || !*home)
		home = user.home;
	str_copys(m->home, sizeof(m->home), home);
	set_address(m);
}

/* ---- which mailbox */

/* A mailbox of the system's: one name, no path, in dir. */
static int box_path(struct mail *m, const char *dir, struct span name,
		char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%.*s", dir, SPAN_ARG(name));

	return name.n && name.p[0] != '.' && !span_has(name, '/') &&
			n > 0 && n < PATH_MAX ? 0 :
			err_set(&m->err, ERR_PERM, "%s", T("no such user"));
}

/* local@domain of ours, when there is a Maildir: that of a virtual user. */
static bool is_virtual(struct mail *m, struct span local, const char *domain,
		char path[PATH_MAX])
{
	char dir[PATH_MAX];
	struct stat st;
	int n = snprintf(dir, sizeof(dir), "%s/%s", m->conf->mail_dir, domain);

	if (n >= PATH_MAX || box_path(m, dir, local, path) < 0 ||
	    stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	snprintf(m->login, sizeof(m->login), "%.*s@%s", SPAN_ARG(local),
			domain);
	m->name[0] = '\0';
	return true;
}

/* As authd looks users up: virtual ones first, then those of the system. */
static int find_box(struct mail *m, const char *user, char path[PATH_MAX])
{
	struct span domain = span_of(user), local = span_cut(&domain, '@');
	struct conf_word *w = m->conf->domains;
	struct priv_user found;

	while (w && !((!domain.n || idna_same(domain, span_of(w->text))) &&
			is_virtual(m, local, w->text, path)))
		w = w->next;
	if (!w && ((domain.n && !conf_is_local(m->conf, domain)) ||
	    box_path(m, m->conf->mbox_dir, local, path) < 0 ||
	    str_copy(m->login, sizeof(m->login), local) < 0 ||
	    priv_find(m->login, &found, NULL) < 0))
		return err_set(&m->err, ERR_PERM, T("%s: no such user"), user);
	set_address(m);
	return 0;
}

/* ---- sending */

static int add_addresses(struct mail *m, struct str *list,
		const char *const *v, int n)
{
	for (int i = 0; i < n; i++) {
		if (span_has_control(span_of(v[i])))
			return -1;
		mail_draft_typed(m, list, span_of(v[i]));
	}
	return 0;
}

static int fill_draft(struct mail *m, struct mail_draft *d,
		const struct options *o, char **addresses, int n)
{
	if (span_has_control(span_of(o->subject)) ||
	    span_has_control(span_of(o->from)) ||
	    span_has_control(span_of(o->type)) ||
	    add_addresses(m, &d->field[MAIL_CC], o->cc.v, o->cc.n) < 0 ||
	    add_addresses(m, &d->field[MAIL_BCC], o->bcc.v, o->bcc.n) < 0 ||
	    add_addresses(m, &d->field[MAIL_TO],
			(const char *const *)addresses, n) < 0)
		return err_set(&m->err, ERR_PERM, "%s", T("an option or "
				"address holds a line break or control "
				"character"));
	str_adds(&d->field[MAIL_SUBJECT], o->subject ? o->subject : "");
	str_adds(&d->field[MAIL_TYPE], o->type ? o->type : "");
	d->from = span_of(o->from);
	d->template = o->template;
	d->skip_empty = o->skip_empty;
	d->asked = o->subject;	/* -s "" is a subject, too */
	return 0;
}

static int start_text(struct mail *m, struct mail_draft *d, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_errno(&m->err, "%s", name);
	rc = mail_draft_add_file(d, fd, 0, &m->err);
	close(fd);
	return rc;
}

/* -a: a file for s-nail, a header field for bsd-mailx: what is there decides. */
static int add_more(struct mail *m, struct mail_draft *d, const char *what)
{
	char path[PATH_MAX];
	const char *name = what;

	/* the shell has taken the quotes off: only what it leaves is ours */
	if (access(what, F_OK) < 0 &&
	    mail_path_given(m, span_of(what), path) == 0)
		name = path;
	if (CFG_MAIL_ATTACH && access(name, F_OK) == 0)
		return mail_attach_add(m, d, span_of(name));
	if (mail_draft_line(m, d, span_of(what)) == 0)
		return 0;
	return err_set(&m->err, ERR_PERM, CFG_MAIL_ATTACH ?
			T("%s: no such file, and no header field") :
			T("%s: no header field"), what);
}

/* -A: an account for s-nail and heirloom, a file for mailutils. */
static bool is_file(struct mail *m, const char *name)
{
	return CFG_MAIL_ATTACH && m->sending &&
			!mail_var_listed(m, MAIL_VAR_ACCOUNT, span_of(name)) &&
			access(name, F_OK) == 0;
}

static int fill_more(struct mail *m, struct mail_draft *d,
		const struct options *o)
{
	int rc = CFG_MAIL_NAIL && o->quoted ?
			start_text(m, d, o->quoted) : 0;

	for (int i = 0; i < o->more.n && rc == 0; i++)
		rc = add_more(m, d, o->more.v[i]);
	for (int i = 0; CFG_MAIL_ACCOUNT && i < o->account.n && rc == 0; i++)
		if (is_file(m, o->account.v[i]))
			rc = mail_attach_add(m, d, span_of(o->account.v[i]));
	for (int i = 0; CFG_MAIL_NAIL && i < o->fields.n && rc == 0; i++)
		if (mail_draft_line(m, d, span_of(o->fields.v[i])) < 0)
			rc = err_set(&m->err, ERR_PERM,
					T("%s: no header field"),
					o->fields.v[i]);
	if (CFG_MAIL_READ && o->record)
		mail_record_name(str_span(&d->field[MAIL_TO]), d->record);
	return rc;
}

/*
 * What begins with a - behind an address: options, as where getopt looks for
 * them in all places ("mail bob -s disk"); behind "--" sendmail's alone ("mail
 * bob -- -f alice"). The addresses close ranks. Gives how many there are, or
 * -1 with m->err.
 */
static int take_behind(struct mail *m, struct options *o, char **v, int n)
{
	bool ended = false;
	int kept = 0, at;

	for (int i = 0; i < n; i++) {
		if (v[i][0] != '-' || !v[i][1]) {
			v[kept++] = v[i];
			continue;
		}
		if (!kept || !strcmp(v[-1], "--") ||
		    (ended && !strchr("fForiv", v[i][1])))
			return err_set(&m->err, ERR_PERM,
				T("%s: addresses stand before -"), v[i]);
		/* it skips one word: the one before */
		at = opt_parse(n - i + 1, v + i - 1, all_rows, o, &m->err);
		if (at < 0)
			return -1;
		i += at - 2;
		ended = ended || !strcmp(v[i], "--");
	}
	return kept;
}

/* Whom it goes to: on a terminal one can be asked. */
static bool has_recipients(struct mail *m, struct mail_draft *d)
{
	if (!m->term.tty_in || d->template || d->field[MAIL_CC].n ||
	    d->field[MAIL_BCC].n)
		return true;
	mail_draft_ask(m, d, MAIL_TO);
	return d->field[MAIL_TO].n || err_set(&m->err, ERR_PERM, "%s",
			T("No recipients given")) == 0;
}

static int send_mode(struct mail *m, const struct options *o,
		char **addresses, int n)
{
	struct mail_draft d;
	int status = EX_CANTCREAT;

	if (mail_draft_init(m, &d) < 0) {
		mail_failed(m);
	} else if (fill_draft(m, &d, o, addresses, n) < 0 ||
	    (CFG_MAIL_READ && !n && !has_recipients(m, &d))) {
		mail_failed(m);
		status = EX_USAGE;
	} else if (fill_more(m, &d, o) < 0) {
		mail_failed(m);
		status = EX_NOINPUT;
	} else {
		if (CFG_MAIL_DRAFTS)
			mail_drafts_tell(m);
		status = mail_send(m, &d, m->term.tty_in || o->escapes);
	}
	mail_draft_free(&d);
	return status;
}

/* ---- reading */

/* The user's own, which $MAIL may name, or with -u that of another. */
static int own_box(struct mail *m, char path[PATH_MAX])
{
	const char *env = getenv("MAIL");
	char name[sizeof(m->login)];

	if (env && *env && !m->other)
		return mail_path_given(m, span_of(env), path);
	if (strchr(m->login, '@'))
		return find_box(m, memcpy(name, m->login, sizeof(name)), path);
	return box_path(m, m->conf->mbox_dir, span_of(m->login), path);
}

int mail_path_system(struct mail *m, struct span user, char path[PATH_MAX])
{
	char name[sizeof(m->login)], login[sizeof(m->login)];
	char full_name[sizeof(m->name)];
	int rc;

	if (!user.n)
		return own_box(m, path);
	if (str_copy(name, sizeof(name), user) < 0)
		return err_set(&m->err, ERR_PERM, T("no such user"));
	/* looking at another's mail does not make us write as they */
	memcpy(login, m->login, sizeof(login));
	memcpy(full_name, m->name, sizeof(full_name));
	rc = find_box(m, name, path);
	memcpy(m->login, login, sizeof(login));
	memcpy(m->name, full_name, sizeof(full_name));
	set_address(m);
	return rc;
}

bool mail_path_is_own(struct mail *m, const char *path)
{
	char own[PATH_MAX], here[PATH_MAX];

	mail_path_absolute(path, here);
	return own_box(m, own) == 0 && !strcmp(own, here);
}

static int choose_box(struct mail *m, const struct options *o, const char *file,
		char path[PATH_MAX])
{
	struct stat st;

	if (o->user && find_box(m, o->user, path) < 0)
		return -1;
	m->other = o->user;
	if (!o->file)
		return own_box(m, path);
	if (mail_path_given(m, file ? span_of(file) : SPAN("&"), path) < 0)
		return -1;
	return stat(path, &st) < 0 ? err_set(&m->err, ERR_PERM, "%s: %s", path,
			strerror(errno)) : 0;
}

static void tell_no_mail(struct mail *m, const struct options *o)
{
	mail_term_error(&m->term, o->file ? T("No mail in %s") :
			m->term.tty_in ?
			T("No mail for %s. To write: mail ADDRESS") :
			T("No mail for %s"), o->file ? m->path : m->login);
}

/* -L: those of a message list; with -e only whether there are some. */
static int list_some(struct mail *m, const struct options *o)
{
	if (mail_list(m, span_of(o->list), MAIL_SHOWN) < 0) {
		if (!o->exists)
			mail_failed(m);
		return NO_MAIL;
	}
	for (unsigned i = mail_order_next(m, 0); i && !o->exists;
			i = mail_order_next(m, i))
		if (m->set[i])
			mail_show_summary(m, i);
	return 0;
}

static int read_open(struct mail *m, const struct options *o)
{
	if (!m->count) {
		if (!o->exists)
			tell_no_mail(m, o);
		return NO_MAIL;
	}
	if (o->list)
		return list_some(m, o);
	if (o->exists)
		return 0;
	for (unsigned i = mail_order_next(m, 0); i && o->headers;
			i = mail_order_next(m, i))
		mail_show_summary(m, i);
	if (o->headers)
		return 0;
	if (m->term.tty_in && !mail_var(m, "quiet"))
		mail_term_printf(&m->term,
				T("Pillarbox mail. Type ? for help.\n"));
	if (CFG_MAIL_DRAFTS)
		mail_drafts_tell(m);
	if (!o->no_headers && mail_var(m, "header")) {
		mail_box_tell(m);
		mail_show_screen(m, m->dot);
	}
	mail_command_loop(m);
	return m->status;
}

/* Only one's own mail moves to one's own ~/mbox. */
static bool is_own(const struct options *o)
{
	struct priv_user own;

	return !o->file && (!o->user ||
			(priv_find_uid(getuid(), &own, NULL) == 0 &&
			 !strcmp(o->user, own.name)));
}

static int read_mode(struct mail *m, const struct options *o, const char *file)
{
	unsigned how = (o->exists && !o->list ? MAIL_BOX_CHECK : 0) |
			(is_own(o) ? MAIL_BOX_SYSTEM : 0) |
			(o->headers || o->no_headers ? 0 : MAIL_BOX_PREVIEW);
	char path[PATH_MAX];
	int status;

	if (choose_box(m, o, file, path) < 0 ||
	    mail_box_open(m, path, how) < 0) {
		mail_failed(m);
		return m->err.kind == ERR_PERM ? NO_MAIL :
				err_exit(m->err.kind);
	}
	status = read_open(m, o);
	mail_box_close(m);
	return status;
}

/* Applets never include each other: it becomes the other one. */
static int set_up(void)
{
	char *argv[] = { (char[]){ "mailconf" }, (char[]){ "--setup" }, NULL };

	execv(proc_self("/proc/self/exe"), argv);
	perror("mail: mailconf --setup");
	return EX_OSERR;
}

/* ---- */

/* -S counts more than the start-up files, and is there before them. */
static int set_all(struct mail *m, const struct options *o)
{
	for (int i = 0; i < o->set.n; i++)
		if (mail_set(m, span_of(o->set.v[i])) < 0)
			return mail_failed(m);
	return 0;
}

static int start(struct mail *m, const struct options *o)
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
		if (!is_file(m, o->account.v[i]) &&
		    mail_account(m, span_of(o->account.v[i])) < 0)
			return -1;
	return set_all(m, o);
}

/* Without an address, too: the text of a script is not a list of commands. */
static bool writes(const struct options *o)
{
	return o->template || o->subject || o->cc.n || o->bcc.n || o->more.n ||
			o->fields.n || o->type || o->quoted;
}

int mail_main(int argc, char **argv)
{
	struct options o = { .file = false };
	struct mail m = { .status = 0 };
	int at = usage_parse(argc, argv, all_rows + OF_SENDMAIL, &o);
	int n = argc - at, status;
	bool reads = CFG_MAIL_READ && (o.file || o.user || o.exists ||
			o.headers || o.list || (!n && !writes(&o)));

	if (CFG_MAILCONF_SETUP && o.setup)
		return set_up();
	if (mail_term_init(&m.term, o.ignore) < 0) {
		err_errno(&m.err, "signals");
		mail_failed(&m);
		return EX_OSERR;
	}
	m.term.mail = &m;
	if (!reads && n)
		n = take_behind(&m, &o, argv + at, n);
	if (n < 0) {
		mail_failed(&m);
		return EX_USAGE;
	}
	if (reads ? n > o.file : !n && !writes(&o))
		usage_fail("mail");
	umask(077);	/* mail is private: mbox, dead.letter, what is saved */
	m.conf = conf_read_or_exit(NULL);
	find_user(&m);
	m.sending = !reads;
	if (CFG_MAIL_RC && start(&m, &o) < 0)
		return EX_USAGE;
	status = reads ? read_mode(&m, &o, argv[at]) :
			send_mode(&m, &o, argv + at, n);
	conf_free(m.conf);
	mail_term_free(&m.term);
	mail_var_free(&m);
	if ((fflush(stdout) == EOF || ferror(stdout)) && !status)
		status = EX_IOERR;
	return status;
}
