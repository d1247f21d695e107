/* smtp - sends one message now: to a host, the smarthost, or the MX of each recipient
 *
 * RFC 5321 (client), 3207 (STARTTLS), 4954 (AUTH), 1870 (SIZE), 2920 (PIPELINING)
 *
 * applet smtp tool
 * file authorize.c SMTP_OAUTH
 * file authorize_flow.c SMTP_OAUTH
 * file authorize_console.c SMTP_OAUTH
 *
 * config SMTP
 *	bool "smtp (5 kB)"
 *	help
 *	  usage: smtp [-v] [-f SENDER] [-H HOST[:PORT]] [--tls MODE] [--noverify]
 *	              [-u USER -p FILE] [-C FILE] RCPT ... < message
 *
 *	  Sends a message at once, without the queue.
 *
 *	  -f SENDER       envelope sender ("" or "<>": none)
 *	  -H HOST[:PORT]  where to; default: the smarthost, else by MX
 *	  --tls MODE      none, may (unverified), starttls, tls; default: by PORT
 *	  --noverify      take any certificate
 *	  -u USER         log in
 *	  -p FILE         password, in a file that others cannot read
 *	  -C FILE         configuration
 *	  -v              tell more
 *
 *	  smtp --authorize (SMTP_OAUTH) signs in at a provider; by itself it
 *	  says how.
 *
 *	  Exit status: 0 sent, 75 try again, 67 no such user, 68 no such domain,
 *	  69, 76, 77 refused, 64 usage, 78 configuration.
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

#include "base/idna.h"
#include "base/utf8.h"
#include "os/log.h"
#include "os/opt.h"
#include "smtp.h"

#define HOST_MOST 255
#define PASSWORD_MOST 255

struct options {
	const char *conf, *sender, *host, *tls, *user, *password_file;
	bool no_verify, verbose;
};

static const struct opt_row rows[] = {
	{ 'f', "from", OPT_TEXT, OPT_AT(struct options, sender) },
	{ 'H', "host", OPT_TEXT, OPT_AT(struct options, host) },
	{ 0, "tls", OPT_TEXT, OPT_AT(struct options, tls) },
	{ 0, "noverify", OPT_FLAG, OPT_AT(struct options, no_verify) },
	{ 'u', "user", OPT_TEXT, OPT_AT(struct options, user) },
	{ 'p', "password-file", OPT_TEXT,
		OPT_AT(struct options, password_file) },
	{ 'v', "verbose", OPT_FLAG, OPT_AT(struct options, verbose) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct options, conf) },
	{ 0 }
};

/* What the relay's strings point to. */
struct room {
	char host[HOST_MOST + 1], password[PASSWORD_MOST + 1];
	char sender[320];
};

_Noreturn static void fail(int status, const char *text)
{
	fprintf(stderr, "smtp: %s\n", text);
	exit(status);
}

/* -- where to -- */

static const struct {
	char word[9];
	unsigned char tls;		/* enum conf_tls */
	unsigned short port;		/* where none is said */
} modes[] = {
	{ "none", CONF_TLS_NONE, 25 },
	{ "may", CONF_TLS_MAY, 25 },
	{ "starttls", CONF_TLS_STARTTLS, 587 },
	{ "tls", CONF_TLS_TLS, 465 }
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

/*
 * HOST, HOST:PORT, [HOST]:PORT; an IPv6 address needs its brackets. *port
 * stays when there is none.
 */
static bool split_host(struct span text, char host[HOST_MOST + 1],
		unsigned *port)
{
	size_t colon = span_rfind(text, ':');
	struct span rest = span_rest(text, colon);
	unsigned long n = *port;

	/* in brackets it belongs to the address */
	if (span_has(rest, ']'))
		rest.n = 0;
	text.n -= rest.n;
	if (text.n && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = span_sub(text, 1, text.n - 2);
	if (rest.n && !span_number(span_rest(rest, 1), 65535, &n))
		return false;
	*port = (unsigned)n;
	if (!utf8_ascii(text))
		return n && idna_ascii(host, text);
	return n && text.n && str_copy(host, HOST_MOST + 1, text) == 0;
}

/* A password is never sent where TLS is a mere wish, so then it is more. */
static enum conf_tls default_tls(unsigned port, bool user)
{
	if (port == 465)
		return CONF_TLS_TLS;
	return port == 587 || user ? CONF_TLS_STARTTLS : CONF_TLS_MAY;
}

static void set_host(struct smtp_relay *relay, const struct options *o,
		struct room *room)
{
	size_t mode = 0;

	while (o->tls && mode < MODES && strcmp(o->tls, modes[mode].word))
		mode++;
	if (mode == MODES)
		fail(EX_USAGE, "--tls: none, may, starttls or tls");
	relay->port = o->tls ? modes[mode].port : 25;
	if (!split_host(span_of(o->host), room->host, &relay->port))
		fail(EX_USAGE, "-H: not a host");
	relay->host = room->host;
	relay->tls = o->tls ? modes[mode].tls :
		default_tls(relay->port, o->user);
	relay->verify = !o->no_verify;
	relay->user = o->user;
}

/* -H as it was told, else the smarthost, else nothing: MX. */
static void choose_relay(struct smtp_relay *relay, const struct options *o,
		const struct conf *conf, const char *sender, struct room *room)
{
	const struct conf_smarthost *s = conf_smarthost(conf, NULL, sender);
	const char *file = o->password_file;
	struct err err;

	if (!o->host && (o->tls || o->user || file || o->no_verify))
		fail(EX_USAGE, "--tls, --noverify, -u and -p go with -H");
	if (!o->user != !file)
		fail(EX_USAGE, "-u and -p go together");
	if (o->host) {
		set_host(relay, o, room);
	} else if (s) {
		*relay = (struct smtp_relay){ s->host, s->port, s->tls,
			s->verify, s->user, NULL, NULL };
		file = s->user ? s->password_file : NULL;
		relay->smarthost = s->user ? s : NULL;
	}
	if (!file)
		return;
	if (smtp_password(file, room->password, sizeof(room->password), &err))
		fail(err.kind == ERR_PERM ? EX_CONFIG : EX_NOINPUT, err.text);
	relay->password = room->password;
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

static const char *choose_sender(const struct options *o,
		const struct conf *conf, struct room *room)
{
	const struct passwd *pw;

	if (o->sender)
		return strcmp(o->sender, "<>") ? o->sender : "";
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
	fprintf(stderr, "smtp: %s: ", rcpt);
	if (r->code)
		fprintf(stderr, "%d ", r->code);
	fprintf(stderr, "%s%s%s%s%s%s\n", r->enhanced, *r->enhanced ? " " : "",
			r->text, *host ? " (" : "", host, *host ? ")" : "");
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

static int run(struct smtp_job *job, char **rcpt, unsigned n)
{
	struct err err;

	for (unsigned i = 0; i < n; i++)
		rcpt[i] = (char *)plain_address(rcpt[i]);
	job->message.rcpt = (const char *const *)rcpt;
	job->message.nrcpt = n;
	job->message.lf_lines = true;
	job->results = calloc(n, sizeof(*job->results));
	job->hosts = calloc(n, sizeof(*job->hosts));
	if (!job->results || !job->hosts)
		fail(EX_TEMPFAIL, "out of memory");
	if (smtp_read_message(job->conf, &job->message, &err) < 0)
		fail(err.kind == ERR_PERM ? EX_DATAERR : EX_IOERR, err.text);
	if (smtp_send_all(job, &err) < 0)
		fail(err_exit(err.kind), err.text);
	return judge(job);
}

int smtp_main(int argc, char **argv)
{
	struct options o = { 0 };
	struct room room = { 0 };
	struct smtp_job job = { 0 };
	struct conf *conf;
	struct err err;
	int operand, status;

	if (CFG_SMTP_OAUTH && argc > 1 && !strcmp(argv[1], "--authorize"))
		return smtp_authorize(argc - 1, argv + 1);
	operand = usage_parse(argc, argv, rows, &o);
	if (operand == argc)
		usage_fail(argv[0]);
	log_open("smtp", true);
	log_level(LOG_LEVEL_WARN);
	conf = conf_read(conf_path(o.conf), !o.conf, &err);
	if (!conf)
		fail(EX_CONFIG, err.text);
	job.conf = conf;
	job.verbose = o.verbose;
	job.message.sender = choose_sender(&o, conf, &room);
	choose_relay(&job.relay, &o, conf, job.message.sender, &room);
	status = run(&job, argv + operand, (unsigned)(argc - operand));
	explicit_bzero(room.password, sizeof(room.password));
	free(job.results);
	free(job.hosts);
	conf_free(conf);
	return status;
}
