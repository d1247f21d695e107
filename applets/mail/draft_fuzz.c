/*
 * Any bytes as the input of `mail -t`: what comes out is a header that no
 * field of it breaks out of, and a body that lost nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/letter.h"
#include "mail/var.h"
#include "mime/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_header(struct span header)
{
	struct header_field f;
	unsigned from = 0;

	while (header_next(&header, &f)) {
		if (span_is(f.name, "Bcc") || span_has(f.whole, '\0'))
			abort();
		from += span_is(f.name, "From");
	}
	/* all of it was header, and there is one author field */
	if (header.n || from != 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[] = "mail.a.com";
	struct conf conf = {
		.max_recipients = 20, .max_message_size = 1000000,
		.hostname = name
	};
	struct mail m = { .conf = &conf };
	struct mail_draft d;
	struct letter l;

	str_copys(m.address, sizeof(m.address), "me@a.com");
	if (mail_draft_init(&m, &d) < 0)
		abort();
	letter_init(&l, &m);
	if (mail_draft_add(&d, span_make((const char *)data, size)) == 0 &&
	    mail_draft_template(&m, &d) == 0 && letter_make(&l, &d) == 0) {
		if (!l.n || l.n > 20 || !l.sender.n)
			abort();
		check_header(str_span(&l.header));
	}
	letter_free(&l);
	mail_draft_free(&d);
	mail_var_free(&m);
	return 0;
}
