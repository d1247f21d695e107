/* smtp_client_body - the message itself, by DATA or BDAT (RFC 3030), and the
 * replies behind it */
#include <string.h>

#include "config.h"
#include "net/smtp_client_private.h"
#include "os/file.h"

#define PIECE 8192		/* read at a time; stuffed or encoded 4 times that */
#define BLOCK_MS 180000		/* RFC 5321 4.5.3.2.5 */
#define BODY_SECONDS 600	/* for all of it, and one more for ... */
#define BODY_RATE 512		/* ... as many octets: slower is no way to send */
#define FLIGHT_MOST 16384	/* octets of a message that goes with MAIL */
#define CHUNK_MOST (1024 * 1024)	/* octets of a BDAT */

ssize_t smtp_client_read(struct smtp_client *c, char *out, size_t n)
{
	uint64_t rest = c->m->size - c->body_at;
	ssize_t got;

	if (n > rest)
		n = (size_t)rest;
	if (!n)
		return 0;
	got = file_pread(c->m->fd, out, n, c->m->start + (int64_t)c->body_at);
	if (got != (ssize_t)n)
		return -1;
	c->body_at += n;
	return got;
}

static size_t head_size(const struct smtp_client *c)
{
	return c->m->head ? strlen(c->m->head) : 0;
}

/* -- BDAT or DATA -- */

/* BDAT adds no line end where one is missing. */
static bool ends_in_line(const struct smtp_client *c)
{
	const struct smtp_message *m = c->m;
	char end[2];

	return m->size >= 2 && file_pread(m->fd, end, 2, m->start +
			(int64_t)m->size - 2) == 2 && !memcmp(end, "\r\n", 2);
}

/*
 * A chunk's octets are counted before they are sent: BDAT is for messages that
 * go as they are. With MAIL and RCPT it goes to our own deliver only, which is
 * known to swallow the octets when it has taken no recipient.
 */
void smtp_client_choose(struct smtp_client *c)
{
	c->chunks = 0;
	c->chunk_left = 0;
	c->chunked = CFG_SMTP_CHUNKING && c->offers & SMTP_CHUNKING &&
		!c->m->lf_lines && !c->narrow && ends_in_line(c);
	c->flight = c->chunked && c->offers & SMTP_XSPOOL &&
		c->offers & SMTP_PIPELINING && c->target.lmtp &&
		c->target.addr.ss_family == AF_UNSPEC &&
		c->m->size <= FLIGHT_MOST;
}

/* "BDAT 1234 LAST" and the fields that come before the file. */
static void begin_chunk(struct smtp_client *c)
{
	uint64_t rest = c->m->size - c->body_at;
	size_t head = c->body_at ? 0 : head_size(c);
	bool last = rest <= CHUNK_MOST;

	c->chunk_left = last ? rest : CHUNK_MOST;
	conn_printf(c->conn, "BDAT %llu%s\r\n", (unsigned long long)head +
			c->chunk_left, last ? " LAST" : "");
	if (head)
		conn_puts(c->conn, c->m->head);
	c->chunks += !last;
}

/* Between two chunks: may the next one go out before this one's reply? */
static bool may_chunk(const struct smtp_client *c)
{
	return !c->chunks || c->offers & SMTP_PIPELINING;
}

static void put(void *arg, struct span piece)
{
	conn_write(arg, piece.p, piece.n);
}

static void put_dotted(void *arg, struct span piece)
{
	struct smtp_client *c = arg;
	char *to;

	if (!c->m->lf_lines) {
		dot_write(&c->dot, piece, put, c->conn);
		return;
	}
	to = conn_room(c->conn, 2 * piece.n);
	if (to)
		conn_added(c->conn, dot_expand(&c->dot, piece, to));
}

static void put_text(struct smtp_client *c, struct span piece)
{
	if (c->chunked)
		conn_write(c->conn, piece.p, piece.n);
	else if (CFG_SMTP_NARROW && c->narrow)
		narrow_write(c->narrow, piece, put_dotted, c);
	else
		put_dotted(c, piece);
}

/* -- sending it -- */

void smtp_client_begin_body(struct smtp_client *c)
{
	c->body_at = 0;
	dot_writer_init(&c->dot);
	if (!c->chunked && c->m->head)
		put_text(c, span_of(c->m->head));
	/* in one flight the replies to MAIL and RCPT come first */
	if (!c->flight) {
		smtp_client_step(c, SMTP_STEP_BODY);
		loop_timer_set(c->loop, &c->timer, (int64_t)(BODY_SECONDS +
				c->m->size / BODY_RATE) * 1000);
	}
	conn_timeout(c->conn, BLOCK_MS);
	smtp_client_body(c);
}

/* False: it cannot be read, then no end may follow. */
static bool put_piece(struct smtp_client *c)
{
	char piece[PIECE];
	size_t most = sizeof(piece);
	ssize_t n;

	if (c->chunked && most > c->chunk_left)
		most = (size_t)c->chunk_left;
	n = smtp_client_read(c, piece, most);
	if (n < 0)
		return false;
	c->chunk_left -= c->chunked ? (uint64_t)n : 0;
	put_text(c, span_make(piece, (size_t)n));
	return true;
}

static void end_body(struct smtp_client *c)
{
	if (CFG_SMTP_NARROW && c->narrow)
		narrow_write_end(c->narrow, put_dotted, c);
	if (!c->chunked)
		dot_finish(&c->dot, put, c->conn);
	conn_timeout(c->conn, 0);
	c->dot_sent = true;
	if (!c->flight)
		smtp_client_step(c, SMTP_STEP_DOT);
}

void smtp_client_body(struct smtp_client *c)
{
	/* a message of no octets has no chunk that ends in a line */
	while (c->body_at < c->m->size) {
		if (!conn_out_ready(c->conn) && !c->flight)
			return;
		if (c->chunked && !c->chunk_left) {
			if (!may_chunk(c))
				return;
			begin_chunk(c);
		}
		if (!put_piece(c)) {
			smtp_client_fail(c, ERR_TEMP,
					"the message cannot be read");
			return;
		}
	}
	end_body(c);
}

/* -- replies -- */

static void tell_accepted(struct smtp_client *c, const struct smtp_result *r)
{
	for (unsigned i = 0; !c->dead && i < c->nrcpt; i++)
		if (c->fate[i] == SMTP_ACCEPTED)
			smtp_client_tell(c, i, r);
}

/*
 * Of a chunk that is not the last one. RFC 3030 2: after a refusal no more may
 * be sent, and what is under way is answered by refusals, too: we hang up.
 */
static void took_chunk(struct smtp_client *c, const struct smtp_result *r)
{
	if (r->kind != ERR_NONE) {
		smtp_client_over(c, r);
	} else if (r->code >= 300) {
		smtp_client_fail(c, ERR_PROTO, "a 3xx reply to a chunk");
	} else {
		c->chunks--;
		if (c->step == SMTP_STEP_BODY)
			smtp_client_body(c);
		else
			smtp_client_step(c, c->step);
	}
}

/* We cannot stop in the middle but by hanging up. */
void smtp_client_early(struct smtp_client *c, const struct smtp_result *r)
{
	if (c->chunks)
		took_chunk(c, r);
	else if (r->kind == ERR_NONE)
		smtp_client_fail(c, ERR_PROTO, "a reply before the end");
	else
		smtp_client_over(c, r);
}

/* RFC 2033 4.2: a reply for each recipient that was accepted, in order. */
static void tell_next(struct smtp_client *c, const struct smtp_result *r)
{
	while (c->fate[c->lmtp_at] != SMTP_ACCEPTED)
		c->lmtp_at++;
	c->accepted--;
	smtp_client_tell(c, c->lmtp_at, r);
}

void smtp_client_dot(struct smtp_client *c, const struct smtp_result *r)
{
	if (c->chunks) {
		took_chunk(c, r);
		return;
	}
	if (r->code >= 300 && r->code < 400) {
		smtp_client_fail(c, ERR_PROTO, "a 3xx reply to the message");
		return;
	}
	if (c->target.lmtp)
		tell_next(c, r);
	else
		tell_accepted(c, r);
	if (c->dead)
		return;
	if (c->target.lmtp && c->accepted)
		smtp_client_step(c, SMTP_STEP_DOT);
	else if (c->chunked && r->kind != ERR_NONE && !c->target.lmtp)
		/* RFC 3030 2: the state behind a failure is not certain */
		smtp_client_reset(c);
	else
		smtp_client_ready(c);
}
