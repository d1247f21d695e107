/* The Chinese catalogue: zh_CN.po, as config/text.awk has made it. */
#include "os/text.h"

#include <stdint.h>
#include <stdlib.h>
#include "base/span.h"

struct entry {
	uint32_t hash;		/* of the English text */
	uint32_t at;		/* where the Chinese one begins */
};

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
	uint32_t a = *(const uint32_t *)key;
	uint32_t b = ((const struct entry *)entry)->hash;

	return a < b ? -1 : a > b;
}

const char *text_of(const char *english)
{
	static signed char wanted = -1;
	const struct entry *e;
	uint32_t hash;

	if (wanted < 0)
		wanted = is_wanted();
	if (!wanted)
		return english;
	hash = hash_of(english);
	e = bsearch(&hash, entries, sizeof(entries) / sizeof(*entries),
			sizeof(*entries), compare);
	return e ? texts + e->at : english;
}
