/* smtp_server_data - DATA and BDAT: the message streams to the policy, or is swallowed */
#include <string.h>

#include "net/smtp_server_private.h"
#include "os/clock.h"
#include "os/log.h"

#define HOPS_MOST 100		/* RFC 5321 6.3: at least */

/* -- loops -- */

/* At a line's end; an empty line ends the header section. */
static void hops_line_end(struct smtp_hops *h)
{
	h->body = h->line_empty;
	h->line_empty = true;
	h->matched = 0;
	h->no_match = false;
}

static void hops_octet(struct smtp_hops *h, char c)
{
	static const char field[] = "received:";

	if (c == '\r')
		return;
	h->line_empty = false;
	if (h->no_match || ascii_lower(c) != field[h->matched]) {
		h->no_match = true;
		return;
	}
	if (++h->matched == sizeof(field) - 1) {
		h->count++;
		h->no_match = true;
	}
}

/* h begins as { .line_empty = true }. */
void smtp_hops_feed(struct smtp_hops *h, struct span piece)
{
	for (size_t i = 0; i < piece.n && !h->body; i++)
		if (piece.p[i] == '\n')
			hops_line_end(h);
		else
			hops_octet(h, piece.p[i]);
}

/* -- the message -- */

/* The first reason stands; the rest of the message is swallowed. */
static void refuse(struct smtp_session *s, int code, const char *enhanced,
		const char *text)
{
	struct smtp_server_private *p = s->priv;

	if (p->code)
		return;
	p->code = code;
	str_copys(p->enhanced, sizeof(p->enhanced), enhanced);
	p->text = arena_dup(s->arena, span_of(text));
	if (!p->text)
		p->text = "Message refused";
	p->refused_until = clock_ms() + s->conf->data_timeout * INT64_C(1000);
	log_info("%s: message from=<%s> refused: %s", conn_peer(s->conn),
			s->sender, text);
}

static void refuse_for(struct smtp_session *s, enum smtp_reply why)
{
	struct smtp_reply_row row = smtp_reply_row(why);

	refuse(s, row.code, row.enhanced, row.text);
}

/*
 * A lone CR or LF is what smuggled messages are made of: the next server may
 * take it for a line end. Mail software does not write them (RFC 5321 2.3.8).
 */
static void check_so_far(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;
	uint64_t most = s->conf->max_message_size;

	if (p->dot.bare_lf && !s->policy->repair)
		refuse_for(s, SMTP_BARE_LF);
	else if (p->dot.bare_cr && !s->policy->repair)
		refuse_for(s, SMTP_BARE_CR);
	else if (most && s->size > most)
		refuse_for(s, SMTP_TOO_BIG);
	else if (p->hops.count > HOPS_MOST)
		refuse_for(s, SMTP_LOOP);
}

static void take_piece(void *arg, struct span piece)
{
	struct smtp_session *s = arg;
	struct smtp_server_private *p = s->priv;
	struct err err;

	s->size += piece.n;
	smtp_hops_feed(&p->hops, piece);
	check_so_far(s);
	if (!p->code && s->policy->piece(s, piece, &err) < 0)
		refuse(s, err_smtp(err.kind), err_enhanced(err.kind),
				err.text);
}

static void on_piece(void *arg, struct span piece)
{
	struct smtp_session *s = arg;

	if (s->policy->repair)
		dot_repair(&s->priv->repair, piece, take_piece, s);
	else
		take_piece(s, piece);
}

/* The end was seen. */
static void complete(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	dot_repair_end(&p->repair, take_piece, s);
	p->dialog.raw = NULL;
	conn_timeout(s->conn, s->conf->command_timeout * INT64_C(1000));
	check_so_far(s);
	p->unsent = s->rcpts;
	if (p->code) {
		p->asked = SMTP_ASK_MESSAGE;
		p->asking = true;
		smtp_server_refuse(s, p->code, p->enhanced, p->text);
		p->asking = false;
	} else {
		smtp_ask(s, SMTP_ASK_MESSAGE, s->policy->message);
	}
}

static void data_raw(struct dialog *d, void *session)
{
	struct smtp_session *s = session;
	struct smtp_server_private *p = s->priv;
	struct span in = conn_peek(s->conn);
	size_t all = in.n;
	bool end;

	(void)d;
	end = dot_read(&p->dot, &in, on_piece, s);
	conn_skip(s->conn, all - in.n);
	if (end) {
		complete(s);
	} else if (p->code && clock_ms() > p->refused_until) {
		/* who goes on sending for nothing for so long has to leave */
		smtp_reply_write(s->conn, p->code, p->enhanced, p->text);
		smtp_end(s);
	}
}

void smtp_data_begin(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	dot_reader_init(&p->dot);
	p->hops = (struct smtp_hops){ .line_empty = true };
	p->dialog.raw = data_raw;
	conn_timeout(s->conn, s->conf->data_timeout * INT64_C(1000));
}

void smtp_run_data(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;

	(void)d, (void)args;
	if (!s->nrcpt)
		smtp_say(s, SMTP_RCPT_FIRST);
	else
		smtp_ask(s, SMTP_ASK_DATA, s->policy->data);
}

/* -- BDAT (RFC 3030): counted octets, which are read whatever the answer is -- */

static void chunk_end(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	p->dialog.raw = NULL;
	if (p->chunk_dropped) {
		conn_timeout(s->conn, s->conf->command_timeout * INT64_C(1000));
	} else if (p->chunk_last) {
		dot_count_end(&p->dot);
		complete(s);
	} else if (p->code) {
		smtp_reply_write(s->conn, p->code, p->enhanced, p->text);
		smtp_transaction_end(s);
	} else {
		smtp_say(s, SMTP_CHUNK_OK);
	}
}

static void chunk_raw(struct dialog *d, void *session)
{
	struct smtp_session *s = session;
	struct smtp_server_private *p = s->priv;
	struct span in = conn_peek(s->conn);

	(void)d;
	in.n = in.n > p->chunk ? (size_t)p->chunk : in.n;
	if (!p->chunk_dropped)
		dot_count(&p->dot, in, on_piece, s);
	conn_skip(s->conn, in.n);
	p->chunk -= in.n;
	if (!p->chunk)
		chunk_end(s);
	else if ((p->chunk_dropped || p->code) && clock_ms() > p->refused_until)
		smtp_end(s);
}

static void read_chunk(struct smtp_session *s)
{
	s->priv->dialog.raw = chunk_raw;
	conn_timeout(s->conn, s->conf->data_timeout * INT64_C(1000));
	if (!s->priv->chunk)
		chunk_end(s);
}

/* The octets of a chunk that was refused come all the same. */
static void drop_chunk(struct smtp_session *s)
{
	struct smtp_server_private *p = s->priv;

	p->chunk_dropped = true;
	p->refused_until = clock_ms() + s->conf->data_timeout * INT64_C(1000);
	read_chunk(s);
}

void smtp_chunk_refused(struct smtp_session *s)
{
	smtp_transaction_end(s);
	drop_chunk(s);
}

void smtp_chunk_begin(struct smtp_session *s)
{
	dot_reader_init(&s->priv->dot);
	s->priv->hops = (struct smtp_hops){ .line_empty = true };
	smtp_set_state(s, SMTP_CHUNKS);
	read_chunk(s);
}

static bool has_chunks(const struct smtp_session *s)
{
	return s->priv->dialog.state &
		(SMTP_CHUNKS | SMTP_CHUNKS << SMTP_LMTP_SHIFT);
}

/* Nothing tells where a chunk ends whose size makes no sense. */
static void bad_chunk(struct smtp_session *s)
{
	smtp_say(s, SMTP_BAD_CHUNK);
	smtp_end(s);
}

void smtp_run_bdat(struct dialog *d, void *session, struct span args)
{
	struct smtp_session *s = session;
	struct smtp_server_private *p = s->priv;
	struct span size = span_word(&args), last = span_word(&args);
	unsigned long long n;

	(void)d;
	if (!span_number64(size, ~0ULL, &n) || args.n ||
			(last.n && !span_is(last, "LAST"))) {
		bad_chunk(s);
		return;
	}
	p->chunk = n;
	p->chunk_last = last.n;
	p->chunk_dropped = false;
	if (!s->nrcpt) {
		smtp_say(s, smtp_needs_tls(s) ? SMTP_TLS_FIRST :
				!s->hello ? SMTP_HELLO_FIRST : s->sender ?
				SMTP_RCPT_FIRST : SMTP_MAIL_FIRST);
		drop_chunk(s);
	} else if (has_chunks(s)) {
		read_chunk(s);
	} else {
		smtp_ask(s, SMTP_ASK_CHUNK, s->policy->data);
	}
}
