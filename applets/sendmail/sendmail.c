/* sendmail - hands a message to the mail system, as every Unix program expects
 *
 * RFC 5322, 6409; the options are those of Sendmail and Postfix
 *
 * applet sendmail tool usr/sbin
 * applet mailq tool mailq_main MAILQ
 * file mailq.c MAILQ
 *
 * config SENDMAIL
 *	bool "sendmail (11 kB)"
 *	default y
 *	select LIB_ZLIB
 *	help
 *	  usage: sendmail [-ti] [-f SENDER] [-F NAME] [-C FILE] [RCPT ...]
 *
 *	  Sends the message on standard input.
 *
 *	  -t        recipients from To, Cc and Bcc too; Bcc is taken out
 *	  -i, -oi   a line of one dot does not end the message
 *	  -f SENDER envelope sender (-f "" or -f "<>": none)
 *	  -F NAME   full name for a From that is added
 *	  -q        try the queue's messages now
 *	  -bp       list the queue (mailq)
 *	  -C FILE   configuration (default /etc/pillarbox.conf)
 *
 *	  Other options of Sendmail are accepted and do nothing.
 *
 * config MAILQ
 *	bool "mailq (3 kB)"
 *	default y
 *	help
 *	  usage: mailq [-q] [-C FILE]
 *
 *	  Lists the messages that wait in the queue.
 *
 *	  -q, --flush  try them now
 *	  -C FILE      configuration (default /etc/pillarbox.conf)
 */
#include "applet.h"
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "os/opt.h"
#include "sendmail/sendmail.h"
#include "store/submit.h"

#define MEMORY_MOST (8 * 1024 * 1024)	/* recipients */
#define NAME_MOST 256

struct options {
	const char *conf, *sender, *name, *mode, *queue;
	struct opt_list other;		/* -oX */
	bool rcpt_from_header, no_dot;
};

static const struct opt_row rows[] = {
	{ 't', NULL, OPT_FLAG, OPT_AT(struct options, rcpt_from_header), 0 },
	{ 'i', NULL, OPT_FLAG, OPT_AT(struct options, no_dot), 0 },
	{ 'f', NULL, OPT_TEXT, OPT_AT(struct options, sender), 0 },
	{ 'r', NULL, OPT_TEXT, OPT_AT(struct options, sender), 0 },
	{ 'F', NULL, OPT_TEXT, OPT_AT(struct options, name), 0 },
	{ 'C', NULL, OPT_TEXT, OPT_AT(struct options, conf), 0 },
	{ 'b', NULL, OPT_TEXT, OPT_AT(struct options, mode), 0 },
	{ 'q', NULL, OPT_OPTIONAL, OPT_AT(struct options, queue), 0 },
	{ 'o', NULL, OPT_LIST, OPT_AT(struct options, other), 0 },
	/* what callers pass out of habit */
	{ 'A', NULL, OPT_IGNORE_ARG, 0, 0 },	/* -Am, -Ac: which cf file */
	{ 'B', NULL, OPT_IGNORE_ARG, 0, 0 },	/* body type: we look */
	{ 'e', NULL, OPT_IGNORE_ARG, 0, 0 },	/* how errors are told */
	{ 'h', NULL, OPT_IGNORE_ARG, 0, 0 },	/* hop count */
	{ 'L', NULL, OPT_IGNORE_ARG, 0, 0 },	/* syslog tag */
	{ 'N', NULL, OPT_IGNORE_ARG, 0, 0 },	/* DSN: a later issue */
	{ 'O', NULL, OPT_IGNORE_ARG, 0, 0 },
	{ 'p', NULL, OPT_IGNORE_ARG, 0, 0 },	/* protocol it came by */
	{ 'R', NULL, OPT_IGNORE_ARG, 0, 0 },
	{ 'V', NULL, OPT_IGNORE_ARG, 0, 0 },
	{ 'X', NULL, OPT_IGNORE_ARG, 0, 0 },
	{ 'G', NULL, OPT_IGNORE, 0, 0 },
	{ 'm', NULL, OPT_IGNORE, 0, 0 },
	{ 'n', NULL, OPT_IGNORE, 0, 0 },
	{ 's', NULL, OPT_IGNORE, 0, 0 },
	{ 'U', NULL, OPT_IGNORE, 0, 0 },
	{ 'v', NULL, OPT_IGNORE, 0, 0 },
	{ 0 }
};

static int fail(const struct err *err)
{
	fprintf(stderr, "sendmail: %s\n", err->text);
	return err_exit(err->kind);
}

/* -- who calls -- */

/* GECOS up to its comma; "&" stands for the login name (passwd(5) of BSD). */
static const char *full_name(struct arena *a, const struct passwd *pw)
{
	struct span gecos = span_of(pw->pw_gecos);
	struct span name = span_cut(&gecos, ',');
	struct span before = span_sub(name, 0, span_find(name, '&'));
	char *login;

	if (before.n == name.n)
		return arena_dup(a, name);
	login = arena_dup(a, span_of(pw->pw_name));
	if (login && *login >= 'a' && *login <= 'z')
		*login = (char)(*login - 'a' + 'A');
	name = span_sub(name, before.n + 1, name.n);
	return arena_printf(a, "%.*s%s%.*s", SPAN_ARG(before),
			login ? login : "", SPAN_ARG(name));
}

static int set_caller(struct sendmail_message *m, const struct options *o,
		struct err *err)
{
	struct passwd *pw = getpwuid(getuid());

	if (pw)
		m->login = arena_dup(m->arena, span_of(pw->pw_name));
	else
		m->login = arena_printf(m->arena, "uid-%lu",
				(unsigned long)getuid());
	m->full_name = o->name;
	if (!o->name && pw)
		m->full_name = full_name(m->arena, pw);
	m->sender = sendmail_complete(m, span_of(o->sender ? o->sender :
			m->login ? m->login : "nobody"));
	if (!m->sender)
		return err_set(err, ERR_PERM, "sender too long");
	return 0;
}

/* -- sending -- */

static int submit(struct sendmail_message *m, struct err *err)
{
	if (!m->nrcpt)
		return err_set(err, ERR_PERM, "no recipients");
	return submit_message(m->conf, m->sender, m->rcpt, m->nrcpt, m->fd, 0,
			m->size, err);
}

static int send_message(const struct options *o, char **rcpt, int n)
{
	struct sendmail_message m = {
		.rcpt_from_header = o->rcpt_from_header, .fd = -1
	};
	struct conf *conf = conf_read_or_exit(o->conf);
	struct err err = { ERR_NOMEM, "out of memory" };
	int status = EX_OSERR;

	m.conf = conf;
	m.arena = arena_new(MEMORY_MOST);
	if (!m.arena || set_caller(&m, o, &err) < 0)
		goto out;
	for (int i = 0; i < n; i++)
		sendmail_recipients(&m, span_of(rcpt[i]));
	if (!n && !o->rcpt_from_header) {
		fprintf(stderr, "sendmail: no recipients\n");
		status = EX_USAGE;
		goto done;
	}
	if (sendmail_intake(&m, STDIN_FILENO, !o->no_dot, &err) < 0 ||
			submit(&m, &err) < 0)
		goto out;
	status = EX_OK;
	if (m.broken) {
		fprintf(stderr, "sendmail: %u addresses are not valid\n",
				m.broken);
		status = EX_DATAERR;
	}
	goto done;
out:
	status = fail(&err);
	if (m.broken && !m.nrcpt)
		status = EX_NOUSER;
done:
	if (m.fd >= 0)
		close(m.fd);
	if (m.arena)
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

static int other_mode(const char *mode)
{
	fprintf(stderr, "sendmail: -b%s is not supported; %s\n", mode,
			*mode == 'd' || *mode == 'D' ?
			"maild runs the daemons" : "-bm and -bp are");
	return EX_USAGE;
}

int sendmail_main(int argc, char **argv)
{
	struct options o = { .mode = "m" };
	struct err err;
	int operand = opt_parse(argc, argv, rows, &o, &err);

	if (operand < 0) {
		fprintf(stderr, "sendmail: %s\n", err.text);
		usage_fail(argv[0]);
	}
	take_other(&o);
	if (CFG_MAILQ && !strcmp(o.mode, "p"))
		return sendmail_queue(o.conf, false);
	if (CFG_MAILQ && o.queue)
		return sendmail_queue(o.conf, true);
	if (strcmp(o.mode, "m") != 0)
		return other_mode(o.mode);
	return send_message(&o, argv + operand, argc - operand);
}
