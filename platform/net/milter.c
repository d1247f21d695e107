#include "net/milter.h"

#include <stdlib.h>
#include <string.h>

#include "net/conn.h"

#define MACRO_TEXT_MOST 4096	/* octets of one list of names */
#define MACRO_DATA_MOST 16384	/* octets of one packet of macros */

struct milter {
	struct conn *conn;
	milter_fn *fn;
	void *arg;
	int64_t ms;
	struct str in;			/* the packet that is coming in */
	struct milter_options options;
	char *names[MILTER_MACRO_STAGES];	/* asked for; NULL: usual */
	struct err err;
	enum milter_stage stage;	/* of the command that is open */
	bool open, busy;		/* negotiated; an answer is due */
	size_t body_left;		/* octets of the chunk under way */
	bool failed, dead;
	unsigned depth;			/* calls of ours under way */
};

/* -- life -- */

static void enter(struct milter *m)
{
	m->depth++;
}

static void leave(struct milter *m)
{
	if (--m->depth || !m->dead)
		return;
	for (int i = 0; i < MILTER_MACRO_STAGES; i++)
		free(m->names[i]);
	str_free(&m->in);
	free(m);
}

void milter_close(struct milter *m)
{
	struct str quit;

	if (!m || m->dead)
		return;
	enter(m);
	m->dead = true;
	if (m->conn && m->open && !m->failed) {
		str_init(&quit, 5);
		milter_encode_head(&quit, 'Q', 0);
		conn_write(m->conn, quit.p, quit.n);
		str_free(&quit);
		conn_close(m->conn);
	} else if (m->conn) {
		conn_abort(m->conn);
	}
	leave(m);
}

const char *milter_error(const struct milter *m)
{
	return m->err.text;
}

static void tell(struct milter *m, enum milter_event event,
		const struct milter_reply *r)
{
	if (!m->dead)
		m->fn(m, event, r, m->arg);
}

static void fail(struct milter *m)
{
	if (m->failed || m->dead)
		return;
	m->failed = true;
	m->busy = false;
	conn_abort(m->conn);
	m->conn = NULL;
	tell(m, MILTER_FAILED, NULL);
}

static void fail_for(struct milter *m, const char *why)
{
	err_set(&m->err, ERR_PROTO, "%s", why);
	fail(m);
}

/* -- what comes in -- */

static void keep_names(struct milter *m)
{
	for (int i = 0; i < MILTER_MACRO_STAGES; i++) {
		struct span names = m->options.macros[i];

		if (!names.p)
			continue;
		m->options.macros[i] = span_make(NULL, 0);
		if (names.n <= MACRO_TEXT_MOST)
			m->names[i] = strndup(names.p, names.n);
	}
}

static void opened(struct milter *m, struct span packet)
{
	if (milter_decode_options(packet, &m->options, &m->err) < 0) {
		fail(m);
		return;
	}
	keep_names(m);
	m->open = true;
	m->busy = false;
	conn_timeout(m->conn, 0);
	tell(m, MILTER_OPEN, NULL);
}

static void answered(struct milter *m, const struct milter_reply *r)
{
	m->busy = false;
	conn_timeout(m->conn, 0);
	tell(m, MILTER_ANSWER, r);
}

static void packet_came(struct milter *m, struct span packet)
{
	struct milter_reply r;
	bool change;

	if (!m->busy) {
		fail_for(m, "it speaks without being asked");
	} else if (!m->open) {
		opened(m, packet);
	} else if (milter_decode(packet, &r, &m->err) < 0) {
		fail(m);
	} else if (r.word == MILTER_IS_PROGRESS) {
		return;
	} else if (!milter_is_due(&m->options, m->stage, r.word, &change)) {
		fail_for(m, "its answer does not belong here");
	} else if (change) {
		tell(m, MILTER_CHANGE, &r);
	} else {
		answered(m, &r);
	}
}

/* The length that was announced; 0: it is not there yet. */
static size_t packet_size(const struct str *in)
{
	const unsigned char *p = (const unsigned char *)in->p;

	if (in->n < 4)
		return 0;
	return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
		p[3];
}

/* Adds what is missing to the packet; true: it is whole. */
static bool take_packet(struct milter *m)
{
	size_t want = 4 + packet_size(&m->in) - m->in.n, size;
	struct span in = span_sub(conn_peek(m->conn), 0, want);

	str_add(&m->in, in);
	conn_skip(m->conn, in.n);
	size = packet_size(&m->in);
	if (m->in.bad) {
		err_nomem(&m->err);
		fail(m);
	} else if (m->in.n >= 4 && (!size || size > MILTER_DATA_MOST + 1)) {
		fail_for(m, "its packet has a wrong length");
	} else {
		return m->in.n > 4 && m->in.n == 4 + size;
	}
	return false;
}

static void on_input(struct milter *m)
{
	while (!m->failed && !m->dead && conn_has_input(m->conn)) {
		struct str packet;

		if (!take_packet(m))
			continue;
		packet = m->in;
		str_init(&m->in, 4 + MILTER_DATA_MOST + 1);
		packet_came(m, span_rest(str_span(&packet), 4));
		str_free(&packet);
	}
}

/* -- the connection -- */

static void negotiate(struct milter *m)
{
	struct str out;

	str_init(&out, 64);
	milter_encode_options(&out);
	conn_write(m->conn, out.p, out.n);
	str_free(&out);
}

static void on_event(struct conn *c, enum conn_event event, void *arg)
{
	struct milter *m = arg;

	enter(m);
	if (event == CONN_UP) {
		negotiate(m);
	} else if (event == CONN_INPUT) {
		on_input(m);
	} else if (event == CONN_DRAINED) {
		if (!m->busy)
			conn_timeout(c, 0);
		tell(m, MILTER_ROOM, NULL);
	} else if (event == CONN_EOF) {
		fail_for(m, "it has closed the connection");
	} else if (event == CONN_TIMEOUT) {
		fail_for(m, "it does not answer");
	} else if (event == CONN_ERROR) {
		m->err = *conn_error(c);
		fail(m);
	}
	leave(m);
}

struct milter *milter_new(struct loop *l, const struct sockaddr *addr,
		socklen_t len, int64_t ms, milter_fn *fn, void *arg,
		struct err *err)
{
	struct milter *m = calloc(1, sizeof(*m));

	if (!m) {
		err_nomem(err);
		return NULL;
	}
	m->fn = fn;
	m->arg = arg;
	m->ms = ms;
	m->busy = true;
	str_init(&m->in, 4 + MILTER_DATA_MOST + 1);
	m->conn = conn_connect(l, addr, len, on_event, m, err);
	if (!m->conn) {
		free(m);
		return NULL;
	}
	conn_timeout(m->conn, ms);
	return m;
}

/* -- what goes out -- */

bool milter_wants(const struct milter *m, enum milter_stage stage)
{
	return milter_is_told(&m->options, stage);
}

bool milter_ready(const struct milter *m)
{
	return m->open && !m->failed && !m->busy && conn_out_ready(m->conn);
}

bool milter_leading_space(const struct milter *m)
{
	return m->options.steps & MILTER_LEADING_SPACE;
}

/* What Postfix tells who has not asked. */
static const char *usual_names(enum milter_stage stage)
{
	static const char *const names[MILTER_MACRO_STAGES] = {
		[MILTER_CONNECT] = "j _ v {daemon_name} {client_name} "
			"{client_addr} {client_port} {client_ptr}",
		[MILTER_HELO] = "{tls_version} {cipher} {cipher_bits}",
		[MILTER_MAIL] = "i {auth_type} {auth_authen} {auth_author} "
			"{mail_addr} {mail_host} {mail_mailer}",
		[MILTER_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
		[MILTER_DATA] = "i", [MILTER_END] = "i", [MILTER_EOH] = "i",
	};

	return names[stage];
}

static void put_macro(struct str *out, struct span name,
		void (*value)(void *arg, struct span name, struct str *out),
		void *arg)
{
	static const char end = '\0';
	struct str text;

	str_init(&text, 2048);
	value(arg, name, &text);
	if (text.n && !text.bad && memchr(text.p, '\0', text.n) == NULL) {
		str_add(out, name);
		str_add(out, span_make(&end, 1));
		str_add(out, str_span(&text));
		str_add(out, span_make(&end, 1));
	}
	str_free(&text);
}

void milter_macros(struct milter *m, enum milter_stage stage,
		void (*value)(void *arg, struct span name, struct str *out),
		void *arg)
{
	struct span names = span_of(m->names[stage] ? m->names[stage] :
			usual_names(stage)), name;
	struct str data, head;
	int most = MILTER_MACROS_MOST;

	str_init(&data, MACRO_DATA_MOST);
	str_init(&head, 8);
	str_addc(&data, milter_letter(stage));
	while (most-- && (name = span_word(&names)).n)
		put_macro(&data, name, value, arg);
	milter_encode_head(&head, 'D', data.n);
	if (!m->failed && !data.bad && !head.bad) {
		conn_write(m->conn, head.p, head.n);
		conn_write(m->conn, data.p, data.n);
	}
	str_free(&head);
	str_free(&data);
}

static void put_head(struct milter *m, char letter, size_t n)
{
	struct str head;

	str_init(&head, 5);
	milter_encode_head(&head, letter, n);
	if (!m->failed)
		conn_write(m->conn, head.p, head.n);
	str_free(&head);
}

/* The command is out. */
static bool await(struct milter *m, enum milter_stage stage)
{
	m->stage = stage;
	if (m->failed)
		return false;
	m->busy = milter_is_answered(&m->options, stage);
	/* who is not asked for an answer has to read all the same */
	if (m->busy || !conn_out_ready(m->conn))
		conn_timeout(m->conn, m->ms);
	return m->busy;
}

bool milter_send(struct milter *m, enum milter_stage stage, struct span data)
{
	put_head(m, milter_letter(stage), data.n);
	if (!m->failed)
		conn_write(m->conn, data.p, data.n);
	return await(m, stage);
}

void milter_body(struct milter *m, size_t n)
{
	m->body_left = n;
	put_head(m, milter_letter(MILTER_BODY), n);
}

bool milter_piece(struct milter *m, struct span piece)
{
	piece = span_sub(piece, 0, m->body_left);
	m->body_left -= piece.n;
	if (m->failed)
		return false;
	conn_write(m->conn, piece.p, piece.n);
	if (!m->body_left)
		return await(m, MILTER_BODY);
	if (!conn_out_ready(m->conn))
		conn_timeout(m->conn, m->ms);
	return false;
}

void milter_abort(struct milter *m)
{
	if (m->open)
		put_head(m, 'A', 0);
}
