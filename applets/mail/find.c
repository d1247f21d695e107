#include "mail/find.h"

#include <string.h>
#include "base/utf8.h"

/* ---- letters without their case */

uint32_t mail_find_fold(uint32_t c)
{
	/* step 2: each capital is followed by its small letter */
	static const struct {
		uint16_t from, to;
		uint8_t step, add;
	} rows[] = {
		{ 'A', 'Z', 1, 32 },
		{ 0xC0, 0xD6, 1, 32 }, { 0xD8, 0xDE, 1, 32 },
		{ 0x100, 0x12F, 2, 1 }, { 0x132, 0x137, 2, 1 },
		{ 0x139, 0x148, 2, 1 }, { 0x14A, 0x177, 2, 1 },
		{ 0x179, 0x17E, 2, 1 }, { 0x1A0, 0x1A5, 2, 1 },
		{ 0x1CD, 0x1DC, 2, 1 }, { 0x1DE, 0x1EF, 2, 1 },
		{ 0x1F8, 0x21F, 2, 1 },
		{ 0x386, 0x386, 1, 38 }, { 0x388, 0x38A, 1, 37 },
		{ 0x38C, 0x38C, 1, 64 }, { 0x38E, 0x38F, 1, 63 },
		{ 0x391, 0x3A1, 1, 32 }, { 0x3A3, 0x3AB, 1, 32 },
		{ 0x3C2, 0x3C2, 1, 1 },		/* the final sigma */
		{ 0x400, 0x40F, 1, 80 }, { 0x410, 0x42F, 1, 32 },
		{ 0x460, 0x481, 2, 1 }, { 0x48A, 0x4BF, 2, 1 },
		{ 0x4D0, 0x52F, 2, 1 }, { 0x531, 0x556, 1, 48 },
		{ 0x1E00, 0x1E95, 2, 1 }, { 0x1EA0, 0x1EFF, 2, 1 },
		{ 0xFF21, 0xFF3A, 1, 32 }
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (c >= rows[i].from && c <= rows[i].to)
			return (c - rows[i].from) % rows[i].step ? c :
					c + rows[i].add;
	return c == 0x178 ? 0xFF : c;	/* the one that goes back */
}

/* ---- Knuth, Morris, Pratt: no character is looked at twice */

static void step(struct mail_find *f, uint32_t c)
{
	while (f->at && f->text[f->at] != c)
		f->at = f->back[f->at - 1];
	if (f->text[f->at] == c)
		f->at++;
}

/* One character; build: it is of what is looked for. */
static void put(struct mail_find *f, uint32_t c, bool build)
{
	bool blank = c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0;

	if (blank && f->blank)
		return;
	f->blank = blank;
	c = blank ? ' ' : mail_find_fold(c);
	if (build && f->n < MAIL_FIND_MOST)
		f->text[f->n++] = c;
	if (!build && f->at < f->n)
		step(f, c);
}

static void put_all(struct mail_find *f, struct span text, bool build)
{
	while (text.n)
		put(f, utf8_next(&text), build);
}

void mail_find_init(struct mail_find *f, struct span text)
{
	*f = (struct mail_find){ .blank = true };
	put_all(f, span_trim(text), true);
	for (unsigned i = 1, at = 0; i < f->n; i++) {
		while (at && f->text[i] != f->text[at])
			at = f->back[at - 1];
		at += f->text[i] == f->text[at];
		f->back[i] = (unsigned char)at;
	}
	mail_find_begin(f);
}

void mail_find_begin(struct mail_find *f)
{
	f->at = f->part_n = 0;
	f->blank = false;
}

/* Octets at the end of text that may be the start of a character. */
static unsigned open_end(struct span text)
{
	static const unsigned char first[] = { 0xC0, 0xE0, 0xF0 };

	for (unsigned n = 1; n <= 3 && n <= text.n; n++) {
		unsigned char c = (unsigned char)text.p[text.n - n];

		if (c >= first[n - 1] && c < 0xF8)
			return n;
		if ((c & 0xC0) != 0x80)
			return 0;
	}
	return 0;
}

/* Completes the character that the piece before began. */
static void join(struct mail_find *f, struct span *piece)
{
	while (f->part_n && piece->n) {
		struct span part;

		f->part[f->part_n++] = piece->p[0];
		*piece = span_rest(*piece, 1);
		part = span_make(f->part, f->part_n);
		if (f->part_n < sizeof(f->part) && open_end(part) == part.n)
			continue;
		f->part_n = 0;
		put_all(f, part, false);
	}
}

bool mail_find_feed(struct mail_find *f, struct span piece)
{
	unsigned open;

	join(f, &piece);
	open = open_end(piece);
	put_all(f, span_sub(piece, 0, piece.n - open), false);
	if (open) {
		memcpy(f->part, piece.p + piece.n - open, open);
		f->part_n = open;
	}
	return f->at >= f->n;
}
