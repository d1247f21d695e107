#include "base/json_put.h"

#include "base/utf8.h"

void json_string(struct str *out, struct span s)
{
	str_addc(out, '"');
	while (s.n) {
		uint32_t c = utf8_next(&s);

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", (int)c);
		else if (c < ' ' || c == 127)
			str_addf(out, "\\u%04x", (unsigned)c);
		else
			utf8_put(out, c);
	}
	str_addc(out, '"');
}
