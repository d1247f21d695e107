/* The mbox index: any file; what it says must fit the file, reading included. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/mailbox_private.h"
#include "store/mbox_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mbox_index *ix, size_t size)
{
	int64_t end = 0;

	for (unsigned i = 0; i < ix->n; i++) {
		const struct mbox_entry *e = &ix->e[i];

		if ((int64_t)e->from < end || mbox_end(e) < mbox_text(e)
				|| mbox_end(e) > (int64_t)size)
			abort();
		/* each line end may grow by one, a last line be completed */
		if (e->size > 2 * e->length + 2)
			abort();
		end = mbox_end(e);
	}
}

/* A From_ line that does not fit into the check's buffer: then all is read. */
static bool any_long(const struct mbox_index *ix)
{
	for (unsigned i = 0; i < ix->n; i++)
		if (ix->e[i].skip >= 4000)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("mbox", MFD_CLOEXEC);
	const struct mbox_look look = { .key = "key" };
	struct mbox_index ix;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (mbox_index_read(&ix, fd, 0, &look, NULL) == 0) {
		check(&ix, size);
		if (mbox_index_check(ix.e, ix.n, fd, &look, NULL) != 1
				&& !any_long(&ix))
			abort();
		mbox_index_free(&ix);
	}
	close(fd);
	return 0;
}
