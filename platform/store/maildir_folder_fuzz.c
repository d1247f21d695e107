/* Whatever a sender writes behind his plus: no way out of the Maildir. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/maildir_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char out[300];

	if (maildir_folder_path(out, sizeof(out), "m", span_make(
					(const char *)data, size), NULL) < 0)
		return 0;
	if (strcmp(out, "m") == 0)
		return 0;
	if (memcmp(out, "m/.", 3) != 0 || out[3] == '.' || out[3] == '\0'
			|| strchr(out + 2, '/') || strstr(out, "..")
			|| strlen(out + 2) > MAILDIR_FOLDER_MOST)
		abort();
	for (const char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
	return 0;
}
