/* The envelope's parser: any bytes, with the CRCs made right for half of them. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/spool_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct spool_envelope *e, const char *text,
		uint32_t size)
{
	size_t n = strlen(e->sender) + strlen(e->origin);

	for (unsigned i = 0; i < e->nrcpt; i++)
		n += strlen(e->rcpt[i].address) +
			(e->rcpt[i].dsn ? strlen(e->rcpt[i].dsn) : 0);
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (record_state_at(e, size, i) < RECORD_FIXED
				|| text[record_state_at(e, size, i)]
					!= (char)e->rcpt[i].state)
			abort();
	if (!e->nrcpt || n > RECORD_MOST)
		abort();
}

static bool same(const char *a, const char *b)
{
	return !a == !b && (!a || strcmp(a, b) == 0);
}

/* What was read can be written, and is then read the same. */
static void round_trip(const struct spool_envelope *e, struct record_head *h)
{
	struct arena *a = arena_new(RECORD_MOST * 4);
	char head[RECORD_HEAD_SIZE];
	struct spool_envelope again;
	struct str out;
	uint32_t crc;

	str_init(&out, RECORD_MOST);
	if (record_put(&out, e, &crc, NULL) == 0) {
		h->envelope = (uint32_t)out.n;
		record_head_seal(head, h, crc);
		if (record_head_get(h, span_make(head, sizeof(head))) < 0
				|| record_get(&again, str_span(&out), h, a, NULL) < 0
				|| again.nrcpt != e->nrcpt
				|| again.warned != e->warned
				|| again.held != e->held
				|| !same(again.sender, e->sender)
				|| !same(again.dsn, e->dsn)
				|| !same(again.rcpt[0].dsn, e->rcpt[0].dsn)
				|| !same(again.rcpt[0].address,
					e->rcpt[0].address))
			abort();
	}
	str_free(&out);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(1 << 20);
	struct spool_envelope e;
	struct record_head h;
	char *text = malloc(size + 1);
	char head[RECORD_HEAD_SIZE];

	memcpy(text, data, size);
	if (record_head_get(&h, span_make(text, size)) == 0)
		record_get(&e, span_make(text, size), &h, a, NULL);
	memcpy(text, data, size);
	if (size > RECORD_FIXED) {
		/* with the CRC that it would have to have */
		h = (struct record_head){ .envelope = (uint32_t)size };
		record_head_seal(head, &h,
				record_lines_crc(span_make(text, size)));
		if (record_get(&e, span_make(text, size), &h, a, NULL) == 0) {
			check(&e, text, (uint32_t)size);
			round_trip(&e, &h);
		}
	}
	free(text);
	arena_free(a);
	return 0;
}
