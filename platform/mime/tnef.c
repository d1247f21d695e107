#include "mime/tnef.h"

#include <stdio.h>
#include <string.h>
#include "base/str.h"
#include "mime/charset.h"

/* MS-OXTNEF 2.1.3.2: level, id and length, all little-endian; then the value and a checksum. */
#define SIGNATURE 0x223E9F78
#define ATTACH_TITLE 0x00018010
#define OEM_CODEPAGE 0x00069007
#define CHECKSUM 2

void tnef_init(struct tnef *t, bool (*put)(void *arg, struct span name),
		void *arg)
{
	*t = (struct tnef){ .put = put, .arg = arg, .codepage = 1252 };
}

static uint32_t number(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			(uint32_t)p[3] << 24;
}

static void end_title(struct tnef *t)
{
	struct span name = span_make(t->name, t->name_n);
	char charset[16];
	struct str out;

	name.n = span_find(name, '\0');
	snprintf(charset, sizeof(charset), t->codepage == 65001 ? "utf-8" :
			"cp%u", (unsigned)(t->codepage % 100000));
	str_init(&out, 4 * TNEF_NAME);
	charset_to_utf8(&out, name, span_of(charset));
	t->over = out.n && !t->put(t->arg, str_span(&out));
	str_free(&out);
}

static void end_head(struct tnef *t)
{
	uint32_t id = number(t->head + 1);

	t->left = number(t->head + 5);
	/* a length beyond the checksum's: there is nothing behind it */
	if (t->left > UINT32_MAX - CHECKSUM)
		t->over = true;
	t->title = id == ATTACH_TITLE;
	t->is_codepage = id == OEM_CODEPAGE && t->left >= 4;
	t->name_n = 0;
	t->value = t->left;
	t->left += CHECKSUM;
	t->n = 0;
}

static void end_value(struct tnef *t)
{
	if (t->title)
		end_title(t);
	else if (t->is_codepage && t->name_n >= 4)
		t->codepage = number((const unsigned char *)t->name);
}

/* Of a value, its checksum behind it; gives how much. */
static size_t take_value(struct tnef *t, struct span octets)
{
	size_t n = octets.n < t->left ? octets.n : t->left;

	for (size_t i = 0; i < n && t->value; i++, t->value--)
		if ((t->title || t->is_codepage) && t->name_n < TNEF_NAME)
			t->name[t->name_n++] = octets.p[i];
	t->left -= (uint32_t)n;
	if (!t->left)
		end_value(t);
	return n;
}

void tnef_put(struct tnef *t, struct span octets)
{
	while (octets.n && !t->over) {
		if (t->left) {
			octets = span_rest(octets, take_value(t, octets));
			continue;
		}
		t->head[t->n++] = (unsigned char)octets.p[0];
		octets = span_rest(octets, 1);
		if (!t->begun && t->n == 6) {
			t->over = number(t->head) != SIGNATURE;
			t->begun = true;
			t->n = 0;
		} else if (t->n == sizeof(t->head)) {
			end_head(t);
		}
	}
}
