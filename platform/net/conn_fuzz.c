/*
 * A conn driven from all sides by a program of bytes: the peer talks, reads,
 * hangs up; the owner writes, pauses, closes, also inside callbacks. What
 * arrives on either side must be what was sent, in order, with nothing
 * missing before the end; the sanitizers see the rest.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "net/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t *code, *code_end;
static struct conn *conn;
static int peer;
static unsigned to_conn, at_conn, to_peer, at_peer;	/* octets so far */
static bool told_end, cut;	/* cut: not all that was written arrives */

static uint8_t next(void)
{
	return code < code_end ? *code++ : 0;
}

static char octet(unsigned i)
{
	return i * 31 + i / 256;
}

static void check(const char *p, size_t n, unsigned from)
{
	while (n--) {
		if (*p++ != octet(from++))
			abort();
	}
}

static void owner(struct conn *c, enum conn_event event, void *arg);

static void write_some(size_t n)
{
	char block[4096];
	size_t i;

	n = n < sizeof(block) ? n : sizeof(block);
	for (i = 0; i < n; i++)
		block[i] = octet(to_peer + i);
	cut |= conn_out_pending(conn) + n > CONN_OUT_MOST;
	conn_write(conn, block, n);
	to_peer += n;
}

static void take(size_t n)
{
	struct span in = conn_peek(conn);

	n = n < in.n ? n : in.n;
	check(in.p, n, at_conn);
	conn_skip(conn, n);
	at_conn += n;
}

static void take_line(size_t max)
{
	struct span in = conn_peek(conn), line;
	size_t before = in.n;

	/* a long line in the middle of being skipped would lose the count */
	if (span_find(in, '\n') >= max)
		return;
	if (conn_line(conn, max, &line) == CONN_LINE_NONE)
		return;
	check(line.p, line.n, at_conn);
	at_conn += before - conn_peek(conn).n;
}

static void act(uint8_t what)
{
	if (!conn)
		return;
	switch (what % 12) {
	case 0: write_some(next()); break;
	case 1: write_some(next() * 64); break;
	case 2: take(next()); break;
	case 3: take(SIZE_MAX); break;
	case 4: take_line(1 + next() * 16); break;
	case 5: conn_pause(conn); break;
	case 6: conn_resume(conn); break;
	case 7: conn_flush(conn); break;
	case 8: conn_owner(conn, owner, &conn); break;
	case 9: conn_timeout(conn, next()); break;
	case 10:
		if (next() > 200) {
			conn_close(conn);
			conn = NULL;
		}
		break;
	case 11:
		if (next() > 230) {
			conn_abort(conn);
			conn = NULL;
			cut = true;
		}
		break;
	}
}

static void owner(struct conn *c, enum conn_event event, void *arg)
{
	if (arg != &conn || c != conn || told_end)
		abort();
	if (event == CONN_ERROR) {
		told_end = true;
		if (!conn_error(c)->text[0])
			abort();
		conn_close(conn);
		conn = NULL;
		cut = true;
		return;
	}
	if (event == CONN_DRAINED && conn_out_pending(c))
		abort();
	act(next());
	act(next());
}

static void peer_talks(size_t n)
{
	char block[1024];
	ssize_t r;
	size_t i;

	n = n < sizeof(block) ? n : sizeof(block);
	for (i = 0; i < n; i++)
		block[i] = octet(to_conn + i);
	r = send(peer, block, n, MSG_NOSIGNAL);
	if (r > 0)
		to_conn += r;
}

/* False at the end. */
static bool peer_reads(size_t n)
{
	char block[4096];
	ssize_t r = recv(peer, block, n < sizeof(block) ? n : sizeof(block), 0);

	if (r > 0)
		check(block, r, at_peer);
	if (r > 0)
		at_peer += r;
	return r != 0 || !n;
}

static bool step(struct loop *l)
{
	uint8_t what = next();

	switch (what & 7) {
	case 0: peer_talks(what >> 3); break;
	case 1: peer_talks(1000); break;
	case 2: peer_reads(what); break;
	case 3: peer_reads(4096); break;
	case 4:
		if (what > 240)
			shutdown(peer, SHUT_WR);
		if (what == 236)
			return false;
		break;
	case 5: act(next()); break;
	default: loop_turn(l, 0);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct loop *l = loop_new(NULL);
	int fd[2], small = 2048, i;
	bool on = true;

	if (!l || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		abort();
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	code = data;
	code_end = data + n;
	to_conn = at_conn = to_peer = at_peer = 0;
	told_end = cut = false;
	peer = fd[1];
	conn = conn_new(l, fd[0], owner, &conn);
	if (!conn)
		abort();
	while (on && code < code_end)
		on = step(l);
	if (!on)
		close(peer);
	if (conn && on)
		conn_close(conn);
	else if (conn)
		conn_abort(conn);
	conn = NULL;
	/* all that was written before the close arrives, and then the end */
	for (i = 0; on && i < 1000 && peer_reads(4096); i++)
		loop_turn(l, 0);
	if (on && (i == 1000 || (!cut && at_peer != to_peer)))
		abort();
	if (on)
		close(peer);
	for (i = 0; i < 30; i++)	/* lingering: reads what is left */
		loop_turn(l, 0);
	loop_free(l);
	return 0;
}
