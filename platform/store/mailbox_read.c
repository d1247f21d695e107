/* All of a message. A file of its own: a fuzz target has another in its place. */
#include "store/mailbox.h"

int mailbox_read(struct mailbox *m, unsigned n,
		bool (*put)(void *arg, struct span piece), void *arg,
		struct err *err)
{
	struct mailbox_reader *r = mailbox_reader_open(m, n, err);
	char piece[4096];
	long got;

	if (!r)
		return -1;
	while ((got = mailbox_reader_next(r, piece, sizeof(piece), err)) > 0)
		if (!put(arg, span_make(piece, (size_t)got)))
			break;
	mailbox_reader_close(r);
	return got < 0 ? -1 : 0;
}
