/* One conversation that sends no mail: greeting, EHLO, STARTTLS, EHLO, QUIT. */
#include "check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "net/conn.h"
#include "os/clock.h"

#define WAIT_MOST 15
#define PORT_MOST 40			/* ... and for all of a port */
#define LINES_MOST 200

struct probe {
	struct check *check;
	struct check_port *port;
	struct conn *conn;
	struct loop_timer timer;
	int64_t begun;			/* the step; clock_ms */
	unsigned lines;
};

/* Seconds for each step: who looks does not want to wait. */
static unsigned wait_of(const struct check *c)
{
	unsigned wait = c->job->conf->connect_timeout;

	return wait < WAIT_MOST ? wait : WAIT_MOST;
}

static void finish(struct probe *p)
{
	loop_timer_stop(p->check->loop, &p->timer);
	if (p->conn && p->port->stage == CHECK_DONE)
		conn_close(p->conn);
	else if (p->conn)
		conn_abort(p->conn);
	p->conn = NULL;
	loop_stop(p->check->loop, 0);
}

static void fail(struct probe *p, enum err_kind kind, int code,
		const char *text)
{
	struct smtp_result *why = &p->port->why;

	why->kind = kind;
	why->code = code;
	str_copys(why->text, sizeof(why->text), text);
	finish(p);
}

static void step(struct probe *p, enum check_stage stage)
{
	p->port->stage = stage;
	p->begun = clock_ms();
	conn_timeout(p->conn, wait_of(p->check) * INT64_C(1000));
}

static void hello(struct probe *p, enum check_stage stage)
{
	conn_printf(p->conn, "EHLO %s\r\n", p->check->job->hello);
	step(p, stage);
}

static void start_tls(struct probe *p)
{
	const struct smtp_relay *relay = &p->check->job->relay;
	struct err err;

	if (!p->check->tls) {
		fail(p, ERR_PERM, 0, "this build has no TLS");
		return;
	}
	step(p, CHECK_TLS);
	if (conn_starttls(p->conn, p->check->tls, relay->host,
				p->port->pins != NULL, &err) < 0)
		fail(p, err.kind, 0, err.text);
	else if (CFG_SMTP_CHECK_PROOF && p->port->pins)
		conn_expect(p->conn, &p->port->pins->expect);
}

static void done(struct probe *p)
{
	p->port->stage = CHECK_DONE;
	conn_puts(p->conn, "QUIT\r\n");
	finish(p);
}

/* -- replies -- */

static void put_line(char out[CHECK_LINE], struct span s)
{
	size_t n = s.n < CHECK_LINE - 1 ? s.n : CHECK_LINE - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] < ' ' || s.p[i] > '~' ? '?' : s.p[i];
	out[n] = '\0';
}

static struct check_offers *offers(struct probe *p)
{
	return p->port->stage == CHECK_EHLO ? &p->port->plain :
		p->port->stage == CHECK_EHLO_TLS ? &p->port->secure : NULL;
}

/* The first line of an EHLO reply is a greeting. */
static void keep(struct probe *p, struct span text)
{
	struct check_offers *o = offers(p);

	if (p->port->stage == CHECK_GREETING && p->lines == 1)
		put_line(p->port->greeting, text);
	else if (o && p->lines > 1 && o->n < CHECK_LINES)
		put_line(o->line[o->n++], text);
}

static void refuse(struct probe *p, int code, struct span text)
{
	char line[CHECK_LINE];

	put_line(line, text);
	fail(p, code >= 500 ? ERR_PERM : ERR_TEMP, code, line);
}

static void replied(struct probe *p, int code, struct span text)
{
	struct check_port *port = p->port;
	struct span none;

	p->lines = 0;
	if (code >= 400 || code < 200) {
		refuse(p, code, text);
		return;
	}
	switch (port->stage) {
	case CHECK_GREETING:
		port->greeting_ms = clock_ms() - p->begun;
		hello(p, port->tls == CONF_TLS_TLS ? CHECK_EHLO_TLS :
				CHECK_EHLO);
		break;
	case CHECK_EHLO:
		port->starttls = check_offer(&port->plain, "STARTTLS", &none);
		if (!port->starttls && p->check->starttls) {
			port->stage = CHECK_STARTTLS;
			fail(p, ERR_PERM, 0, "STARTTLS is not offered");
			break;
		}
		if (!port->starttls || port->tls == CONF_TLS_NONE) {
			done(p);
			break;
		}
		conn_puts(p->conn, "STARTTLS\r\n");
		step(p, CHECK_STARTTLS);
		break;
	case CHECK_STARTTLS:
		start_tls(p);
		break;
	default:
		done(p);
	}
}

static bool code_of(struct span line, int *code)
{
	unsigned long n;

	if (!span_number(span_sub(line, 0, 3), 999, &n) || line.n < 3 ||
			n < 100 || (line.n > 3 && line.p[3] != '-' &&
				line.p[3] != ' '))
		return false;
	*code = (int)n;
	return true;
}

static void not_smtp(struct probe *p, struct span line)
{
	char said[CHECK_LINE], text[CHECK_LINE + 64];

	put_line(said, line);
	snprintf(text, sizeof(text), "what answers does not speak SMTP: %s",
			said);
	fail(p, ERR_PROTO, 0, text);
}

static void take(struct probe *p, struct span line)
{
	struct span text = span_rest(line, 4);
	int code;

	if (!code_of(line, &code)) {
		not_smtp(p, line);
		return;
	}
	if (++p->lines > LINES_MOST) {
		fail(p, ERR_PROTO, 0, "a reply without end");
		return;
	}
	keep(p, text);
	if (line.n < 4 || line.p[3] == ' ')
		replied(p, code, text);
}

static void input(struct probe *p)
{
	struct span line;
	enum conn_line what;

	while (p->conn && p->port->stage != CHECK_TLS && (what = conn_line(
			p->conn, CONN_BUFFER, &line)) != CONN_LINE_NONE) {
		if (what == CONN_LINE_LONG)
			fail(p, ERR_PROTO, 0, "a line without end");
		else
			take(p, line);
	}
}

/* -- the connection -- */

static void on_up(struct probe *p)
{
	p->port->connect_ms = clock_ms() - p->begun;
	if (p->port->tls == CONF_TLS_TLS)
		start_tls(p);
	else
		step(p, CHECK_GREETING);
}

static void on_tls(struct probe *p)
{
	struct check_port *port = p->port;

	port->tls_ms = clock_ms() - p->begun;
	port->dane_fits = port->pins &&
		conn_tls_fault(p->conn) == TLS_FAULT_NONE;
	str_copys(port->tls_text, sizeof(port->tls_text),
			conn_tls_text(p->conn));
	if (port->tls == CONF_TLS_TLS)
		step(p, CHECK_GREETING);
	else
		hello(p, CHECK_EHLO_TLS);
}

static void on_event(struct conn *conn, enum conn_event event, void *arg)
{
	struct probe *p = arg;

	switch (event) {
	case CONN_UP:
		on_up(p);
		break;
	case CONN_TLS:
		on_tls(p);
		break;
	case CONN_INPUT:
		input(p);
		break;
	case CONN_TIMEOUT:
		fail(p, ERR_TEMP, 0, "no answer");
		break;
	case CONN_EOF:
		fail(p, ERR_TEMP, 0, "it hung up");
		break;
	case CONN_ERROR:
		fail(p, conn_error(conn)->kind, 0, conn_error(conn)->text);
		break;
	case CONN_DRAINED:
		break;
	}
}

static void on_time(struct loop_timer *t)
{
	struct probe *p = (struct probe *)(void *)((char *)t -
			offsetof(struct probe, timer));

	fail(p, ERR_TEMP, 0, "it is too slow");
}

static void set_port(struct sockaddr_storage *a, unsigned port)
{
	if (a->ss_family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

static void try(struct probe *p, unsigned target)
{
	struct mx_target *t = &p->check->targets[target];
	struct err err;

	*p->port = (struct check_port){
		.port = p->port->port, .tls = p->port->tls,
		.dane_asked = p->port->dane_asked, .dane = p->port->dane,
		.pins = p->port->pins, .connect_ms = -1, .greeting_ms = -1, .tls_ms = -1
	};
	str_copys(p->port->address, CHECK_ADDRESS, target < CHECK_ADDRESSES ?
			p->check->address[target] : "");
	set_port(&t->addr, p->port->port);
	p->lines = 0;
	p->conn = conn_connect(p->check->loop, (struct sockaddr *)&t->addr,
			t->addr_len, on_event, p, &err);
	if (!p->conn) {
		p->port->why.kind = err.kind;
		str_copys(p->port->why.text, sizeof(p->port->why.text),
				err.text);
		return;
	}
	step(p, CHECK_CONNECT);
	loop_timer_set(p->check->loop, &p->timer, PORT_MOST * 1000);
	loop_run(p->check->loop);
}

static void on_cert(void *arg, const struct tls_shown *s)
{
	struct probe *p = arg;

	p->port->cert = *s;
	p->port->has_cert = true;
}

void check_probe(struct check *c, struct check_port *port)
{
	struct probe p = { .check = c, .port = port,
		.timer = { .fire = on_time } };

	if (c->tls)
		tls_client_watch(c->tls, on_cert, &p);
	/* another address may be reached where this one is not */
	for (unsigned i = 0; i < c->ntargets; i++) {
		try(&p, i);
		if (port->connect_ms >= 0)
			break;
	}
}

/* -- the login, as `queue` does it -- */

struct login {
	struct check *check;
	struct check_port *port;
	struct smtp_client *client;
};

static void on_ready(void *arg)
{
	struct login *l = arg;

	l->port->login = true;
	smtp_client_quit(l->client);
}

static void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	(void)arg, (void)rcpt, (void)r;
}

static void on_gone(void *arg, const struct smtp_result *r)
{
	struct login *l = arg;

	if (!l->port->login) {
		l->port->why = *r;
		l->port->stage = CHECK_LOGIN;
	}
	loop_stop(l->check->loop, 0);
}

void check_login(struct check *c, struct check_port *port)
{
	static const struct smtp_client_events events = {
		on_ready, on_result, on_gone, NULL
	};
	const struct smtp_relay *relay = &c->job->relay;
	struct login l = { c, port, NULL };
	struct probe p = { .check = c, .port = port };
	unsigned i = 0;
	struct smtp_target t = {
		.name = relay->host, .verify = relay->verify,
		.tls = port->tls == CONF_TLS_TLS || port->tls == CONF_TLS_NONE
			? port->tls : CONF_TLS_STARTTLS,
		.expect = relay->expect, .user = relay->user,
		.password = relay->password,
		.hello = c->job->hello, .connect_timeout = wait_of(c)
	};

	while (i + 1 < c->ntargets && i < CHECK_ADDRESSES &&
			strcmp(c->address[i], port->address) != 0)
		i++;
	t.addr = c->targets[i].addr;
	t.addr_len = c->targets[i].addr_len;
	set_port(&t.addr, port->port);
	if (c->tls)
		tls_client_watch(c->tls, on_cert, &p);
	port->login_tried = true;
	l.client = smtp_client_new(c->loop, &t, c->tls, &events, &l);
	if (l.client)
		loop_run(c->loop);
}
