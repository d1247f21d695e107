/* sendmail - hands a message to the mail system, as every Unix program expects
 *
 * RFC 3461, 5322, 6409; the options are those of Sendmail and Postfix
 *
 * applet sendmail tool usr/sbin
 * applet mailq tool mailq_main MAILQ
 * applet newaliases tool newaliases_main NEWALIASES
 * file newaliases.c NEWALIASES
 * file verify.c SENDMAIL_VERIFY
 * file mailq.c MAILQ
 * file mailq_json.c MAILQ_ADMIN
 * file mailq_tls.c TLS_REPORT
 *
 * config SENDMAIL
 *	bool "sendmail (11 kB)"
 *	default y
 *	select LIB_ZLIB
 *	help
 *	  usage: sendmail [-ti] [-f SENDER] [-F NAME] [-N LIST] [-R WHAT]
 *	                  [-V ENVID] [-C FILE] [RCPT ...]
 *
 *	  Sends the message on stdin.
 *
 *	  -t         recipients from To, Cc and Bcc; Bcc is taken out
 *	  -i, -oi    a line of one dot is no end
 *	  -f SENDER  envelope sender ("" or "<>": none)
 *	  -F NAME    name for a missing From
 *	  -N LIST    reports: never, or success,failure,delay
 *	  -R WHAT    full, hdrs: what comes back with a failure
 *	  -V ENVID   envelope id of reports, xtext
 *	  -v         say what was taken
 *	  -q         try the queue now; -qI ID, -qR TO, -qS FROM: some of it
 *	  -bp        list the queue
 *	  -bs        SMTP on stdin and stdout
 *	  -bi, -I    as newaliases
 *	  -C FILE    configuration
 *
 *	  Sendmail's other options do nothing.
 *
 *	  With SENDMAIL_VERIFY:
 *
 *	  -bv        say where mail for RCPT would go
 *
 * config SENDMAIL_DIRECT
 *	bool "sendmail-direct: to the smarthost with no daemon (1100 bytes)"
 *	default y
 *	help
 *	  With neither smtpd nor queue running, sendmail may give a message to
 *	  the smarthost itself. Always so in a build without queue.
 *
 * config SENDMAIL_VERIFY
 *	bool "sendmail -bv (2 kB)"
 *	default n
 *	help
 *	  Says of an address where mail for it would go, or why it cannot.
 *
 * config MAILQ
 *	bool "mailq (4 kB)"
 *	default y
 *	help
 *	  usage: mailq [OPTION]... [WHICH]
 *
 *	  Lists the queue: who waits, and why. !: held, *: being sent
 *
 *	  -q, --flush  try all now
 *	  -C FILE      configuration
 *
 *	  With QUEUE_LINK:
 *
 *	  --link NAME STATE  the link is up, metered, down or gone
 *
 *	  With MAILQ_ADMIN:
 *
 *	  -h, --hold     keep, do not try
 *	  -H, --release  no longer
 *	  -r, --requeue  forget tries and addresses
 *	  -d, --delete   tell nobody
 *	  -j, --json
 *
 *	  WHICH: ID..., --from, --to ADDRESS or @DOMAIN, --domain DOMAIN,
 *	  -a, --all
 *
 *	  With TLS_REPORT:
 *
 *	  --tls-report   what became of TLS, by domain and day
 *
 * config MAILQ_ADMIN
 *	bool "mailq: hold, delete and choose messages, JSON (5 kB)"
 *	default n
 *	depends on MAILQ
 *	help
 *	  mailq holds, releases, requeues, deletes and flushes single messages,
 *	  those of a sender, to a recipient or domain, and lists as JSON.
 *
 * config NEWALIASES
 *	bool "newaliases (700 bytes)"
 *	default y
 *	depends on ALIASES
 *	help
 *	  usage: newaliases [-C FILE]
 *
 *	  Checks the file of aliases; there is no table to be made. Says how
 *	  many there are, or what is wrong and where, with exit status 65.
 */
#include "applet.h"
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mime/dsn.h"
#include "os/clock.h"
#include "os/opt.h"
#include "os/priv.h"
#include "os/pump.h"
#include "sendmail/sendmail.h"
#include "store/submit.h"

#define MEMORY_MOST (8 * 1024 * 1024)	/* recipients */
#define NAME_MOST 256
#define OPT_DSN (CFG_DSN ? OPT_TEXT : OPT_IGNORE_ARG)

struct options {
	const char *conf, *sender, *name, *mode, *queue;
	const char *notify, *ret, *envid;
	const char *ignored;
	struct opt_list other;		/* -oX */
	bool rcpt_from_header, no_dot, verbose, aliases;
};

static const struct opt_row rows[] = {
	{ 't', "", OPT_FLAG, OPT_AT(struct options, rcpt_from_header) },
	{ 'i', "", OPT_FLAG, OPT_AT(struct options, no_dot) },
	{ 'f', "", OPT_TEXT, OPT_AT(struct options, sender) },
	{ 'r', "", OPT_TEXT, OPT_AT(struct options, sender) },
	{ 'F', "", OPT_TEXT, OPT_AT(struct options, name) },
	{ 'C', "", OPT_TEXT, OPT_AT(struct options, conf) },
	{ 'b', "", OPT_TEXT, OPT_AT(struct options, mode) },
	{ 'q', "", OPT_OPTIONAL, OPT_AT(struct options, queue) },
	{ 'o', "", OPT_LIST, OPT_AT(struct options, other) },
	{ 'v', "", OPT_FLAG, OPT_AT(struct options, verbose) },
	{ 'I', "", OPT_FLAG, OPT_AT(struct options, aliases) },
	{ 'N', "", OPT_DSN, OPT_AT(struct options, notify) },
	{ 'R', "", OPT_DSN, OPT_AT(struct options, ret) },
	{ 'V', "", OPT_DSN, OPT_AT(struct options, envid) },
	/* what callers pass out of habit: docs/sendmail.md */
	{ 'A', "", OPT_IGNORE_ARG, 0 },	/* -Am, -Ac: which cf file */
	{ 'B', "", OPT_IGNORE_ARG, 0 },	/* body type: we look */
	{ 'D', "", OPT_IGNORE_ARG, 0 },	/* file for -d's lines */
	{ 'd', "", OPT_OPTIONAL, OPT_AT(struct options, ignored) },
	{ 'E', "", OPT_OPTIONAL, OPT_AT(struct options, ignored) },
	{ 'e', "", OPT_IGNORE_ARG, 0 },	/* how errors are told */
	{ 'h', "", OPT_IGNORE_ARG, 0 },	/* hop count */
	{ 'J', "", OPT_OPTIONAL, OPT_AT(struct options, ignored) },
	{ 'L', "", OPT_IGNORE_ARG, 0 },	/* syslog tag */
	{ 'M', "", OPT_IGNORE_ARG, 0 },	/* macro */
	{ 'O', "", OPT_IGNORE_ARG, 0 },
	{ 'p', "", OPT_IGNORE_ARG, 0 },	/* protocol it came by */
	{ 'X', "", OPT_IGNORE_ARG, 0 },	/* file for the dialogue */
	{ 'G', "", OPT_IGNORE, 0 },
	{ 'c', "", OPT_IGNORE, 0 },
	{ 'm', "", OPT_IGNORE, 0 },
	{ 'n', "", OPT_IGNORE, 0 },
	{ 's', "", OPT_IGNORE, 0 },
	{ 'U', "", OPT_IGNORE, 0 },
	{ 'x', "", OPT_IGNORE, 0 },
	{ 0 }
};

/* -- who calls -- */

/* "&" is the account's name with a capital, as passwd(5) of BSD has it. */
static const char *full_name(struct arena *a, const struct priv_user *user)
{
	const char *and = strchr(user->full_name, '&');
	char first = user->name[0];

	if (!and)
		return arena_dup(a, span_of(user->full_name));
	if (first >= 'a' && first <= 'z')
		first -= 'a' - 'A';
	return arena_printf(a, "%.*s%c%s%s", (int)(and - user->full_name),
			user->full_name, first, user->name + !!first, and + 1);
}

static int set_caller(struct sendmail_message *m, const struct options *o,
		struct err *err)
{
	struct outgoing *out = &m->out;
	struct priv_user user;

	if (priv_find_uid(getuid(), &user, NULL) < 0) {
		user = (struct priv_user){ .uid = getuid() };
		snprintf(user.name, sizeof(user.name), "uid-%u", getuid());
	}
	out->full_name = o->name ? o->name : full_name(out->arena, &user);
	out->from = outgoing_account(out, span_of(user.name));
	m->sender = out->from;
	if (!out->from)
		return err_nomem(err);
	if (!o->sender)
		return 0;
	m->sender = outgoing_address(out, span_of(o->sender));
	if (!m->sender) {
		m->bad = true;
		return err_set(err, ERR_PERM, "-f %s: no address", o->sender);
	}
	if (*m->sender)
		out->from = m->sender;
	return 0;
}

/* For `domain`: the configuration says which one is ours. */
static int prepare(struct sendmail_message *m, const struct options *o,
		struct err *err)
{
	const struct conf *conf = m->conf;

	m->out = (struct outgoing){
		.arena = arena_new(MEMORY_MOST),
		.domain = conf->domains ? conf->domains->text : conf->hostname,
		.host = conf->hostname, .from_header = o->rcpt_from_header,
		.now = clock_plausible() ? clock_now() : 0
	};
	return m->out.arena ? set_caller(m, o, err) : err_nomem(err);
}

/* -- sending -- */

/* Adds NAME=VALUE to RFC 3461's parameters, if there is a value. */
static const char *add_param(struct sendmail_message *m, const char *params,
		const char *name, const char *value)
{
	return value ? arena_printf(m->out.arena, "%s%s%s=%s",
			params ? params : "", params ? " " : "", name, value) :
		params;
}

static int submit(struct sendmail_message *m, const struct options *o,
		struct err *err)
{
	const struct outgoing *out = &m->out;
	struct submit_options more = {
		add_param(m, add_param(m, NULL, "RET", o->ret), "ENVID",
				o->envid),
		add_param(m, NULL, "NOTIFY", o->notify), out->utf8
	};

	if (!out->nrcpt) {
		m->bad = true;
		return err_set(err, ERR_PERM, out->broken ?
				"no valid address" : "no recipients");
	}
	return submit_message(m->conf, m->sender, out->rcpt, out->nrcpt,
			m->fd, 0, m->size, &more, err);
}

static int take(struct sendmail_message *m, const struct options *o,
		char **rcpt, int n, struct err *err)
{
	if (prepare(m, o, err) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		outgoing_recipients(&m->out, span_of(rcpt[i]));
	if (sendmail_intake(m, STDIN_FILENO, !o->no_dot, err) < 0)
		return -1;
	return submit(m, o, err);
}

static int failed(const struct sendmail_message *m, const struct err *err)
{
	int status = applet_fail("sendmail", err);

	if (m->out.broken && !m->out.nrcpt)
		return EX_NOUSER;
	return m->bad ? EX_DATAERR : status;
}

static int taken(const struct sendmail_message *m, const struct options *o)
{
	if (o->verbose)
		fprintf(stderr, "sendmail: %llu octets from <%s> taken for %u "
				"recipient%s\n", (unsigned long long)m->size,
				m->sender, m->out.nrcpt,
				m->out.nrcpt == 1 ? "" : "s");
	if (!m->out.broken)
		return EX_OK;
	fprintf(stderr, "sendmail: not valid: %u of the addresses\n",
			m->out.broken);
	return EX_DATAERR;
}

static int send_message(const struct options *o, char **rcpt, int n)
{
	struct sendmail_message m = { .fd = -1 };
	struct conf *conf = conf_read_or_exit(o->conf);
	struct err err;
	int status;

	err_nomem(&err);
	m.conf = conf;
	status = take(&m, o, rcpt, n, &err) < 0 ? failed(&m, &err) :
		taken(&m, o);
	if (m.fd >= 0)
		close(m.fd);
	arena_free(m.out.arena);
	conf_free(conf);
	return status;
}

/* -oX: only i means something here; the rest are Sendmail's own settings. */
static void take_other(struct options *o)
{
	for (int i = 0; i < o->other.n; i++)
		if (!strcmp(o->other.v[i], "i"))
			o->no_dot = true;
}

/* RFC 3461's parameters, as the options say them. */
static void check_dsn(const struct options *o)
{
	const struct {
		char option;
		const char *value;
		bool (*good)(struct span value);
	} rules[] = {
		{ 'N', o->notify, dsn_is_notify },
		{ 'R', o->ret, dsn_is_ret },
		{ 'V', o->envid, dsn_is_envid },
	};

	for (int i = 0; i < 3; i++) {
		if (!rules[i].value || rules[i].good(span_of(rules[i].value)))
			continue;
		fprintf(stderr, "sendmail: -%c %s: wrong value\n",
				rules[i].option, rules[i].value);
		exit(EX_USAGE);
	}
}

static int other_mode(const char *mode)
{
	fprintf(stderr, "sendmail: -b%s: not here; maild runs the daemons\n",
			mode);
	return EX_USAGE;
}

/*
 * -q, -qf: all of it; -qI, -qR, -qS: some. -q30m wants a daemon that looks
 * every half hour, which `queue` is: nothing is left to do.
 */
static int run_queue(const struct options *o)
{
	const char *q = o->queue;
	/* cron would mail what is said */
	enum sendmail_queue what = o->verbose ? SENDMAIL_TRY :
		SENDMAIL_TRY_QUIETLY;

	if (ascii_isdigit(*q) || (*q == 'p' && (!q[1] || ascii_isdigit(q[1]))))
		return EX_OK;
	if (!*q || !strcmp(q, "f"))
		return sendmail_queue(o->conf, what, NULL);
	if (strchr("IRS", *q) && q[1])
		return sendmail_queue(o->conf, what, q);
	fprintf(stderr, "sendmail: -q%s: only -q, -qI, -qR and -qS\n", q);
	return EX_USAGE;
}

/* -bs: smtpd's socket for programs of this machine, which knows who we are. */
static int speak_smtp(const struct options *o)
{
	struct conf *conf = conf_read_or_exit(o->conf);
	int fd, status = EX_OK;
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	fd = submit_connect(conf, &err);
	if (fd < 0 || pump(STDIN_FILENO, STDOUT_FILENO, fd, &err) < 0)
		status = applet_fail("sendmail", &err);
	if (fd >= 0)
		close(fd);
	conf_free(conf);
	return status;
}

int sendmail_main(int argc, char **argv)
{
	struct options o = { .mode = "m" };
	int operand = usage_parse(argc, argv, rows, &o);

	take_other(&o);
	if (CFG_MAILQ && !strcmp(o.mode, "p"))
		return sendmail_queue(o.conf, SENDMAIL_LIST, NULL);
	if (o.aliases || !strcmp(o.mode, "i"))
		return CFG_NEWALIASES ? sendmail_aliases(o.conf) : EX_OK;
	if (CFG_MAILQ && o.queue && !strcmp(o.mode, "m"))
		return run_queue(&o);
	if (CFG_SMTPD && !strcmp(o.mode, "s"))
		return speak_smtp(&o);
	if (CFG_SENDMAIL_VERIFY && !strcmp(o.mode, "v"))
		return sendmail_verify(o.conf, argv + operand, argc - operand);
	if (strcmp(o.mode, "m") != 0)
		return other_mode(o.mode);
	if (operand == argc && !o.rcpt_from_header)
		usage_fail(argv[0]);
	if (CFG_DSN)
		check_dsn(&o);
	return send_message(&o, argv + operand, argc - operand);
}
