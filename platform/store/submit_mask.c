#include "store/submit_mask.h"

#include <stdlib.h>
#include "mime/header.h"
#include "mime/rewrite.h"
#include "os/file.h"
#include "store/mask.h"

#define ARENA_MOST (1024 * 1024)

/* It, or what stands in its place; NULL: no memory. */
static const char *masked(struct submit_mask *x, const struct conf *conf,
		const char *address)
{
	const char *result = address;
	struct str out;

	str_init(&out, MASK_MOST);
	if (mask_text(conf, address, &out))
		result = out.bad ? NULL : arena_dup(x->arena, str_span(&out));
	str_free(&out);
	return result;
}

static int mask_envelope(struct submit_mask *x, const struct conf *conf,
		const struct conf_smarthost *host, struct smtp_message *m)
{
	/* a report has none, whatever they demand (RFC 5321 4.5.5) */
	if (*m->sender && host->sender)
		m->sender = host->sender;
	else if (*m->sender)
		m->sender = masked(x, conf, m->sender);
	if (!m->sender)
		return -1;
	for (unsigned i = 0; i < m->nrcpt; i++) {
		x->to[i] = m->rcpt[i];
		if (!mask_stays_here(conf, m->rcpt[i]))
			x->to[i] = masked(x, conf, m->rcpt[i]);
		if (!x->to[i])
			return -1;
	}
	m->rcpt = x->to;
	return 0;
}

/* Its LF lines as CRLF lines. */
static void put_lines(struct str *out, struct span in)
{
	while (in.n) {
		size_t lf = span_find(in, '\n');

		str_add(out, span_sub(in, 0, lf));
		str_adds(out, lf < in.n ? "\r\n" : "");
		in = span_rest(in, lf + 1);
	}
}

/* Of the CRLF lines so many octets are how many of the LF lines? */
static size_t without_cr(struct span lines)
{
	size_t n = lines.n;

	for (size_t i = 0; i < lines.n; i++)
		n -= lines.p[i] == '\n';
	return n;
}

static void mask_lines(struct submit_mask *x, struct span raw,
		struct rewrite *r, struct smtp_message *m)
{
	struct str lines;
	size_t used;

	str_init(&lines, 2 * SUBMIT_MASK_MOST);
	put_lines(&lines, raw);
	if (rewrite_header(&x->head, str_span(&lines), r, &used)) {
		used = without_cr(span_sub(str_span(&lines), 0, used));
		m->head = str_c(&x->head);
		m->start += (int64_t)used;
		m->size -= used;
	}
	x->head.bad |= lines.bad;
	str_free(&lines);
}

static int mask_header(struct submit_mask *x, const struct conf *conf,
		const struct conf_smarthost *host, struct smtp_message *m)
{
	struct rewrite r = { .map = mask_addr, .arg = (void *)conf,
		.from = host->sender };
	size_t most = m->size < SUBMIT_MASK_MOST ? (size_t)m->size :
		SUBMIT_MASK_MOST;
	char *room = malloc(most + 1);
	ssize_t n = room ? file_pread(m->fd, room, most, m->start) : -1;
	struct span raw = span_make(room, n < 0 ? 0 : (size_t)n);

	r.cut = most < m->size && header_size(raw) == raw.n;
	if (n >= 0)
		mask_lines(x, raw, &r, m);
	free(room);
	return n < 0 || x->head.bad ? -1 : 0;
}

int submit_mask_begin(struct submit_mask *x, const struct conf *conf,
		const struct conf_smarthost *host, struct smtp_message *m,
		struct err *err)
{
	*x = (struct submit_mask){ .was = *m };
	str_init(&x->head, 2 * SUBMIT_MASK_MOST);
	if (!conf->masquerades && !host->sender)
		return 0;
	x->arena = arena_new(ARENA_MOST);
	x->to = calloc(m->nrcpt, sizeof(*x->to));
	if (!x->arena || !x->to || mask_envelope(x, conf, host, m) < 0 ||
			mask_header(x, conf, host, m) < 0)
		return err_nomem(err);
	return 0;
}

void submit_mask_end(struct submit_mask *x, struct smtp_message *m)
{
	*m = x->was;
	arena_free(x->arena);
	free(x->to);
	str_free(&x->head);
}
