/* mail - the mail program on a terminal, and `mail -s subject someone` in scripts
 *
 * POSIX mailx (IEEE 1003.1), RFC 5322, RFC 2045 to 2047.
 *
 * applet mail tool
 * applet mailx tool
 *
 * config MAIL
 *	bool "mail (65 kB)"
 *	default y
 *	help
 *	  usage: mail [-s SUBJECT] [-c CC] [-b BCC] [-r FROM] ADDRESS...
 *	         mail [-eHN] [-u USER]
 *	         mail [-eHN] -f [FILE]
 *
 *	  Sends the text of standard input, or reads mail: ? lists the commands.
 *
 *	  -s SUBJECT  -c CC  -b BCC  -r FROM
 *	  -f          read a mailbox: FILE, +FOLDER, or ~/mbox
 *	  -u USER     read the mail of USER, or of alice@a.com
 *	  -e          only tell by the exit status if there is mail
 *	  -H          only list the messages
 *	  -N          do not list them at the start
 *	  -i          ignore ^C
 *	  -n          read no start-up file (there is none yet)
 */
#include "applet.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/box.h"
#include "mail/command.h"
#include "mail/mail.h"
#include "mail/send.h"
#include "mail/show.h"
#include "os/opt.h"

#define NO_MAIL 1		/* exit status, as POSIX has it for -e */

struct options {
	const char *subject, *from, *user;
	struct opt_list cc, bcc;
	bool file, exists, headers, no_headers, ignore;
};

static const struct opt_row rows[] = {
	{ 's', "subject", OPT_TEXT, OPT_AT(struct options, subject), 0 },
	{ 'c', "cc", OPT_LIST, OPT_AT(struct options, cc), 0 },
	{ 'b', "bcc", OPT_LIST, OPT_AT(struct options, bcc), 0 },
	{ 'r', "from", OPT_TEXT, OPT_AT(struct options, from), 0 },
	{ 'f', "file", OPT_FLAG, OPT_AT(struct options, file), 0 },
	{ 'u', "user", OPT_TEXT, OPT_AT(struct options, user), 0 },
	{ 'e', "check", OPT_FLAG, OPT_AT(struct options, exists), 0 },
	{ 'H', "headers", OPT_FLAG, OPT_AT(struct options, headers), 0 },
	{ 'N', "no-headers", OPT_FLAG, OPT_AT(struct options, no_headers), 0 },
	{ 'i', "ignore", OPT_FLAG, OPT_AT(struct options, ignore), 0 },
	{ 'n', NULL, OPT_IGNORE, 0, 0 },
	{ 0 }
};

/* ---- who the user is */

/* The name in the password file's comment: up to a comma, "&" the log-in name. */
static void full_name(struct mail *m, const struct passwd *pw)
{
	struct span text = span_of(pw->pw_gecos);
	struct str name;

	text = span_sub(text, 0, span_find(text, ','));
	str_init(&name, sizeof(m->name) - 1);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '&')
			str_adds(&name, pw->pw_name);
		else
			str_addc(&name, text.p[i]);
	}
	/* a name that is only the log-in name again says nothing */
	if (name.bad || mail_send_forged(str_span(&name)) ||
	    span_is(str_span(&name), pw->pw_name))
		str_clear(&name);
	str_copy(m->name, sizeof(m->name), span_trim(str_span(&name)));
	str_free(&name);
}

static const char *own_domain(const struct mail *m)
{
	return m->conf->domains ? m->conf->domains->text : m->conf->hostname;
}

static void set_address(struct mail *m)
{
	const char *domain = strchr(m->login, '@') ? "" : own_domain(m);
	int n = snprintf(m->address, sizeof(m->address), "%s%s%s", m->login,
			*domain ? "@" : "", domain);

	if (n < 0 || (size_t)n >= sizeof(m->address))
		m->address[0] = '\0';
}

static void find_user(struct mail *m)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *home = getenv("HOME");

	if (pw) {
		str_copy(m->login, sizeof(m->login), span_of(pw->pw_name));
		full_name(m, pw);
	} else {
		snprintf(m->login, sizeof(m->login), "uid%lu",
				(unsigned long)getuid());
	}
	if (!home || !*home)
		home = pw ? pw->pw_dir : "/";
	str_copy(m->home, sizeof(m->home), span_of(home));
	set_address(m);
}

/* ---- which mailbox */

static int join(char out[PATH_MAX], const char *dir, const char *name,
		struct err *err)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX ? 0 :
			err_set(err, ERR_PERM, "%s: name too long", name);
}

/* A user name that is no path: it becomes part of one. */
static bool is_name(struct span s)
{
	return s.n && s.p[0] != '.' && span_find(s, '/') == s.n;
}

/* The Maildir of local@domain, when there is one. */
static bool virtual_box(struct mail *m, struct span local, struct span domain,
		char out[PATH_MAX])
{
	struct stat st;
	char lower[256];
	int n;

	if (!is_name(local) || !is_name(domain) ||
	    str_copy(lower, sizeof(lower), domain) < 0)
		return false;
	for (char *p = lower; *p; p++)
		*p = ascii_lower(*p);
	n = snprintf(out, PATH_MAX, "%s/%s/%.*s", m->conf->mail_dir, lower,
			SPAN_ARG(local));
	return n > 0 && n < PATH_MAX && stat(out, &st) == 0 &&
			S_ISDIR(st.st_mode);
}

/* As authd looks users up: virtual ones first, then those of the system. */
static int box_of(struct mail *m, const char *user, struct err *err)
{
	struct span domain = span_of(user), local = span_cut(&domain, '@');
	char address[256];

	if (!is_name(local))
		return err_set(err, ERR_PERM, "%s: no such user", user);
	for (struct conf_word *w = m->conf->domains; w; w = w->next) {
		if (domain.n && !span_caseeq(domain, span_of(w->text)))
			continue;
		if (!virtual_box(m, local, span_of(w->text), m->inbox))
			continue;
		snprintf(address, sizeof(address), "%.*s@%s", SPAN_ARG(local),
				w->text);
		str_copy(m->login, sizeof(m->login), span_of(address));
		m->name[0] = '\0';
		set_address(m);
		return 0;
	}
	if (domain.n && !conf_is_local(m->conf, domain))
		return err_set(err, ERR_PERM, "%s: no such user", user);
	if (str_copy(m->login, sizeof(m->login), local) < 0 ||
	    !getpwnam(m->login))
		return err_set(err, ERR_PERM, "%s: no such user", user);
	set_address(m);
	return join(m->inbox, m->conf->mbox_dir, m->login, err);
}

static int own_box(struct mail *m, struct err *err)
{
	const char *env = getenv("MAIL");

	if (env && *env)
		return str_copy(m->inbox, sizeof(m->inbox), span_of(env)) < 0 ?
				err_set(err, ERR_PERM, "$MAIL is too long") : 0;
	return join(m->inbox, m->conf->mbox_dir, m->login, err);
}

static int folder_path(struct mail *m, struct span name, char out[PATH_MAX],
		struct err *err)
{
	const char *folder = mail_var(&m->vars, MAIL_VAR_FOLDER);
	bool absolute = folder && folder[0] == '/';
	int n = snprintf(out, PATH_MAX, "%s%s%s/%.*s", absolute ? "" : m->home,
			absolute ? "" : "/", folder ? folder : "",
			SPAN_ARG(name));

	return n > 0 && n < PATH_MAX ? 0 :
			err_set(err, ERR_PERM, "file name too long");
}

int mail_path(struct mail *m, struct span name, char out[PATH_MAX],
		struct err *err)
{
	struct span rest = span_sub(name, 1, name.n);
	char text[PATH_MAX];

	if (!name.n)
		return err_set(err, ERR_PERM, "No file given");
	if (span_is(name, "&")) {
		name = span_of(mail_var(&m->vars, MAIL_VAR_MBOX));
		rest = span_sub(name, 1, name.n);
	}
	if (span_is(name, "%"))
		name = span_of(m->inbox);
	if (span_is(name, "#"))
		name = span_of(m->previous);
	if (name.n && name.p[0] == '+')
		return folder_path(m, rest, out, err);
	if (name.n > 1 && name.p[0] == '%' && is_name(rest) &&
	    str_copy(text, sizeof(text), rest) == 0)
		return join(out, m->conf->mbox_dir, text, err);
	if (name.n && name.p[0] == '~' && (!rest.n || rest.p[0] == '/')) {
		if (str_copy(text, sizeof(text), rest) < 0)
			return err_set(err, ERR_PERM, "file name too long");
		return join(out, m->home, text + (rest.n > 0), err);
	}
	if (!name.n || str_copy(out, PATH_MAX, name) < 0)
		return err_set(err, ERR_PERM, "No such file name");
	return 0;
}

int mail_temp(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd, n;

	n = snprintf(path, sizeof(path), "%s/mail.XXXXXX", dir && *dir ? dir :
			"/tmp");
	if (n < 0 || n >= PATH_MAX)
		return err_set(err, ERR_PERM, "$TMPDIR is too long");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	unlink(path);
	return fd;
}

int mail_shell(struct mail *m, const char *line)
{
	const char *shell = mail_var(&m->vars, MAIL_VAR_SHELL);
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		mail_term_error(&m->term, "mail: %s", strerror(errno));
		return -1;
	}
	if (!pid) {
		mail_term_child();
		if (*line)
			execl(shell ? shell : "/bin/sh", shell ? shell : "sh",
					"-c", line, (char *)NULL);
		else
			execl(shell ? shell : "/bin/sh", shell ? shell : "sh",
					(char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	mail_term_interrupted(&m->term);	/* its ^C was not for us */
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- sending */

static int forged(const char *what)
{
	fprintf(stderr, "mail: %s holds a line break or control character\n",
			what);
	return -1;
}

static int add_addresses(struct str *list, const char *const *v, int n)
{
	for (int i = 0; i < n; i++) {
		if (mail_send_forged(span_of(v[i])))
			return forged("an address");
		mail_draft_address(list, span_of(v[i]));
	}
	return 0;
}

static int fill_draft(struct mail_draft *d, const struct options *o,
		char **addresses, int n)
{
	if (mail_send_forged(span_of(o->subject)))
		return forged("the subject");
	if (mail_send_forged(span_of(o->from)))
		return forged("the sender");
	str_adds(&d->subject, o->subject ? o->subject : "");
	str_adds(&d->from, o->from ? o->from : "");
	if (add_addresses(&d->cc, o->cc.v, o->cc.n) < 0 ||
	    add_addresses(&d->bcc, o->bcc.v, o->bcc.n) < 0)
		return -1;
	return add_addresses(&d->to, (const char *const *)addresses, n);
}

static int write_and_send(struct mail *m, struct mail_draft *d,
		const struct options *o)
{
	if (m->term.tty_in) {
		/* -s "" is a subject, too: do not ask for it */
		if (o->subject)
			mail_var_unset(&m->vars, SPAN("asksub"), NULL);
		return mail_send_interactive(m, d);
	}
	if (mail_draft_edit(m, d, false) != MAIL_WRITTEN)
		return EX_TEMPFAIL;
	return mail_send(m, d);
}

static int send_mode(struct mail *m, const struct options *o, char **addresses,
		int n)
{
	struct mail_draft d;
	struct err err;
	int status;

	if (mail_draft_init(&d, &err) < 0) {
		fprintf(stderr, "mail: %s\n", err.text);
		status = EX_CANTCREAT;
	} else if (fill_draft(&d, o, addresses, n) < 0) {
		status = EX_USAGE;
	} else {
		status = write_and_send(m, &d, o);
	}
	mail_draft_free(&d);
	return status;
}

/* ---- reading */

static int choose_box(struct mail *m, const struct options *o, const char *file,
		char path[PATH_MAX], struct err *err)
{
	struct stat st;

	if ((o->user ? box_of(m, o->user, err) : own_box(m, err)) < 0)
		return -1;
	if (!o->file)
		return str_copy(path, PATH_MAX, span_of(m->inbox));
	if (mail_path(m, span_of(file ? file : "&"), path, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return err_set(err, ERR_PERM, "%s: %s", path, strerror(errno));
	return 0;
}

static int no_mail(struct mail *m, const struct options *o)
{
	if (o->exists)
		return NO_MAIL;
	if (o->file)
		fprintf(stderr, "No mail in %s\n", m->path);
	else
		fprintf(stderr, "No mail for %s\n", m->login);
	return NO_MAIL;
}

static int read_open(struct mail *m, const struct options *o)
{
	if (!m->count)
		return no_mail(m, o);
	if (o->exists)
		return 0;
	if (o->no_headers)
		mail_var_unset(&m->vars, SPAN("header"), NULL);
	if (o->headers) {
		for (unsigned i = 1; i <= m->count; i++)
			mail_show_summary(m, i);
		return 0;
	}
	if (!mail_var_on(&m->vars, MAIL_VAR_QUIET) && m->term.tty_in)
		mail_term_printf(&m->term, "Pillarbox mail. Type ? for help.\n");
	if (mail_var_on(&m->vars, MAIL_VAR_HEADER)) {
		mail_box_tell(m);
		mail_show_screen(m, m->dot);
	}
	mail_command_loop(m);
	return m->status;
}

/* Only one's own mail moves to one's own ~/mbox. */
static bool is_own(const struct options *o)
{
	const struct passwd *pw = o->user ? getpwuid(getuid()) : NULL;

	return !o->file && (!o->user || (pw && !strcmp(o->user, pw->pw_name)));
}

static int read_mode(struct mail *m, const struct options *o, const char *file)
{
	char path[PATH_MAX];
	struct err err;
	int status;

	if (choose_box(m, o, file, path, &err) < 0 ||
	    mail_box_open(m, path, is_own(o), &err) < 0) {
		fprintf(stderr, "mail: %s\n", err.text);
		return err.kind == ERR_PERM ? NO_MAIL : err_exit(err.kind);
	}
	status = read_open(m, o);
	mail_box_close(m);
	return status;
}

/* ---- */

static int run(struct mail *m, const struct options *o, int argc, char **argv)
{
	bool reads = o->file || o->user || o->exists || o->headers || !argc;

	if (mail_vars_init(&m->vars) < 0 ||
	    mail_term_init(&m->term, o->ignore) < 0) {
		fprintf(stderr, "mail: %s\n", strerror(errno));
		return EX_OSERR;
	}
	find_user(m);
	if (reads && argc > (o->file ? 1 : 0))
		usage_fail("mail");
	if (reads)
		return read_mode(m, o, argc ? argv[0] : NULL);
	return send_mode(m, o, argv, argc);
}

int mail_main(int argc, char **argv)
{
	struct options o;
	struct mail m = { .status = 0 };
	struct err err;
	int operand, status;

	memset(&o, 0, sizeof(o));
	operand = opt_parse(argc, argv, rows, &o, &err);
	if (operand < 0) {
		fprintf(stderr, "mail: %s\n", err.text);
		usage_fail("mail");
	}
	umask(077);	/* mail is private: mbox, dead.letter, what is saved */
	m.conf = conf_read_or_exit(NULL);
	status = run(&m, &o, argc - operand, argv + operand);
	mail_vars_free(&m.vars);
	conf_free(m.conf);
	if ((fflush(stdout) == EOF || ferror(stdout)) && !status)
		status = EX_IOERR;
	return status;
}
