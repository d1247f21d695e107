#include "applet.h"
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/opt.h"
#include "os/socket.h"
#include "sendmail/mailq.h"
#include "sendmail/sendmail.h"

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir */
#define REASON_COLUMN 20
#define RCPT_COLUMN 52
#define LINE_MOST 4096			/* octets of a request, and of a line */
#define SPAN_SIZE 12
#define NONE_MATCHED 1			/* exit status */

enum { DONE, SAME, BUSY, FAILED, COUNTS };

/* What it is asked to do, and what it says of it. */
static const struct request {
	const char *verb, *one, *many, *same;
} requests[] = {
	{ "LIST", NULL, NULL, NULL },
	{ "FLUSH", "is tried now", "are tried now", "held: not tried" },
	USE_MAILQ_ADMIN({ "HOLD", "held", "held", "held already" },
	{ "RELEASE", "released", "released", "not held" },
	{ "REQUEUE", "requeued", "requeued", "" },
	{ "DELETE", "deleted", "deleted", "" },)
	USE_TLS_REPORT({ "TLS", NULL, NULL, NULL },)
};
#define WANTED (sizeof(requests) / sizeof(*requests))
#define TLS_WANTED 6			/* with TLS_REPORT the last of them */
static const struct request link_request = { "LINK", NULL, NULL, NULL };

struct options {
	const char *conf, *from, *to, *domain;
	const char *link, *state;	/* QUEUE_LINK */
	bool wanted[TLS_WANTED + 1];	/* as requests has them */
	bool json, all, quiet;
};

struct mailq {
	const struct options *o;
	const char *hostname;
	const struct request *request;
	bool open;			/* a message whose recipients come */
	bool first;			/* none has come yet */
	struct str reason;		/* of the last of them */
	unsigned long messages;
	unsigned long long bytes;
	unsigned long count[COUNTS];
	bool ended;			/* queue has said all */
	int status;			/* what it refused with */
};

/* -- as a table -- */

/* Replies of other hosts may hold anything; a terminal obeys some of it. */
static void print_safe(int column, struct span s)
{
	printf("%*s", column, "");
	for (size_t i = 0; i < s.n; i++)
		fputc((unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? '?' :
				s.p[i], stdout);
	fputc('\n', stdout);
}

/* "45s", "12m", "3h", "4d"; what is negative: the clock was not right. */
static void put_span(char out[SPAN_SIZE], long long seconds)
{
	static const struct {
		unsigned most, unit;
		char letter;
	} units[] = {
		{ 100, 1, 's' }, { 100 * 60, 60, 'm' },
		{ 100 * 3600, 3600, 'h' }, { INT32_MAX, 86400, 'd' }
	};
	unsigned s = seconds < INT32_MAX ? (unsigned)seconds : INT32_MAX, i = 0;

	if (seconds < 0) {
		str_copys(out, SPAN_SIZE, "?");
		return;
	}
	while (s > units[i].most)
		i++;
	snprintf(out, SPAN_SIZE, "%u%c", s / units[i].unit, units[i].letter);
}

static long long number(struct span s)
{
	unsigned long long n = 0;

	span_number64(s, INT64_MAX, &n);
	return (long long)n;
}

static void print_times(const struct span field[MAILQ_FIELDS])
{
	long long now = clock_now(), created = number(field[MAILQ_CREATED]);
	long long next = number(field[MAILQ_NEXT]);
	char age[SPAN_SIZE], left[SPAN_SIZE] = "now";

	put_span(age, created < CLOCK_EPOCH ? -1 : now - created);
	if (span_is(field[MAILQ_STATE], "held"))
		str_copys(left, sizeof(left), "held");
	else if (next > now)
		put_span(left, next - now);
	printf("  %-9.9s %-9.9s ", age, left);
}

static void print_message(struct mailq *m, const struct span field[MAILQ_FIELDS])
{
	struct span state = field[MAILQ_STATE];

	if (m->messages == 1)
		printf("%-20s%10s  %-10s%-10s%s\n", "-Queue ID-", "--Size--",
				"-Age-", "-Next-", "-Sender/Recipient-");
	printf("%-19.*s%c%10llu", SPAN_ARG(field[MAILQ_ID]),
			span_is(state, "held") ? '!'
			: span_is(state, "sending") ? '*' : ' ',
			(unsigned long long)number(field[MAILQ_SIZE]));
	print_times(field);
	print_safe(0, field[MAILQ_SENDER].n ? field[MAILQ_SENDER]
			: SPAN("MAILER-DAEMON"));
}

/* A reason stands once above all that follow each other with it. */
static void print_rcpt(struct mailq *m, struct span address, struct span reason)
{
	if (!span_eq(reason, str_span(&m->reason))) {
		print_safe(REASON_COLUMN, reason.n ? reason
				: SPAN("not tried yet"));
		str_clear(&m->reason);
		str_add(&m->reason, reason);
	}
	print_safe(RCPT_COLUMN, address);
}

static void print_totals(const struct mailq *m)
{
	if (m->messages)
		printf("-- %llu Kbytes in %lu Request%s.\n",
				(m->bytes + 1023) / 1024, m->messages,
				m->messages == 1 ? "" : "s");
	else
		printf("Mail queue is empty\n");
}

static void print_counts(const struct mailq *m)
{
	const unsigned long *n = m->count;

	printf("%lu message%s %s", n[DONE], n[DONE] == 1 ? "" : "s",
			n[DONE] == 1 ? m->request->one : m->request->many);
	if (n[SAME])
		printf(", %lu %s", n[SAME], m->request->same);
	if (CFG_MAILQ_ADMIN && n[BUSY])
		printf(", %lu just being sent: left alone", n[BUSY]);
	if (CFG_MAILQ_ADMIN && n[FAILED])
		printf(", %lu failed", n[FAILED]);
	fputc('\n', stdout);
}

/* -- a line of the queue's -- */

static void end_message(struct mailq *m)
{
	struct str out;

	if (!m->open)
		return;
	m->open = false;
	str_clear(&m->reason);
	if (!CFG_MAILQ_ADMIN || !m->o->json) {
		fputc('\n', stdout);
		return;
	}
	str_init(&out, LINE_MOST);
	json_end(&out);
	fputs(str_c(&out), stdout);
	str_free(&out);
}

static void on_message(struct mailq *m, struct span line)
{
	struct span field[MAILQ_FIELDS];
	struct str out;

	end_message(m);
	for (int i = 0; i < MAILQ_FIELDS; i++)
		field[i] = span_cut(&line, '\t');
	m->open = m->first = true;
	m->messages++;
	m->bytes += (unsigned long long)number(field[MAILQ_SIZE]);
	if (!CFG_MAILQ_ADMIN || !m->o->json) {
		print_message(m, field);
		return;
	}
	str_init(&out, 8 * LINE_MOST);
	json_message(&out, field);
	fputs(str_c(&out), stdout);
	str_free(&out);
}

static void on_rcpt(struct mailq *m, struct span line)
{
	struct span address = span_cut(&line, '\t');
	struct str out;

	if (!CFG_MAILQ_ADMIN || !m->o->json) {
		print_rcpt(m, address, line);
		return;
	}
	str_init(&out, 8 * LINE_MOST);
	json_rcpt(&out, m->first, address, line);
	m->first = false;
	fputs(str_c(&out), stdout);
	str_free(&out);
}

static void on_tls(struct mailq *m, struct span line)
{
	struct str out;

	str_init(&out, 8 * LINE_MOST);
	json_tls(&out, m->hostname, line);
	fputs(str_c(&out), stdout);
	str_free(&out);
}

static void complain(const char *what, struct span s)
{
	fprintf(stderr, "mailq: ");
	for (size_t i = 0; i < s.n; i++)
		fputc((unsigned char)s.p[i] < ' ' ? ' ' : s.p[i], stderr);
	fprintf(stderr, "%s\n", what);
}

static void on_line(struct mailq *m, struct span line)
{
	struct span word = line;

	if (span_starts(line, "M\t")) {
		on_message(m, span_rest(line, 2));
	} else if (span_starts(line, "R\t")) {
		on_rcpt(m, span_rest(line, 2));
	} else if (CFG_TLS_REPORT && span_starts(line, "T\t")) {
		on_tls(m, span_rest(line, 2));
	} else if (CFG_MAILQ_ADMIN && span_starts(line, "B\t")) {
		complain(": is just being sent, was left alone",
				span_rest(line, 2));
	} else if (CFG_MAILQ_ADMIN && span_starts(line, "F\t")) {
		complain("", span_rest(line, 2));
	} else if (span_eq(span_word(&word), SPAN("OK"))) {
		end_message(m);
		m->ended = true;
		for (int i = 0; i < COUNTS; i++)
			m->count[i] += (unsigned long)number(span_word(&word));
	} else {
		m->ended = true;
		m->status = span_starts(line, "DENIED") ? EX_NOPERM
			: EX_UNAVAILABLE;
		complain("", span_trim(word));
	}
}

/* -- from the queue -- */

static int connect_queue(const struct conf *conf, struct err *err)
{
	struct err why;
	int fd = socket_connect(conf->run_dir, QUEUE_SOCKET, 0, &why);

	return fd < 0 ? err_set(err, why.kind, "the queue does not answer: %s",
			why.text) : fd;
}

/* Takes the whole lines off text. */
static void take_lines(struct mailq *m, struct str *text)
{
	struct span rest = str_span(text);

	while (!m->ended && span_has(rest, '\n'))
		on_line(m, span_cut(&rest, '\n'));
	str_cut(text, text->n - rest.n);
}

static int read_lines(struct mailq *m, int fd, struct err *err)
{
	char piece[LINE_MOST];
	struct str text;
	ssize_t n;

	str_init(&text, 2 * LINE_MOST);
	while (!m->ended && !text.bad
			&& (n = file_get(fd, piece, sizeof(piece))) > 0) {
		str_add(&text, span_make(piece, (size_t)n));
		take_lines(m, &text);
	}
	str_free(&text);
	return m->ended ? 0 : err_set(err, ERR_TEMP,
			"the queue went away in the middle");
}

static void add_choice(struct str *out, const char *name, const char *value)
{
	if (value)
		str_addf(out, "\t%s=%s", name, value);
}

static int ask(struct mailq *m, const struct conf *conf, const char *id,
		struct err *err)
{
	struct str line;
	int fd, rc;

	m->ended = false;
	str_init(&line, LINE_MOST);
	str_adds(&line, m->request->verb);
	if (CFG_QUEUE_LINK && m->o->link)
		str_addf(&line, "\t%s\t%s", m->o->link, m->o->state);
	if (CFG_MAILQ_ADMIN) {
		add_choice(&line, "id", id);
		add_choice(&line, "from", m->o->from);
		add_choice(&line, "to", m->o->to);
		add_choice(&line, "domain", m->o->domain);
	}
	str_addc(&line, '\n');
	fd = line.bad ? err_set(err, ERR_PERM, "too long")
		: connect_queue(conf, err);
	if (fd >= 0 && file_write(fd, line.p, line.n) < 0) {
		close(fd);
		fd = err_errno(err, "queue");
	}
	str_free(&line);
	if (fd < 0)
		return -1;
	rc = read_lines(m, fd, err);
	close(fd);
	return rc;
}

/* How many messages it has spoken of so far. */
static unsigned long matched(const struct mailq *m)
{
	return m->count[DONE] + m->count[SAME] + m->count[BUSY]
		+ m->count[FAILED];
}

/* Each ID is a request of its own, so that it is known which is not there. */
static int ask_each(struct mailq *m, const struct conf *conf, char **id, int n,
		struct err *err)
{
	int missing = 0;

	if (!CFG_MAILQ_ADMIN || !n)
		return ask(m, conf, NULL, err);
	for (int i = 0; i < n && !m->status; i++) {
		unsigned long before = matched(m);

		if (ask(m, conf, id[i], err) < 0)
			return -1;
		if (m->status || matched(m) > before)
			continue;
		complain(": no such message", span_of(id[i]));
		missing = 1;
	}
	return missing;
}

static bool chooses(const struct options *o, int n)
{
	return CFG_MAILQ_ADMIN && (n || o->from || o->to || o->domain);
}

static int end_status(const struct mailq *m, bool missing)
{
	return m->status ? m->status : m->count[FAILED] ? EX_IOERR
		: m->count[BUSY] ? EX_TEMPFAIL : missing ? NONE_MATCHED : EX_OK;
}

static int run(const struct options *o, const struct request *request,
		char **id, int n)
{
	struct mailq m = { .o = o, .request = request };
	struct conf *conf = conf_read_or_exit(o->conf);
	struct err err;
	int rc;

	m.hostname = conf->hostname;
	str_init(&m.reason, LINE_MOST);
	rc = ask_each(&m, conf, id, n, &err);
	conf_free(conf);
	str_free(&m.reason);
	if (rc < 0) {
		fflush(stdout);
		applet_fail("mailq", &err);
		return applet_end("mailq", EX_UNAVAILABLE);
	}
	if (m.status)
		return applet_end("mailq", m.status);
	if (request->one && !o->quiet)
		print_counts(&m);
	else if (!o->json && request == requests
			&& (m.messages || !chooses(o, n)))
		print_totals(&m);
	return applet_end("mailq", end_status(&m, rc
				|| (chooses(o, n) && !matched(&m))));
}

static const struct opt_row rows[] = {
	{ 'q', "flush", OPT_FLAG, OPT_AT(struct options, wanted[1]) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct options, conf) },
	{ 'v', "", OPT_IGNORE, 0 },
	USE_QUEUE_LINK({ 0, "link", OPT_TEXT, OPT_AT(struct options, link) },)
	USE_MAILQ_ADMIN({ 'h', "hold", OPT_FLAG,
			OPT_AT(struct options, wanted[2]) },
	{ 'H', "release", OPT_FLAG, OPT_AT(struct options, wanted[3]) },
	{ 'r', "requeue", OPT_FLAG, OPT_AT(struct options, wanted[4]) },
	{ 'd', "delete", OPT_FLAG, OPT_AT(struct options, wanted[5]) },
	{ 'j', "json", OPT_FLAG, OPT_AT(struct options, json) },
	{ 'a', "all", OPT_FLAG, OPT_AT(struct options, all) },
	{ 0, "from", OPT_TEXT, OPT_AT(struct options, from) },
	{ 0, "to", OPT_TEXT, OPT_AT(struct options, to) },
	{ 0, "domain", OPT_TEXT, OPT_AT(struct options, domain) },)
	USE_TLS_REPORT({ 0, "tls-report", OPT_FLAG,
			OPT_AT(struct options, wanted[TLS_WANTED]) },)
	{ 0 }
};

static bool is_id(const char *s)
{
	return *s && span_isalnum(span_of(s), "");
}

/* One thing at a time, to messages that were named. */
static bool makes_sense(const struct options *o, char **id, int n)
{
	const char *values[] = { o->from, o->to, o->domain };
	int wanted = 0;

	for (size_t i = 0; i < WANTED; i++)
		wanted += o->wanted[i];
	for (int i = 0; i < 3; i++)
		if (span_has_control(span_of(values[i]))
				|| span_has(span_of(values[i]), '\t'))
			return false;
	for (int i = 0; i < n; i++)
		if (!is_id(id[i]))
			return false;
	if (o->all && chooses(o, n))
		return false;
	if (o->wanted[TLS_WANTED] && (o->all || chooses(o, n)))
		return false;
	return wanted <= 1 && !(wanted && o->json)
		&& (!wanted || o->wanted[1] || o->wanted[TLS_WANTED] || o->all
				|| chooses(o, n));
}

/* Sendmail looks for parts of addresses, we for addresses and domains. */
static void choose(struct options *o, const char *which)
{
	const char *text = which + 1;

	if (*which == 'S')
		o->from = text;
	else if (strchr(text, '@'))
		o->to = text;
	else
		o->domain = text;
}

int sendmail_queue(const char *conf_path, enum sendmail_queue what,
		const char *which)
{
	struct options o = { .conf = conf_path,
		.quiet = what == SENDMAIL_TRY_QUIETLY };
	char *id = NULL;

	if (CFG_MAILQ_ADMIN && which) {
		o.wanted[!!what] = true;
		if (*which == 'I')
			id = (char *)which + 1;
		else
			choose(&o, which);
		if (!makes_sense(&o, &id, id != NULL))
			usage_fail("sendmail");
	}
	return run(&o, &requests[!!what], &id, id != NULL);
}

int mailq_main(int argc, char **argv)
{
	struct options o = { 0 };
	int operand = usage_parse(argc, argv, rows, &o);
	size_t i = 1;

	if (CFG_QUEUE_LINK && o.link && operand == argc - 1) {
		o = (struct options){
			.conf = o.conf, .link = o.link, .state = argv[operand]
		};
		return run(&o, &link_request, NULL, 0);
	}
	if (o.link || (CFG_MAILQ_ADMIN ? !makes_sense(&o, argv + operand,
				argc - operand) : operand != argc))
		usage_fail(argv[0]);
	while (i < WANTED && !o.wanted[i])
		i++;
	return run(&o, &requests[i % WANTED], argv + operand, argc - operand);
}
