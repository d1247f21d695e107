/*
 * Whatever the file says: each line is ours or a comment, no password is in it.
 */
#include "mailconf/foreign.h"

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

/*
 * The first octet says whose file it is; what follows a NUL is that of
 * passwords.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const programs[] = { "ssmtp", "nullmailer", "dma",
		"postfix" };
	static struct msmtp m;
	struct span rest = span_make((const char *)data, size), text;
	struct span passwords;
	const char *program;
	struct str out;

	if (!size || size > MSMTP_FILE_MOST)
		return 0;
	program = programs[data[0] % 4];
	rest = span_rest(rest, 1);
	text = span_cut(&rest, '\0');
	str_init(&out, 8 << 20);
	if (foreign_parse(&m, program, text, &passwords) == 0) {
		foreign_passwords(&m, program, rest);
		msmtp_print(&m, data[0] & 4 ? "/s" : NULL, &out);
	}
	check(str_span(&out));
	str_free(&out);
	msmtp_free(&m);
	return 0;
}
