/* Any bytes as a message list over a mailbox of seven. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char note[8] = { 0, 0, 0, 2, 0, 1, 2, 0 };
	unsigned char set[8];
	struct mail_select s = { .count = 7, .note = note, .mask = 2 };
	struct err err;
	int rc, have = 0;

	if (!size)
		return 0;
	s.dot = data[0] % 8;
	s.want = data[0] & 64 ? 2 : 0;
	rc = mail_select(&s, span_make((const char *)data + 1, size - 1), set,
			&err);
	for (int i = 1; i <= 7; i++) {
		have += set[i];
		if (set[i] && (note[i] & 2) != s.want)
			abort();
	}
	if (rc == 0 && !have)
		abort();
	return 0;
}
