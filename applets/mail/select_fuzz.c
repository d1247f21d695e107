/* Any bytes as a message list over a mailbox of seven. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool match(void *arg, unsigned n, enum mail_select_kind kind,
		struct span text)
{
	(void)arg;
	if (n < 1 || n > 7)
		abort();
	if (kind == MAIL_SELECT_DELETED)
		return n == 3;
	if (kind == MAIL_SELECT_STATE && text.n != 1)
		abort();
	return (text.n + n) % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char set[8];
	struct mail_select s = { .count = 7, .match = match };
	struct err err;
	int n, have = 0;

	if (!size)
		return 0;
	s.dot = data[0] % 8;
	s.deleted = data[0] & 64;
	n = mail_select(&s, span_make((const char *)data + 1, size - 1), set,
			&err);
	for (int i = 1; i <= 7; i++)
		have += set[i];
	if (n == 0 || (n > 0 && n != have))
		abort();
	return 0;
}
