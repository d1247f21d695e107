#include "deliver/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/date.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/proc.h"

#define PIECE 16384
#define STEP_MS 50		/* between looks at whether it has ended */
#define ENV_MOST 12

/* A command under way. */
struct run {
	const struct system_mail *m;
	const struct run_command *c;
	pid_t pid;
	int in, out;			/* -1: closed */
	/* From_ line and head, before the message */
	struct str head;
	size_t head_at;
	char piece[PIECE];		/* of the message, from [at, n) */
	size_t at, n;
	int64_t left;			/* octets of it not yet read */
	struct str output;
	int64_t until;			/* clock_ms */
	int status;
	bool ended;
};

/* -- its environment -- */

struct env {
	char *v[ENV_MOST + 1];
	int n;
};

/* room was made as large as all of them: it does not move. */
static void env_fill(struct env *e, struct str *room, const struct run *r)
{
	const struct run_command *c = r->c;
	const char *zone = getenv("TZ");
	struct span rest;

	str_addf(room, "PATH=/usr/local/bin:/usr/bin:/bin:"
			"/usr/local/sbin:/usr/sbin:/sbin%c"
			"SHELL=/bin/sh%cHOME=%s%cUSER=%s%cLOGNAME=%s%c"
			"SENDER=%s%cRECIPIENT=%.*s@%.*s%cLOCAL=%.*s%c"
			"DOMAIN=%.*s%c", 0, 0, c->home, 0, c->user, 0,
			c->user, 0, r->m->sender, 0, SPAN_ARG(c->local),
			SPAN_ARG(c->domain), 0, SPAN_ARG(c->local), 0,
			SPAN_ARG(c->domain), 0);
	if (zone)
		str_addf(room, "TZ=%s%c", zone, 0);
	rest = str_span(room);
	while (!room->bad && rest.n && e->n < ENV_MOST)
		e->v[e->n++] = (char *)span_cut(&rest, '\0').p;
}

static int start(struct run *r, struct err *err)
{
	char *argv[] = { "sh", "-c", strdup(r->c->command), NULL };
	struct env env = { .n = 0 };
	struct str room;

	str_init_secret(&room, 4096);
	env_fill(&env, &room, r);
	if (!argv[2] || room.bad)
		err_nomem(err);
	else
		r->pid = proc_filter("/bin/sh", argv, env.v, &r->in, &r->out,
				err);
	free(argv[2]);
	str_free(&room);
	return r->pid > 0 ? 0 : -1;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The next octets for it; 0: there are none. */
static struct span next_piece(struct run *r)
{
	struct span head = span_rest(str_span(&r->head), r->head_at);
	ssize_t n;

	if (head.n)
		return head;
	if (r->at == r->n && r->left > 0) {
		n = file_pread(r->m->fd, r->piece, r->left < PIECE
				? (size_t)r->left : PIECE, r->m->start
				+ r->m->length - r->left);
		r->at = 0;
		r->n = n > 0 ? (size_t)n : 0;
		r->left = n > 0 ? r->left - n : 0;
	}
	return span_make(r->piece + r->at, r->n - r->at);
}

/* One that does not want to read all is not wrong. */
static void feed(struct run *r)
{
	struct span piece = next_piece(r);
	ssize_t n = piece.n ? write(r->in, piece.p, piece.n) : -1;

	if (n < 0 && piece.n && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		shut(&r->in);
	else if (r->head_at < r->head.n)
		r->head_at += (size_t)n;
	else
		r->at += (size_t)n;
}

static void hear(struct run *r)
{
	char piece[512];
	ssize_t n = read(r->out, piece, sizeof(piece));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		shut(&r->out);
		return;
	}
	if ((size_t)n > RUN_OUTPUT_MOST - r->output.n)
		n = (ssize_t)(RUN_OUTPUT_MOST - r->output.n);
	str_add(&r->output, span_make(piece, (size_t)n));
}

/* One step; false: it has ended, or its time is over. */
static bool step(struct run *r)
{
	struct pollfd fds[2] = {
		{ .fd = r->in, .events = POLLOUT },
		{ .fd = r->out, .events = POLLIN }
	};

	poll(fds, 2, STEP_MS);
	if (fds[0].revents)
		feed(r);
	if (fds[1].revents)
		hear(r);
	r->ended = waitpid(r->pid, &r->status, WNOHANG) == r->pid;
	return !r->ended && clock_ms() < r->until;
}

/* For who reads the log: what it said, line by line. */
static void log_output(const struct run *r)
{
	struct span rest = str_span(&r->output);

	while (rest.n) {
		struct span line = span_trim(span_cut(&rest, '\n'));

		if (line.n)
			log_info("%s: %.*s", r->c->whose, SPAN_ARG(line));
	}
}

/* sysexits.h as RFC 3463 has it; what is not here is 5.3.0. */
static const struct {
	unsigned char status;
	char enhanced[6];
} exits[] = {
	{ EX_USAGE, "5.5.4" }, { EX_DATAERR, "5.6.0" },
	{ EX_NOUSER, "5.1.1" }, { EX_NOHOST, "5.1.2" },
	{ EX_CANTCREAT, "5.2.0" }, { EX_PROTOCOL, "5.5.0" },
	{ EX_NOPERM, "5.7.0" }, { EX_CONFIG, "5.3.5" },
};

static int judge(const struct run *r, struct err *err)
{
	struct span rest = str_span(&r->output);
	struct span said = span_trim(span_cut(&rest, '\n'));
	const char *enhanced = "5.3.0";
	int status = WEXITSTATUS(r->status);

	if (!r->ended)
		return err_set(err, ERR_TEMP, "the command took longer than %u"
				" s", r->c->timeout);
	if (WIFSIGNALED(r->status))
		return err_set(err, ERR_TEMP, "the command ended by signal %d",
				WTERMSIG(r->status));
	if (status == EX_OK)
		return 0;
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (exits[i].status == status)
			enhanced = exits[i].enhanced;
	if (status == EX_TEMPFAIL)
		enhanced = "";
	return err_set(err, *enhanced ? ERR_PERM : ERR_TEMP, "%s%sthe command"
			" ended with status %d%s%.*s", enhanced,
			*enhanced ? " " : "", status, said.n ? ": " : "",
			SPAN_ARG(said));
}

static void run(struct run *r)
{
	while (step(r))
		;
	if (!r->ended) {
		kill(-r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	/* what was said at the end; there may be more who hold the pipe */
	for (int i = 0; i < 8 && r->out >= 0; i++)
		hear(r);
	shut(&r->in);
	shut(&r->out);
}

int run_command(const struct run_command *c, const struct system_mail *m,
		struct err *err)
{
	struct run r = { .m = m, .c = c, .in = -1, .out = -1,
		.left = m->length, .until = clock_ms()
			+ (int64_t)c->timeout * 1000 };
	char date[DATE_SIZE];
	int rc;

	signal(SIGPIPE, SIG_IGN);
	date_mbox(date, m->when);
	str_init(&r.head, 4096);
	str_init(&r.output, RUN_OUTPUT_MOST);
	str_addf(&r.head, "From %s %s\n%.*s", *m->sender ? m->sender
			: "MAILER-DAEMON", date, SPAN_ARG(m->head));
	rc = r.head.bad ? err_nomem(err) :
		chdir(c->folder) < 0 && chdir("/") < 0 ?
		err_errno(err, "/") : start(&r, err);
	if (rc == 0) {
		run(&r);
		rc = judge(&r, err);
	}
	if (c->said)
		str_add(c->said, str_span(&r.output));
	if (!c->said || rc < 0)
		log_output(&r);
	str_free(&r.head);
	str_free(&r.output);
	return rc;
}
