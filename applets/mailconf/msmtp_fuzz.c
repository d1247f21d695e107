/* Whatever the file says: each line is ours or a comment, no password is in it. */
#include "mailconf/msmtp.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct span out)
{
	while (out.n) {
		struct span line = span_cut(&out, '\n');

		if (line.n && line.p[0] != '#' &&
				!span_starts(line, "smarthost ") &&
				!span_starts(line, "tls-ca ") &&
				!span_starts(line, "connect-timeout "))
			abort();
		if (span_has_control(line))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct msmtp m;
	unsigned line;
	struct str out;

	if (size > MSMTP_FILE_MOST)
		return 0;
	str_init(&out, 8 << 20);
	if (msmtp_parse(&m, span_make((const char *)data, size), &line) == 0)
		msmtp_print(&m, data && size && data[0] & 1 ? "/s" : NULL,
				&out);
	check(str_span(&out));
	str_free(&out);
	msmtp_free(&m);
	return 0;
}
