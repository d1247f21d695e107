/*
 * A server's dialogue over a real socket: it says the same whether its input
 * comes in one go or cut anywhere. The first byte seeds the cuts.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/str.h"
#include "net/dialog.h"
#include "net/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct session {
	struct loop *loop;
	struct dialog d;
	struct dot_reader dot;
	struct loop_task go;
	struct str *said;
};

static struct session *live;

static void say(struct session *s, const char *what, struct span text)
{
	str_addf(s->said, "%s(", what);
	str_add(s->said, text);
	str_adds(s->said, ")\n");
	conn_puts(s->d.conn, "250 something that fills the peer's buffer\r\n");
}

static void noop(struct dialog *d, void *session, struct span args)
{
	(void)d;
	say(session, "noop", args);
}

static void go(struct loop_task *t)
{
	struct session *s = container_of(t, struct session, go);

	say(s, "go", span_make(NULL, 0));
	dialog_go(&s->d);
}

static void hold(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	say(s, "hold", args);
	dialog_hold(d);
	if (args.n)
		dialog_go(d);
	else
		loop_task_next(s->loop, &s->go);
}

static void auth_line(struct dialog *d, void *session, struct span line,
		enum conn_line how)
{
	static const char *const names[] = { "", "ok", "long", "bare" };

	say(session, names[how], line);
	d->line = NULL;
}

static void auth(struct dialog *d, void *session, struct span args)
{
	say(session, "auth", args);
	d->line = auth_line;
}

static void piece(void *arg, struct span p)
{
	struct session *s = arg;

	str_add(s->said, p);
}

static void raw(struct dialog *d, void *session)
{
	struct session *s = session;
	struct span in = conn_peek(d->conn);
	size_t n = in.n;
	bool end = dot_read(&s->dot, &in, piece, s);

	conn_skip(d->conn, n - in.n);
	if (!end)
		return;
	d->raw = NULL;
	say(s, "data", span_make(NULL, 0));
}

static void data_verb(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	say(s, "DATA", args);
	dot_reader_init(&s->dot);
	d->raw = raw;
	d->state ^= 3;
}

static void end(struct session *s)
{
	loop_task_stop(&s->go);
	dialog_end(&s->d);
	free(s);
	live = NULL;
}

static void quit(struct dialog *d, void *session, struct span args)
{
	(void)d;
	say(session, "quit", args);
	end(session);
}

static const struct dialog_row rows[] = {
	{ "N", noop, 3, 0 }, { "A", auth, 3, 0 }, { "D", data_verb, 3, 0 },
	{ "H", hold, 3, 0 }, { "Q", quit, 1, DIALOG_LAST },
	{ "X", noop, 2, DIALOG_NO_ARG }, { "Y", noop, 3, DIALOG_NEED_ARG },
	{ NULL, NULL, 0, 0 }
};

static void fault(struct dialog *d, void *session, enum dialog_fault what,
		const struct dialog_row *row)
{
	struct session *s = session;

	(void)d;
	str_addf(s->said, "%d", what);
	say(session, "fault", span_of(row ? row->verb : ""));
}

static void event(void *session, enum conn_event e)
{
	struct session *s = session;

	str_addf(s->said, "event %d\n", e == CONN_DRAINED ? 0 : e);
	if (e == CONN_EOF || e == CONN_ERROR)
		end(s);
}

static const struct dialog_spec spec = {
	rows, 20, fault, event, NULL, NULL
};

static void start(struct loop *l, int fd, struct str *said)
{
	struct conn *c = conn_new(l, fd, NULL, NULL);

	live = calloc(1, sizeof(*live));
	if (!c || !live)
		abort();
	live->loop = l;
	live->said = said;
	live->go.run = go;
	list_init(&live->go.link);
	dialog_init(&live->d, c, &spec, live, 1);
}

/* seed 0: in one go, as far as the socket takes it. */
static void talk(struct str *said, struct span in, unsigned seed)
{
	struct loop *l = loop_new(NULL);
	char waste[4096];
	int fd[2], idle = 0;

	if (!l || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		abort();
	start(l, fd[0], said);
	while (live && idle < 100) {
		size_t n = seed ? 1 + rand_r(&seed) % 9 : in.n;
		ssize_t r = 0;

		if (in.n)
			r = send(fd[1], in.p, n < in.n ? n : in.n,
					MSG_NOSIGNAL);
		if (r > 0)
			in = span_sub(in, r, in.n);
		if (!in.n)
			shutdown(fd[1], SHUT_WR);
		loop_turn(l, 0);
		while (recv(fd[1], waste, sizeof(waste), 0) > 0)
			;
		idle = r > 0 ? 0 : idle + 1;
	}
	if (live)
		abort();		/* it hangs */
	close(fd[1]);
	loop_turn(l, 0);
	loop_turn(l, 0);
	loop_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str whole, cut;
	struct span in;

	if (!n || n > 2000)		/* more would need more idle turns */
		return 0;
	in = span_make((const char *)data + 1, n - 1);
	str_init(&whole, 1000000);
	str_init(&cut, 1000000);
	talk(&whole, in, 0);
	talk(&cut, in, data[0] + 1);
	if (!span_eq(str_span(&whole), str_span(&cut)))
		abort();
	str_free(&whole);
	str_free(&cut);
	return 0;
}
