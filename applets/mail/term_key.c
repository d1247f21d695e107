/* Keys: what vt100, xterm, linux and rxvt send for them (ECMA-48). */
#include "mail/term_private.h"

#include <string.h>
#include "base/utf8.h"
#include "config.h"

#define ESCAPE 27
#define PARAMETERS 8		/* what is longer is no key of ours */

/* The next byte, or -1 and in *key what came instead. */
static int next_byte(struct mail_term *t, enum mail_input *why, uint32_t *key)
{
	if (t->in_at == t->in_n) {
		enum mail_fill got = mail_term_fill(t, why);

		*key = got == FILL_REDRAW ? KEY_REDRAW : KEY_STOP;
		if (got != FILL_DATA)
			return -1;
	}
	return (unsigned char)t->in[t->in_at++];
}

/* ESC [ 1 ; 5 D and the like: by the last letter, or the number before a ~. */
static uint32_t named(const char *parameters, int last)
{
	static const char letters[] = "ABCDHF";	/* in the order of KEY_UP... */
	static const struct {
		char number[4];
		uint32_t key;
	} numbers[] = {
		{ "1", KEY_HOME }, { "7", KEY_HOME }, { "4", KEY_END },
		{ "8", KEY_END }, { "3", KEY_DELETE }, { "5", KEY_PAGE_UP },
		{ "6", KEY_PAGE_DOWN }, { "200", KEY_PASTE },
		{ "201", KEY_PASTE_END }
	};
	static const uint32_t keys[] = {
		KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END
	};
	const char *at = last ? strchr(letters, last) : NULL;

	/* with control or alt: a word */
	if (last == 'C' && strchr(parameters, ';'))
		return KEY_WORD_RIGHT;
	if (last == 'D' && strchr(parameters, ';'))
		return KEY_WORD_LEFT;
	if (at)
		return keys[at - letters];
	for (size_t i = 0; last == '~' &&
			i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(numbers[i].number, parameters))
			return numbers[i].key;
	return KEY_NONE;
}

/* Behind ESC [ or ESC O. */
static uint32_t sequence(struct mail_term *t, enum mail_input *why, int first)
{
	char parameters[PARAMETERS + 1] = "";
	uint32_t key;
	size_t n = 0;
	int c;

	for (;;) {
		c = next_byte(t, why, &key);
		if (c < 0)
			return key;
		/* the console's ESC [ [ A */
		if (c >= 0x40 && c < 0x7f && !(c == '[' && first == '['))
			break;
		if (c < 0x20 || c > 0x7e)
			return KEY_NONE;
		if (n < PARAMETERS && c != '[')
			parameters[n++] = (char)c;
		parameters[n] = '\0';
		if (c == '[')
			first = 0;
	}
	if (!first)
		return KEY_NONE;
	if (first == 'O' && c == 'M')	/* Enter of the number pad */
		return '\n';
	if (first == 'O' && (c == 'c' || c == 'd'))	/* rxvt, control */
		return c == 'c' ? KEY_WORD_RIGHT : KEY_WORD_LEFT;
	return named(parameters, c);
}

static uint32_t escape(struct mail_term *t, enum mail_input *why)
{
	uint32_t key;
	int c = next_byte(t, why, &key);

	while (c == ESCAPE)	/* rxvt's alt: one more ESC */
		c = next_byte(t, why, &key);
	switch (c) {
	case -1:
		return key;
	case '[':
	case 'O':
		return sequence(t, why, c);
	case 'b':
		return KEY_WORD_LEFT;
	case 'f':
		return KEY_WORD_RIGHT;
	}
	return KEY_NONE;
}

/* A character of several bytes; what is none is no key. */
static uint32_t character(struct mail_term *t, enum mail_input *why, int c)
{
	char bytes[4] = { (char)c };
	size_t n = 1, most = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
	struct span text;
	uint32_t key;

	while (n < most) {
		c = next_byte(t, why, &key);
		if (c < 0)
			return key;
		if ((c & 0xc0) != 0x80) {
			t->in_at--;
			return KEY_NONE;
		}
		bytes[n++] = (char)c;
	}
	text = span_make(bytes, n);
	return utf8_valid(text) ? utf8_next(&text) : KEY_NONE;
}

uint32_t mail_term_key(struct mail_term *t, enum mail_input *why)
{
	uint32_t key;
	int c = next_byte(t, why, &key);

	if (c < 0)
		return key;
	if (!CFG_MAIL_EDIT)	/* only a pager asks */
		return (uint32_t)c;
	if (c == ESCAPE)
		return escape(t, why);
	if (c < 0x80)
		return c == t->before.c_cc[VERASE] ? 127 : (uint32_t)c;
	if (t->charset == MAIL_LATIN1 || t->charset == MAIL_LATIN9)
		return mail_term_code(t, (unsigned char)c);
	return character(t, why, c);
}
