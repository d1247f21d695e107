#include "net/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net/conn_private.h"

#define CONN_OUT_FIRST 512
/* octets that are printed without a second look */
#define PRINT_SHORT 256

static void give_back(char **p, size_t used)
{
	if (*p)
		explicit_bzero(*p, used);
	free(*p);
	*p = NULL;
}

void conn_free_in(struct conn *c)
{
	give_back(&c->in, c->in_used);
	c->in_at = c->in_n = c->in_used = 0;
}

void conn_free_out(struct conn *c)
{
	give_back(&c->out, c->out_used);
	c->out_at = c->out_n = c->out_size = c->out_used = 0;
	c->plain_left = 0;
}

/* -- input -- */

bool conn_has_input(const struct conn *c)
{
	return c->in_n > 0;
}

struct span conn_peek(struct conn *c)
{
	return span_make(c->in_n ? c->in + c->in_at : NULL, c->in_n);
}

void conn_skip(struct conn *c, size_t n)
{
	if (n > c->in_n)
		n = c->in_n;
	if (!n)
		return;
	c->in_at += n;
	c->in_n -= n;
	c->consumed = true;
	conn_settle(c);
}

/* The rest of a line that was reported as too long goes up to its LF. */
static void swallow(struct conn *c)
{
	struct span s = conn_peek(c);
	size_t lf = span_find(s, '\n');

	c->skipping = lf == s.n;
	conn_skip(c, c->skipping ? s.n : lf + 1);
}

bool conn_at_line(struct conn *c)
{
	if (c->skipping)
		swallow(c);
	return !c->skipping;
}

enum conn_line conn_line(struct conn *c, size_t max, struct span *line)
{
	struct span s;
	size_t lf;
	bool crlf;

	*line = span_make(NULL, 0);
	if (c->skipping)
		swallow(c);
	s = conn_peek(c);
	lf = span_find(span_sub(s, 0, max), '\n');
	if (lf >= max) {
		swallow(c);
		return CONN_LINE_LONG;
	}
	if (lf == s.n)
		return CONN_LINE_NONE;
	crlf = lf && s.p[lf - 1] == '\r';
	*line = span_sub(s, 0, crlf ? lf - 1 : lf);
	conn_skip(c, lf + 1);
	/* RFC 5321 2.3.8: CR and LF only ever come together */
	if (!crlf || span_find(*line, '\r') < line->n)
		return CONN_LINE_BARE;
	return CONN_LINE_OK;
}

/* -- output -- */

size_t conn_out_pending(const struct conn *c)
{
	return c->out_n;
}

bool conn_out_ready(const struct conn *c)
{
	return c->out_n <= c->out_mark;
}

void conn_out_mark(struct conn *c, unsigned mark)
{
	c->out_mark = mark;
}

/*
 * Four times as large: most replies fit into the first one, and what does not
 * is mostly mail, up to the mark. No realloc, which would leave a copy behind.
 */
static bool grow(struct conn *c, size_t need)
{
	size_t size = c->out_size ? c->out_size : CONN_OUT_FIRST;
	char *p;

	while (size < need)
		size *= 4;
	if (size > CONN_OUT_MOST)
		size = CONN_OUT_MOST;
	p = malloc(size);
	if (!p)
		return false;
	if (c->out_n)
		memcpy(p, c->out + c->out_at, c->out_n);
	give_back(&c->out, c->out_used);
	c->out_used = c->out_n;
	c->out = p;
	c->out_at = 0;
	c->out_size = size;
	return true;
}

static bool takes_output(const struct conn *c)
{
	return c->state <= CONN_HANDSHAKE && !c->out_broken;
}

char *conn_room(struct conn *c, size_t n)
{
	struct err full;

	if (!takes_output(c))
		return NULL;
	if (n > CONN_OUT_MOST - c->out_n) {
		err_set(&full, ERR_NOMEM, "too much output waits for the peer");
		conn_break(c, &full);
		return NULL;
	}
	if (c->out_n + n > c->out_size && !grow(c, c->out_n + n)) {
		conn_break(c, NULL);
		return NULL;
	}
	if (c->out_at + c->out_n + n > c->out_size) {
		memmove(c->out, c->out + c->out_at, c->out_n);
		c->out_at = 0;
	}
	return c->out + c->out_at + c->out_n;
}

void conn_added(struct conn *c, size_t n)
{
	c->out_n += n;
	if (c->out_at + c->out_n > c->out_used)
		c->out_used = c->out_at + c->out_n;
	if (c->out_n > c->out_mark)
		c->over_mark = true;
	if (c->state == CONN_OPEN && !c->out_blocked)
		loop_task_add(c->loop, &c->flush);
}

void conn_write(struct conn *c, const void *p, size_t n)
{
	char *to = n ? conn_room(c, n) : NULL;

	if (!to)
		return;
	memcpy(to, p, n);
	conn_added(c, n);
}

void conn_puts(struct conn *c, const char *s)
{
	conn_write(c, s, strlen(s));
}

/* Most fits; what is printed may be a secret. */
static int print_short(struct conn *c, const char *fmt, va_list ap)
{
	char text[PRINT_SHORT];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n > 0 && n < PRINT_SHORT)
		conn_write(c, text, (size_t)n);
	if (n > 0)
		explicit_bzero(text, n < PRINT_SHORT ? (size_t)n
				: sizeof(text));
	return n;
}

void conn_printf(struct conn *c, const char *fmt, ...)
{
	va_list ap;
	char *to;
	int n;

	va_start(ap, fmt);
	n = print_short(c, fmt, ap);
	va_end(ap);
	if (n < PRINT_SHORT)
		return;
	to = conn_room(c, (size_t)n + 1);	/* and its NUL */
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	conn_added(c, n);
}
