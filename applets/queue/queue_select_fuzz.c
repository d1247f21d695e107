/* A request's selection: any line; what is read selects only what it says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct queue_select *s)
{
	char sender[] = "a@b.c", address[] = "x@y.z";
	struct spool_rcpt rcpt[] = {
		{ address, SPOOL_WAITING, NULL }, { "d@d", SPOOL_DONE, NULL }
	};
	struct spool_envelope e = { .id = "1k", .sender = sender, .nrcpt = 2,
		.rcpt = rcpt };
	const char *all[] = { s->id, s->from, s->to, s->domain };
	bool any = false;

	for (int i = 0; i < 4; i++) {
		any |= all[i] != NULL;
		if (all[i] && strpbrk(all[i], "\t\n\r"))
			abort();
	}
	if (!any)
		abort();
	if (select_match(s, &e) && ((s->id && strcmp(s->id, "1k"))
			|| (s->domain && strcasecmp(s->domain, "y.z"))
			|| (s->to && strcasecmp(s->to, address)
				&& strcasecmp(s->to, "@y.z"))))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words = malloc(size + 1);
	struct queue_select s;

	if (!words)
		return 0;
	memcpy(words, data, size);
	words[size] = '\0';
	if (select_parse(&s, words) == 0)
		check(&s);
	free(words);
	return 0;
}
