/* Any bytes as a message; the first one says how it is fed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mime/narrow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep(void *arg, struct span piece)
{
	str_add(arg, piece);
}

static struct narrow *look(struct span in, bool seven, size_t step)
{
	struct narrow *n = narrow_new(seven);

	for (size_t at = 0; at < in.n; at += step)
		narrow_look(n, span_sub(in, at, step));
	narrow_look_end(n);
	return n;
}

static void convert(struct narrow *n, struct span in, size_t step,
		struct str *out)
{
	for (size_t at = 0; at < in.n; at += step)
		narrow_write(n, span_sub(in, at, step), keep, out);
	narrow_write_end(n, keep, out);
}

/* What came out needs nothing more, and no line of it is long. */
static void check(struct span in, struct span out, const struct narrow *n,
		bool seven)
{
	struct narrow *again = look(out, seven, out.n + 1);
	struct narrow_scan scan;

	narrow_scan_init(&scan);
	narrow_scan(&scan, out);
	if (scan.long_line || narrow_needed(again) ||
			narrow_impossible(n) != narrow_impossible(again))
		abort();
	/* each octet may be three, each line 78, each part some fields more */
	if (out.n > 8 * in.n + narrow_growth(n) + 1000)
		abort();
	narrow_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_make((const char *)data, size);
	struct str once, pieces;
	struct narrow *n;
	bool seven;
	size_t step;

	if (!size)
		return 0;
	seven = *data & 1;
	step = 1 + *data / 2;
	in = span_rest(in, 1);
	str_init(&once, 1 << 24);
	str_init(&pieces, 1 << 24);
	n = look(in, seven, step);
	convert(n, in, step, &pieces);
	check(in, str_span(&pieces), n, seven);
	narrow_free(n);
	n = look(in, seven, in.n + 1);
	convert(n, in, in.n + 1, &once);
	if (!span_eq(str_span(&once), str_span(&pieces)))
		abort();
	narrow_free(n);
	str_free(&once);
	str_free(&pieces);
	return 0;
}
