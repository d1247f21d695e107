/* Any name of a file: flags, folder and sizes make no other message of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "store/maildir_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct maildir_entry e = maildir_entry_of(in, true), other;
	char letters[MAILDIR_FLAGS_SIZE], again[MAILDIR_FLAGS_SIZE];
	struct str name;

	maildir_flags_put(letters, in, e.low & MAILDIR_FLAG_BITS);
	str_init(&name, size + 100);
	str_add(&name, maildir_unique_part(in));
	str_addf(&name, ":2,%s", letters);
	other = maildir_entry_of(str_span(&name), false);
	if (!maildir_entry_same(&e, &other))
		abort();
	maildir_flags_put(again, str_span(&name), other.low
			& MAILDIR_FLAG_BITS);
	if (strcmp(letters, again) != 0)
		abort();
	str_free(&name);
	return 0;
}
