/* sendmail - hands a message to the mail system, as every Unix program expects
 *
 * RFC 3461, 5322, 6409; the options are those of Sendmail and Postfix
 *
 * applet sendmail tool usr/sbin
 * applet mailq tool mailq_main MAILQ
 * file mailq.c MAILQ
 * file mailq_json.c MAILQ_ADMIN
 * file mailq_tls.c TLS_REPORT
 *
 * config SENDMAIL
 *	bool "sendmail (9 kB)"
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
 *	  -q         try the queue now
 *	  -bp        list the queue
 *	  -bs        SMTP on stdin and stdout
 *	  -C FILE    configuration
 *
 *	  Sendmail's other options do nothing.
 *
 * config MAILQ
 *	bool "mailq (4 kB)"
 *	default y
 *	help
 *	  usage: mailq [-j|-q|-h|-H|-r|-d] [-C FILE] [WHICH]
 *
 *	  Lists the queue: who waits, and why. !: held, *: being sent
 *
 *	  -q, --flush  try all now
 *	  -C FILE      configuration
 *
 *	  With MAILQ_ADMIN:
 *
 *	  -h, --hold     keep, do not try
 *	  -H, --release  no longer
 *	  -r, --requeue  forget tries and addresses
 *	  -d, --delete   tell nobody
 *	  -j, --json
 *	  --tls-report   what became of TLS, by domain and day (TLS_REPORT)
 *
 *	  WHICH: ID..., --from, --to ADDRESS or @DOMAIN, --domain DOMAIN,
 *	  -a, --all
 *
 * config MAILQ_ADMIN
 *	bool "mailq: hold, delete and choose messages, JSON (5 kB)"
 *	default n
 *	depends on MAILQ
 *	help
 *	  mailq holds, releases, requeues, deletes and flushes single messages,
 *	  those of a sender, to a recipient or domain, and lists as JSON.
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
	struct opt_list other;		/* -oX */
	bool rcpt_from_header, no_dot;
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
	/* what callers pass out of habit */
	{ 'A', "", OPT_IGNORE_ARG, 0 },	/* -Am, -Ac: which cf file */
	{ 'B', "", OPT_IGNORE_ARG, 0 },	/* body type: we look */
	{ 'e', "", OPT_IGNORE_ARG, 0 },	/* how errors are told */
	{ 'h', "", OPT_IGNORE_ARG, 0 },	/* hop count */
	{ 'L', "", OPT_IGNORE_ARG, 0 },	/* syslog tag */
	{ 'N', "", OPT_DSN, OPT_AT(struct options, notify) },
	{ 'O', "", OPT_IGNORE_ARG, 0 },
	{ 'p', "", OPT_IGNORE_ARG, 0 },	/* protocol it came by */
	{ 'R', "", OPT_DSN, OPT_AT(struct options, ret) },
	{ 'V', "", OPT_DSN, OPT_AT(struct options, envid) },
	{ 'X', "", OPT_IGNORE_ARG, 0 },
	{ 'G', "", OPT_IGNORE, 0 },
	{ 'm', "", OPT_IGNORE, 0 },
	{ 'n', "", OPT_IGNORE, 0 },
	{ 's', "", OPT_IGNORE, 0 },
	{ 'U', "", OPT_IGNORE, 0 },
	{ 'v', "", OPT_IGNORE, 0 },
	{ 0 }
};

/* -- who calls -- */

static int set_caller(struct sendmail_message *m, const struct options *o,
		struct err *err)
{
	struct priv_user user;

	if (priv_find_uid(getuid(), &user, NULL) < 0) {
		user = (struct priv_user){ .uid = getuid() };
		snprintf(user.name, sizeof(user.name), "uid-%u", getuid());
	}
	m->login = arena_dup(m->arena, span_of(user.name));
	m->full_name = o->name ? o->name
			: arena_dup(m->arena, span_of(user.full_name));
	m->sender = sendmail_complete(m, span_of(o->sender ? o->sender :
			m->login));
	if (!m->login || !m->sender)
		return err_set(err, ERR_PERM, "sender too long");
	return 0;
}

/* -- sending -- */

/* Adds NAME=VALUE to RFC 3461's parameters, if there is a value. */
static const char *add_param(struct sendmail_message *m, const char *params,
		const char *name, const char *value)
{
	return value ? arena_printf(m->arena, "%s%s%s=%s", params ? params : "",
			params ? " " : "", name, value) : params;
}

static int submit(struct sendmail_message *m, const struct options *o,
		struct err *err)
{
	struct submit_options more = {
		add_param(m, add_param(m, NULL, "RET", o->ret), "ENVID",
				o->envid),
		add_param(m, NULL, "NOTIFY", o->notify), m->utf8
	};

	if (!m->nrcpt)
		return err_set(err, ERR_PERM, "no recipients");
	return submit_message(m->conf, m->sender, m->rcpt, m->nrcpt, m->fd, 0,
			m->size, &more, err);
}

static int send_message(const struct options *o, char **rcpt, int n)
{
	struct sendmail_message m = {
		.rcpt_from_header = o->rcpt_from_header, .fd = -1
	};
	struct conf *conf = conf_read_or_exit(o->conf);
	struct err err;
	int status = EX_OK;

	err_nomem(&err);
	m.conf = conf;
	m.arena = arena_new(MEMORY_MOST);
	if (!m.arena || set_caller(&m, o, &err) < 0)
		goto out;
	for (int i = 0; i < n; i++)
		sendmail_recipients(&m, span_of(rcpt[i]));
	if (sendmail_intake(&m, STDIN_FILENO, !o->no_dot, &err) < 0 ||
			submit(&m, o, &err) < 0)
		goto out;
	if (m.broken) {
		fprintf(stderr, "sendmail: %u addresses are not valid\n",
				m.broken);
		status = EX_DATAERR;
	}
	goto done;
out:
	status = applet_fail("sendmail", &err);
	if (m.broken && !m.nrcpt)
		status = EX_NOUSER;
done:
	if (m.fd >= 0)
		close(m.fd);
	arena_free(m.arena);
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
	fprintf(stderr, "sendmail: -b%s: only -bm, -bp and -bs; maild runs "
			"the daemons\n", mode);
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
		return sendmail_queue(o.conf, false);
	if (CFG_MAILQ && o.queue)
		return sendmail_queue(o.conf, true);
	if (CFG_SMTPD && !strcmp(o.mode, "s"))
		return speak_smtp(&o);
	if (strcmp(o.mode, "m") != 0)
		return other_mode(o.mode);
	if (operand == argc && !o.rcpt_from_header)
		usage_fail(argv[0]);
	if (CFG_DSN)
		check_dsn(&o);
	return send_message(&o, argv + operand, argc - operand);
}
