/* Any bytes as a message that is shown: on a narrow screen, and as text for others. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/part.h"
#include "mail/show.h"
#include "mail/var.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The mailbox is the input, and comes in pieces of so many octets. */
static struct span message;
static size_t by;

int mailbox_read(struct mailbox *m, unsigned n,
		bool (*put)(void *arg, struct span piece), void *arg,
		struct err *err)
{
	struct span rest = message;

	(void)m;
	(void)n;
	(void)err;
	while (rest.n && put(arg, span_sub(rest, 0, by)))
		rest = span_rest(rest, by);
	return 0;
}

/* Nothing here can fail for the user: mail.c stays out of it. */
int mail_failed(struct mail *m)
{
	(void)m;
	abort();
}

int mail_wrong(struct mail *m, const char *text)
{
	(void)text;
	return mail_failed(m);
}

int mail_errno(struct mail *m, const char *what)
{
	return mail_wrong(m, what);
}

struct seen {
	uint64_t hash;
	size_t left;		/* octets until it has had enough */
	bool over;
};

static bool on_text(void *arg, struct span text)
{
	struct seen *s = arg;

	if (s->over)
		abort();	/* it said stop */
	if (!utf8_valid(text))
		abort();
	s->hash = span_hash(s->hash, text);
	s->over = text.n > s->left;
	s->left -= s->over ? 0 : text.n;
	return !s->over;
}

static uint64_t render(struct mail *m, unsigned how, size_t left)
{
	struct seen seen = { .hash = SPAN_HASH, .left = left };

	mail_show_render(m, 1, how, on_text, &seen);
	return seen.hash;
}

static bool want_all(void *arg, const struct stream_part *p)
{
	struct str name;

	(void)arg;
	str_init(&name, 1024);
	mail_part_safe_name(&name, p);
	if (!name.n || name.n > 210 || span_has(str_span(&name), '/') ||
	    name.p[0] == '.' || span_has_control(str_span(&name)))
		abort();
	str_free(&name);
	return p->number % 2;
}

static bool take(void *arg, struct span octets)
{
	*(uint64_t *)arg += octets.n;
	return true;
}

static bool told(void *arg, uint64_t octets)
{
	uint64_t *n = arg;

	if (*n != octets)
		abort();
	*n = 0;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mail m;
	uint64_t n = 0, hash;
	struct mail_part_reader reader = {
		.arg = &n, .begin = want_all, .data = take, .end = told
	};
	unsigned char note[2] = { 0 };
	unsigned how;

	if (!size)
		return 0;
	how = data[0] & 15;
	message = span_make((const char *)data + 1, size - 1);
	m.note = note;
	m.term.columns = 40;
	m.term.signals = -1;
	if (!m.term.out)
		m.term.out = fopen("/dev/null", "w");
	by = size;
	hash = render(&m, how, SIZE_MAX);
	by = 1 + size % 13;
	if (render(&m, how, SIZE_MAX) != hash)
		abort();
	render(&m, how, size / 2);
	reader.utf8 = how & 1;
	mail_part_read(&m, 1, &reader);
	return 0;
}
