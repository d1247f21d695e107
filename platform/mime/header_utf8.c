#include "mime/header_utf8.h"

enum { FIELDS, BODY, PART };		/* what the line belongs to */

/* Lines that change the state begin so. */
static const char *const begins[] = {
	[FIELDS] = "", [BODY] = "--", [PART] = "content-"
};

#define LINE_SEEN 16			/* counting on would tell nothing */

void header_utf8_init(struct header_utf8 *h)
{
	*h = (struct header_utf8){ .state = FIELDS };
}

static bool is_begun(const struct header_utf8 *h)
{
	return !begins[h->state][h->matched];
}

static void end_line(struct header_utf8 *h)
{
	if (h->state == PART)
		h->state = is_begun(h) ? FIELDS : BODY;
	else if (h->state == BODY && is_begun(h) && h->n > 2)
		h->state = PART;
	if (h->state == FIELDS) {
		h->found = h->high;
		if (!h->n)
			h->state = BODY;
	}
	h->n = h->matched = 0;
	h->high = false;
}

static void octet(struct header_utf8 *h, char c)
{
	const char *word = begins[h->state];

	if (c == '\n') {
		end_line(h);
		return;
	}
	if (c == '\r')
		return;
	if (h->n == h->matched && word[h->n] && ascii_lower(c) == word[h->n])
		h->matched++;
	/* "-- " begins a signature */
	else if (h->state == BODY && h->n == 2 && (c == ' ' || c == '\t'))
		h->matched = 0;
	if (h->n < LINE_SEEN)
		h->n++;
	h->high |= (unsigned char)c > 127;
}

void header_utf8_feed(struct header_utf8 *h, struct span piece)
{
	for (size_t i = 0; i < piece.n && !h->found; i++)
		octet(h, piece.p[i]);
}
