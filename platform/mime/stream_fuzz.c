/* Any octets as a message: the same comes out however they are cut, and all of it is inside. */
#include <stdint.h>
#include <stdlib.h>

#include "mime/stream.h"
#include "mime/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t hash;
	unsigned open, parts;
	size_t octets;
	struct transfer transfer;
	struct str out;
	struct stream *stream;
	bool enter;
};

static void add(struct seen *s, struct span text)
{
	s->hash = span_hash(s->hash, text);
}

static void on_field(void *arg, const struct header_field *f)
{
	if (!f)
		return;
	if (f->value.n > STREAM_FIELD)
		abort();
	add(arg, f->name);
	add(arg, f->value);
}

static bool on_begin(void *arg, const struct stream_part *p)
{
	struct seen *s = arg;

	if (s->open || p->depth > STREAM_DEPTH ||
	    (p->number && p->number != ++s->parts))
		abort();
	add(s, p->type);
	add(s, SPAN("/"));
	add(s, p->subtype);
	add(s, p->encoding);
	add(s, p->type_value);
	s->open = p->number && !(p->enclosed && s->enter);
	transfer_begin(&s->transfer, p->encoding);
	return s->enter;
}

static void on_body(void *arg, struct span piece)
{
	struct seen *s = arg;

	if (!s->open || !piece.n)
		abort();
	s->octets += piece.n;
	str_clear(&s->out);
	transfer_put(&s->transfer, &s->out, piece);
	if (s->out.n > piece.n + TRANSFER_HELD)
		abort();
	add(s, str_span(&s->out));
}

static void on_end(void *arg)
{
	struct seen *s = arg;

	if (!s->open)
		abort();
	str_clear(&s->out);
	transfer_end(&s->transfer, &s->out);
	add(s, str_span(&s->out));
	add(s, SPAN("|"));
	s->open = 0;
}

static uint64_t read_in(struct span message, size_t by, bool enter)
{
	struct seen seen = { .hash = SPAN_HASH, .enter = enter };
	struct stream s = {
		.arg = &seen, .field = on_field, .begin = on_begin,
		.body = on_body, .end = on_end
	};
	size_t size = message.n;

	str_init(&seen.out, SIZE_MAX);
	stream_begin(&s);
	for (; message.n; message = span_rest(message, by))
		stream_put(&s, span_sub(message, 0, by));
	stream_end(&s);
	str_free(&seen.out);
	if (seen.open || seen.octets > size)
		abort();
	return seen.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	bool enter = size % 2;
	uint64_t whole = read_in(in, size ? size : 1, enter);

	if (read_in(in, 1, enter) != whole || read_in(in, 7, enter) != whole)
		abort();
	return 0;
}
