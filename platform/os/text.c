#include "os/text.h"

#include <stdint.h>
#include <stdlib.h>
#include "base/span.h"

const char *text_locale(const char *category)
{
	const char *const names[] = { "LC_ALL", category, "LANG" };
	const char *value;

	for (size_t i = 0; i < 3; i++) {
		value = getenv(names[i]);
		if (value && *value)
			return value;
	}
	return "";
}

bool text_utf8(void)
{
	struct span name = span_of(text_locale("LC_CTYPE"));

	name = span_sub(name, 0, span_find(name, '@'));
	return span_ends(name, ".utf-8") || span_ends(name, ".utf8");
}
