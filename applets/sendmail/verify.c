/* sendmail -bv: where mail for an address would go */
#include "applet.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/idna.h"
#include "config.h"
#include "os/file.h"
#include "sendmail/sendmail.h"
#include "store/aliases.h"
#include "store/submit.h"

#define REPLY_MOST 8192
#define MEMORY_MOST (1024 * 1024)
#define TARGETS_MOST 1000	/* of an alias, printed */

struct verify {
	const struct conf *conf;
	int fd;				/* smtpd; -1: it does not run */
	struct str in;			/* what it has said and is not used */
	struct aliases *aliases;
	int status;
};

/* -- smtpd says whether it would be taken -- */

/* The next line without its end; false: it went away, or says too much. */
static bool next_line(struct verify *v, struct str *line)
{
	char piece[1024];
	ssize_t n;

	while (!span_has(str_span(&v->in), '\n')) {
		n = file_get(v->fd, piece, sizeof(piece));
		if (n <= 0 || v->in.bad)
			return false;
		str_add(&v->in, span_make(piece, (size_t)n));
	}
	n = (ssize_t)span_find(str_span(&v->in), '\n');
	str_clear(line);
	str_add(line, span_trim(span_sub(str_span(&v->in), 0, (size_t)n)));
	str_cut(&v->in, (size_t)n + 1);
	return true;
}

/* The last line of the reply; false as above. */
static bool reply(struct verify *v, struct str *line)
{
	do {
		if (!next_line(v, line))
			return false;
	} while (line->n > 3 && line->p[3] == '-');
	return line->n >= 3;
}

static bool say(struct verify *v, struct str *line, const char *verb,
		const char *arg, const char *end)
{
	struct str out;
	bool sent;

	str_init(&out, 1024);
	str_addf(&out, "%s%s%s\r\n", verb, arg, end);
	sent = !out.bad && file_write(v->fd, out.p, out.n) == 0;
	str_free(&out);
	return sent && reply(v, line);
}

/* A transaction of its own for each: their number has a limit. */
static bool ask(struct verify *v, const char *address, struct str *line)
{
	return say(v, line, "RSET", "", "") &&
		say(v, line, "MAIL FROM:<>", "", "") && line->p[0] == '2' &&
		say(v, line, "RCPT TO:<", address, ">");
}

static void hello(struct verify *v)
{
	struct str line;
	struct err err;

	str_init(&line, REPLY_MOST);
	v->fd = submit_connect(v->conf, &err);
	if (v->fd >= 0 && (!reply(v, &line) ||
			!say(v, &line, "EHLO ", v->conf->hostname, ""))) {
		close(v->fd);
		v->fd = -1;
	}
	if (v->fd < 0)
		fprintf(stderr, "sendmail: smtpd does not answer: whether "
				"there is such a user is not known\n");
	str_free(&line);
}

/* -- the configuration says where it would go (applets/queue) -- */

static void print_host(const char *mailer, const char *host, unsigned port)
{
	printf("mailer %s, host %s%s%s:%u", mailer, strchr(host, ':') ?
			"[" : "", host, strchr(host, ':') ? "]" : "", port);
}

static void print_way(const struct conf *conf, struct span domain)
{
	const struct conf_route *r;
	const struct conf_smarthost *s = conf_smarthost(conf, NULL, "");
	char ascii[IDNA_SIZE];

	if (idna_ascii(ascii, domain))
		domain = span_of(ascii);
	r = conf_find_route(conf, domain);
	if (!domain.n || conf_is_local(conf, domain))
		printf("mailer local");
	else if (r && r->status)
		printf("mailer error, %s %s, by route", r->status, r->host);
	else if (r && r->is_unix)
		printf("mailer lmtp, socket %s, by route", r->host);
	else if (r && r->mx)
		printf("mailer smtp, MX of %s, by route", r->host);
	else if (r)
		print_host(r->lmtp ? "lmtp, by route" : "smtp, by route",
				r->host, r->port);
	else if (s)
		print_host("smtp, by smarthost", s->host, s->port);
	else
		printf("mailer smtp, MX of %.*s", SPAN_ARG(domain));
}

/* -- whom an alias stands for, as queue will find it -- */

static void print_target(const struct conf *conf, const char *to)
{
	struct span name = span_before(span_of(to), '#');

	/* "|NAME#N@domain" */
	if (alias_is_target(span_of(to))) {
		printf("  a command or file of %.*s\n",
				SPAN_ARG(span_rest(name, 1)));
		return;
	}
	printf("  %s: ", to);
	print_way(conf, span_behind(span_of(to), '@'));
	printf("\n");
}

/* False: it is none. */
static bool print_alias(struct verify *v, const char *address)
{
	struct span domain = span_behind(span_of(address), '@');
	struct alias_set set = { 0 };
	struct err err;
	int rc = 0;

	if (v->aliases && (!domain.n || conf_is_local(v->conf, domain)))
		rc = aliases_expand(v->aliases, span_of(address), false,
				TARGETS_MOST, &set, &err);
	if (rc < 0) {
		printf("%s... alias: %s\n", address, err.text);
		v->status = err.kind == ERR_PERM ? EX_NOUSER : EX_TEMPFAIL;
	} else if (rc) {
		printf("%s... deliverable: alias for\n", address);
		for (unsigned i = 0; i < set.n; i++)
			print_target(v->conf, set.address[i]);
		if (set.owner)
			printf("  whose errors go to %s\n", set.owner);
	}
	alias_set_free(&set);
	return rc;
}

static void verify(struct verify *v, const char *address)
{
	struct span a = span_of(address);
	struct str line;

	str_init(&line, REPLY_MOST);
	if (v->fd >= 0 && !ask(v, address, &line)) {
		printf("%s... not known: smtpd went away\n", address);
		v->status = EX_TEMPFAIL;
	} else if (v->fd >= 0 && line.p[0] != '2') {
		printf("%s... %s\n", address, str_c(&line));
		if (v->status != EX_TEMPFAIL)
			v->status = line.p[0] == '4' ? EX_TEMPFAIL : EX_NOUSER;
	} else if (!CFG_ALIASES || !print_alias(v, address)) {
		printf("%s... deliverable: ", address);
		print_way(v->conf, span_behind(a, '@'));
		printf("\n");
	}
	str_free(&line);
}

int sendmail_verify(const char *conf_path, char **rcpt, int n)
{
	struct conf *conf = conf_read_or_exit(conf_path);
	struct verify v = { .conf = conf, .fd = -1 };
	struct outgoing out = {
		.arena = arena_new(MEMORY_MOST), .domain =
			conf->domains ? conf->domains->text : conf->hostname
	};

	if (!n || !out.arena)
		usage_fail("sendmail");
	signal(SIGPIPE, SIG_IGN);
	str_init(&v.in, REPLY_MOST);
	for (int i = 0; i < n; i++)
		outgoing_recipients(&out, span_of(rcpt[i]));
	if (out.broken) {
		fprintf(stderr, "sendmail: not valid: %u of the addresses\n",
				out.broken);
		v.status = EX_NOUSER;
	}
	hello(&v);
	if (CFG_ALIASES)
		v.aliases = aliases_new(conf, false);
	for (unsigned i = 0; i < out.nrcpt; i++)
		verify(&v, out.rcpt[i]);
	if (v.fd >= 0)
		close(v.fd);
	if (CFG_ALIASES)
		aliases_free(v.aliases);
	str_free(&v.in);
	arena_free(out.arena);
	conf_free(conf);
	return applet_end("sendmail", v.status);
}
