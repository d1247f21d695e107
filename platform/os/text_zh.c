/* The Chinese catalogue: zh_CN.po, as config/text.awk has made it. */
#include "os/text.h"

#include <stdint.h>
#include <stdlib.h>
#include "base/span.h"

/*
 * hashes: of the English texts, in order; places: where in texts the Chinese
 * ones begin.
 */
#include "text_zh.h"

/* zh, zh_CN, zh_SG: the catalogue has simplified characters. */
static bool is_wanted(void)
{
	struct span name = span_of(text_locale("LC_MESSAGES"));

	name = span_sub(name, 0, span_find(name, '.'));
	return text_utf8() && (span_is(name, "zh") || span_is(name, "zh_CN") ||
			span_is(name, "zh_SG"));
}

/* As in config/text.awk; it tells when two texts have the same one. */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 5381;

	while (*text)
		hash = hash * 33 + (unsigned char)*text++;
	return hash;
}

static int compare(const void *key, const void *entry)
{
	uint32_t a = *(const uint32_t *)key, b = *(const uint32_t *)entry;

	return a < b ? -1 : a > b;
}

const char *text_of(const char *english)
{
	static signed char wanted = -1;
	const uint32_t *found;
	uint32_t hash;

	if (wanted < 0)
		wanted = is_wanted();
	if (!wanted)
		return english;
	hash = hash_of(english);
	found = bsearch(&hash, hashes, sizeof(hashes) / sizeof(*hashes),
			sizeof(*hashes), compare);
	return found ? texts + places[found - hashes] : english;
}
