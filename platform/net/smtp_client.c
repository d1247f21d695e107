#include "net/smtp_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "net/smtp_client_private.h"
#include "os/file.h"

#define SECOND 1000

/* -- a callback may end everything: c is freed when the last one returns -- */

void smtp_client_enter(struct smtp_client *c)
{
	c->depth++;
}

static void drop_message(struct smtp_client *c)
{
	c->m = NULL;
	if (CFG_SMTP_NARROW)
		narrow_free(c->narrow);
	c->narrow = NULL;
	free(c->fate);
	c->fate = NULL;
}

void smtp_client_leave(struct smtp_client *c)
{
	if (--c->depth || !c->dead)
		return;
	drop_message(c);
	sasl_client_wipe(&c->sasl);
	free(c);
}

void smtp_client_abort(struct smtp_client *c)
{
	if (c->dead)
		return;
	smtp_client_enter(c);
	if (c->conn)
		conn_abort(c->conn);
	c->conn = NULL;
	loop_timer_stop(c->loop, &c->timer);
	loop_task_stop(&c->task);
	c->step = SMTP_STEP_OVER;
	c->dead = true;
	smtp_client_leave(c);
}

/* -- results -- */

unsigned smtp_client_port(const struct smtp_client *c)
{
	const struct sockaddr *sa = (const void *)&c->target.addr;

	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)sa)
				->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)sa)
				->sin6_port);
	return 0;
}

static unsigned char about(const struct smtp_client *c)
{
	const struct smtp_target *t = &c->target;
	unsigned port = smtp_client_port(c);
	unsigned bits = port == 25 ? SMTP_ABOUT_PORT25 : 0;

	if (t->user)
		bits |= t->bearer ? SMTP_ABOUT_TOKEN : SMTP_ABOUT_LOGIN;
	else if (port && port != 25)
		bits |= SMTP_ABOUT_ANONYMOUS;
	if (c->step == SMTP_STEP_CONNECT)
		bits |= SMTP_ABOUT_CONNECT;
	return (unsigned char)bits;
}

void smtp_client_tell(struct smtp_client *c, unsigned rcpt,
		const struct smtp_result *r)
{
	struct smtp_result told = *r;

	if (c->dead || (c->fate && c->fate[rcpt] >= SMTP_TOLD))
		return;
	if (c->fate)		/* else the message had not begun */
		c->fate[rcpt] = SMTP_TOLD;
	told.about |= about(c);
	c->events->result(c->arg, rcpt, &told);
}

void smtp_client_tell_all(struct smtp_client *c, const struct smtp_result *r)
{
	for (unsigned i = 0; !c->dead && c->m && i < c->nrcpt; i++)
		smtp_client_tell(c, i, r);
}

void smtp_client_ready(struct smtp_client *c)
{
	drop_message(c);
	smtp_client_step(c, SMTP_STEP_IDLE);
	if (!c->dead)
		c->events->ready(c->arg);
}

/*
 * A message that is not whole must not be sent on meanwhile, and who says
 * nonsense is not listened to until he ends. A refusal is answered with QUIT (RFC
 * 5321 3.1), a 421 is the end already (3.8).
 */
static void hang_up(struct smtp_client *c, const struct smtp_result *r)
{
	if (c->m || r->kind == ERR_PROTO) {
		conn_abort(c->conn);
		return;
	}
	if (r->code && r->code != 421)
		conn_puts(c->conn, "QUIT\r\n");
	conn_close(c->conn);
}

void smtp_client_over(struct smtp_client *c, const struct smtp_result *r)
{
	struct smtp_result end = *r;

	if (c->step == SMTP_STEP_OVER)
		return;
	end.about = about(c);
	smtp_client_step(c, SMTP_STEP_OVER);
	loop_task_stop(&c->task);
	end.maybe = c->m && c->dot_sent && !r->code;
	if (c->conn)
		hang_up(c, r);
	c->conn = NULL;
	smtp_client_enter(c);
	smtp_client_tell_all(c, &end);
	if (!c->dead)
		c->events->gone(c->arg, &end);
	c->dead = true;
	smtp_client_leave(c);
}

void smtp_client_fail(struct smtp_client *c, enum err_kind kind,
		const char *text)
{
	static const char enhanced[ERR_KIND_COUNT][6] = {
		[ERR_TEMP] = "4.4.2", [ERR_PROTO] = "4.5.0",
		[ERR_AUTH] = "4.7.8", [ERR_NOMEM] = "4.3.1"
	};
	struct smtp_result r;

	smtp_result_set(&r, kind, enhanced[kind], text);
	smtp_client_over(c, &r);
}

/* -- steps -- */

typedef void take_fn(struct smtp_client *c, const struct smtp_result *r);

/* Unasked for: 421 was looked at before, everything else is out of order. */
static void unexpected(struct smtp_client *c, const struct smtp_result *r)
{
	if (r->kind == ERR_NONE)
		smtp_client_fail(c, ERR_PROTO, "a reply to nothing");
	else
		smtp_client_over(c, r);
}

static void take_rset(struct smtp_client *c, const struct smtp_result *r)
{
	if (r->kind == ERR_NONE)
		smtp_client_ready(c);
	else
		smtp_client_over(c, r);
}

static void take_quit(struct smtp_client *c, const struct smtp_result *r)
{
	(void)r;
	smtp_client_over(c, &(struct smtp_result){ .kind = ERR_NONE });
}

/* RFC 5321 4.5.3.2; seconds for a whole reply. */
static const struct {
	take_fn *take;
	unsigned seconds;
	const char *what;
} steps[SMTP_STEP_COUNT] = {
	[SMTP_STEP_CONNECT] = { unexpected, 0, "connecting" },
	[SMTP_STEP_GREETING] = { smtp_client_greeting, 300, "the greeting" },
	[SMTP_STEP_EHLO] = { smtp_client_ehlo, 300, "the reply to EHLO" },
	[SMTP_STEP_HELO] = { smtp_client_helo, 300, "the reply to HELO" },
	[SMTP_STEP_STARTTLS] = { smtp_client_starttls, 120,
		"the reply to STARTTLS" },
	[SMTP_STEP_TLS] = { unexpected, 0, "the TLS handshake" },
	[SMTP_STEP_AUTH] = { smtp_client_auth, 300, "the reply to AUTH" },
	[SMTP_STEP_IDLE] = { unexpected, 0, "" },
	[SMTP_STEP_LOOK] = { unexpected, 0, "" },
	[SMTP_STEP_COMMANDS] = { smtp_client_command, 300,
		"the reply to MAIL, RCPT or DATA" },
	[SMTP_STEP_BODY] = { smtp_client_early, 0, "sending the message" },
	[SMTP_STEP_DOT] = { smtp_client_dot, 600,
		"the reply after the message" },
	[SMTP_STEP_RSET] = { take_rset, 300, "the reply to RSET" },
	[SMTP_STEP_QUIT] = { take_quit, 10, "the reply to QUIT" },
	[SMTP_STEP_OVER] = { unexpected, 0, "" }
};

void smtp_client_step(struct smtp_client *c, enum smtp_step step)
{
	unsigned seconds = steps[step].seconds;

	if (step == SMTP_STEP_CONNECT)
		seconds = c->target.connect_timeout;
	c->step = step;
	if (seconds)
		loop_timer_set(c->loop, &c->timer, (int64_t)seconds * SECOND);
	else
		loop_timer_stop(c->loop, &c->timer);
}

static void timed_out(struct loop_timer *t)
{
	struct smtp_client *c = container_of(t, struct smtp_client, timer);
	char text[80];

	smtp_client_enter(c);
	snprintf(text, sizeof(text), "timed out: %s", steps[c->step].what);
	if (c->step == SMTP_STEP_QUIT)
		take_quit(c, NULL);
	else
		smtp_client_fail(c, ERR_TEMP, text);
	smtp_client_leave(c);
}

/* -- the connection -- */

static void take_line(struct smtp_client *c, struct span line)
{
	struct smtp_result r;
	int rc = smtp_reply_line(&c->in, line, &r);

	if (rc < 0) {
		smtp_client_fail(c, ERR_PROTO, "what came is not a reply");
		return;
	}
	if (c->step == SMTP_STEP_EHLO && (rc ? r.code : c->in.code) == 250)
		smtp_client_offer(c, span_rest(line, 4));
	if (!rc && c->in.code == 551 && c->events->moved)
		c->events->moved(c->arg, span_rest(line, 4));
	if (!rc)
		return;
	c->challenge = span_rest(line, 4);
	/* RFC 5321 3.8: at any moment, and then the connection ends */
	if (r.code == 421 && c->step != SMTP_STEP_QUIT)
		smtp_client_over(c, &r);
	else
		steps[c->step].take(c, &r);
}

static void input(struct smtp_client *c)
{
	enum conn_line how;
	struct span line;

	while (!c->dead && c->conn) {
		how = conn_line(c->conn, CONN_BUFFER, &line);
		if (how == CONN_LINE_NONE)
			return;
		if (how == CONN_LINE_LONG)
			smtp_client_fail(c, ERR_PROTO, "a reply without end");
		else
			take_line(c, line);
	}
}

static void connected(struct smtp_client *c)
{
	if (c->target.tls == CONF_TLS_TLS)
		smtp_client_handshake(c);
	else
		smtp_client_step(c, SMTP_STEP_GREETING);
}

static void secured(struct smtp_client *c)
{
	if (c->greeted)
		smtp_client_say_ehlo(c);
	else
		smtp_client_step(c, SMTP_STEP_GREETING);
}

static void broken(struct smtp_client *c)
{
	struct smtp_result r;

	if (c->step == SMTP_STEP_QUIT) {
		take_quit(c, NULL);
		return;
	}
	smtp_result_set(&r, ERR_TEMP, "4.4.2", conn_error(c->conn)->text);
	if (c->step == SMTP_STEP_CONNECT)
		str_copy(r.enhanced, sizeof(r.enhanced), SPAN("4.4.1"));
	r.tls_failed = c->step == SMTP_STEP_TLS;
	if (r.tls_failed) {
		str_copy(r.enhanced, sizeof(r.enhanced), SPAN("4.7.5"));
		r.tls_fault = (unsigned char)conn_tls_fault(c->conn);
		if (r.tls_fault == TLS_FAULT_NONE)
			r.tls_fault = TLS_FAULT_HANDSHAKE;
	}
	smtp_client_over(c, &r);
}

static void drained(struct smtp_client *c)
{
	if (c->step == SMTP_STEP_BODY)
		smtp_client_body(c);
	else if (c->step == SMTP_STEP_COMMANDS)
		smtp_client_more(c);
}

static void closed(struct smtp_client *c)
{
	if (c->step == SMTP_STEP_QUIT)
		take_quit(c, NULL);
	else
		smtp_client_fail(c, ERR_TEMP, "the other side hung up");
}

static void stalled(struct smtp_client *c)
{
	smtp_client_fail(c, ERR_TEMP, "timed out: sending the message");
}

static void on_conn(struct conn *conn, enum conn_event event, void *arg)
{
	static void (*const events[])(struct smtp_client *c) = {
		[CONN_UP] = connected, [CONN_TLS] = secured,
		[CONN_INPUT] = input, [CONN_DRAINED] = drained,
		[CONN_EOF] = closed, [CONN_TIMEOUT] = stalled,
		[CONN_ERROR] = broken
	};
	struct smtp_client *c = arg;

	(void)conn;
	smtp_client_enter(c);
	events[event](c);
	smtp_client_leave(c);
}

/* -- what the owner asks for: done from the loop -- */

static void run(struct loop_task *t)
{
	struct smtp_client *c = container_of(t, struct smtp_client, task);

	smtp_client_enter(c);
	if (c->end.kind != ERR_NONE)
		smtp_client_over(c, &c->end);
	else if (c->step == SMTP_STEP_CONNECT && c->target.conn)
		connected(c);
	else if (c->step == SMTP_STEP_AUTH && c->auth_busy)
		smtp_client_auth_more(c);
	else if (CFG_SMTP_NARROW && c->step == SMTP_STEP_LOOK)
		smtp_client_look(c);
	else if (c->m && c->step == SMTP_STEP_IDLE)
		smtp_client_begin(c);
	smtp_client_leave(c);
}

static void dial(struct smtp_client *c)
{
	const struct smtp_target *t = &c->target;
	struct err err;

	if (t->conn) {
		c->conn = t->conn;
		conn_owner(c->conn, on_conn, c);
		smtp_client_step(c, SMTP_STEP_CONNECT);
		loop_task_add(c->loop, &c->task);
		return;
	}
	if (t->addr.ss_family == AF_UNSPEC)
		c->conn = conn_connect_unix(c->loop, t->unix_path, on_conn, c,
				&err);
	else
		c->conn = conn_connect(c->loop, (const void *)&t->addr,
				t->addr_len, on_conn, c, &err);
	if (c->conn) {
		smtp_client_step(c, SMTP_STEP_CONNECT);
		return;
	}
	smtp_result_set(&c->end, ERR_TEMP, "4.4.1", err.text);
	loop_task_next(c->loop, &c->task);
}

struct smtp_client *smtp_client_new(struct loop *l, const struct smtp_target *t,
		struct tls_ctx *tls, const struct smtp_client_events *events, void *arg)
{
	struct smtp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = l;
	c->target = *t;
	c->tls = tls;
	c->events = events;
	c->arg = arg;
	c->timer.fire = timed_out;
	c->task.run = run;
	list_init(&c->task.link);
	dial(c);
	return c;
}

void smtp_client_send(struct smtp_client *c, const struct smtp_message *m)
{
	c->m = m;
	c->nrcpt = m->nrcpt;
	loop_task_add(c->loop, &c->task);
}

void smtp_client_quit(struct smtp_client *c)
{
	if (c->step == SMTP_STEP_OVER || c->step == SMTP_STEP_QUIT)
		return;
	if (c->step == SMTP_STEP_IDLE && !c->m) {
		conn_puts(c->conn, "QUIT\r\n");
		smtp_client_step(c, SMTP_STEP_QUIT);
		return;
	}
	smtp_result_set(&c->end, ERR_TEMP, "4.4.2", "ended in the middle");
	loop_task_add(c->loop, &c->task);
}

const char *smtp_client_peer(const struct smtp_client *c)
{
	return c->conn ? conn_peer(c->conn) : "";
}

const char *smtp_client_tls(const struct smtp_client *c)
{
	return c->conn ? conn_tls_text(c->conn) : "";
}

unsigned smtp_client_tls_fault(const struct smtp_client *c)
{
	return c->conn ? conn_tls_fault(c->conn) : TLS_FAULT_NONE;
}

/* -- the password -- */

static int first_line(struct span text, char *out, size_t size,
		const char *path, struct err *err)
{
	struct span line = span_cut(&text, '\n');

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (!line.n)
		return err_set(err, ERR_PERM, "%s: no password", path);
	if (span_has(line, '\0') || str_copy(out, size, line))
		return err_set(err, ERR_PERM, "%s: not a password", path);
	return 0;
}

int smtp_password(const char *path, char *out, size_t size, struct err *err)
{
	int fd = file_open_secret(path, err), rc;
	char text[1024];
	ssize_t n;

	if (fd < 0)
		return -1;
	n = file_pread(fd, text, sizeof(text), 0);
	rc = n < 0 ? err_errno(err, "%s", path) : first_line(span_make(text,
				(size_t)n), out, size, path, err);
	close(fd);
	explicit_bzero(text, sizeof(text));
	return rc;
}
