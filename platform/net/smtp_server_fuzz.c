/* A whole session against a policy whose mood is in the first bytes. */
#include "net/smtp_server.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "os/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct mood {
	struct smtp_session *s;		/* NULL: closed */
	bool later, waiting, lmtp_waiting;
	unsigned seed;
	bool open;			/* a transaction that reset will end */
};

static bool next(struct mood *m)
{
	m->seed = m->seed * 1103515245 + 12345;
	return m->seed >> 16 & 1;
}

static void reply(struct mood *m)
{
	m->waiting = false;
	if (next(m) || next(m))
		smtp_server_ok(m->s, next(m) ? "text" : NULL);
	else
		smtp_server_refuse(m->s, next(m) ? 550 : 421, "5.0.0", "no");
}

static void answer(struct smtp_session *s)
{
	struct mood *m = s->owner;

	m->s = s;
	if (m->later && next(m))
		m->waiting = true;
	else
		reply(m);
}

static void on_auth(struct smtp_session *s, const struct sasl *sasl)
{
	if (strlen(sasl->user) > SASL_TEXT ||
	    strlen(sasl->password) > SASL_TEXT)
		abort();
	answer(s);
}

/* Other than ASCII only where it was asked for, and never broken. */
static void check_octets(const struct smtp_session *s, const char *address)
{
	if (!(s->utf8 ? utf8_clean : utf8_ascii)(span_of(address)) ||
			(s->utf8 && !s->policy->utf8))
		abort();
}

static void on_mail(struct smtp_session *s)
{
	((struct mood *)s->owner)->open = true;
	if (!s->sender || strlen(s->sender) > 256)
		abort();
	check_octets(s, s->sender);
	answer(s);
}

static void on_rcpt(struct smtp_session *s, struct smtp_rcpt *r)
{
	if (!*r->address || strlen(r->address) > 256)
		abort();
	check_octets(s, r->address);
	answer(s);
}

static bool has_lone(struct span piece)
{
	for (size_t i = 0; i < piece.n; i++)
		if ((piece.p[i] == '\n' && (!i || piece.p[i - 1] != '\r')) ||
				(piece.p[i] == '\r' && (i + 1 == piece.n ||
				piece.p[i + 1] != '\n')))
			return true;
	return false;
}

static int on_piece(struct smtp_session *s, struct span piece, struct err *err)
{
	struct mood *m = s->owner;

	if (!piece.n || !m->open || !s->nrcpt || (s->policy->repair &&
				has_lone(piece)))
		abort();
	return next(m) || next(m) ? 0 : err_set(err, ERR_TEMP, "full");
}

static void answer_each(struct mood *m)
{
	struct smtp_rcpt *r, *after;

	m->lmtp_waiting = false;
	for (r = m->s->rcpts; r && m->s; r = after) {
		after = r->next;
		smtp_server_answer_rcpt(m->s, r, next(m) ? 250 : 450, "4.0.0",
				"text");
	}
}

static void on_message(struct smtp_session *s)
{
	struct mood *m = s->owner;

	if (!s->policy->lmtp || next(m))
		answer(s);
	else if (m->later)
		m->lmtp_waiting = true;
	else
		answer_each(m);
}

static void on_reset(struct smtp_session *s)
{
	struct mood *m = s->owner;

	if (!m->open)
		abort();
	m->open = m->waiting = m->lmtp_waiting = false;
}

static void on_closed(struct smtp_session *s)
{
	struct mood *m = s->owner;

	if (m->open)
		abort();
	m->s = NULL;
}

static const char *on_moved(struct smtp_session *s, const struct sockaddr *to)
{
	if (!next(s->owner) && !next(s->owner))
		return "not from there";
	conn_set_peer(s->conn, to, sizeof(struct sockaddr_in6));
	return NULL;
}

/* A front end of xclient-from. */
static struct conn *trusted(struct conf *conf, struct conn *c)
{
	static struct conf_net net = {
		.addr = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 },
		.bits = 128
	};
	const struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_addr = { { { [10] = 0xff,
			[11] = 0xff, [12] = 127, [15] = 1 } } }
	};

	conn_set_peer(c, (const void *)&v6, sizeof(v6));
	conf->xclient_from = &net;
	return c;
}

static void turn(struct loop *l, struct mood *m, int fd)
{
	char waste[4096];

	loop_turn(l, 0);
	if (m->s && m->waiting)
		reply(m);
	if (m->s && m->lmtp_waiting)
		answer_each(m);
	while (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0)
		;
}

static void talk(struct loop *l, struct mood *m, int fd, const uint8_t *data,
		size_t size)
{
	size_t step = m->seed % 7 ? m->seed % 97 + 1 : size;

	while (size && m->s) {
		size_t n = size < step ? size : step;

		if (send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (int)n)
			break;
		data += n;
		size -= n;
		turn(l, m, fd);
	}
	for (int i = 0; i < 4 && m->s; i++)
		turn(l, m, fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf conf = {
		.hostname = "h", .max_message_size = 2000,
		.max_recipients = 5, .max_errors = 50, .command_timeout = 60,
		.data_timeout = 60, .session_memory = 4096
	};
	struct smtp_policy policy = {
		.banner = "x", .auth = true, .auth_plain_ok = true,
		.auth_check = on_auth, .mail = on_mail, .rcpt = on_rcpt,
		.data = answer, .piece = on_piece, .message = on_message,
		.reset = on_reset, .closed = on_closed, .moved = on_moved
	};
	struct mood m = { 0 };
	struct conn *c;
	struct loop *l;
	int fds[2];

	log_level(LOG_LEVEL_ERROR);
	if (size < 2 || !(l = loop_new(NULL)))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		abort();
	policy.lmtp = policy.spool_param = data[0] & 1;
	policy.dsn = data[0] & 16;
	policy.utf8 = data[0] & 32;
	policy.auth_required = (data[0] & 6) == 6;
	policy.repair = policy.any_hello = data[0] & 64;
	m.later = data[0] & 8;
	m.seed = data[1];
	c = conn_new(l, fds[0], NULL, NULL);
	if (data[0] & 32)
		c = trusted(&conf, c);
	m.s = smtp_server_new(c, &conf, NULL, false, &policy, &m);
	talk(l, &m, fds[1], data + 2, size - 2);
	close(fds[1]);
	loop_turn(l, 0);
	if (m.s)
		smtp_server_end(m.s, "over");
	for (int i = 0; i < 3; i++)
		loop_turn(l, 0);
	loop_free(l);
	return 0;
}
