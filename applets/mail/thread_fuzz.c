/* Messages that refer to each other in any way: each is shown once. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COUNT 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct mail_thread *t = mail_thread_new(COUNT);
	unsigned at[COUNT + 1], place[COUNT + 1] = { 0 }, *parent;

	/* one header a message, with a NUL between them */
	for (unsigned n = 1; t && n <= COUNT; n++)
		mail_thread_add(t, n, span_cut(&rest, '\0'));
	if (!t || mail_thread_make(t, at, &parent, NULL) < 0)
		abort();
	for (unsigned i = 1; i <= COUNT; i++) {
		if (!at[i] || at[i] > COUNT || place[at[i]])
			abort();
		place[at[i]] = i;
		/* behind what it answers */
		if (parent[at[i]] && !place[parent[at[i]]])
			abort();
	}
	free(parent);
	mail_thread_free(t);
	return 0;
}
