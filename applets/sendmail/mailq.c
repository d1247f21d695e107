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

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir */
#define COLUMN 41			/* of senders and recipients */
#define LINE_MOST (8 * 1024 * 1024)	/* octets: all recipients are in it */

/* One message of the queue: the fields of a LIST line. */
enum { ID, SIZE, CREATED, SENDER, NEXT, ATTEMPTS, WHY, RCPTS, FIELDS };

struct totals {
	unsigned long messages;
	unsigned long long bytes;
};

/* Replies of other hosts may hold anything; a terminal obeys some of it. */
static void print_safe(int column, struct span s)
{
	printf("%*s", column, "");
	for (size_t i = 0; i < s.n; i++)
		fputc((unsigned char)s.p[i] < ' ' || s.p[i] == 127 ? '?' :
				s.p[i], stdout);
	fputc('\n', stdout);
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

static void print_entry(struct totals *all, struct span line)
{
	struct span field[FIELDS], rcpt;
	unsigned long long size = 0;

	/* a trailing empty field may hold the line's last TAB */
	for (int i = 0; i < FIELDS; i++)
		field[i] = span_cut(&line, '\t');
	span_number64(field[SIZE], UINT64_MAX, &size);
	if (!all->messages++)
		printf("%-20s%10s  %-20s%s\n", "-Queue ID-", "--Size--",
				"---Arrival Time----", "-Sender/Recipient-");
	all->bytes += size;
	printf("%-20.*s%10llu  ", SPAN_ARG(field[ID]), size);
	print_time(field[CREATED]);
	print_safe(0, field[SENDER].n ? field[SENDER] : SPAN("MAILER-DAEMON"));
	if (field[WHY].n)
		print_safe(COLUMN / 2, field[WHY]);
	while ((rcpt = span_word(&field[RCPTS])).n)
		print_safe(COLUMN + 11, rcpt);
	fputc('\n', stdout);
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

static void flush_line(struct span line)
{
	struct span count = line;

	if (span_eq(span_word(&count), SPAN("OK")))
		printf("%.*s messages are tried now\n", SPAN_ARG(span_trim(count)));
	else
		print_safe(0, line);
}

/* Takes the whole lines off text: entries of a LIST, or (all NULL) FLUSH's. */
static void print_lines(struct str *text, struct totals *all)
{
	struct span rest = str_span(text);

	while (span_has(rest, '\n')) {
		struct span line = span_cut(&rest, '\n');

		if (all)
			print_entry(all, line);
		else
			flush_line(line);
	}
	str_cut(text, text->n - rest.n);
}

static int ask_queue(int fd, bool flush, struct err *err)
{
	const char *command = flush ? "FLUSH\n" : "LIST\n";
	struct totals all = { 0 };
	char piece[4096];
	struct str text;
	ssize_t n = -1;

	str_init(&text, LINE_MOST);
	if (file_write(fd, command, strlen(command)) == 0)
		while ((n = file_get(fd, piece, sizeof(piece))) > 0) {
			str_add(&text, span_make(piece, (size_t)n));
			print_lines(&text, flush ? NULL : &all);
		}
	if (n == 0 && !flush)
		print_totals(&all);
	str_free(&text);
	return n < 0 ? err_errno(err, "queue") : 0;
}

int sendmail_queue(const char *conf_path, bool flush)
{
	struct conf *conf = conf_read_or_exit(conf_path);
	struct err err;
	int fd = connect_queue(conf, &err);
	int rc = fd < 0 ? -1 : ask_queue(fd, flush, &err);

	if (fd >= 0)
		close(fd);
	if (rc < 0)
		applet_fail("mailq", &err);
	conf_free(conf);
	return applet_end("mailq", rc < 0 ? EX_UNAVAILABLE : EX_OK);
}

struct options {
	const char *conf;
	bool flush;
};

static const struct opt_row rows[] = {
	{ 'q', "flush", OPT_FLAG, OPT_AT(struct options, flush) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct options, conf) },
	{ 'v', "", OPT_IGNORE, 0 },
	{ 0 }
};

int mailq_main(int argc, char **argv)
{
	struct options o = { 0 };

	if (usage_parse(argc, argv, rows, &o) != argc)
		usage_fail(argv[0]);
	return sendmail_queue(o.conf, o.flush);
}
