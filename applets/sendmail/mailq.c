#include "applet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/date.h"
#include "os/file.h"
#include "os/opt.h"
#include "sendmail/sendmail.h"
#include "store/spool.h"

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir */
#define ENVELOPE_MOST (4 * 1024 * 1024)
#define COLUMN 41			/* of senders and recipients */

/* One message of the queue; the fields of a LIST line. */
struct entry {
	struct span id, size, created, sender, next, attempts, why, rcpts;
};

struct totals {
	unsigned long messages;
	unsigned long long bytes;
};

/* Replies of other hosts may hold anything; a terminal obeys some of it. */
static void print_safe(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		putchar((unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? '?' :
				s.p[i]);
}

static void print_time(struct span seconds)
{
	unsigned long long when = 0;
	char date[DATE_SIZE];

	span_number64(seconds, INT64_MAX / 2, &when);
	date_mbox(date, (int64_t)when + date_offset((int64_t)when));
	/* without the year: "Tue Nov 24 11:11:46" */
	printf("%-20.19s", date);
}

static void print_entry(struct totals *all, const struct entry *e)
{
	struct span rcpts = e->rcpts, rcpt;
	unsigned long long size = 0;

	span_number64(e->size, UINT64_MAX, &size);
	if (!all->messages++)
		printf("%-20s%10s  %-20s%s\n", "-Queue ID-", "--Size--",
				"---Arrival Time----", "-Sender/Recipient-");
	all->bytes += size;
	print_safe(e->id);
	printf("%*s%10llu  ", e->id.n < 20 ? (int)(20 - e->id.n) : 0, "", size);
	print_time(e->created);
	print_safe(e->sender.n ? e->sender : SPAN("MAILER-DAEMON"));
	putchar('\n');
	if (e->why.n) {
		printf("%*s(", COLUMN / 2, "");
		print_safe(e->why);
		printf(")\n");
	}
	for (rcpt = span_word(&rcpts); rcpt.n; rcpt = span_word(&rcpts)) {
		printf("%*s", COLUMN + 11, "");
		print_safe(rcpt);
		putchar('\n');
	}
	putchar('\n');
}

static void print_totals(const struct totals *all)
{
	if (!all->messages)
		printf("Mail queue is empty\n");
	else
		printf("-- %llu Kbytes in %lu Request%s.\n",
				(all->bytes + 1023) / 1024, all->messages,
				all->messages == 1 ? "" : "s");
}

/* -- from the queue -- */

static int connect_queue(const struct conf *conf, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path, sizeof(un.sun_path), "%s/" QUEUE_SOCKET,
			conf->run_dir);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(un.sun_path))
		return err_set(err, ERR_PERM, "run-dir: path too long");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(err, "socket");
	if (connect(fd, (const void *)&un, sizeof(un)) < 0) {
		err_errno(err, "the queue does not answer: %s", un.sun_path);
		close(fd);
		return -1;
	}
	return fd;
}

static void list_line(struct totals *all, struct span line)
{
	struct entry e;
	struct span *const fields[] = {
		&e.id, &e.size, &e.created, &e.sender, &e.next, &e.attempts,
		&e.why, &e.rcpts
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		*fields[i] = span_cut(&line, '\t');
	print_entry(all, &e);
}

static void flush_line(struct span line)
{
	struct span ok = span_word(&line);

	if (!span_is(ok, "OK"))
		print_safe(ok);
	print_safe(span_trim(line));
	printf(span_is(ok, "OK") ? " messages are tried now\n" : "\n");
}

static int ask_queue(int fd, bool flush, struct err *err)
{
	const char *command = flush ? "FLUSH\n" : "LIST\n";
	FILE *f = fdopen(fd, "r+");
	struct totals all = { 0 };
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f) {
		close(fd);
		return err_errno(err, "queue");
	}
	if (file_write(fd, command, strlen(command)) < 0) {
		fclose(f);
		return err_errno(err, "queue");
	}
	while ((n = getline(&line, &room, f)) > 0) {
		struct span s = span_trim(span_make(line, (size_t)n));

		/* a trailing empty field may hold the line's last TAB */
		if (flush)
			flush_line(s);
		else
			list_line(&all, s);
	}
	if (!flush)
		print_totals(&all);
	free(line);
	fclose(f);
	return 0;
}

/* -- from the spool, while no daemon runs -- */

struct reading {
	struct spool *spool;
	struct totals all;
};

static void put_waiting(struct str *out, const struct spool_envelope *e)
{
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (e->rcpt[i].state == SPOOL_WAITING)
			str_addf(out, "%s ", e->rcpt[i].address);
}

static void on_message(void *arg, const char *id)
{
	struct reading *r = arg;
	struct arena *a = arena_new(ENVELOPE_MOST);
	struct spool_envelope *e;
	char size[24], created[24];
	struct str rcpts;
	struct err err;

	str_init(&rcpts, ENVELOPE_MOST);
	if (!a || spool_load(r->spool, id, a, &e, &err) < 0)
		goto out;
	snprintf(size, sizeof(size), "%llu", (unsigned long long)e->size);
	snprintf(created, sizeof(created), "%lld", (long long)e->created);
	put_waiting(&rcpts, e);
	print_entry(&r->all, &(struct entry){
		.id = span_of(e->id), .size = span_of(size),
		.created = span_of(created), .sender = span_of(e->sender),
		.rcpts = str_span(&rcpts)
	});
out:
	str_free(&rcpts);
	if (a)
		arena_free(a);
}

static int read_spool(const struct conf *conf, struct err *err)
{
	struct reading r = { .spool = NULL };
	int rc;

	if (access(conf->spool_dir, R_OK | W_OK | X_OK) < 0)
		return -1;	/* err still says why the queue did not */
	r.spool = spool_open(conf, NULL, err);
	if (!r.spool)
		return -1;
	rc = spool_scan(r.spool, on_message, &r, err);
	spool_close(r.spool);
	if (rc == 0)
		print_totals(&r.all);
	return rc;
}

int sendmail_queue(const char *conf_path, bool flush)
{
	struct conf *conf = conf_read_or_exit(conf_path);
	struct err err;
	int fd = connect_queue(conf, &err), rc;

	if (fd >= 0)
		rc = ask_queue(fd, flush, &err);
	else
		rc = flush ? -1 : read_spool(conf, &err);
	if (rc < 0)
		fprintf(stderr, "mailq: %s\n", err.text);
	conf_free(conf);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return rc < 0 ? EX_UNAVAILABLE : EX_OK;
}

struct options {
	const char *conf;
	bool flush;
};

static const struct opt_row rows[] = {
	{ 'q', "flush", OPT_FLAG, OPT_AT(struct options, flush), 0 },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct options, conf), 0 },
	{ 'v', NULL, OPT_IGNORE, 0, 0 },
	{ 0 }
};

int mailq_main(int argc, char **argv)
{
	struct options o = { 0 };
	struct err err;
	int operand = opt_parse(argc, argv, rows, &o, &err);

	if (operand < 0)
		fprintf(stderr, "mailq: %s\n", err.text);
	if (operand != argc)
		usage_fail(argv[0]);
	return sendmail_queue(o.conf, o.flush);
}
