/* Any bytes as a message list over a mailbox of seven, by number or sorted. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/find.h"
#include "mail/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Messages are full of their numbers. */
static bool match(void *arg, unsigned n, const struct mail_criterion *c)
{
	char text[] = "From: bob 0 lunch";
	struct mail_find f;

	(void)arg;
	if (n < 1 || n > 7 || c->text.n > MAIL_WORD_MOST)
		abort();
	text[10] = (char)('0' + n);
	mail_find_init(&f, c->text);
	return mail_find_feed(&f, span_make(text, sizeof(text) - 1)) || (c->from <= n && n < c->to) ||
			(n & c->set) || !(n & c->clear);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char note[8] = { 0, 0, 0, 2, 0, 1, 2, 0 };
	static const unsigned at[8] = { 0, 7, 1, 6, 2, 5, 3, 4 };
	static const unsigned place[8] = { 0, 2, 4, 6, 7, 5, 3, 1 };
	unsigned char set[8];
	struct mail_select s = { .count = 7, .note = note, .mask = 2,
		.before = 3, .now = 1795780000, .match = match };
	struct err err;
	int rc, have = 0;

	if (!size)
		return 0;
	s.dot = data[0] % 8;
	s.wide = data[0] & 8;
	s.fields = data[0] & 16;
	s.want = data[0] & 64 ? 2 : 0;
	if (data[0] & 32) {
		s.at = at;
		s.place = place;
	}
	rc = mail_select(&s, span_make((const char *)data + 1, size - 1), set,
			&err);
	for (int i = 1; i <= 7; i++) {
		have += set[i];
		if (set[i] && (note[i] & 2) != s.want)
			abort();
	}
	if (rc == 0 ? !have : !err.text[0])
		abort();
	return 0;
}
