/*
 * Any keys: after each draw a terminal that obeys the bytes shows what the
 * editor believes is on the screen, and nothing else was sent.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "mail/edit.h"

#define ROOM 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct row {
	uint32_t cell[ROOM + 4][1 + MAIL_TERM_MARKS];	/* 0: blank or behind a wide one */
	unsigned column;
};

/* A wide character that is hit in one half is gone. */
static void put(struct row *r, uint32_t c, bool utf8)
{
	int width = utf8 ? utf8_width(c) : 1;

	if (width == 0) {
		unsigned at = r->column;

		while (at && !r->cell[at - 1][0])
			at--;
		if (!at)
			return;		/* nothing to stand on */
		for (int i = 1; i <= MAIL_TERM_MARKS; i++)
			if (!r->cell[at - 1][i]) {
				r->cell[at - 1][i] = c;
				return;
			}
		abort();
	}
	if (width < 0 || r->column + (unsigned)width > ROOM + 2)
		abort();
	for (int i = 0; i < width; i++)
		memset(r->cell[r->column + (unsigned)i], 0,
				sizeof(r->cell[0]));
	r->cell[r->column][0] = c;
	r->column += (unsigned)width;
}

static void obey(struct row *r, unsigned n, char final)
{
	unsigned left = ROOM + 4 - r->column;

	switch (final) {
	case 'C':
		r->column += n;
		break;
	case 'D':
		r->column -= n;
		break;
	case 'K':
		memset(r->cell[r->column], 0, left * sizeof(r->cell[0]));
		break;
	case '@':
		if (n > left)
			abort();
		memmove(r->cell[r->column + n], r->cell[r->column],
				(left - n) * sizeof(r->cell[0]));
		memset(r->cell[r->column], 0, n * sizeof(r->cell[0]));
		break;
	case 'P':
		if (n > left)
			abort();
		memmove(r->cell[r->column], r->cell[r->column + n],
				(left - n) * sizeof(r->cell[0]));
		memset(r->cell[ROOM + 4 - n], 0, n * sizeof(r->cell[0]));
		break;
	default:
		abort();
	}
	if (r->column > ROOM + 2)
		abort();
}

static void feed(struct row *r, struct span bytes, bool utf8)
{
	while (bytes.n) {
		char c = bytes.p[0];

		if (c == '\b') {
			if (!r->column--)
				abort();
			bytes = span_rest(bytes, 1);
		} else if (c == '\033') {
			unsigned long n = 1;
			size_t end = 2;

			while (end < bytes.n && ascii_isdigit(bytes.p[end]))
				end++;
			if (bytes.n <= end || bytes.p[1] != '[')
				abort();
			span_number(span_sub(bytes, 2, end - 2), 1000, &n);
			obey(r, (unsigned)n, bytes.p[end]);
			bytes = span_rest(bytes, end + 1);
		} else if (utf8) {
			put(r, utf8_next(&bytes), true);
		} else {
			put(r, (unsigned char)c, false);
			bytes = span_rest(bytes, 1);
		}
	}
}

static void check(struct mail_edit *e, struct row *screen)
{
	bool utf8 = e->term->charset == MAIL_UTF8;
	struct row want = { .column = 0 };
	struct str out;

	str_init(&out, 65536);
	mail_edit_draw(e, &out);
	feed(screen, str_span(&out), utf8);
	feed(&want, str_span(&e->shown), utf8);
	if (screen->column != e->column || e->column > ROOM ||
	    memcmp(screen->cell, want.cell, sizeof(want.cell)) != 0)
		abort();
	str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span keys = span_make((const char *)data + 1, size - 1);
	struct row screen = { .column = 0 };
	struct mail_term term = { .kind = MAIL_ANSI };
	struct mail_edit e;

	if (!size)
		return 0;
	term.kind = data[0] & 4 ? MAIL_INSERTS : MAIL_ANSI;
	term.charset = data[0] & 3;
	mail_edit_init(&e, &term);
	mail_edit_start(&e, MAIL_ASK_COMMAND, SPAN(""), ROOM);
	while (keys.n) {
		uint32_t key = utf8_next(&keys);

		/* bytes that are no UTF-8 are the keys behind Unicode */
		if (key == 0xFFFD)
			key = KEY_UP + (unsigned char)keys.p[-1] % 14;
		if (mail_edit_key(&e, key) == EDIT_DONE) {
			mail_edit_remember(&e);
			mail_edit_start(&e, MAIL_ASK_COMMAND, SPAN("x\ty"),
					ROOM);
			screen = (struct row){ .column = 0 };
		}
		if (!utf8_valid(str_span(&e.text)) || e.at > e.text.n)
			abort();
		if (keys.n % 3 != 0)
			check(&e, &screen);
	}
	mail_edit_free(&e);
	return 0;
}
