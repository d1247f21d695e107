/* smtp - sends one message now: to a host, the smarthost, or the MX of each recipient
 *
 * RFC 5321 (client), 3207 (STARTTLS), 4954 (AUTH), 1870 (SIZE), 2920 (PIPELINING)
 *
 * applet smtp tool
 * file header.c SMTP_HEADER
 * file check.c SMTP_CHECK
 * file check_probe.c SMTP_CHECK
 * file check_print.c SMTP_CHECK
 * file check_json.c SMTP_CHECK
 * file check_proof.c SMTP_CHECK_PROOF
 * file authorize.c SMTP_OAUTH
 * file authorize_flow.c SMTP_OAUTH
 * file authorize_console.c SMTP_OAUTH
 *
 * config SMTP
 *	bool "smtp (8 kB)"
 *	help
 *	  usage: smtp [-tv] [-f SENDER] [-F NAME] [-s HOST[:PORT]] [--tls MODE]
 *	              [--noverify] [-u USER [-p FILE]] [--domain NAME] [-C FILE]
 *	              RCPT ... < message
 *	         smtp --check | --serverinfo [OPTION ...] HOST[:PORT]
 *	         smtp --authorize ...
 *
 *	  Sends a message at once, without the queue.
 *
 *	  -f SENDER       envelope sender ("" or "<>": none)
 *	  -s HOST[:PORT]  where to; default: the smarthost, else by MX
 *	  --tls MODE      none, may (unverified), starttls, tls; default: by PORT
 *	  --noverify      take any certificate
 *	  --fingerprint SHA256  take this one alone (where built in)
 *	  -u USER         log in
 *	  -p FILE         password, in a file that others cannot read; without
 *	                  it the terminal is asked
 *	  --domain NAME   say this in EHLO; default: hostname
 *	  -C FILE         configuration
 *	  -v              tell more
 *
 *	  With SMTP_HEADER:
 *
 *	  -t              recipients from To, Cc and Bcc, too; Bcc is taken out,
 *	                  Date, From and Message-ID are added
 *	  -F NAME         name for a missing From
 *
 *	  With SMTP_CHECK:
 *
 *	  --check HOST[:PORT]       explain a server; with -u try the login
 *	  --serverinfo HOST[:PORT]  the same as JSON
 *
 *	  smtp --authorize (SMTP_OAUTH) signs in at a provider; by itself it
 *	  says how.
 *
 *	  Exit status: 0 sent, 75 try again, 67 no such user, 68 no such domain,
 *	  69, 76, 77 refused, 65 bad message, 64 usage, 78 configuration.
 *
 * config SMTP_HEADER
 *	bool "smtp -t (950 bytes)"
 *	default y
 *	help
 *	  Recipients are read from the message, as sendmail does it.
 *
 * config SMTP_CHECK
 *	bool "smtp --check (12 kB)"
 *	default n
 *	help
 *	  Explains what a server can do, its certificate, and what is wrong.
 *
 * config SMTP_CHECK_PROOF
 *	bool "smtp --check: DANE and MTA-STS (3 kB)"
 *	default y
 *	depends on SMTP_CHECK
 *	depends on DANE || MTA_STS
 *	help
 *	  TLSA records, and do they fit; a domain's MX and policy.
 *
 * config SMTP_OAUTH
 *	bool "smtp --authorize: signing in at a provider (22 kB)"
 *	depends on TLS
 *	select OAUTH
 *	help
 *	  Signs in at Microsoft, Google or another provider from a console,
 *	  and stores what queue needs for token-file= of a smarthost.
 */
#include "applet.h"
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/smtp_advice.h"
#include "os/log.h"
#include "os/opt.h"
#include "smtp.h"

static const struct opt_row rows[] = {
	{ 'f', "from", OPT_TEXT, OPT_AT(struct smtp_options, sender) },
	{ 's', "host", OPT_TEXT, OPT_AT(struct smtp_options, host) },
	{ 'H', "", OPT_TEXT, OPT_AT(struct smtp_options, host) }, /* was so */
	{ 0, "tls", OPT_TEXT, OPT_AT(struct smtp_options, tls) },
	{ 0, "noverify", OPT_FLAG, OPT_AT(struct smtp_options, no_verify) },
	USE_TLS_POLICY({ 0, "fingerprint", OPT_TEXT,
		OPT_AT(struct smtp_options, fingerprint) },)
	{ 'u', "user", OPT_TEXT, OPT_AT(struct smtp_options, user) },
	{ 'p', "password-file", OPT_TEXT,
		OPT_AT(struct smtp_options, password_file) },
	{ 0, "domain", OPT_TEXT, OPT_AT(struct smtp_options, domain) },
	{ 'v', "verbose", OPT_FLAG, OPT_AT(struct smtp_options, verbose) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct smtp_options, conf) },
	/* programs that take it for a sendmail */
	{ 'i', "", OPT_IGNORE, 0 },
	{ 'o', "", OPT_IGNORE_ARG, 0 },
	USE_SMTP_HEADER({ 't', "", OPT_FLAG,
		OPT_AT(struct smtp_options, from_header) },
	{ 'F', "", OPT_TEXT, OPT_AT(struct smtp_options, name) },)
	USE_SMTP_CHECK({ 0, "check", OPT_FLAG,
		OPT_AT(struct smtp_options, check) },
	{ 0, "serverinfo", OPT_FLAG,
		OPT_AT(struct smtp_options, serverinfo) },)
	{ 0 }
};

_Noreturn void smtp_stop(int status, const char *text)
{
	fprintf(stderr, "smtp: %s\n", text);
	exit(status);
}

/* -- who from, who to -- */

/* With or without "<>". */
static const char *plain_address(char *address)
{
	size_t n = strlen(address);

	if (n >= 2 && address[0] == '<' && address[n - 1] == '>') {
		address[n - 1] = '\0';
		address++;
	}
	return address;
}

static const char *choose_sender(const struct smtp_options *o,
		const struct conf *conf, struct smtp_room *room)
{
	const struct passwd *pw;

	if (o->sender)
		return plain_address((char *)o->sender);
	pw = getpwuid(getuid());
	snprintf(room->sender, sizeof(room->sender), "%.63s@%s",
			pw ? pw->pw_name : "nobody", conf->hostname);
	return room->sender;
}

/* -- what came of it -- */

static int status_of(const struct smtp_result *r)
{
	if (!strcmp(r->enhanced, "5.1.1"))
		return EX_NOUSER;
	if (!strcmp(r->enhanced, "5.1.2"))
		return EX_NOHOST;
	return err_exit(r->kind);
}

static void print(const char *rcpt, const struct smtp_result *r,
		const char *host)
{
	char text[sizeof(r->text) + SMTP_ADVICE_MOST];

	str_copys(text, sizeof(text), r->text);
	smtp_advice_add(text, sizeof(text), r);
	fprintf(stderr, "smtp: %s: ", rcpt);
	if (r->code)
		fprintf(stderr, "%d ", r->code);
	fprintf(stderr, "%s%s%s%s%s%s\n", r->enhanced, *r->enhanced ? " " : "",
			text, *host ? " (" : "", host, *host ? ")" : "");
}

/* Who may hope must not be told to give up: 75 goes before all others. */
static int judge(const struct smtp_job *job)
{
	int status = EX_OK;

	for (unsigned i = 0; i < job->message.nrcpt; i++) {
		const struct smtp_result *r = &job->results[i];
		int s = r->kind == ERR_NONE ? EX_OK : status_of(r);

		if (s || job->verbose)
			print(job->message.rcpt[i], r, job->hosts[i]);
		if (s && (!status || s == EX_TEMPFAIL))
			status = s;
	}
	return status;
}

/* Those of the command line, in a list; with -t those of the header, too. */
static void read_message(struct smtp_job *job, const struct smtp_options *o,
		char **rcpt, unsigned n, struct smtp_room *room)
{
	struct err err;

	for (unsigned i = 0; i < n; i++)
		rcpt[i] = (char *)plain_address(rcpt[i]);
	job->message.rcpt = (const char *const *)rcpt;
	job->message.nrcpt = n;
	job->message.lf_lines = true;
	if (smtp_read_message(job->conf, &job->message, &err) < 0)
		smtp_stop(err.kind == ERR_PERM ? EX_DATAERR : EX_IOERR,
				err.text);
	if (CFG_SMTP_HEADER && o->from_header)
		smtp_header(job, o, room);
}

static int run(struct smtp_job *job)
{
	unsigned n = job->message.nrcpt;
	struct err err;
	int status;

	job->results = calloc(n, sizeof(*job->results));
	job->hosts = calloc(n, sizeof(*job->hosts));
	if (!job->results || !job->hosts)
		smtp_stop(EX_TEMPFAIL, "out of memory");
	if (smtp_send_all(job, &err) < 0)
		smtp_stop(err_exit(err.kind), err.text);
	status = judge(job);
	free(job->results);
	free(job->hosts);
	return status;
}

static int send_or_check(struct smtp_job *job, const struct smtp_options *o,
		char **rcpt, unsigned n, struct smtp_room *room)
{
	if (CFG_SMTP_CHECK && (o->check || o->serverinfo))
		return smtp_check(job, o, rcpt[0], room);
	job->message.sender = choose_sender(o, job->conf, room);
	smtp_choose_relay(job, o, room);
	read_message(job, o, rcpt, n, room);
	return run(job);
}

static bool makes_sense(const struct smtp_options *o, int n)
{
	if (o->check || o->serverinfo)
		return n == 1 && !o->host && !(o->check && o->serverinfo);
	return n || o->from_header;
}

int smtp_main(int argc, char **argv)
{
	struct smtp_options o = { 0 };
	struct smtp_room room = { 0 };
	struct smtp_job job = { 0 };
	struct conf *conf;
	struct err err;
	int operand, status;

	if (CFG_SMTP_OAUTH && argc > 1 && !strcmp(argv[1], "--authorize"))
		return smtp_authorize(argc - 1, argv + 1);
	operand = usage_parse(argc, argv, rows, &o);
	if (!makes_sense(&o, argc - operand))
		usage_fail(argv[0]);
	log_open("smtp", true);
	log_level(LOG_LEVEL_WARN);
	conf = conf_read(conf_path(o.conf), !o.conf, &err);
	if (!conf)
		smtp_stop(EX_CONFIG, err.text);
	job.conf = conf;
	job.hello = o.domain ? o.domain : conf->hostname;
	job.verbose = o.verbose;
	status = send_or_check(&job, &o, argv + operand,
			(unsigned)(argc - operand), &room);
	explicit_bzero(room.password, sizeof(room.password));
	str_free(&room.head);
	arena_free(room.arena);
	conf_free(conf);
	return status;
}
