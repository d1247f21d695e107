/* The other end of SUBMIT: applets/queue/queue_submit.c has its grammar. */
#include "store/submit_private.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/socket.h"

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir */
#define REPLY_MOST 600
#define ENVELOPE_MOST (16 * 1024 * 1024)	/* the most recipients there can be */
#define ANSWER_S 60			/* queue waits for nobody but the disk */

static const char *text_of(const char *params)
{
	return params ? params : "";
}

/* 0; -1: it has hung up, or there is no memory. */
static int put_envelope(int fd, const struct smtp_message *m)
{
	struct str out;
	int rc = -1;

	str_init(&out, ENVELOPE_MOST);
	str_addf(&out, "SUBMIT\t%" PRIu64 "\t%s%s\t%s\t%s\n", m->size,
			m->eight_bit ? "8" : "-", submit_is_utf8(m) ? "u" : "",
			m->sender, text_of(m->dsn));
	for (unsigned i = 0; i < m->nrcpt; i++)
		str_addf(&out, "%s\t%s\n", m->rcpt[i],
				text_of(m->rcpt_dsn[i]));
	str_addc(&out, '\n');
	if (!out.bad)
		rc = file_write(fd, out.p, out.n);
	str_free(&out);
	return rc;
}

static int put_message(int fd, const struct smtp_message *m)
{
	char piece[SUBMIT_PIECE];
	ssize_t n;

	for (uint64_t at = 0; at < m->size; at += (uint64_t)n) {
		n = submit_read(m, at, piece);
		if (n <= 0 || file_write(fd, piece, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

/* What it said; empty: nothing. */
static struct span reply(int fd, char line[REPLY_MOST])
{
	size_t n = 0;

	while (n < REPLY_MOST && file_get(fd, line + n, 1) == 1
			&& line[n] != '\n')
		n++;
	return span_make(line, n);
}

enum submit_way submit_by_queue(const struct conf *conf,
		const struct smtp_message *m, struct err *err)
{
	int fd = socket_connect(conf->run_dir, QUEUE_SOCKET, ANSWER_S,
			NULL);
	char line[REPLY_MOST];
	struct span said;
	void (*before)(int);

	if (fd < 0) {
		err_set(err, ERR_TEMP, "queue does not run");
		return WAY_ABSENT;
	}
	/* what it says when it hangs up can be read */
	before = signal(SIGPIPE, SIG_IGN);
	put_envelope(fd, m);
	said = reply(fd, line);
	if (span_starts(said, "354") && put_message(fd, m) == 0)
		said = reply(fd, line);
	signal(SIGPIPE, before);
	close(fd);
	if (span_starts(said, "250"))
		return WAY_TAKEN;
	err_set(err, span_starts(said, "5") ? ERR_PERM : ERR_TEMP,
			"queue: %.*s", SPAN_ARG(said.n ? said
				: SPAN("no answer")));
	return WAY_REFUSED;
}
